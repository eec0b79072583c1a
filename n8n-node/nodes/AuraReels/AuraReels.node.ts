import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

import { auraReelsApiTest } from '../shared/credential-test';
import { choosesOutputs } from './fields/failing';
import {
	getAccounts,
	getPrivacyChoices,
	getPrivacyLevels,
	getTargets,
} from './methods/load-options';
import { searchAccounts, searchPosts } from './methods/list-search';
import { propertiesOf } from './operation';
import { RESOURCES, route } from './router';

/** The outputs of a node with these parameters. It is handed to n8n as text, so it stands on its own. */
const outputsOfNode = (parameters: { choosesOutputs?: boolean; whenPostFails?: string }) => {
	if (parameters.choosesOutputs !== true) {
		return [
			{ type: 'main', displayName: 'Success' },
			{ type: 'main', displayName: 'Needs Attention' },
		];
	}
	if (parameters.whenPostFails !== 'secondOutput') return [{ type: 'main' }];
	return [
		{ type: 'main', displayName: 'Success' },
		{ type: 'main', displayName: 'Failed' },
	];
};

export class AuraReels implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'AuraReels',
		name: 'auraReels',
		icon: { light: 'file:../../icons/aurareels.svg', dark: 'file:../../icons/aurareels.dark.svg' },
		group: ['output'],
		version: [1, 2],
		defaultVersion: 2,
		// "Publish · @ada", "Get account · @ada": what it does, and with which accounts, where their handles are known here.
		subtitle:
			'={{ $parameter["operation"].replace("getAll", "getMany").replace(/[A-Z]/g, (one) => " " + one.toLowerCase()).replace(/^./, (one) => one.toUpperCase()) + ($parameter["resource"] === "post" ? "" : " " + $parameter["resource"].replace(/[A-Z]/g, (one) => " " + one.toLowerCase())) + [].concat($parameter["account"] ?? [], $parameter["accounts"] ?? []).map((one) => String(one).replace(/( ![a-z]+)+$/, "").replace(/^[a-z]+:[0-9]+ /, "@").replace(/^@@/, "@")).filter((one) => one.startsWith("@")).map((one, at) => (at === 0 ? " · " : ", ") + one).join("") }}',
		description:
			'Publish and schedule short videos to TikTok, Instagram, Facebook and YouTube: one request, one post',
		defaults: { name: 'AuraReels' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: `={{ (${outputsOfNode})($parameter) }}`,
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
			choosesOutputs,
		],
	};

	methods = {
		credentialTest: { auraReelsApiTest },
		listSearch: { searchAccounts, searchPosts },
		loadOptions: { getAccounts, getPrivacyChoices, getPrivacyLevels, getTargets },
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await route(this);
	}
}
