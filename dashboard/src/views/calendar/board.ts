// Posts by day, in the order of their times. What did not change keeps its identity, so that an event of one post renders
// one day anew and not all of them.

import { postTime } from "../../live/list";
import type { Post, PostStatus } from "../../rpc/aurareels/v1/post_pb";
import { placeOf } from "./days";

export interface Entry {
  post: Post;
  time: number;
  zone: string;
  day: number;
  minute: number;
}

export type Board = ReadonlyMap<number, readonly Entry[]>;

/** Posts that were dropped somewhere and whose new time the core has not confirmed yet. */
export type Moves = ReadonlyMap<bigint, number>;

const byTime = (a: Entry, b: Entry): number => a.time - b.time || (a.post.id < b.post.id ? -1 : 1);

export function board(
  posts: readonly Post[],
  moves: Moves,
  zone: string,
  hidden: ReadonlySet<PostStatus>,
  before?: Board,
): Board {
  const known = new Map<Post, Entry>();
  before?.forEach((entries) => entries.forEach((entry) => known.set(entry.post, entry)));
  const days = new Map<number, Entry[]>();
  for (const post of posts) {
    if (hidden.has(post.status)) {
      continue;
    }
    const time = moves.get(post.id) ?? postTime(post);
    const old = known.get(post);
    const entry = old?.time === time && old.zone === zone ? old : { post, time, zone, ...placeOf(zone, time) };
    const { day } = entry;
    const entries = days.get(day);
    if (entries) {
      entries.push(entry);
    } else {
      days.set(day, [entry]);
    }
  }
  const result = new Map<number, readonly Entry[]>();
  for (const [day, entries] of days) {
    entries.sort(byTime);
    const old = before?.get(day);
    const same = old?.length === entries.length && entries.every((entry, index) => entry === old[index]);
    result.set(day, same ? old : entries);
  }
  return result;
}

export const NO_ENTRIES: readonly Entry[] = [];

/** A day's posts by the hour of the wall clock. */
export function byHour(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const hours: Entry[][] = Array.from({ length: 24 }, () => []);
  entries.forEach((entry) => hours[Math.floor(entry.minute / 60)]?.push(entry));
  return hours;
}
