import type { IDataObject } from 'n8n-workflow';

import { call } from '../../../shared/transport';
import { contentFields, furtherFields, targetFields } from '../../fields/content';
import { optionsField, timeZone } from '../../fields/options';
import { readScheduledAt, scheduledAt } from '../../fields/scheduled-at';
import type { Operation } from '../../operation';
import { readAccounts, readContent, readVariations } from '../../read/content';

/** A dry run: every broken rule at once. */
export const validate: Operation = {
	option: {
		name: 'Validate',
		value: 'validate',
		action: 'Validate a post',
		description:
			'Check video, caption, and options without creating anything. Returns all broken rules.',
	},
	fields: [
		...targetFields,
		...contentFields,
		...furtherFields,
		optionsField({ ...scheduledAt, required: false }, timeZone),
	],
	async execute(work) {
		const accounts = await readAccounts(work);
		const options = work.node.getNodeParameter('options', work.item, {}) as IDataObject;
		const answer = await call(work.core, 'PostService/ValidatePosts', {
			accounts,
			content: await readContent(work),
			...(await readVariations(work, accounts)),
			scheduled_at: options.scheduledAt ? readScheduledAt(work, options.scheduledAt) : null,
		});
		return [{ json: { ...answer } as unknown as IDataObject, needsAttention: !answer.valid }];
	},
};
