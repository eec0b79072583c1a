import { call } from '../../../shared/transport';
import { optionsField } from '../../fields/options';
import { platformField } from '../../fields/platform';
import { choice } from '../../../shared/values';
import type { Operation } from '../../operation';
import { success } from '../../results';

/** What a platform asks of a video. */
export const getVideoRequirements: Operation = {
	option: {
		name: 'Get Video Requirements',
		value: 'getVideoRequirements',
		action: 'Get the video requirements of a platform',
		description: 'Get what a platform requires of a video and its caption',
	},
	fields: [platformField, optionsField()],
	async execute(work) {
		const platform = work.node.getNodeParameter('platform', work.item);
		const answer = await call(work.core, 'PlatformService/GetVideoRequirements', {
			platform: choice(platformField, platform),
		});
		return [success(answer)];
	},
};
