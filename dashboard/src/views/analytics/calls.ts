// AnalyticsService, and its numbers as people read them.

import { createClient } from "@connectrpc/connect";

import { transport } from "../../api/clients";
import type { Formatter } from "../../i18n/format";
import type { AnalyticsNumbers } from "../../rpc/aurareels/v1/analytics_pb";
import { AnalyticsService } from "../../rpc/aurareels/v1/analytics_service_pb";

export const analyticsApi = createClient(AnalyticsService, transport);

/** Numbers in the order of their columns; the engagement rate stands beside them. */
export const COUNTS = ["views", "likes", "comments", "shares", "saves", "reach"] as const;
export type Count = (typeof COUNTS)[number];

/** A number, or a dash where the platform does not tell it. */
export const shown = (value: bigint | undefined, format: Formatter): string => (value === undefined ? "–" : format.number(value));

export function shownRate(numbers: AnalyticsNumbers | undefined, format: Formatter): string {
  const rate = numbers?.engagementRate;
  return rate === undefined ? "–" : `${format.number(Math.round(rate * 10) / 10)} %`;
}
