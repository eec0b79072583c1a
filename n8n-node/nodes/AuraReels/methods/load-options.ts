/** The drop-down lists that the core fills. */

import type { ILoadOptionsFunctions, INodePropertyOptions } from 'n8n-workflow';

import { accountLabels } from '../../shared/accounts';
import { coreForLists } from '../../shared/core';
import { nodeError, ParameterError } from '../../shared/errors';
import { call } from '../../shared/transport';
import { accountId } from '../read/ids';

const PRIVACY_NAMES: Record<string, string> = {
	PUBLIC_TO_EVERYONE: 'Everyone',
	MUTUAL_FOLLOW_FRIENDS: 'Friends',
	FOLLOWER_OF_CREATOR: 'Followers',
	SELF_ONLY: 'Only the Creator',
};

/** Every connected account. */
export async function getAccounts(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	try {
		const core = await coreForLists(this);
		const { accounts } = await call(core, 'AccountService/ListAccounts', {
			active: true,
			page_size: 500,
		});
		const labels = await accountLabels(core, accounts);
		return accounts.map((account, index) => ({ name: labels[index], value: account.id }));
	} catch (error) {
		throw nodeError(this.getNode(), error as Error);
	}
}

/** What the creator of the chosen account offers right now. */
export async function getPrivacyLevels(
	this: ILoadOptionsFunctions,
): Promise<INodePropertyOptions[]> {
	try {
		const chosen = this.getCurrentNodeParameter('account', { extractValue: true });
		if (String(chosen ?? '').startsWith('=')) {
			throw new ParameterError(
				'The account is an expression, so its choices are not known here',
				'Give the privacy by an expression too, such as {{ $json.privacy_level }}, or pick the account from the list.',
			);
		}
		const id = accountId(chosen);
		const options = await call(await coreForLists(this), 'AccountService/GetPublishOptions', {
			id,
		});
		return options.privacy_level_options.map((value) => ({
			name: PRIVACY_NAMES[value] ?? value,
			value,
			description: `As ${options.creator_nickname || 'the creator'} offers it (${value})`,
		}));
	} catch (error) {
		throw nodeError(this.getNode(), error as Error);
	}
}
