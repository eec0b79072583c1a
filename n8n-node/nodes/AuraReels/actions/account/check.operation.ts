import { call } from '../../../shared/transport';
import { accountField, readAccount } from '../../fields/account';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { accountResult } from '../../results';

/** Whether the login still works. */
export const check: Operation = {
	option: {
		name: 'Check',
		value: 'check',
		action: 'Check an account',
		description:
			'Ask the platform whether the login still works, and update the health of the account',
	},
	fields: [accountField, optionsField()],
	async execute(work) {
		const account = await call(work.core, 'AccountService/CheckAccount', {
			id: await readAccount(work),
		});
		return [accountResult(account, account)];
	},
};
