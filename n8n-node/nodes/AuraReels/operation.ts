/** What an operation is, and what it hands back. */

import type {
	IDataObject,
	IExecuteFunctions,
	INodeProperties,
	INodePropertyOptions,
} from 'n8n-workflow';

import type { Post } from '../shared/api';
import type { Core } from '../shared/transport';

/** One item being worked on. */
export interface Work {
	node: IExecuteFunctions;
	/** Index of the input item. */
	item: number;
	core: Core;
}

/** One item to put out. */
export interface Result {
	json: IDataObject;
	/** True for the second output of version 1 of the node. */
	needsAttention: boolean;
	/** The post that it is about, and what is said beside it. */
	post?: Post;
	more?: IDataObject;
	/** Whether the post was to go out, so that one that did not is a failure (from version 2 on). */
	isJudged?: boolean;
	/** Set when the post's outcome is to be waited for; the router then waits for all items' posts together. */
	wait?: Wait;
}

/** What to wait for, and what to do with it. */
export interface Wait {
	post: Post;
	limitMs: number;
	/** The item once the outcome is known or the limit has passed. */
	settle(post: Post, outcome: WaitOutcome): Promise<Result> | Result;
}

/** How waiting ended. */
export type WaitOutcome = 'finished' | 'limit_reached';

/** One operation of a resource. */
export interface Operation {
	/** Its entry in the list of operations. */
	option: INodePropertyOptions;
	/** Its own fields. */
	fields: INodeProperties[];
	execute(work: Work): Promise<Result[]>;
}

/** A resource with its operations. */
export interface Resource {
	/** Its entry in the list of resources. */
	option: INodePropertyOptions;
	operations: Operation[];
	/** The operation that is chosen at first. */
	first: string;
}

const OPERATION: INodeProperties = {
	displayName: 'Operation',
	name: 'operation',
	type: 'options',
	noDataExpression: true,
	options: [],
	default: '',
};

/** The properties of a resource: the choice of operation, then each operation's fields, shown only for it. */
export function propertiesOf(resource: Resource): INodeProperties[] {
	const value = resource.option.value as string;
	const choice: INodeProperties = {
		...OPERATION,
		displayOptions: { show: { resource: [value] } },
		// In the order of their use: what people come for stands on top.
		options: resource.operations.map((operation) => operation.option),
		default: resource.first,
	};
	return [
		choice,
		...resource.operations.flatMap((operation) =>
			operation.fields.map((field) => ({
				...field,
				displayOptions: {
					...field.displayOptions,
					// In this order: n8n looks no further than a field that holds an expression, and takes it as fitting.
					show: {
						resource: [value],
						operation: [operation.option.value as string],
						...field.displayOptions?.show,
					},
				},
			})),
		),
	];
}
