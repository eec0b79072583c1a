import type { Resource } from '../../operation';
import { deleteJob } from './delete.operation';
import { getAll } from './get-all.operation';
import { get } from './get.operation';
import { save } from './save.operation';

/** Videos that workflows make, and what a language model says of them. */
export const videoJob: Resource = {
	option: { name: 'Video Job', value: 'videoJob' },
	operations: [save, get, getAll, deleteJob],
	first: 'save',
};
