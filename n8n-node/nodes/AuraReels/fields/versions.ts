/** Fields that are there in some versions of the node only. Workflows keep the version with which their node was added. */

import type { INodeProperties } from 'n8n-workflow';

/** Only in version 1. */
const VERSION_1 = { '@version': [1] };

/** From version 2 on. */
export const FROM_VERSION_2 = { '@version': [{ _cnd: { gte: 2 } }] };

/** A field as version 1 has it. */
export function inVersion1(field: INodeProperties): INodeProperties {
	return shownIn(VERSION_1, field);
}

/** A field as it is from version 2 on. */
export function fromVersion2(field: INodeProperties): INodeProperties {
	return shownIn(FROM_VERSION_2, field);
}

/** The version comes first: n8n looks no further than a field that holds an expression, and takes it as fitting. */
function shownIn(version: object, field: INodeProperties): INodeProperties {
	const { displayOptions } = field;
	return {
		...field,
		displayOptions: { ...displayOptions, show: { ...version, ...displayOptions?.show } },
	};
}
