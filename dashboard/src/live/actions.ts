// What a person does to posts and accounts. Each answer goes into the cache, so that every view shows it at once; the
// event that follows has the same revision and changes nothing.

import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { api } from "../api/clients";
import type { Account } from "../rpc/aurareels/v1/account_pb";
import type { Post } from "../rpc/aurareels/v1/post_pb";
import type { PublishPostNowResponse, Resolution } from "../rpc/aurareels/v1/post_service_pb";
import { accounts, posts } from ".";

async function kept(answer: Promise<Post>): Promise<Post> {
  const post = await answer;
  posts.put(post);
  return post;
}

export const cancelPost = (id: bigint): Promise<Post> => kept(api.posts.cancelPost({ id }));
export const retryPost = (id: bigint): Promise<Post> => kept(api.posts.retryPost({ id }));
export const reconcilePost = (id: bigint): Promise<Post> => kept(api.posts.reconcilePost({ id }));

/** Moves a post to an instant. With `revision` only as long as it is what the person saw. */
export function reschedulePost(id: bigint, at: Date, revision?: bigint): Promise<Post> {
  const scheduledAt = { form: { case: "at" as const, value: timestampFromDate(at) } };
  return kept(api.posts.reschedulePost({ id, scheduledAt, revision }));
}

/** Moves a post to what a clock on the wall shows in an IANA zone. */
export function reschedulePostTo(id: bigint, local: string, timeZone: string, revision?: bigint): Promise<Post> {
  const scheduledAt = { form: { case: "wallTime" as const, value: { local, timeZone } } };
  return kept(api.posts.reschedulePost({ id, scheduledAt, revision }));
}

export async function publishPostNow(id: bigint): Promise<PublishPostNowResponse> {
  const answer = await api.posts.publishPostNow({ id });
  if (answer.post) {
    posts.put(answer.post);
  }
  return answer;
}

export interface Settlement {
  resolution: Resolution;
  platformPostId?: string;
  platformPostUrl?: string;
  note?: string;
}

export const resolvePost = (id: bigint, settlement: Settlement): Promise<Post> =>
  kept(api.posts.resolvePost({ id, ...settlement }));

export async function deleteDraft(id: bigint): Promise<void> {
  await api.posts.deleteDraft({ id });
  posts.remove(id);
}

export async function checkAccount(id: bigint): Promise<Account> {
  const account = await api.accounts.checkAccount({ id });
  accounts.put(account);
  return account;
}
