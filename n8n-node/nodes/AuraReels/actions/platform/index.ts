import type { Resource } from '../../operation';
import { getVideoRequirements } from './get-video-requirements.operation';

/** What the platforms ask for. */
export const platform: Resource = {
	option: { name: 'Platform', value: 'platform' },
	operations: [getVideoRequirements],
	first: 'getVideoRequirements',
};
