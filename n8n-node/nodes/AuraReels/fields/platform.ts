/** One platform. */

import type { INodeProperties } from 'n8n-workflow';

export const platformField: INodeProperties = {
	displayName: 'Platform',
	name: 'platform',
	type: 'options',
	options: [
		{ name: 'Facebook', value: 'facebook' },
		{ name: 'Instagram', value: 'instagram' },
		{ name: 'TikTok', value: 'tiktok' },
		{ name: 'YouTube', value: 'youtube' },
	],
	default: 'tiktok',
};
