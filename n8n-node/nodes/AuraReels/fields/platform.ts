/** One platform. */

import type { INodeProperties } from 'n8n-workflow';

export const platformField: INodeProperties = {
	displayName: 'Platform',
	name: 'platform',
	type: 'options',
	options: [
		{ name: 'Instagram', value: 'instagram' },
		{ name: 'TikTok', value: 'tiktok' },
	],
	default: 'tiktok',
};
