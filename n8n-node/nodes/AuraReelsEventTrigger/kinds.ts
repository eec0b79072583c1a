/** The kinds of events that a workflow can start on, and how they are told from the core's events. */

import type { INodePropertyOptions } from 'n8n-workflow';

import type { Event, EventType, PostStatus } from '../shared/api';

interface Kind extends INodePropertyOptions {
	value: string;
	/** The core's types among which it is found. */
	types: EventType[];
	/** The status that the post reached; any when absent. */
	status?: PostStatus;
}

/** Every kind, in the order in which the list shows them. The first that fits names the event. */
export const KINDS: Kind[] = [
	{
		name: 'Account Connected',
		value: 'account_connected',
		description: 'An account was connected, or connected again',
		types: ['account_connected'],
	},
	{
		name: 'Account Disconnected',
		value: 'account_disconnected',
		description: 'An account was disconnected',
		types: ['account_disconnected'],
	},
	{
		name: 'Account Needs Reconnect',
		value: 'account_needs_reconnect',
		description: 'The platform refuses the login, so the owner must connect the account again',
		types: ['account_needs_reconnect'],
	},
	{
		name: 'Post Cancelled',
		value: 'post_cancelled',
		description: 'A post was cancelled',
		types: ['post_status_changed'],
		status: 'cancelled',
	},
	{
		name: 'Post Delivered',
		value: 'post_delivered',
		description: "A post is in the creator's TikTok inbox",
		types: ['post_status_changed'],
		status: 'delivered',
	},
	{
		name: 'Post Failed',
		value: 'post_failed',
		description: 'A post failed and is definitely not on the platform',
		types: ['post_status_changed'],
		status: 'failed',
	},
	{
		name: 'Post Needs Review',
		value: 'post_needs_review',
		description: 'It is not known whether a post is live, so a person must check',
		types: ['post_status_changed'],
		status: 'needs_review',
	},
	{
		name: 'Post Published',
		value: 'post_published',
		description: 'A post is live',
		types: ['post_status_changed'],
		status: 'published',
	},
	{
		name: 'Post Scheduled',
		value: 'post_scheduled',
		description: 'A post was scheduled',
		types: ['post_created', 'post_status_changed'],
		status: 'scheduled',
	},
	{
		name: 'Post Status Changed',
		value: 'post_status_changed',
		description: 'A post changed to any status',
		types: ['post_status_changed'],
	},
];

/** What a workflow starts on. */
export interface Wanted {
	/** Values of KINDS. */
	kinds: string[];
	/** Only these accounts; all when empty. */
	accountIds: number[];
	/** Only these platforms; all when empty. */
	platforms: string[];
}

/** The core's types among which all that is wanted is found. */
export function typesOf(wanted: Wanted): EventType[] {
	return [
		...new Set(
			KINDS.filter(({ value }) => wanted.kinds.includes(value)).flatMap(({ types }) => types),
		),
	];
}

/** The kind of an event, or `undefined` when it is not wanted. */
export function kindOf(event: Event, wanted: Wanted): string | undefined {
	if (wanted.accountIds.length > 0 && !wanted.accountIds.includes(event.account_id))
		return undefined;
	const platform = event.post?.platform ?? event.account?.platform ?? '';
	if (wanted.platforms.length > 0 && !wanted.platforms.includes(platform)) return undefined;
	return KINDS.find(
		({ value, types, status }) =>
			wanted.kinds.includes(value) &&
			types.includes(event.type as EventType) &&
			(status === undefined || status === event.status),
	)?.value;
}
