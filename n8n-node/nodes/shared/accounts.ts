/** Accounts as a person picks them: platform, handle, health and what is left of the quota. */

import type { Account, Quota } from './api';
import { call, type Core } from './transport';

/** Asked at once for a list; the others are shown without their quota. */
const MOST_QUOTAS = 25;

/** A list in the editor does not wait longer for a quota: some platforms have to be asked for it. */
const QUOTA_TIMEOUT_MS = 4_000;

const PLATFORM_NAMES: Record<string, string> = {
	tiktok: 'TikTok',
	instagram: 'Instagram',
	facebook: 'Facebook',
	youtube: 'YouTube',
};

/** Every platform, in the order of the alphabet. */
export const PLATFORMS = Object.keys(PLATFORM_NAMES).sort();

const HEALTH_NAMES: Record<string, string> = {
	ok: 'OK',
	expiring: 'login expires soon',
	needs_reconnect: 'must be reconnected',
};

/** A platform as people write it. */
export function platformName(platform: string | null): string {
	return PLATFORM_NAMES[platform ?? ''] ?? platform ?? 'Unknown platform';
}

/** An account's handle, or the next best name. */
export function accountName(
	account: Pick<Account, 'account_username' | 'account_name' | 'id'>,
): string {
	if (account.account_username) return `@${account.account_username}`;
	return account.account_name || `account ${account.id}`;
}

/** The labels of these accounts, in their order. */
export async function accountLabels(core: Core, accounts: Account[]): Promise<string[]> {
	const patient = { ...core, timeoutMs: QUOTA_TIMEOUT_MS };
	return await Promise.all(
		accounts.map(async (account, index) => {
			const parts = [
				platformName(account.platform),
				accountName(account),
				HEALTH_NAMES[account.health ?? ''] ?? 'health unknown',
			];
			if (account.is_active && index < MOST_QUOTAS) {
				// A quota that cannot be had must not hide the account.
				const quota = await call(patient, 'AccountService/GetQuota', { id: account.id }).catch(
					() => null,
				);
				if (quota) parts.push(...remaining(quota));
			}
			return parts.join(' · ');
		}),
	);
}

/** "3 of 25 posts left". */
export function remaining(quota: Quota): string[] {
	const found = remainingPosts(quota);
	return found ? [`${found.left} of ${found.of} posts left`] : [];
}

/** What is left: of the platform's limit, or of the core's own where that is narrower or the only one. */
export function remainingPosts(quota: Quota): { left: number; of: number } | undefined {
	const platform =
		quota.total === null
			? null
			: { left: Math.max(0, quota.total - (quota.used ?? 0)), of: quota.total };
	const own =
		quota.daily_limit === null ? null : { left: quota.daily_remaining ?? 0, of: quota.daily_limit };
	const narrower =
		platform && own ? (own.left < platform.left ? own : platform) : (platform ?? own);
	return narrower ?? undefined;
}
