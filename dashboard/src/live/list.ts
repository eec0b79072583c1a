// A list of posts that stays true: read from the core page by page, then kept current by the cache's changes.

import { type Timestamp } from "@bufbuild/protobuf/wkt";
import { toProblem, type Problem } from "../api/problem";
import type { Platform } from "../rpc/aurareels/v1/platform_pb";
import type { Post, PostStatus } from "../rpc/aurareels/v1/post_pb";
import type { PostCache } from "./cache";

export interface PostQuery {
  statuses?: PostStatus[];
  platform?: Platform;
  accountId?: bigint;
  /** Time (scheduled, else created) at or after. */
  from?: Date;
  /** Time before. */
  until?: Date;
  videoJobId?: string;
  /** Text in captions and links; the core alone knows what fits. */
  search?: string;
}

export interface PostPage {
  posts: Post[];
  nextPageToken: string;
  total: number | undefined;
}

export interface ListState {
  /** Newest time first, as the core sorts. */
  posts: Post[];
  /** "loading" the first page, "ready", or "error" when there is nothing to show. */
  state: "loading" | "ready" | "error";
  problem: Problem | undefined;
  hasMore: boolean;
  loadingMore: boolean;
  total: number | undefined;
}

const millis = (time: Timestamp | undefined): number => (time ? Number(time.seconds) * 1000 + time.nanos / 1e6 : 0);

/** The time by which the core sorts and filters. */
export const postTime = (post: Post): number => millis(post.scheduledAt ?? post.createdAt);

export function fits(query: PostQuery, post: Post): boolean {
  const time = postTime(post);
  return (
    (!query.statuses?.length || query.statuses.includes(post.status)) &&
    (!query.platform || post.platform === query.platform) &&
    (!query.accountId || post.socialAccountId === query.accountId) &&
    (!query.from || time >= query.from.getTime()) &&
    (!query.until || time < query.until.getTime()) &&
    (!query.videoJobId || post.videoJobId === query.videoJobId)
  );
}

const newestFirst = (a: Post, b: Post): number => postTime(b) - postTime(a) || (a.id < b.id ? 1 : -1);

export class PostList {
  #ids = new Set<bigint>();
  #token = "";
  #reading: AbortController | undefined;
  #first: Promise<void> | undefined;
  #listeners = new Set<() => void>();
  #unwatch: (() => void) | undefined;
  /** What changed while a page was being read: the page may be older than that. */
  #meanwhile: Set<bigint> | undefined;
  #state: ListState = {
    posts: [],
    state: "loading",
    problem: undefined,
    hasMore: false,
    loadingMore: false,
    total: undefined,
  };

  constructor(
    private readonly cache: PostCache,
    private readonly query: PostQuery,
    private readonly read: (query: PostQuery, pageToken: string, signal: AbortSignal) => Promise<PostPage>,
    /** Reads pages until the end, for a calendar. */
    private readonly whole = false,
  ) {}

  getState = (): ListState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  open(): void {
    this.#unwatch ??= this.cache.watch((changed) => this.#follow(changed));
    if (!this.#reading) {
      this.#first = this.#pages("", true).finally(() => (this.#first = undefined));
    }
  }

  close(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#reading?.abort();
    this.#reading = undefined;
  }

  /** Reads the list again; the old posts stay until the answer is there. A first read under way is shown before. */
  async reload(): Promise<void> {
    if (this.#first) {
      await this.#first;
    }
    if (this.#unwatch) {
      await this.#pages("", true);
    }
  }

  async loadMore(): Promise<void> {
    if (this.#token && !this.#state.loadingMore) {
      await this.#pages(this.#token, false);
    }
  }

  async #pages(start: string, fresh: boolean): Promise<void> {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    this.#meanwhile = new Set();
    this.#set({ problem: undefined, loadingMore: !fresh, state: this.#state.state === "error" ? "loading" : this.#state.state });
    try {
      let token = start;
      let ids = fresh ? new Set<bigint>() : this.#ids;
      do {
        const page = await this.read(this.query, token, reading.signal);
        if (reading.signal.aborted) {
          return;
        }
        this.cache.put(...page.posts);
        page.posts.forEach((post) => ids.add(post.id));
        token = page.nextPageToken;
        // A first page shows at once; a reload replaces what is shown when it is complete.
        if (!this.whole || !token || this.#state.state !== "ready") {
          this.#ids = ids = new Set(ids);
          this.#token = token;
          const total = page.total ?? (fresh ? undefined : this.#state.total);
          this.#set({ state: "ready", posts: this.#sorted(), hasMore: token !== "", loadingMore: false, total });
        }
      } while (this.whole && token);
      this.cache.flush();
      const meanwhile = this.#meanwhile ?? new Set();
      this.#meanwhile = undefined;
      this.#follow(meanwhile);
    } catch (failure) {
      if (!reading.signal.aborted) {
        const state = this.#state.posts.length > 0 ? "ready" : "error";
        this.#meanwhile = undefined;
        this.#set({ state, problem: toProblem(failure), loadingMore: false });
      }
    }
  }

  #sorted(): Post[] {
    const posts = [...this.#ids].map((id) => this.cache.get(id)).filter((post) => post !== undefined);
    return posts.filter((post) => fits(this.query, post)).sort(newestFirst);
  }

  #follow(changed: ReadonlySet<bigint>): void {
    changed.forEach((id) => this.#meanwhile?.add(id));
    if (this.#state.state !== "ready") {
      return;
    }
    const shown = this.#state.posts;
    const last = shown.at(-1);
    let touched = false;
    let added = 0;
    for (const id of changed) {
      const post = this.cache.get(id);
      const had = this.#ids.has(id);
      // What a search finds is the core's to say: a post that it did not name comes with the next reading.
      const has = post !== undefined && fits(this.query, post) && (had || !this.query.search);
      // A post beyond the last page that was read comes with its page.
      const within = has && (had || !this.#token || (last !== undefined && newestFirst(post, last) < 0));
      if (within) {
        this.#ids.add(id);
      } else {
        this.#ids.delete(id);
      }
      added += Number(has) - Number(had);
      touched ||= had || within;
    }
    if (touched) {
      const total = this.#state.total === undefined ? undefined : Math.max(0, this.#state.total + added);
      this.#set({ posts: this.#sorted(), total });
    }
  }

  #set(change: Partial<ListState>): void {
    this.#state = { ...this.#state, ...change };
    this.#listeners.forEach((listener) => listener());
  }
}
