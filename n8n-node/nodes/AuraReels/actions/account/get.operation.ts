import { call } from '../../../shared/transport';
import { accountField, readAccount } from '../../fields/account';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { accountResult } from '../../results';

/** One account. */
export const get: Operation = {
	option: {
		name: 'Get',
		value: 'get',
		action: 'Get an account',
		description: 'Get a connected account',
	},
	fields: [accountField, optionsField()],
	async execute(work) {
		const account = await call(work.core, 'AccountService/GetAccount', {
			id: await readAccount(work),
		});
		return [accountResult(account, account)];
	},
};
