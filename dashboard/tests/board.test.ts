import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";

import { PostSchema, PostStatus, type Post } from "../src/rpc/aurareels/v1/post_pb";
import { board, byHour, type Board } from "../src/views/calendar/board";
import { dayNumber } from "../src/views/calendar/days";

const BERLIN = "Europe/Berlin";
const NONE = new Set<PostStatus>();
const DAY = dayNumber(2026, 6, 10);

function at(id: bigint, time: string, status = PostStatus.SCHEDULED): Post {
  return create(PostSchema, { id, status, scheduledAt: timestampFromDate(new Date(time)) });
}

const ids = (posts: Board, day: number) => posts.get(day)?.map(({ post }) => post.id) ?? [];

it("sorts posts into days of the zone, by time and then by id", () => {
  const posts = [at(3n, "2026-07-10T22:30:00Z"), at(2n, "2026-07-10T09:00:00Z"), at(1n, "2026-07-10T09:00:00Z")];
  const made = board(posts, new Map(), BERLIN, NONE);
  expect(ids(made, DAY)).toEqual([1n, 2n]);
  expect(ids(made, DAY + 1)).toEqual([3n]);
  expect(byHour(made.get(DAY) ?? []).map((hour) => hour.length).indexOf(2)).toBe(11);
});

it("shows a moved post where it was dropped, and hides statuses", () => {
  const posts = [at(1n, "2026-07-10T09:00:00Z"), at(2n, "2026-07-10T09:00:00Z", PostStatus.CANCELLED)];
  const moves = new Map([[1n, Date.parse("2026-07-12T09:00:00Z")]]);
  const made = board(posts, moves, BERLIN, new Set([PostStatus.CANCELLED]));
  expect(ids(made, DAY)).toEqual([]);
  expect(ids(made, DAY + 2)).toEqual([1n]);
});

it("keeps the days that did not change", () => {
  const first = at(1n, "2026-07-10T09:00:00Z");
  const before = board([first, at(2n, "2026-07-11T09:00:00Z")], new Map(), BERLIN, NONE);
  const after = board([first, at(2n, "2026-07-11T10:00:00Z")], new Map(), BERLIN, NONE, before);
  expect(after.get(DAY)).toBe(before.get(DAY));
  expect(after.get(DAY + 1)).not.toBe(before.get(DAY + 1));
});
