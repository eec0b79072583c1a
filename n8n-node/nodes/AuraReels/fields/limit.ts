/** How many entries of a list are wanted, and reading them page by page. */

import type { INodeProperties } from 'n8n-workflow';

import type { Work } from '../operation';
import { flag, whole } from '../../shared/values';

/** The core's largest page. */
const LARGEST_PAGE = 500;

export const limitFields: INodeProperties[] = [
	{
		displayName: 'Return All',
		name: 'returnAll',
		type: 'boolean',
		default: false,
		description: 'Whether to return all results or only up to a given limit',
	},
	{
		displayName: 'Limit',
		name: 'limit',
		type: 'number',
		typeOptions: { minValue: 1 },
		default: 50,
		displayOptions: { show: { returnAll: [false] } },
		description: 'Max number of results to return',
	},
];

/** A page as a list call wants it. */
interface Page {
	page_size: number;
	page_token: string;
}

/** Reads pages until the limit, or to the end. */
export async function readAll<T>(
	work: Work,
	read: (page: Page) => Promise<{ entries: T[]; next_page_token: string }>,
): Promise<T[]> {
	const all =
		flag(work.node.getNodeParameter('returnAll', work.item, false), 'Return All') === true;
	const given = work.node.getNodeParameter('limit', work.item, 50);
	const limit = all ? Infinity : (whole(given, 'Limit', 'Enter a number, such as 50.') ?? 50);
	const found: T[] = [];
	if (limit === 0) return found;
	let token = '';
	do {
		const size = Math.min(LARGEST_PAGE, limit - found.length);
		const page = await read({ page_size: size, page_token: token });
		found.push(...page.entries);
		token = page.next_page_token;
	} while (token !== '' && found.length < limit);
	return found;
}
