import { call } from '../../../shared/transport';
import { accountField, readAccount } from '../../fields/account';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** Ends a connection. */
export const disconnect: Operation = {
	option: {
		name: 'Disconnect',
		value: 'disconnect',
		action: 'Disconnect an account',
		description:
			'Revoke the login on the platform, where possible, and delete its tokens. Scheduled posts of the account fail.',
	},
	fields: [accountField, optionsField()],
	async execute(work) {
		const id = await readAccount(work);
		return [success(await call(work.core, 'AccountService/DisconnectAccount', { id }))];
	},
};
