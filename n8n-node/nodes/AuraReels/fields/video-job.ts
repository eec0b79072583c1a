/** A video job: what a workflow knows of a video that it makes. */

import type { INodeProperties } from 'n8n-workflow';

import { ParameterError } from '../../shared/errors';
import type { Work } from '../operation';
import { text } from '../../shared/values';

export const videoJobField: INodeProperties = {
	displayName: 'Video Job ID',
	name: 'videoJobId',
	type: 'string',
	default: '',
	required: true,
	placeholder: 'e.g. render-2041',
	description: 'Your own name for the job, up to 255 characters',
};

/** Reads it. */
export function readVideoJobId(work: Work): string {
	const id = text(work.node.getNodeParameter('videoJobId', work.item, ''), 'Video Job ID');
	if (id === '') {
		throw new ParameterError(
			'"Video Job ID" is empty',
			'Enter the "video_job_id" that the job was saved with.',
		);
	}
	return id;
}
