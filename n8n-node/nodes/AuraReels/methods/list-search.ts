/** The searchable lists of accounts and posts. */

import type { ILoadOptionsFunctions, INodeListSearchResult } from 'n8n-workflow';

import { accountLabels, accountName, platformName } from '../../shared/accounts';
import type { Account, ListAccountsRequestInput, Post } from '../../shared/api';
import { coreForLists } from '../../shared/core';
import { nodeError } from '../../shared/errors';
import { call } from '../../shared/transport';

/** Accounts are searched among so many at a time, ... */
const ACCOUNTS = 500;

/** ... and shown in pages, because each one's quota is asked for. */
const PAGE = 20;

/** Connected accounts whose name, handle or platform has the text. */
export async function searchAccounts(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	try {
		const core = await coreForLists(this);
		const { accounts } = await call(core, 'AccountService/ListAccounts', {
			platform: platformOf(this),
			active: true,
			page_size: ACCOUNTS,
		});
		const found = accounts.filter((account) => fits(account, filter));
		const from = Number(paginationToken ?? 0);
		const page = found.slice(from, from + PAGE);
		const labels = await accountLabels(core, page);
		return {
			results: page.map((account, index) => ({ name: labels[index], value: String(account.id) })),
			paginationToken: from + PAGE < found.length ? String(from + PAGE) : undefined,
		};
	} catch (error) {
		throw nodeError(this.getNode(), error as Error);
	}
}

/** Posts whose caption, account or status has the text, newest first. */
export async function searchPosts(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	try {
		const core = await coreForLists(this);
		const answer = await call(core, 'PostService/ListPosts', {
			page_size: 100,
			page_token: paginationToken ?? '',
		});
		const wanted = (filter ?? '').trim().toLowerCase();
		const results = answer.posts
			.map((post) => ({
				name: postLabel(post),
				value: String(post.id),
				url: post.platform_post_url,
			}))
			.filter(({ name }) => name.toLowerCase().includes(wanted));
		return { results, paginationToken: answer.next_page_token || undefined };
	} catch (error) {
		throw nodeError(this.getNode(), error as Error);
	}
}

/** The platform that the node is set to, where it is set to one. */
function platformOf(context: ILoadOptionsFunctions): ListAccountsRequestInput['platform'] {
	const resource = context.getCurrentNodeParameter('resource');
	const platform = context.getCurrentNodeParameter('platform');
	const isOne = typeof platform === 'string' && platform !== '' && platform !== 'several';
	return resource === 'post' && isOne ? (platform as ListAccountsRequestInput['platform']) : null;
}

function fits(account: Account, filter?: string): boolean {
	const wanted = (filter ?? '').trim().toLowerCase();
	const texts = [
		platformName(account.platform),
		accountName(account),
		account.account_name,
		String(account.id),
	];
	return texts.some((text) => text.toLowerCase().includes(wanted));
}

function postLabel(post: Post): string {
	const caption = post.caption.length > 40 ? `${post.caption.slice(0, 39)}…` : post.caption;
	const account = post.account ? accountName(post.account) : `account ${post.social_account_id}`;
	const status = (post.status ?? 'unknown').replace('_', ' ');
	return [`${post.id}`, platformName(post.platform), account, status, caption]
		.filter(Boolean)
		.join(' · ');
}
