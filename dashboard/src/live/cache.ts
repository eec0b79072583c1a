// Everything the page knows of posts and accounts, once each. Views read from here and are told of changes; answers of
// calls and events are put in here. An older revision never replaces a newer one, so answers may arrive in any order.

import { equals } from "@bufbuild/protobuf";
import type { Account } from "../rpc/aurareels/v1/account_pb";
import { PostSchema, type Post } from "../rpc/aurareels/v1/post_pb";

type Listener = () => void;

/** Changes are told together: a stream that catches up brings thousands at once. */
const TELL_AFTER_MS = 16;

export class PostCache {
  #posts = new Map<bigint, Post>();
  #listeners = new Map<bigint, Set<Listener>>();
  #watchers = new Set<(changed: ReadonlySet<bigint>) => void>();
  #changed = new Set<bigint>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  get(id: bigint): Post | undefined {
    return this.#posts.get(id);
  }

  put(...posts: Post[]): void {
    for (const post of posts) {
      const known = this.#posts.get(post.id);
      if (known && known.revision > post.revision) {
        continue;
      }
      // Only GetPost answers attempts; what it answered stays until it answers again.
      if (known && post.attempts.length === 0 && known.attempts.length > 0) {
        post.attempts = known.attempts;
      }
      // The same post read again changes nothing.
      if (known?.revision === post.revision && equals(PostSchema, known, post)) {
        continue;
      }
      this.#posts.set(post.id, post);
      this.#change(post.id);
    }
  }

  remove(id: bigint): void {
    if (this.#posts.delete(id)) {
      this.#change(id);
    }
  }

  clear(): void {
    const ids = [...this.#posts.keys()];
    this.#posts.clear();
    ids.forEach((id) => this.#change(id));
  }

  /** Told of changes of one post. */
  subscribe(id: bigint, listener: Listener): () => void {
    const set = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, set.add(listener));
    return () => {
      set.delete(listener);
      if (set.size === 0 && this.#listeners.get(id) === set) {
        this.#listeners.delete(id);
      }
    };
  }

  /** Told of all changes, with the ids that changed. */
  watch(watcher: (changed: ReadonlySet<bigint>) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #change(id: bigint): void {
    this.#changed.add(id);
    this.#timer ??= setTimeout(() => this.flush(), TELL_AFTER_MS);
  }

  /** Tells what changed, at once. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const changed = this.#changed;
    this.#changed = new Set();
    if (changed.size > 0) {
      this.#watchers.forEach((watcher) => watcher(changed));
      changed.forEach((id) => this.#listeners.get(id)?.forEach((listener) => listener()));
    }
  }
}

export class AccountCache {
  #accounts = new Map<bigint, Account>();
  #sorted: Account[] = [];
  #listeners = new Set<Listener>();

  getAll = (): Account[] => this.#sorted;

  get(id: bigint): Account | undefined {
    return this.#accounts.get(id);
  }

  put(...accounts: Account[]): void {
    for (const account of accounts) {
      const known = this.#accounts.get(account.id)?.updatedAt;
      const older = known && account.updatedAt && account.updatedAt.seconds < known.seconds;
      if (!older) {
        this.#accounts.set(account.id, account);
      }
    }
    this.#tell();
  }

  clear(): void {
    this.#accounts.clear();
    this.#tell();
  }

  subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #tell(): void {
    this.#sorted = [...this.#accounts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#listeners.forEach((listener) => listener());
  }
}
