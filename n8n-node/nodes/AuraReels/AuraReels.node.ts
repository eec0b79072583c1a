import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

import { auraReelsApiTest } from '../shared/credential-test';
import { getAccounts, getPrivacyLevels } from './methods/load-options';
import { searchAccounts, searchPosts } from './methods/list-search';
import { propertiesOf } from './operation';
import { RESOURCES, route } from './router';

export class AuraReels implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'AuraReels',
		name: 'auraReels',
		icon: { light: 'file:../../icons/aurareels.svg', dark: 'file:../../icons/aurareels.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle: '={{ $parameter["operation"] + ": " + $parameter["resource"] }}',
		description: 'Publish and schedule short videos to TikTok and Instagram: one request, one post',
		defaults: { name: 'AuraReels' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		outputNames: ['Success', 'Needs Attention'],
		credentials: [{ name: 'auraReelsApi', required: true, testedBy: 'auraReelsApiTest' }],
		properties: [
			{
				displayName: 'Resource',
				name: 'resource',
				type: 'options',
				noDataExpression: true,
				options: RESOURCES.map(({ option }) => option),
				default: 'post',
			},
			...RESOURCES.flatMap(propertiesOf),
		],
	};

	methods = {
		credentialTest: { auraReelsApiTest },
		listSearch: { searchAccounts, searchPosts },
		loadOptions: { getAccounts, getPrivacyLevels },
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await route(this);
	}
}
