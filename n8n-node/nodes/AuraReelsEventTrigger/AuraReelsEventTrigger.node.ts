import type {
	IDataObject,
	INodeType,
	INodeTypeDescription,
	ITriggerFunctions,
	ITriggerResponse,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

import { getAccounts } from '../AuraReels/methods/load-options';
import { auraReelsApiTest } from '../shared/credential-test';
import { nodeError } from '../shared/errors';
import { KINDS } from './kinds';
import { listen } from './listen';
import { showNewest } from './show-newest';

export class AuraReelsEventTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'AuraReels Trigger',
		// Not "auraReelsTrigger": n8n would show one entry for node and trigger, with this description.
		name: 'auraReelsEventTrigger',
		icon: { light: 'file:../../icons/aurareels.svg', dark: 'file:../../icons/aurareels.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{ [].concat($parameter["events"]).join(", ").replaceAll("_", " ") }}',
		description:
			'Starts the workflow when a post is published, fails or needs review, or when an account must be reconnected',
		eventTriggerDescription: '',
		activationMessage: 'AuraReels events now start your workflow.',
		defaults: { name: 'AuraReels Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'auraReelsApi', required: true, testedBy: 'auraReelsApiTest' }],
		properties: [
			{
				displayName:
					'The workflow starts once for each event, including events that happened while n8n was down. If an event is delivered again, it has the same "event_id".',
				name: 'notice',
				type: 'notice',
				default: '',
			},
			{
				displayName: 'Events',
				name: 'events',
				type: 'multiOptions',
				options: KINDS.map(({ name, value, description }) => ({ name, value, description })),
				default: ['post_published', 'post_failed', 'post_needs_review', 'account_needs_reconnect'],
				required: true,
				description: 'The events that start the workflow',
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				options: [
					{
						displayName: 'Account Names or IDs',
						name: 'accountIds',
						type: 'multiOptions',
						typeOptions: { loadOptionsMethod: 'getAccounts' },
						default: [],
						description:
							'Only events of these accounts. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
					},
					{
						displayName: 'Platforms',
						name: 'platforms',
						type: 'multiOptions',
						options: [
							{ name: 'Facebook', value: 'facebook' },
							{ name: 'Instagram', value: 'instagram' },
							{ name: 'TikTok', value: 'tiktok' },
							{ name: 'YouTube', value: 'youtube' },
						],
						default: [],
						description: 'Only events of these platforms',
					},
					{
						displayName: 'Start From',
						name: 'startFrom',
						type: 'options',
						options: [
							{ name: 'New Events', value: 'now' },
							{
								name: 'Oldest Available Event',
								value: 'oldest',
								description: 'The core keeps events for 30 days',
							},
						],
						default: 'now',
						description:
							'Where to start when the workflow is published for the first time. After that, it continues from where it stopped.',
					},
					{
						displayName: 'User ID',
						name: 'userId',
						type: 'string',
						default: '',
						placeholder: 'e.g. 1',
						description:
							"The user whose events to receive, instead of the credential's user. Requires an API key created with --any-user.",
					},
				],
			},
		],
	};

	methods = {
		credentialTest: { auraReelsApiTest },
		loadOptions: { getAccounts },
	};

	async trigger(this: ITriggerFunctions): Promise<ITriggerResponse> {
		const options = this.getNodeParameter('options', {}) as IDataObject;
		try {
			if (this.getMode() === 'manual') return showNewest(this, options);
			return await listen(this, options);
		} catch (error) {
			throw nodeError(this.getNode(), error as Error);
		}
	}
}
