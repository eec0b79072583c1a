// The posts of a filter as CSV: read page by page, each turned into text at once, so that no more than a page of posts is
// held.

import { type Timestamp } from "@bufbuild/protobuf/wkt";

import type { Texts } from "../../i18n";
import { PLATFORM_NAMES } from "../../app/platforms";
import { statusName } from "../../app/StatusChip";
import type { Post } from "../../rpc/aurareels/v1/post_pb";
import { BYTE_ORDER_MARK, line } from "./csv";

type Column = keyof Texts["history"]["columns"];

const instant = (time: Timestamp | undefined): string =>
  time ? new Date(Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6)).toISOString() : "";

const CELLS: Record<Column, (post: Post, texts: Texts) => string> = {
  id: (post) => String(post.id),
  status: (post, texts) => statusName(post.status, texts),
  platform: (post) => PLATFORM_NAMES[post.platform] ?? "",
  account: (post) => post.account?.accountName ?? "",
  accountUsername: (post) => post.account?.accountUsername ?? "",
  scheduledAt: (post) => instant(post.scheduledAt),
  publishedAt: (post) => instant(post.publishedAt),
  createdAt: (post) => instant(post.createdAt),
  caption: (post) => post.caption,
  hashtags: (post) => post.hashtags.join(" "),
  platformPostId: (post) => post.platformPostId,
  platformPostUrl: (post) => post.platformPostUrl,
  errorCode: (post) => post.error?.code ?? "",
  errorMessage: (post) => post.error?.message ?? "",
  videoUrl: (post) => post.videoUrl,
  mediaId: (post) => post.mediaId,
  videoJobId: (post) => post.videoJobId,
  retryCount: (post) => String(post.retryCount),
};

export interface PageOfPosts {
  posts: Post[];
  nextPageToken: string;
}

/** Reads all pages; `onRows` is told how many rows there are so far. */
export async function toCsv(
  read: (pageToken: string) => Promise<PageOfPosts>,
  texts: Texts,
  onRows: (rows: number) => void,
): Promise<{ parts: string[]; rows: number }> {
  const columns = Object.keys(CELLS) as Column[];
  const parts = [BYTE_ORDER_MARK + line(columns.map((column) => texts.history.columns[column]))];
  let rows = 0;
  let token = "";
  do {
    const page = await read(token);
    parts.push(page.posts.map((post) => line(columns.map((column) => CELLS[column](post, texts)))).join(""));
    rows += page.posts.length;
    token = page.nextPageToken;
    onRows(rows);
  } while (token);
  return { parts, rows };
}

/** Has the browser save it. */
export function save(parts: string[], name: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
