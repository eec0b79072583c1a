/** What becomes of a post that does not go out, and how much of a post is put out. From version 2 of the node on. */

import type { INodeProperties } from 'n8n-workflow';

import { FROM_VERSION_2 } from './versions';

export const whenPostFails: INodeProperties = {
	displayName: 'When a Post Fails',
	name: 'whenPostFails',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Continue',
			value: 'sameOutput',
			description:
				'Returns one item for each post, in input order. "status" and "error" give the result.',
		},
		{
			name: 'Continue (Using Failed Output)',
			value: 'secondOutput',
			description: 'Sends posts that were not published to a second output, "Failed"',
		},
		{
			name: 'Stop Workflow',
			value: 'stop',
			description: 'Ends the execution with an error and starts error workflows',
		},
	],
	default: 'stop',
	displayOptions: { show: FROM_VERSION_2 },
	description:
		'What to do when an item is refused, or when a post fails, needs review, or is not published within the wait limit. "Stop Workflow" stops at the first refused item; for anything else it processes all items first.',
};

/** The same where only a wait can find out. */
export const whenPostFailsAfterWait: INodeProperties = {
	...whenPostFails,
	displayOptions: { show: { ...FROM_VERSION_2, waitForResult: [true] } },
};

export const simplify: INodeProperties = {
	displayName: 'Simplify',
	name: 'simplify',
	type: 'boolean',
	default: true,
	displayOptions: { show: FROM_VERSION_2 },
	description: 'Whether to return a simplified version of the response instead of the raw data',
};

/** Says to the expression of the node's outputs which version it is: that cannot ask n8n. */
export const choosesOutputs: INodeProperties = {
	displayName: 'Chooses Outputs',
	name: 'choosesOutputs',
	type: 'hidden',
	default: true,
	displayOptions: { show: FROM_VERSION_2 },
};
