/** The drop-down lists that the core fills. */

import type { ILoadOptionsFunctions, INodePropertyOptions } from 'n8n-workflow';

import { accountLabels } from '../../shared/accounts';
import type { Account } from '../../shared/api';
import { coreForLists } from '../../shared/core';
import { explain, nodeError, ParameterError } from '../../shared/errors';
import { call } from '../../shared/transport';
import { pickedAccount, readPicked } from '../read/accounts';
import { accountId, listOf } from '../read/ids';

const PRIVACY_NAMES: Record<string, string> = {
	PUBLIC_TO_EVERYONE: 'Everyone',
	MUTUAL_FOLLOW_FRIENDS: 'Friends',
	FOLLOWER_OF_CREATOR: 'Followers',
	SELF_ONLY: 'Only the Creator',
};

/** Every connected account, by its ID. */
export async function getAccounts(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	return await accountOptions(this, ({ id }) => id);
}

/** Every connected account, with its platform, on which the fields of a post depend. */
export async function getTargets(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	return await accountOptions(this, pickedAccount);
}

async function accountOptions(
	context: ILoadOptionsFunctions,
	value: (account: Account) => INodePropertyOptions['value'],
): Promise<INodePropertyOptions[]> {
	try {
		const core = await coreForLists(context);
		const { accounts } = await call(core, 'AccountService/ListAccounts', {
			active: true,
			page_size: 500,
		});
		const labels = await accountLabels(core, accounts);
		return accounts.map((account, index) => ({ name: labels[index], value: value(account) }));
	} catch (error) {
		throw nodeError(context.getNode(), error as Error);
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
				'The account is an expression, so its choices cannot be listed',
				'Use an expression here too, such as {{ $json.privacy_level }}, or select the account from the list.',
			);
		}
		const id = accountId(chosen);
		const options = await call(await coreForLists(this), 'AccountService/GetPublishOptions', {
			id,
		});
		return options.privacy_level_options.map((value) => ({
			name: PRIVACY_NAMES[value] ?? value,
			value,
			description: `Available to ${options.creator_nickname || 'the creator'} (${value})`,
		}));
	} catch (error) {
		throw nodeError(this.getNode(), error as Error);
	}
}

/** Words that the core understands for every platform. */
const WORDS: INodePropertyOptions[] = [
	{ name: 'Everyone', value: 'PUBLIC' },
	{
		name: 'Friends',
		value: 'FRIENDS',
		description: 'TikTok only: followers whom the creator follows back',
	},
	{ name: 'Everyone With the Link', value: 'UNLISTED', description: 'YouTube only' },
	{ name: 'Only the Owner', value: 'PRIVATE', description: 'TikTok and YouTube only' },
];

/** An entry that chooses nothing, and says why there is nothing to choose. */
function nothing(name: string, description = ''): INodePropertyOptions[] {
	return [{ name, value: '', description }];
}

/** "Ada", "Ada and Nathan", "Ada, Nathan and 48 others". */
function someOf(names: string[]): string {
	if (names.length === 1) return names[0];
	const named = names.slice(0, 2);
	if (names.length === 2) return named.join(' and ');
	const others = names.length - named.length;
	return `${named.join(', ')} and ${others} other${others > 1 ? 's' : ''}`;
}

/**
 * Who can see a post on all of the chosen accounts. Where TikTok alone is posted to, what its creators offer right now. A
 * list that is empty says why: an error would stand in the panel before anything was chosen.
 */
export async function getPrivacyChoices(
	this: ILoadOptionsFunctions,
): Promise<INodePropertyOptions[]> {
	const chosen = this.getCurrentNodeParameter('accounts');
	if (typeof chosen === 'string' && chosen.startsWith('=')) return WORDS;
	const picked = listOf(chosen).map(readPicked);
	if (picked.length === 0) return nothing('Select an account first');
	const platforms = new Set(picked.map((one) => one?.platform));
	if (!platforms.has('tiktok')) return WORDS.filter(({ value }) => value !== 'FRIENDS');
	if (platforms.size > 1) return WORDS.filter(({ value }) => value !== 'UNLISTED');
	try {
		const core = await coreForLists(this);
		const creators = await Promise.all(
			picked.map(
				async (one) => await call(core, 'AccountService/GetPublishOptions', { id: one?.id ?? 0 }),
			),
		);
		const stopped = creators.find(({ can_post }) => can_post === false);
		if (stopped) {
			const name = stopped.creator_nickname || 'The creator';
			return nothing(`${name} cannot post now: ${stopped.reason}`);
		}
		const [first, ...others] = creators.map(({ privacy_level_options }) => privacy_level_options);
		const common = first.filter((value) => others.every((offered) => offered.includes(value)));
		if (common.length === 0) {
			return nothing('These creators have no choice in common', 'Post to them separately');
		}
		const names = creators.map(({ creator_nickname }) => creator_nickname || 'the creator');
		return common.map((value) => ({
			name: PRIVACY_NAMES[value] ?? value,
			value,
			description: `Available to ${someOf(names)} (${value})`,
		}));
	} catch (error) {
		const { message, description } = explain(error as Error);
		return nothing(`TikTok's choices could not be loaded: ${message}`, description);
	}
}
