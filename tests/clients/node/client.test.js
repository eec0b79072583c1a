// A gRPC-web client as a dashboard would have it, generated from proto/, over HTTP/1.1 against a running core.
//
// The main job from end to end: connect an account per platform through the platform's consent page (the client takes
// the redirect itself and ends with CompleteConnect, as a front end with its own callback page does), publish one video
// to both, watch until both are published, list them, and find each exactly once on the simulated platform.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { Code, ConnectError } from "@connectrpc/connect";

import { decide } from "./browser.js";
import { clients, Platform, PostStatus } from "./clients.js";

const PLATFORMS = [Platform.TIKTOK, Platform.INSTAGRAM];
// Instagram's processing is polled every ten seconds at first, so publishing takes that long on an idle machine too.
const PUBLISH_DEADLINE_MS = 180_000;

function setting(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: start this test with \`cargo xtask test --only node\``);
  return value;
}

const address = setting("AURAREELS_ADDRESS");
const simulator = setting("AURAREELS_SIMULATOR_CONTROL");
const videoUrl = `${setting("AURAREELS_SIMULATOR_MEDIA")}/v/node-client.mp4`;

const core = clients(address, setting("AURAREELS_API_KEY"));

/** A call that must fail with this code and carry the core's ErrorInfo with this reason. */
async function refused(call, code, reason) {
  const error = await call.then(
    (answer) => assert.fail(`expected a refusal, got ${answer.$typeName}`),
    (thrown) => ConnectError.from(thrown),
  );
  assert.equal(Code[error.code], Code[code], error.message);
  const info = error.details.find((detail) => detail.type === "google.rpc.ErrorInfo");
  assert.ok(info, `no ErrorInfo in ${JSON.stringify(error.details)}`);
  const text = new TextDecoder().decode(info.value);
  assert.ok(text.includes("aurareels") && text.includes(reason), text);
}

/** Connects an account: consent page, redirect taken by the client, CompleteConnect in the browser that began it. */
async function connect(platform) {
  const browserSecret = randomUUID();
  const { authUrl, state } = await core.accounts.connectAccount({ platform, browserSecret });
  const redirect = await decide(authUrl);
  assert.equal(redirect.searchParams.get("state"), state, redirect.href);
  const code = redirect.searchParams.get("code");
  assert.ok(code, redirect.href);
  const elsewhere = core.accounts.completeConnect({ platform, code, state, browserSecret: randomUUID() });
  await refused(elsewhere, Code.FailedPrecondition, "OAUTH_STATE_MISMATCH");
  const { accounts } = await core.accounts.completeConnect({ platform, code, state, browserSecret });
  assert.ok(accounts.length > 0 && accounts.every((account) => account.isActive && account.platform === platform));
  const again = core.accounts.completeConnect({ platform, code, state, browserSecret });
  await refused(again, Code.FailedPrecondition, "OAUTH_STATE_MISMATCH");
  return accounts[0];
}

/** Reads events until all of these posts are published; a post that cannot get there fails the test at once. */
async function eventsUntilPublished(stream, ids) {
  const events = [];
  const waiting = new Set(ids);
  const lost = [PostStatus.FAILED, PostStatus.CANCELLED, PostStatus.NEEDS_REVIEW];
  for await (const { event } of stream) {
    if (!event) {
      continue;
    }
    events.push(event);
    if (!ids.includes(event.postId)) {
      continue;
    }
    console.log(`${event.sequence}: post ${event.postId} ${PostStatus[event.status]} ${event.reason}`);
    assert.ok(!lost.includes(event.status), `post ${event.postId} is lost: ${PostStatus[event.status]} ${event.reason}`);
    if (event.status === PostStatus.PUBLISHED) {
      waiting.delete(event.postId);
    }
    if (waiting.size === 0) {
      return events;
    }
  }
  assert.fail(`the stream ended while posts ${[...waiting]} were not published`);
}

test("both platforms are configured", async () => {
  const { platforms } = await core.platforms.listPlatforms({});
  for (const platform of PLATFORMS) {
    assert.ok(platforms.some((info) => info.platform === platform && info.configured), Platform[platform]);
  }
});

test("a wrong key is refused", async () => {
  await refused(clients(address, "wrong").accounts.listAccounts({}), Code.Unauthenticated, "UNAUTHENTICATED");
});

test("an unknown account is refused with details", async () => {
  const content = { videoUrl, caption: "for nobody" };
  await refused(core.posts.publishPosts({ accounts: [987654321n], content }), Code.NotFound, "ACCOUNT_NOT_FOUND");
});

for (const form of ["json", "protobuf"]) {
  test(`the official Connect client reads answers and errors in ${form}`, async () => {
    const connected = clients(address, setting("AURAREELS_API_KEY"), form);
    const [one, two] = await Promise.all([connected.platforms.listPlatforms({}), core.platforms.listPlatforms({})]);
    assert.deepEqual(one, two);
    assert.deepEqual(await connected.posts.listPosts({ limit: 3 }), await core.posts.listPosts({ limit: 3 }));
    const content = { videoUrl, caption: "for nobody" };
    const nobody = connected.posts.publishPosts({ accounts: [987654321n], content });
    await refused(nobody, Code.NotFound, "ACCOUNT_NOT_FOUND");
    await refused(clients(address, "wrong", form).accounts.listAccounts({}), Code.Unauthenticated, "UNAUTHENTICATED");
  });
}

test("a refused consent hands back no code", async () => {
  const { authUrl } = await core.accounts.connectAccount({ platform: Platform.TIKTOK });
  const redirect = await decide(authUrl, "deny");
  assert.equal(redirect.searchParams.get("code"), null);
  assert.ok(redirect.searchParams.get("error"), redirect.href);
});

test("connect, publish, watch and list", { timeout: PUBLISH_DEADLINE_MS + 60_000 }, async (t) => {
  const accounts = [];
  for (const platform of PLATFORMS) {
    accounts.push(await connect(platform));
  }
  const options = await core.accounts.getPublishOptions({ id: accounts[0].id });
  assert.ok(options.privacyLevelOptions.includes("PUBLIC_TO_EVERYONE"), String(options.privacyLevelOptions));

  const stop = new AbortController();
  const deadline = setTimeout(() => stop.abort(new Error("not published in time")), PUBLISH_DEADLINE_MS);
  t.after(() => {
    clearTimeout(deadline);
    stop.abort();
  });
  const watch = core.posts.watchPosts({ afterSequence: 0n }, { signal: stop.signal, timeoutMs: 0 });
  const caption = "Made by the Node client ✨";
  const request = {
    accounts: accounts.map((account) => account.id),
    content: { videoJobId: "node-client", videoUrl, caption, hashtags: ["aurareels", "#test"], privacyLevel: "PUBLIC" },
  };
  const published = await core.posts.publishPosts(request);
  const ids = published.posts.map((post) => post.id);
  assert.equal(new Set(ids).size, PLATFORMS.length);
  assert.deepEqual(published.existed, [false, false]);

  const sequences = (await eventsUntilPublished(watch, ids)).map((event) => event.sequence);
  stop.abort();
  assert.ok(sequences.every((sequence, index) => index === 0 || sequence > sequences[index - 1]), String(sequences));

  // A client whose call timed out simply calls again.
  const repeated = await core.posts.publishPosts(request);
  assert.deepEqual(repeated.posts.map((post) => post.id), ids);
  assert.deepEqual(repeated.existed, [true, true]);

  const filter = { statuses: [PostStatus.PUBLISHED], videoJobId: "node-client", includeTotal: true };
  const listed = await core.posts.listPosts(filter);
  assert.deepEqual(new Set(listed.posts.map((post) => post.id)), new Set(ids));
  assert.equal(listed.total, BigInt(ids.length));

  const { posts } = await (await fetch(`${simulator}/_sim/posts`)).json();
  const ours = posts.filter((post) => post.caption.includes(caption));
  assert.equal(ours.length, ids.length, `each post is visible once, not as in ${JSON.stringify(ours)}`);
  for (const id of ids) {
    const post = await core.posts.getPost({ id });
    assert.ok(ours.some((shown) => shown.platform_post_id === post.platformPostId), post.platformPostId);
    assert.ok(post.attempts.length > 0 && post.publishedAt);
  }
});
