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
	hint: 'The name of the input field containing the video file to be uploaded',
};

/** A video file into the core, for posts that are made later. */
export const upload: Operation = {
	option: {
		name: 'Upload',
		value: 'upload',
		action: 'Upload a video',
		description:
			'Upload a video file to publish or schedule later, by its media ID. The same file always gets the same media ID.',
	},
	fields: [binaryField, optionsField()],
	async execute(work) {
		const field = work.node.getNodeParameter('binaryPropertyName', work.item, 'data') as string;
		return [success(await uploadBinary(work, field))];
	},
};
