import type { INodeProperties } from 'n8n-workflow';

import { call } from '../../../shared/transport';
import { accountField, readAccount } from '../../fields/account';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { flag } from '../../../shared/values';
import { accountResult } from '../../results';

const onlyIfNeeded: INodeProperties = {
	displayName: 'Only If Needed',
	name: 'onlyIfNeeded',
	type: 'boolean',
	default: true,
	description:
		'Whether to keep a token that is still valid long enough: for 24 hours, or a quarter of its lifetime for short-lived tokens',
};

/** A fresh access token. */
export const refreshToken: Operation = {
	option: {
		name: 'Refresh Token',
		value: 'refreshToken',
		action: 'Refresh the token of an account',
		description: "Refresh an account's access token",
	},
	fields: [accountField, onlyIfNeeded, optionsField()],
	async execute(work) {
		const answer = await call(work.core, 'AccountService/RefreshToken', {
			id: await readAccount(work),
			only_if_needed:
				flag(work.node.getNodeParameter('onlyIfNeeded', work.item, true), 'Only If Needed') ?? true,
		});
		return [accountResult(answer.account, answer)];
	},
};
