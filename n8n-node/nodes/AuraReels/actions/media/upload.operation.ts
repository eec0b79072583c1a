import type { INodeProperties } from 'n8n-workflow';

import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { uploadBinary } from '../../read/upload';
import { success } from '../../results';

const binaryField: INodeProperties = {
	displayName: 'Input Binary Field',
	name: 'binaryPropertyName',
	type: 'string',
	default: 'data',
	required: true,
	placeholder: 'e.g. data',
	hint: 'The name of the input binary field with the video file',
};

/** A video file into the core, for posts that are made later. */
export const upload: Operation = {
	option: {
		name: 'Upload',
		value: 'upload',
		action: 'Upload a video',
		description:
			'Upload a video file and get its media ID, to publish or schedule it later. The same file again is the same media.',
	},
	fields: [binaryField, optionsField()],
	async execute(work) {
		const field = work.node.getNodeParameter('binaryPropertyName', work.item, 'data') as string;
		return [success(await uploadBinary(work, field))];
	},
};
