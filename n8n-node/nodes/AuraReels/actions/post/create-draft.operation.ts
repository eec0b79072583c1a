import type { IDataObject } from 'n8n-workflow';

import { call } from '../../../shared/transport';
import { contentFields, furtherFields, targetFields } from '../../fields/content';
import { simplify } from '../../fields/failing';
import { optionsField, timeZone } from '../../fields/options';
import { requestKey } from '../../fields/request';
import { readScheduledAt, scheduledAt } from '../../fields/scheduled-at';
import type { Operation, Result, Work } from '../../operation';
import { readAccounts, readContent } from '../../read/content';
import { text } from '../../../shared/values';
import { postResult } from '../../results';

/** Kept, not checked yet, and not published by itself. */
export const createDraft: Operation = {
	option: {
		name: 'Create Draft',
		value: 'createDraft',
		action: 'Create a draft of a post',
		description:
			'Save a post without publishing it, for one or more accounts. Broken rules are returned as warnings. Continue with Reschedule or Publish Scheduled.',
	},
	fields: [
		...targetFields,
		...contentFields,
		simplify,
		...furtherFields,
		optionsField(
			requestKeyOfDraft(),
			{
				...scheduledAt,
				required: false,
				description: 'When to publish the post once it is scheduled',
			},
			timeZone,
		),
	],
	async execute(work) {
		const options = work.node.getNodeParameter('options', work.item, {}) as IDataObject;
		const accounts = await readAccounts(work);
		const content = await readContent(work);
		const scheduled_at = options.scheduledAt ? readScheduledAt(work, options.scheduledAt) : null;
		const key = text(options.requestKey, 'Request Key') || keyOfRun(work);
		const results: Result[] = [];
		for (const account_id of accounts) {
			const request_key = accounts.length > 1 ? `${key}:${account_id}` : key;
			const request = { account_id, content, scheduled_at, request_key };
			results.push(postResult(await call(work.core, 'PostService/CreateDraft', request)));
		}
		return results;
	},
};

function requestKeyOfDraft() {
	return {
		...requestKey,
		description:
			'Your own name for this request, up to 128 bytes. The same key always gives the same draft. If empty, each execution creates its own draft, and its retries find it again.',
	};
}

/** Drafts have no key that follows from their content: two of the same are two. A node that is tried again is not. */
function keyOfRun({ node, item }: Work): string {
	return `n8n:${node.getExecutionId()}:${node.getNode().id}:${item}`;
}
