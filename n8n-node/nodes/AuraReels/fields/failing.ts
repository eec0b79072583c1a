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
			name: 'Go On by the Same Output',
			value: 'sameOutput',
			description: 'One item for each post, in order; "status" and "error" say how it went',
		},
		{
			name: 'Go On by a Second Output',
			value: 'secondOutput',
			description: 'What did not go out leaves by the output "Failed"',
		},
		{
			name: 'Stop With an Error',
			value: 'stop',
			description: 'The execution fails, and error workflows start',
		},
	],
	default: 'stop',
	displayOptions: { show: FROM_VERSION_2 },
	description:
		'What to do with an item that is refused, and with a post that fails, needs review, or is not out when the wait is over. With "Stop", the other items are worked on first unless one is refused.',
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
