// The filter of the list of posts, as the address of the view has it.

import { dayText, readDay, startOf } from "../calendar/days";
import { dayOf } from "../calendar/days";
import type { Platform } from "../../rpc/aurareels/v1/platform_pb";
import { PostStatus } from "../../rpc/aurareels/v1/post_pb";
import type { PostQuery } from "../../live";

export interface Filter {
  statuses: PostStatus[];
  platform: Platform | 0;
  accountId: bigint;
  /** Days, both included, as date fields have them. */
  from: string;
  until: string;
  search: string;
}

const number = (text: string | null): number => (text && /^\d{1,9}$/.test(text) ? Number(text) : 0);

export function readFilter(params: URLSearchParams): Filter {
  const account = params.get("account") ?? "";
  const day = (name: string) => (readDay(params.get(name) ?? "") === undefined ? "" : (params.get(name) ?? ""));
  return {
    statuses: (params.get("status") ?? "").split(",").map(number).filter((status) => status in PostStatus && status > 0),
    platform: number(params.get("platform")),
    accountId: /^\d{1,18}$/.test(account) ? BigInt(account) : 0n,
    from: day("from"),
    until: day("until"),
    search: params.get("q") ?? "",
  };
}

export function writeFilter(filter: Filter): Record<string, string> {
  return {
    status: filter.statuses.join(","),
    platform: filter.platform ? String(filter.platform) : "",
    account: filter.accountId ? String(filter.accountId) : "",
    from: filter.from,
    until: filter.until,
    q: filter.search,
  };
}

export const NO_FILTER: Filter = { statuses: [], platform: 0, accountId: 0n, from: "", until: "", search: "" };

export const isEmptyFilter = (filter: Filter): boolean => JSON.stringify(writeFilter(filter)) === JSON.stringify(writeFilter(NO_FILTER));

export function queryOf(filter: Filter, zone: string): PostQuery {
  const [from, until] = [readDay(filter.from), readDay(filter.until)];
  return {
    statuses: filter.statuses,
    ...(filter.platform ? { platform: filter.platform } : {}),
    ...(filter.accountId ? { accountId: filter.accountId } : {}),
    ...(from === undefined ? {} : { from: new Date(startOf(zone, from)) }),
    ...(until === undefined ? {} : { until: new Date(startOf(zone, until + 1)) }),
    ...(filter.search ? { search: filter.search } : {}),
  };
}

export const fileName = (zone: string): string => `aurareels-${dayText(dayOf(zone, Date.now()))}.csv`;
