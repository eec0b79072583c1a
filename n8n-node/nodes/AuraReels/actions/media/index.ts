import type { Resource } from '../../operation';
import { deleteMedia } from './delete.operation';
import { getAll } from './get-all.operation';
import { get } from './get.operation';
import { probe } from './probe.operation';
import { upload } from './upload.operation';

/** Videos that were uploaded, and a look at others. */
export const media: Resource = {
	option: { name: 'Media', value: 'media' },
	operations: [upload, get, getAll, probe, deleteMedia],
	first: 'upload',
};
