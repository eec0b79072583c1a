import { call } from '../../../shared/transport';
import { accountField, readAccount } from '../../fields/account';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** What may be chosen for a post right now. */
export const getPublishOptions: Operation = {
	option: {
		name: 'Get Publish Options',
		value: 'getPublishOptions',
		action: 'Get the publish options of an account',
		description:
			'Ask the platform which options a post has right now: privacy, comments, and maximum video length',
	},
	fields: [accountField, optionsField()],
	async execute(work) {
		const id = await readAccount(work);
		return [success(await call(work.core, 'AccountService/GetPublishOptions', { id }))];
	},
};
