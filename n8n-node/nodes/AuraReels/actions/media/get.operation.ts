import { call } from '../../../shared/transport';
import { mediaField, readMediaId } from '../../fields/media';
import { optionsField } from '../../fields/options';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** One upload. */
export const get: Operation = {
	option: {
		name: 'Get',
		value: 'get',
		action: 'Get an uploaded video',
		description: 'Get the properties of an uploaded video and whether it suits each platform',
	},
	fields: [mediaField, optionsField()],
	async execute(work) {
		const media_id = readMediaId(work);
		return [success(await call(work.core, 'MediaService/GetMedia', { media_id }))];
	},
};
