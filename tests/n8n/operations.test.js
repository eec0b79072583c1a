// Each operation of each resource, once, in the real n8n; what it says is compared with the core and the platforms.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Browser } from "../clients/node/browser.js";
import { PostStatus } from "../clients/node/clients.js";
import { until } from "./rig/wait.js";
import { byId, world } from "./rig/world.js";

/** What TikTok does with the next video: it refuses the text, for good. */
const REFUSED = { processing_seconds: 0.1, outcome: "fail", fail_reason: "spam_risk_text", tasks: 1 };

const LATER = "2031-05-06T07:08:09.000Z";

const { core, n8n, simulator, tiktok, instagram, credentials } = await world();
const w = await world();
/** All accounts of the core as it is now: other files connect some of their own. */
const accounts = async () => new Set((await core.client.accounts.listAccounts({})).accounts.map(({ id }) => Number(id)));

/** Runs an operation that must succeed; the JSON items of its outputs. */
async function done(parameters) {
  const execution = await w.act(parameters);
  assert.equal(execution.status, "success", JSON.stringify(execution.error));
  return [execution.json("AuraReels", 0), execution.json("AuraReels", 1)];
}

/** Runs an operation that must answer one item on the first output. */
async function one(parameters) {
  const [ok, attention] = await done(parameters);
  assert.deepEqual(attention, []);
  assert.equal(ok.length, 1, JSON.stringify(ok));
  return ok[0];
}

const post = (operation, id, more = {}) => one({ resource: "post", operation, postId: byId(id), ...more });
const account = (operation, id = tiktok, more = {}) => one({ resource: "account", operation, account: byId(id), ...more });

/** Schedules a post for long after the tests. */
function scheduled(caption, more = {}) {
  return one({ ...w.publication(caption, { operation: "schedule", scheduledAt: LATER }), ...more });
}

describe("the package in n8n", () => {
  test("n8n knows both nodes and the tool", async () => {
    const types = (await n8n.rest.nodeTypes()).map((type) => type.name).filter((name) => name.includes("aurareels"));
    const expected = ["auraReels", "auraReelsEventTrigger", "auraReelsTool"].map((name) => `n8n-nodes-aurareels.${name}`);
    assert.deepEqual([...new Set(types)].sort(), expected);
  });

  test("the credential's test tells a good key from a bad one and from no core", async () => {
    const data = { address: core.address, apiKey: core.key, userId: "", caCertificate: "" };
    const check = (change) => n8n.rest.testCredential("auraReelsApi", credentials.auraReelsApi, { ...data, ...change });
    assert.equal((await check({})).status, "OK");
    const bad = await check({ apiKey: "ar_wrong" });
    assert.equal(bad.status, "Error");
    assert.match(bad.message, /refused the API key/);
    const away = await check({ address: "http://127.0.0.1:9" });
    assert.equal(away.status, "Error");
    assert.match(away.message, /127\.0\.0\.1:9.*cannot be reached/);
  });

  test("accounts are found by their names, with health and quota", async () => {
    const search = (filter) =>
      n8n.rest.call("POST", "/rest/dynamic-node-parameters/resource-locator-results", {
        path: "parameters.account",
        methodName: "searchAccounts",
        nodeTypeAndVersion: { name: "n8n-nodes-aurareels.auraReels", version: 1 },
        currentNodeParameters: { resource: "account", operation: "get" },
        credentials: { auraReelsApi: credentials.auraReelsApi },
        filter,
      });
    const { results } = await search();
    assert.deepEqual(new Set(results.map(({ value }) => Number(value))), await accounts());
    const name = (id) => results.find(({ value }) => Number(value) === id).name;
    assert.match(name(tiktok), /^TikTok · @\S+ · OK/);
    assert.match(name(instagram), /^Instagram · @\S+ · OK · \d+ of \d+ /);
    const found = (await search("instagram")).results.map(({ value }) => Number(value));
    assert.ok(found.includes(instagram) && !found.includes(tiktok), String(found));
  });

  test("TikTok's privacy levels come from the creator", async () => {
    const options = await n8n.rest.call("POST", "/rest/dynamic-node-parameters/options", {
      path: "parameters.privacyLevel",
      methodName: "getPrivacyLevels",
      nodeTypeAndVersion: { name: "n8n-nodes-aurareels.auraReels", version: 1 },
      currentNodeParameters: { ...w.publication("options") },
      credentials: { auraReelsApi: credentials.auraReelsApi },
    });
    assert.ok(options.some(({ value }) => value === "PUBLIC_TO_EVERYONE"), JSON.stringify(options));
  });
});

describe("post", () => {
  test("publish: on two accounts, one visible post each, paired with their input", async () => {
    const parameters = {
      ...w.publication("Published on two"),
      platform: "several",
      accountIds: `={{ [${tiktok}, ${instagram}] }}`,
      privacyLevel: "PUBLIC",
      waitForResult: true,
      additionalFields: { hashtags: "reels, #aura", videoJobId: "job-two" },
    };
    const execution = await w.act(parameters);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    const items = execution.items("AuraReels");
    assert.deepEqual(items.map(({ json }) => json.status), ["published", "published"]);
    assert.deepEqual(items.map(({ pairedItem }) => pairedItem.item), [0, 0]);
    const visible = await simulator.visible("Published on two");
    assert.equal(visible.length, 2);
    for (const { json } of items) {
      const seen = await core.post(json.id);
      assert.equal(seen.status, PostStatus.PUBLISHED);
      assert.equal(seen.platformPostId, json.platform_post_id);
      assert.match(json.full_caption, /#reels #aura/);
      assert.ok(visible.some((shown) => shown.platform_post_id === json.platform_post_id));
    }
  });

  test("publish: bad input is refused with the field's name and nothing is created", async () => {
    const before = await core.client.posts.listPosts({ includeTotal: true });
    const execution = await w.act(w.publication("x".repeat(2300)));
    assert.equal(execution.status, "error");
    assert.match(`${execution.error.message} ${execution.error.description}`, /caption/);
    assert.match(`${execution.error.message} ${execution.error.description}`, /2,?200/);
    assert.equal(execution.error.context.itemIndex, 0);
    const after = await core.client.posts.listPosts({ includeTotal: true });
    assert.equal(after.total, before.total);
  });

  test("publish: a post that fails comes out of the second output", async () => {
    await simulator.post("tiktok/behaviour", REFUSED);
    const [ok, attention] = await done({ ...w.publication("Refused by the platform"), waitForResult: true });
    assert.deepEqual(ok, []);
    assert.equal(attention[0].status, "failed");
    assert.ok(attention[0].error.message);
    assert.deepEqual(await simulator.visible("Refused by the platform"), []);
  });

  test("schedule, get, update, reschedule, cancel", async () => {
    const made = await scheduled("Scheduled once");
    assert.equal(made.status, "scheduled");
    assert.equal(Date.parse(made.scheduled_at), Date.parse(LATER));
    assert.equal(made.existed, false);
    assert.equal((await scheduled("Scheduled once")).existed, true);

    assert.equal((await post("get", made.id)).caption, "Scheduled once");
    assert.equal((await post("update", made.id, { updateFields: { caption: "Scheduled, edited" } })).caption, "Scheduled, edited");
    assert.equal((await core.post(made.id)).caption, "Scheduled, edited");

    const zone = { scheduledAt: "2031-07-01 12:00", options: { timeZone: "Europe/Berlin" } };
    const moved = await post("reschedule", made.id, zone);
    assert.equal(Date.parse(moved.scheduled_at), Date.parse("2031-07-01T10:00:00Z"));

    assert.equal((await post("cancel", made.id)).status, "cancelled");
    assert.equal((await core.post(made.id)).status, PostStatus.CANCELLED);
  });

  test("publish scheduled: an existing post, now; again it says so; after a reschedule it does nothing", async () => {
    const made = await scheduled("Woken by a workflow");
    const stale = await post("publishScheduled", made.id, { expectedScheduledAt: "2030-01-01T00:00:00Z" });
    assert.equal(stale.result, "superseded");
    assert.equal(stale.status, "scheduled");
    const now = { expectedScheduledAt: LATER, waitForResult: true };
    const published = await post("publishScheduled", made.id, now);
    assert.equal(published.result, "started");
    assert.equal(published.status, "published");
    assert.equal((await post("publishScheduled", made.id, now)).result, "already_under_way");
    assert.equal((await simulator.visible("Woken by a workflow")).length, 1);
  });

  test("get many: with a filter, a limit, and all of them", async () => {
    await scheduled("Listed 1", { additionalFields: { videoJobId: "job-list" } });
    await scheduled("Listed 2", { additionalFields: { videoJobId: "job-list" } });
    const list = async (more) =>
      (await done({ resource: "post", operation: "getAll", filters: { videoJobId: "job-list" }, ...more }))[0];
    assert.deepEqual((await list({ returnAll: true })).map(({ caption }) => caption).sort(), ["Listed 1", "Listed 2"]);
    assert.equal((await list({ returnAll: false, limit: 1 })).length, 1);
    assert.deepEqual(await list({ returnAll: true, filters: { videoJobId: "job-list", statuses: ["failed"] } }), []);
  });

  test("validate: every broken rule at once, and nothing is created", async () => {
    const before = await core.client.posts.listPosts({ includeTotal: true });
    const [ok, bad] = await done({ ...w.publication("y".repeat(2300)), operation: "validate" });
    assert.deepEqual(ok, []);
    assert.equal(bad[0].valid, false);
    assert.match(bad[0].violations[0].field, /caption/);
    assert.ok(bad[0].violations[0].remedy);
    assert.equal((await one({ ...w.publication("fine"), operation: "validate" })).valid, true);
    assert.equal((await core.client.posts.listPosts({ includeTotal: true })).total, before.total);
  });

  test("retry: a failed post goes on and is published once", async () => {
    await simulator.post("tiktok/behaviour", REFUSED);
    const [, [failed]] = await done({ ...w.publication("Second try"), waitForResult: true });
    assert.equal(failed.status, "failed");
    const retried = await post("retry", failed.id, { waitForResult: true });
    assert.equal(retried.status, "published");
    assert.equal((await simulator.visible("Second try")).length, 1);
  });
});

describe("account", () => {
  test("get and get many", async () => {
    assert.equal((await account("get")).platform, "tiktok");
    const [all] = await done({ resource: "account", operation: "getAll", returnAll: true });
    assert.deepEqual(new Set(all.map(({ id }) => id)), await accounts());
    const [some] = await done({ resource: "account", operation: "getAll", filters: { platform: "tiktok" } });
    assert.deepEqual(some.map(({ id }) => id), [tiktok]);
  });

  test("refresh token: only if needed, and always", async () => {
    assert.equal((await account("refreshToken", tiktok, { onlyIfNeeded: true })).result, "still_valid");
    assert.equal((await account("refreshToken", tiktok, { onlyIfNeeded: false })).result, "refreshed");
  });

  test("check", async () => {
    assert.equal((await account("check")).health, "ok");
  });

  test("get publish options", async () => {
    const options = await account("getPublishOptions");
    assert.ok(options.privacy_level_options.includes("PUBLIC_TO_EVERYONE"));
  });

  test("connect: an owner opens the link and the account is there; disconnect: it is out of use, its posts fail", async () => {
    const { auth_url: link } = await one({ resource: "account", operation: "connect", platform: "tiktok" });
    const creators = (await simulator.get("accounts")).accounts.filter(({ platform }) => platform === "tiktok");
    const browser = new Browser();
    const back = await browser.decide(link, "allow", { account: creators[1].id });
    assert.equal((await fetch(back, { redirect: "manual" })).status < 400, false, "another browser");
    assert.equal((await browser.fetch(back)).status < 400, true);
    const [connected] = await done({ resource: "account", operation: "getAll", filters: { platform: "tiktok", active: true } });
    const { id } = connected.find((found) => found.id !== tiktok);

    const doomed = await scheduled("Of an account that goes", { account: byId(id), privacyLevel: "SELF_ONLY" });
    const gone = await account("disconnect", id);
    assert.equal(gone.revoked, true, gone.message);
    assert.equal(gone.account.is_active, false);
    assert.equal(gone.failed_posts, 1);
    const failed = await core.post(doomed.id);
    assert.equal(failed.status, PostStatus.FAILED);
    assert.equal(failed.error.code, "ACCOUNT_DISCONNECTED");
    assert.equal((await core.client.accounts.getAccount({ id: BigInt(id) })).isActive, false);
    assert.equal((await account("get", tiktok)).is_active, true);

    const again = await w.act({ resource: "account", operation: "disconnect", account: byId(id) });
    assert.equal(again.status, "error");
    assert.match(again.error.message, /disconnected/);
  });
});

describe("quota and platform", () => {
  test("quota", async () => {
    const quota = await one({ resource: "quota", operation: "get", account: byId(instagram) });
    assert.equal(quota.account_id, instagram);
    assert.equal(quota.platform, "instagram");
    assert.ok(quota.total > 0);
  });

  test("video requirements", async () => {
    const rules = await one({ resource: "platform", operation: "getVideoRequirements", platform: "tiktok" });
    assert.equal(rules.platform, "tiktok");
  });
});

describe("a post that nobody can tell of", () => {
  test("reconcile and resolve: a post that needs review", { timeout: 200_000 }, async () => {
    const id = w.undecided;
    const inReview = () =>
      until("a post in review", async () => (await core.post(id)).status === PostStatus.NEEDS_REVIEW, { limitMs: 180_000 });
    await inReview();
    const looked = await done({ resource: "post", operation: "reconcile", postId: byId(id) });
    assert.ok(["confirming", "needs_review"].includes(looked.flat()[0].status), JSON.stringify(looked));
    await inReview();
    const [, [settled]] = await done({
      resource: "post",
      operation: "resolve",
      postId: byId(id),
      resolution: "not_published",
      resolveFields: { note: "looked at the profile" },
    });
    assert.equal(settled.status, "failed");
    assert.equal((await core.post(id)).status, PostStatus.FAILED);
  });
});
