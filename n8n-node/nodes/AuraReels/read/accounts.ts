/**
 * Accounts as people and workflows name them: picked from the list, by AuraReels' ID, or by handle. A handle is looked up
 * among the connected accounts, once for a run of the node.
 */

import type { IExecuteFunctions } from 'n8n-workflow';

import { accountName, PLATFORMS, platformName } from '../../shared/accounts';
import type { Account } from '../../shared/api';
import { ParameterError } from '../../shared/errors';
import { call, type Core } from '../../shared/transport';
import type { Work } from '../operation';
import { accountId, listOf } from './ids';

/**
 * What a list holds for an account: its platform, its ID, its handle for people, and which platforms it is not of:
 * "tiktok:7 @nathan !facebook !instagram !youtube". Fields depend on that (`forPlatforms`): n8n can only ask whether something
 * holds for every account.
 */
export function pickedAccount(account: Account): string {
	const others = PLATFORMS.filter((one) => one !== account.platform);
	return `${account.platform ?? 'unknown'}:${account.id} ${accountName(account)}${notOf(others)}`;
}

/** How an account says that it is of none of these platforms. */
export function notOf(platforms: readonly string[]): string {
	return platforms.map((one) => ` !${one}`).join('');
}

/** The platform and ID of an account that was picked from the list. */
export function readPicked(value: unknown): { platform: string; id: number } | undefined {
	const found = /^([a-z]+):([0-9]+)(?: .*)?$/.exec(String(value ?? '').trim());
	return found ? { platform: found[1], id: Number(found[2]) } : undefined;
}

/** The IDs of the accounts of a request, each once. */
export async function resolveAccounts(work: Work, value: unknown): Promise<number[]> {
	const given = listOf(value);
	if (given.length === 0) {
		throw new ParameterError(
			'No account is selected',
			'Select at least one account, or check that the expression in "Accounts" returns IDs or handles such as @nathan.',
		);
	}
	const ids: number[] = [];
	for (const one of given) ids.push(await resolveAccount(work, one));
	return [...new Set(ids)];
}

/** The ID of one account. An expression may also give the account itself, as Account: Get puts it out. */
export async function resolveAccount(work: Work, value: unknown): Promise<number> {
	if (typeof value === 'object' && value !== null && 'id' in value) return accountId(value.id);
	const picked = readPicked(value);
	if (picked) return accountId(picked.id);
	const text = String(value ?? '').trim();
	const [, unnamed] = /^account ([0-9]+)$/.exec(text) ?? [];
	const named = /^(?:([a-z]+):)?(@?)(.+)$/i.exec(text);
	if (unnamed || !named || (!named[1] && !named[2])) return accountId(unnamed ?? value);
	const [, platform = '', , name] = named;
	const connected = await connectedAccounts(work.node, work.core);
	const found = connected.filter(
		(account) =>
			(platform === '' || account.platform === platform.toLowerCase()) &&
			[account.account_username, account.account_name].some((known) => same(known, name)),
	);
	if (found.length === 1) return found[0].id;
	const labels = (accounts: Account[]) => accounts.map(label).join(', ');
	if (found.length === 0) {
		throw new ParameterError(
			`No connected account is called "${text}"`,
			connected.length > 0
				? `Connected accounts: ${labels(connected)}.`
				: 'Connect one with Account: Connect.',
		);
	}
	throw new ParameterError(
		`"${text}" matches several accounts: ${labels(found)}`,
		`Add the platform, such as ${found[0].platform}:${text.replace(/^.*:/, '')}, or use the ID.`,
	);
}

function label(account: Account): string {
	return `${platformName(account.platform)} ${accountName(account)} (ID ${account.id})`;
}

function same(a: string, b: string): boolean {
	return a !== '' && a.replace(/^@/, '').toLowerCase() === b.replace(/^@/, '').toLowerCase();
}

/** The accounts by user, for as long as a node runs. */
const known = new WeakMap<IExecuteFunctions, Map<string, Promise<Account[]>>>();

async function connectedAccounts(node: IExecuteFunctions, core: Core): Promise<Account[]> {
	const ofNode = known.get(node) ?? new Map<string, Promise<Account[]>>();
	known.set(node, ofNode);
	const key = JSON.stringify(core.target);
	const reading = ofNode.get(key) ?? readAccounts(core);
	ofNode.set(key, reading);
	return await reading;
}

async function readAccounts(core: Core): Promise<Account[]> {
	const all: Account[] = [];
	let page_token = '';
	do {
		const request = { active: true, page_size: 500, page_token };
		const answer = await call(core, 'AccountService/ListAccounts', request);
		all.push(...answer.accounts);
		page_token = answer.next_page_token;
	} while (page_token !== '');
	return all;
}
