// The page's one stream, its caches, and the hooks by which views read them.

import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { create, toJsonString } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { api } from "../api/clients";
import { toProblem, type Problem } from "../api/problem";
import { session } from "../api/session";
import type { Account } from "../rpc/aurareels/v1/account_pb";
import { EventType, type Event } from "../rpc/aurareels/v1/event_pb";
import type { Post } from "../rpc/aurareels/v1/post_pb";
import { ListPostsRequestSchema, type ListPostsRequest } from "../rpc/aurareels/v1/post_service_pb";
import { AccountCache, PostCache } from "./cache";
import { PostList, type ListState, type PostPage, type PostQuery } from "./list";
import { LiveStream, wait, type StreamState } from "./stream";

export type { ListState, PostQuery } from "./list";
export { postTime } from "./list";

export const posts = new PostCache();
export const accounts = new AccountCache();

/** Called when what was read before may be stale. */
const resets = new Set<() => void>();

function take(event: Event): void {
  if (event.account) {
    accounts.put(event.account);
  }
  if (event.post) {
    posts.put(event.post);
  } else if (event.type === EventType.POST_DELETED) {
    posts.remove(event.postId);
  }
}

export const stream = new LiveStream({
  open: (after, signal) =>
    api.posts.watchPosts({ afterSequence: after, includeProgress: true }, { signal, timeoutMs: 0 }),
  onEvent: take,
  onReset: () => resets.forEach((reset) => reset()),
  wait,
  random: Math.random,
});

/** The longest wait for the stream's position: a read that starts before it must be repeated. */
const POSITION_MS = 200;

function positioned(): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    };
    const timer = setTimeout(done, POSITION_MS);
    const unsubscribe = stream.subscribe(() => stream.position !== undefined && done());
    if (stream.position !== undefined) {
      done();
    }
  });
}

/** A page that nobody looks at for this long gives its connection back: browsers allow six per origin. */
const HIDDEN_MS = 60_000;

/** Runs the stream while somebody is logged in and looks. */
export function useStream(wanted: boolean): void {
  useEffect(() => {
    if (!wanted) {
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(timer);
      if (document.hidden) {
        timer = setTimeout(() => stream.stop(), HIDDEN_MS);
      } else {
        stream.start();
        stream.retryNow();
      }
    };
    stream.start();
    document.addEventListener("visibilitychange", look);
    window.addEventListener("online", stream.retryNow);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("online", stream.retryNow);
      stream.stop();
    };
  }, [wanted]);
}

/** Forgets everything of a user who has logged out. */
export function forgetAll(): void {
  stream.forget();
  posts.clear();
  accounts.clear();
  accountLoad = undefined;
}

export function useStreamState(): StreamState {
  return useSyncExternalStore(stream.subscribe, stream.getState);
}

/** Calls `reset` when what was read before may be stale. For views that read more than posts and accounts. */
export function useReset(reset: () => unknown): void {
  const latest = useRef(reset);
  useEffect(() => {
    latest.current = reset;
  });
  useEffect(() => {
    const call = () => latest.current();
    resets.add(call);
    return () => void resets.delete(call);
  }, []);
}

/** One post as the cache knows it; it is not read from the core. */
export function usePost(id: bigint): Post | undefined {
  return useSyncExternalStore(
    useCallback((listener) => posts.subscribe(id, listener), [id]),
    () => posts.get(id),
  );
}

/** A page of the posts that fit, as a request. */
export function listRequest(query: PostQuery, pageSize: number, pageToken: string, includeTotal = false): ListPostsRequest {
  return create(ListPostsRequestSchema, {
    statuses: query.statuses ?? [],
    platform: query.platform,
    accountId: query.accountId,
    from: query.from && timestampFromDate(query.from),
    until: query.until && timestampFromDate(query.until),
    videoJobId: query.videoJobId,
    search: query.search,
    pageSize,
    pageToken,
    includeTotal: includeTotal && pageToken === "",
  });
}

export interface ListOptions {
  /** Posts per page: 1 to 500. */
  pageSize?: number;
  /** Reads all pages. */
  whole?: boolean;
  /** Counts all posts that fit, for `total`. */
  includeTotal?: boolean;
}

/** The posts that fit, newest time first, kept current. The query may be made anew on each render. */
export function usePosts(query: PostQuery, options: ListOptions = {}): ListState & { loadMore(): void; reload(): void } {
  const { pageSize = 50, whole = false, includeTotal = false } = options;
  const key = toJsonString(ListPostsRequestSchema, listRequest(query, pageSize, "", includeTotal)) + whole;
  const list = useMemo(() => {
    const read = async (asked: PostQuery, token: string, signal: AbortSignal): Promise<PostPage> => {
      const answer = await api.posts.listPosts(listRequest(asked, pageSize, token, includeTotal), { signal });
      return { posts: answer.posts, nextPageToken: answer.nextPageToken, total: bigintToNumber(answer.total) };
    };
    return new PostList(posts, query, read, whole);
    // `key` stands for the query's values.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  useEffect(() => {
    let wanted = true;
    void positioned().then(() => wanted && list.open());
    return () => {
      wanted = false;
      list.close();
    };
  }, [list]);
  useReset(() => void list.reload());
  const state = useSyncExternalStore(list.subscribe, list.getState);
  return { ...state, loadMore: () => void list.loadMore(), reload: () => void list.reload() };
}

const bigintToNumber = (value: bigint | undefined): number | undefined => (value === undefined ? undefined : Number(value));

export interface Loaded<T> {
  value: T | undefined;
  problem: Problem | undefined;
  reload(): void;
}

/** One post with its attempts: read from the core, and again whenever it has changed. */
export function usePostDetail(id: bigint): Loaded<Post> {
  const post = usePost(id);
  const [problem, setProblem] = useState<Problem>();
  const [asked, setAsked] = useState(0);
  const revision = post?.revision;
  useReset(() => setAsked((count) => count + 1));
  useEffect(() => {
    const reading = new AbortController();
    positioned()
      .then(() => api.posts.getPost({ id }, { signal: reading.signal }))
      .then((read) => {
        posts.put(read);
        setProblem(undefined);
      })
      .catch((failure) => {
        if (!reading.signal.aborted) {
          setProblem(toProblem(failure));
        }
      });
    return () => reading.abort();
  }, [id, revision, asked]);
  return { value: post, problem, reload: () => setAsked((count) => count + 1) };
}

let accountLoad: Promise<void> | undefined;
/** False while the first read still waits for the stream's position. */
let accountsAsked = false;

async function readAccounts(): Promise<void> {
  await positioned();
  accountsAsked = true;
  let pageToken = "";
  do {
    const page = await api.accounts.listAccounts({ pageSize: 500, pageToken });
    accounts.put(...page.accounts);
    pageToken = page.nextPageToken;
  } while (pageToken);
}

/** The user's accounts, disconnected ones too, kept current. Read once for the page. */
export function useAccounts(): Loaded<Account[]> {
  const all = useSyncExternalStore(accounts.subscribe, accounts.getAll);
  const [problem, setProblem] = useState<Problem>();
  const [ready, setReady] = useState(false);
  const read = useCallback((again: boolean) => {
    if (again || !accountLoad) {
      accountLoad = readAccounts();
    }
    accountLoad
      .then(() => {
        setReady(true);
        setProblem(undefined);
      })
      .catch((failure) => {
        accountLoad = undefined;
        setProblem(toProblem(failure));
      });
  }, []);
  useEffect(() => read(false), [read]);
  useReset(() => accountsAsked && read(true));
  return { value: ready ? all : undefined, problem, reload: () => read(true) };
}

/** Reads something from the core for one view. It is read again when `key` changes, and after a reset. */
export function useLoad<T>(key: string, read: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [got, setGot] = useState<{ key: string; value?: T; problem?: Problem }>({ key });
  const [asked, setAsked] = useState(0);
  const latest = useRef(read);
  useEffect(() => {
    latest.current = read;
  });
  useReset(() => setAsked((count) => count + 1));
  useEffect(() => {
    const reading = new AbortController();
    positioned()
      .then(() => latest.current(reading.signal))
      .then((value) => !reading.signal.aborted && setGot({ key, value }))
      .catch((failure) => {
        if (!reading.signal.aborted) {
          setGot((before) => ({ ...(before.key === key ? before : { key }), problem: toProblem(failure) }));
        }
      });
    return () => reading.abort();
  }, [key, asked]);
  const current = got.key === key ? got : { key };
  return { value: current.value, problem: current.problem, reload: () => setAsked((count) => count + 1) };
}

session.subscribe(() => {
  const { state } = session.get();
  if (state === "out") {
    forgetAll();
  }
  // Started before the first view renders, so that its reads find the stream's position.
  if (state === "in") {
    stream.start();
  }
});
