/** What makes a request to publish or schedule the same as another one. */

import type { IDataObject, INodeProperties } from 'n8n-workflow';

import type { PublishPostsRequestInput } from '../../shared/api';
import type { Work } from '../operation';
import { readAccounts, readContent, readVariations } from '../read/content';
import { flag, text } from '../../shared/values';

export const allowDuplicate: INodeProperties = {
	displayName: 'Allow Duplicate',
	name: 'allowDuplicate',
	type: 'boolean',
	default: false,
	description: 'Whether to post the same content again on purpose. Requires a new request key.',
};

export const requestKey: INodeProperties = {
	displayName: 'Request Key',
	name: 'requestKey',
	type: 'string',
	default: '',
	placeholder: 'e.g. campaign-2041',
	description:
		'Your own name for this request, up to 128 bytes. However often the node runs, the same key never creates a second post. Leave empty to have the core derive it from the account, video, caption, and time.',
};

/** Reads the request that Publish and Schedule have in common. */
export async function readRequest(work: Work): Promise<PublishPostsRequestInput> {
	const options = work.node.getNodeParameter('options', work.item, {}) as IDataObject;
	const accounts = await readAccounts(work);
	const variations = await readVariations(work, accounts);
	return {
		accounts,
		content: await readContent(work),
		...variations,
		request_key: text(options.requestKey, 'Request Key'),
		allow_duplicate: flag(options.allowDuplicate, 'Allow Duplicate') === true,
	};
}
