import type { IDataObject } from 'n8n-workflow';

import { remainingPosts } from '../../../shared/accounts';
import { call, CoreError } from '../../../shared/transport';
import { accountField, readAccount } from '../../fields/account';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** What the core answers when the platform says that nothing is left. */
const USED_UP = 'QUOTA_EXCEEDED';

/** How many posts are left. */
export const get: Operation = {
	option: {
		name: 'Get',
		value: 'get',
		action: 'Get the quota of an account',
		description:
			'Get how many posts an account can still publish. "remaining" is 0 if none are left.',
	},
	fields: [accountField, optionsField()],
	async execute(work) {
		const id = await readAccount(work);
		return await call(work.core, 'AccountService/GetQuota', { id }).then(
			(quota) => {
				const left = remainingPosts(quota)?.left ?? null;
				return [success(quota, { remaining: quota.blocked_until ? 0 : left, reason: '' })];
			},
			async (error: Error) => {
				const isUsedUp = error instanceof CoreError && error.failure.reason === USED_UP;
				if (!isUsedUp) return await Promise.reject(error);
				return [success(await nothingLeft(work.core, id, error))];
			},
		);
	},
};

/** TikTok tells no count; that nothing is left it tells by refusing. That is an answer, and no error. */
async function nothingLeft(
	core: Parameters<typeof call>[0],
	id: number,
	{ failure }: CoreError,
): Promise<IDataObject> {
	const { platform } = await call(core, 'AccountService/GetAccount', { id });
	const until = failure.retryDelayMs === null ? null : Date.now() + failure.retryDelayMs;
	return {
		account_id: id,
		platform,
		used: null,
		total: null,
		window_seconds: 86_400,
		published_by_aurareels: null,
		daily_limit: null,
		daily_remaining: null,
		blocked_until: until === null ? null : new Date(until).toISOString(),
		remaining: 0,
		reason: failure.message,
	};
}
