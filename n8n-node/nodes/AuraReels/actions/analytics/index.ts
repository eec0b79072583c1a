import type { Resource } from '../../operation';
import { getAll } from './get-all.operation';
import { get } from './get.operation';
import { sync } from './sync.operation';

/** How published posts do. */
export const analytics: Resource = {
	option: { name: 'Analytics', value: 'analytics' },
	operations: [get, getAll, sync],
	first: 'get',
};
