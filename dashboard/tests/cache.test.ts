import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it, vi } from "vitest";

import { PostCache } from "../src/live/cache";
import { PostList, type PostPage } from "../src/live/list";
import { AttemptSchema, PostSchema, PostStatus, type Post } from "../src/rpc/aurareels/v1/post_pb";

function post(id: bigint, more: Partial<Pick<Post, "revision" | "status" | "caption" | "attempts">> = {}): Post {
  return create(PostSchema, { id, revision: 1n, status: PostStatus.SCHEDULED, createdAt: timestampFromMs(Number(id) * 1000), ...more });
}

const page = (posts: Post[], nextPageToken = ""): PostPage => ({ posts, nextPageToken, total: undefined });

describe("the cache", () => {
  it("never lets an older revision replace a newer one", () => {
    const cache = new PostCache();
    cache.put(post(1n, { revision: 5n, caption: "new" }));
    cache.put(post(1n, { revision: 4n, caption: "old" }));
    expect(cache.get(1n)?.caption).toBe("new");
  });

  it("keeps the attempts that only GetPost answers", () => {
    const cache = new PostCache();
    cache.put(post(1n, { attempts: [create(AttemptSchema, { number: 1 })] }));
    cache.put(post(1n, { revision: 2n }));
    expect(cache.get(1n)?.attempts).toHaveLength(1);
  });

  it("tells nobody of a post that was read again and is the same", () => {
    const cache = new PostCache();
    const told: number[] = [];
    cache.put(post(1n, { attempts: [create(AttemptSchema, { number: 1 })] }));
    cache.flush();
    cache.watch((changed) => told.push(changed.size));
    cache.put(post(1n));
    cache.flush();
    cache.put(post(1n, { caption: "other words" }));
    cache.flush();
    expect(told).toEqual([1]);
  });

  it("tells of many changes at once", () => {
    const cache = new PostCache();
    const told: number[] = [];
    cache.watch((changed) => told.push(changed.size));
    cache.put(post(1n), post(2n));
    cache.put(post(2n, { revision: 2n }));
    cache.flush();
    expect(told).toEqual([2]);
  });
});

describe("a list", () => {
  const ids = (list: PostList) => list.getState().posts.map(({ id }) => Number(id));

  it("stays true: who no longer fits leaves, who is new comes in", async () => {
    const cache = new PostCache();
    const list = new PostList(cache, { statuses: [PostStatus.SCHEDULED] }, async () => page([post(2n), post(1n)]));
    list.open();
    await list.reload();
    cache.put(post(1n, { revision: 2n, status: PostStatus.CANCELLED }), post(3n), post(4n, { status: PostStatus.DRAFT }));
    cache.flush();
    expect(ids(list)).toEqual([3, 2]);
  });

  it("does not miss what happens while its page is on its way", async () => {
    const cache = new PostCache();
    const list = new PostList(cache, { statuses: [PostStatus.SCHEDULED] }, async () => {
      cache.put(post(5n));
      cache.flush();
      return page([post(1n)]);
    });
    list.open();
    await vi.waitFor(() => expect(ids(list)).toEqual([5, 1]));
  });

  it("shows its first page although it must be read again, and then the page that was read again", async () => {
    const cache = new PostCache();
    const pages = [page([post(1n)]), page([post(2n), post(1n)])];
    const list = new PostList(cache, {}, async () => pages.shift() ?? page([]));
    const seen: number[][] = [];
    list.subscribe(() => seen.push(ids(list)));
    list.open();
    await list.reload();
    expect(seen).toContainEqual([1]);
    expect(ids(list)).toEqual([2, 1]);
  });

  it("leaves what lies beyond its last page to that page", async () => {
    const cache = new PostCache();
    const list = new PostList(cache, {}, async (_, token) => (token ? page([post(1n)]) : page([post(9n), post(8n)], "more")));
    list.open();
    await list.reload();
    cache.put(post(2n));
    cache.flush();
    expect(ids(list)).toEqual([9, 8]);
    await list.loadMore();
    expect(ids(list)).toEqual([9, 8, 1]);
  });
});
