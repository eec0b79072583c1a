import type { Resource } from '../../operation';
import { check } from './check.operation';
import { connect } from './connect.operation';
import { disconnect } from './disconnect.operation';
import { getAll } from './get-all.operation';
import { getPublishOptions } from './get-publish-options.operation';
import { get } from './get.operation';
import { refreshToken } from './refresh-token.operation';

/** Connected accounts of the platforms. */
export const account: Resource = {
	option: { name: 'Account', value: 'account' },
	operations: [getAll, get, connect, check, refreshToken, getPublishOptions, disconnect],
	first: 'getAll',
};
