import type { Resource } from '../../operation';
import { get } from './get.operation';

/** How many posts an account may still publish. */
export const quota: Resource = {
	option: { name: 'Quota', value: 'quota' },
	operations: [get],
	first: 'get',
};
