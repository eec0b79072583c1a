/** A video that is in the core already. */

import type { INodeProperties } from 'n8n-workflow';

import { ParameterError } from '../../shared/errors';
import type { Work } from '../operation';
import { text } from '../../shared/values';

export const mediaField: INodeProperties = {
	displayName: 'Media ID',
	name: 'mediaId',
	type: 'string',
	default: '',
	required: true,
	placeholder: 'e.g. {{ $json.media_id }}',
	description: 'The "media_id" returned by Media: Upload or Media: Get Many, or that of a post',
};

/** Reads it. */
export function readMediaId(work: Work): string {
	const id = text(work.node.getNodeParameter('mediaId', work.item, ''), 'Media ID');
	if (id === '') {
		throw new ParameterError(
			'"Media ID" is empty',
			'Enter the "media_id" returned by Media: Upload or Media: Get Many.',
		);
	}
	return id;
}
