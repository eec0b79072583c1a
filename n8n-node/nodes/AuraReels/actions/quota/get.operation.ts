import { call } from '../../../shared/transport';
import { accountField, readAccount } from '../../fields/account';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** How many posts are left. */
export const get: Operation = {
	option: {
		name: 'Get',
		value: 'get',
		action: 'Get the quota of an account',
		description: 'Get how many posts an account may still publish',
	},
	fields: [accountField, optionsField()],
	async execute(work) {
		return [success(await call(work.core, 'AccountService/GetQuota', { id: readAccount(work) }))];
	},
};
