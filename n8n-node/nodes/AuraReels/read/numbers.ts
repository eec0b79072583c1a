/** The numbers of a post as an item: those in common words on top, where a next node finds them. */

import type { IDataObject } from 'n8n-workflow';

import type { PostAnalytics } from '../../shared/api';

export function numbersOf(found: PostAnalytics): IDataObject {
	const { post_id, numbers, platform_numbers, history, ...rest } = found;
	const named = platform_numbers.map(({ name, value }) => [name, value] as const);
	return {
		post_id,
		views: numbers?.views ?? null,
		likes: numbers?.likes ?? null,
		comments: numbers?.comments ?? null,
		shares: numbers?.shares ?? null,
		saves: numbers?.saves ?? null,
		reach: numbers?.reach ?? null,
		engagement_rate: numbers?.engagement_rate ?? null,
		...rest,
		platform_numbers: Object.fromEntries(named),
		history: history.map(({ at, numbers: then }) => ({ at, ...then })),
	};
}
