// The workflows of workflows/, imported as a user imports them, published and called from outside.

import assert from "node:assert/strict";
import { after, afterEach, beforeEach, describe, test } from "node:test";

import { Browser } from "../clients/node/browser.js";
import { PostStatus, Scheduler } from "../clients/node/clients.js";
import { languageModel, Listener } from "./rig/listener.js";
import * as shipped from "./rig/shipped.js";
import { sleep, until } from "./rig/wait.js";
import { world } from "./rig/world.js";

const REFUSED = { processing_seconds: 0.1, outcome: "fail", fail_reason: "spam_risk_text", tasks: 1 };

const w = await world();
const { core, n8n, simulator } = w;
const chat = await Listener.start();
after(() => chat.close());

const imported = (file, options) => shipped.imported(w, chat, file, options);
const live = (workflow) => shipped.live(w, workflow);
const call = (payload, key) => shipped.call(w, payload, key);
const schedule = (...wish) => shipped.schedule(w, ...wish);

const ORIGINALS = {
  social_media_scheduler: {
    publish: "Publish Scheduled",
    refresh: "Refresh Token If Needed",
    success: "Success Message",
    error: "Error Message",
  },
  social_media_publisher: {
    publish: "Publish to Platform",
    refresh: "Refresh Token",
    success: "Handle Success",
    error: "Handle Error",
  },
};

for (const [file, names] of Object.entries(ORIGINALS)) {
  // They share the webhook's path, so one is published at a time; `file` keeps their captions apart.
  describe(file, () => {
    let workflow;
    beforeEach(async () => {
      workflow = await live(await imported(file));
    });
    afterEach(() => n8n.retire(workflow));

    test("the core hands a post over, the workflow publishes it at its time, once", async () => {
      const caption = `Handed over to ${file}`;
      // The core hands over until ten seconds before the time.
      const { id, payload } = await schedule(w.tiktok, caption, 14, Scheduler.N8N);
      const [execution] = await n8n.rest.ends(workflow);
      assert.equal(execution.status, "success", JSON.stringify(execution.error));
      assert.ok(Date.now() >= Date.parse(payload.scheduled_at));
      const [result] = execution.json(names.publish);
      assert.equal(result.result, "started");
      assert.equal(result.status, "published");
      assert.ok(execution.ran(names.refresh), "TikTok's tokens always end within 24 hours");
      assert.equal((await simulator.visible(caption)).length, 1);
      const seen = await core.post(id);
      assert.equal(seen.status, PostStatus.PUBLISHED);
      const told = await chat.heard("the notification", ({ body }) => body.text.includes(`Post ${id} is published`));
      assert.ok(told.body.text.includes(seen.platformPostUrl), told.body.text);
    });

    test("called with the original payload while the core wakes the post too: one post", async () => {
      const caption = `Woken by both, ${file}`;
      const { payload } = await schedule(w.instagram, caption, 5);
      assert.equal((await call(payload)).status, 200);
      const [execution] = await n8n.rest.ends(workflow);
      assert.equal(execution.status, "success", JSON.stringify(execution.error));
      assert.equal(execution.json(names.publish)[0].status, "published");
      assert.equal((await simulator.visible(caption)).length, 1);
      if (file === "social_media_publisher") {
        assert.ok(!execution.ran(names.refresh), "Instagram's tokens live for weeks");
      }
    });

    test("fired twice: one post", async () => {
      const caption = `Fired twice at ${file}`;
      const { payload } = await schedule(w.tiktok, caption, 4);
      await Promise.all([call(payload), call(payload)]);
      const executions = await n8n.rest.ends(workflow, 2);
      assert.deepEqual(executions.map(({ status }) => status), ["success", "success"]);
      for (const execution of executions) {
        assert.equal(execution.json(names.publish)[0].status, "published");
      }
      assert.equal((await simulator.visible(caption)).length, 1);
    });

    test("a failing post takes the error branch", async () => {
      const caption = `Refused after ${file}`;
      await simulator.post("tiktok/behaviour", REFUSED);
      const { id, payload } = await schedule(w.tiktok, caption, 3);
      await call(payload);
      const [execution] = await n8n.rest.ends(workflow);
      assert.equal(execution.status, "success", JSON.stringify(execution.error));
      assert.ok(!execution.ran(names.success));
      assert.ok(!execution.ran("Wait 5 Minutes"), "a refusal is final");
      assert.equal((await core.post(id)).status, PostStatus.FAILED, "the core alone writes the status");
      const told = await chat.heard("the notification", ({ body }) => body.text.startsWith(`Post ${id} was not`));
      assert.ok(told.body.text.length > `Post ${id} was not published.`.length, told.body.text);
      assert.deepEqual(await simulator.visible(caption), []);
    });

    test("a post that was moved: the old call does nothing and counts as success", async () => {
      const caption = `Moved away from ${file}`;
      const { id, payload } = await schedule(w.tiktok, caption, 15);
      await call(payload);
      // While it is being prepared the core says: try again in a moment.
      await until("a post that is moved", () =>
        core.client.posts.reschedulePost({
          id: BigInt(id),
          scheduledAt: { form: { case: "text", value: "2031-01-01T00:00:00Z" } },
        }),
      );
      const [execution] = await n8n.rest.ends(workflow);
      assert.equal(execution.status, "success", JSON.stringify(execution.error));
      assert.equal(execution.json(names.publish)[0].result, "superseded");
      assert.ok(execution.ran(names.success));
      assert.equal((await core.post(id)).status, PostStatus.SCHEDULED);
    });

    test("a core that is away is tried again, and the post goes out once", async () => {
      const caption = `Late for ${file}`;
      const { payload } = await schedule(w.tiktok, caption, 2);
      await core.kill();
      await call(payload);
      const running = await until("the execution", async () => (await n8n.rest.executions({ workflowId: workflow.id }))[0]);
      // n8n stores what has run at the end only, so this cannot be seen: two seconds for the wait, some for the first try.
      await sleep(4000);
      await core.serve();
      const execution = await n8n.rest.finished(running.id);
      assert.equal(execution.status, "success", JSON.stringify(execution.error));
      assert.ok(execution.ran("Wait 5 Minutes"), "the first try found no core");
      assert.equal(execution.json(names.publish)[0].status, "published");
      assert.equal((await simulator.visible(caption)).length, 1);
    });

    test("after three retries it gives up and says so", async () => {
      await core.kill();
      try {
        await call({ post_id: 1, scheduled_at: new Date().toISOString(), user_id: 1 });
        const [execution] = await n8n.rest.ends(workflow);
        assert.equal(execution.runs("Wait 5 Minutes").length, 3);
        const told = await chat.heard("the notification", ({ body }) => body.text.includes("cannot be reached"));
        assert.match(told.body.text, /Post 1 was not published/);
      } finally {
        await core.serve();
      }
    });

    test("without the key nothing runs", async () => {
      assert.equal((await call({ post_id: 1 }, { "X-API-Key": "wrong" })).status, 403);
      await sleep(500);
      assert.deepEqual(await n8n.rest.executions({ workflowId: workflow.id }), []);
    });
  });
}

/** Sends a form as a browser does; `fields` in the order of the form. */
async function submit(path, fields) {
  const form = new FormData();
  fields.forEach((value, index) => form.append(`field-${index}`, value));
  const answer = await fetch(`${n8n.address}/form/${path}`, { method: "POST", body: form });
  assert.equal(answer.status, 200, await answer.text());
}

/** Publishes a workflow that begins with a form. */
async function liveForm(workflow, path) {
  await n8n.rest.publish(workflow);
  await until("the form", async () => (await fetch(`${n8n.address}/form/${path}`)).ok);
  return workflow;
}

describe("bulk_schedule", () => {
  const rows = () =>
    [
      "accounts,video_url,caption,hashtags,privacy,scheduled_at,time_zone",
      `"${w.tiktok}, ${w.instagram}",${simulator.video("bulk-1")},Bulk one,"reels, aura",PUBLIC,2031-02-03 18:00,Europe/Berlin`,
      `${w.tiktok},${simulator.video("bulk-2")},Bulk ${"x".repeat(2300)},,PUBLIC,2031-02-04 18:00,Europe/Berlin`,
      `${w.tiktok},${simulator.video("bulk-3")},Bulk three,,PRIVATE,2031-02-05T18:00:00Z,`,
    ].join("\n");
  const upload = () => submit("aurareels-bulk-schedule", [new File([rows()], "plan.csv", { type: "text/csv" })]);

  test("schedules each row, names the refused one; the same file again makes nothing new", async () => {
    const workflow = await liveForm(await imported("bulk_schedule"), "aurareels-bulk-schedule");
    await upload();
    const [execution] = await n8n.rest.ends(workflow);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    const lines = execution.json("Report").map(({ line }) => line);
    assert.equal(lines.length, 4, JSON.stringify(lines));
    // Row 1 holds the names of the columns; the first row below has two accounts.
    assert.deepEqual(lines.map((line) => /^Row \d+: \S+/.exec(line)?.[0]), ["Row 2: post", "Row 2: post", "Row 3: refused.", "Row 4: post"]);
    assert.match(lines[2], /caption/i);
    const listed = async () => {
      const { posts } = await core.client.posts.listPosts({ statuses: [PostStatus.SCHEDULED], pageSize: 500 });
      return posts.filter(({ caption }) => caption.startsWith("Bulk "));
    };
    const posts = await listed();
    assert.equal(posts.length, 3);
    const berlin = posts.find(({ caption }) => caption === "Bulk one");
    assert.equal(Number(berlin.scheduledAt.seconds) * 1000, Date.parse("2031-02-03T17:00:00Z"));
    assert.deepEqual(berlin.hashtags, ["reels", "aura"]);
    await chat.heard("the report", ({ body }) => body.text.split("\n").length === 4);

    await upload();
    await n8n.rest.ends(workflow, 2);
    assert.equal((await listed()).length, 3);
    await n8n.retire(workflow);
  });
});

describe("reconnect_alert", () => {
  test("tells, and its link leads back to a working account", async () => {
    const workflow = await imported("reconnect_alert");
    const before = await core.calls("WatchPosts");
    await n8n.rest.publish(workflow);
    await until("an open stream", async () => (await core.calls("WatchPosts")) > before);
    const account = await w.endInstagramLogin();
    const told = await chat.heard("the alert", ({ body }) => body.text.includes("connected again"));
    assert.ok(told.body.text.includes(account.accountName), told.body.text);
    const [link] = /http\S+aurareels-reconnect\?account=\d+/.exec(told.body.text);
    assert.ok(link.startsWith(n8n.address), link);

    const opened = await fetch(link, { redirect: "manual" });
    assert.equal(opened.status, 307);
    const browser = new Browser();
    const back = await browser.decide(opened.headers.get("location"));
    assert.equal((await browser.fetch(back)).status, 200);
    const again = await core.client.accounts.checkAccount({ id: BigInt(w.instagram) });
    assert.equal(again.healthReason, "");
    await n8n.retire(workflow);
  });
});

describe("publish_with_ai_caption", () => {
  test("the model writes, AuraReels keeps what it wrote and publishes", async (t) => {
    const caption = "A cat opens a door by itself.";
    const titles = ["Clever cat", "Who needs a key?"];
    // As models answer that were told not to.
    const texts = JSON.stringify({ titles, description: caption, hashtags: ["cats", "clever"] });
    const model = await languageModel(`Here you are:\n\`\`\`json\n${texts}\n\`\`\``);
    t.after(() => model.close());
    const data = { apiKey: "sk-of-a-test", url: `${model.address}/v1` };
    const openAiApi = await n8n.rest.credential("openAiApi", "OpenAI", data);
    const workflow = await liveForm(await imported("publish_with_ai_caption", { further: { openAiApi } }), "aurareels-ai-caption");
    const accounts = `${w.tiktok}, ${w.instagram}`;
    await submit("aurareels-ai-caption", [simulator.video("cat"), "My cat opens doors", accounts, "PUBLIC"]);
    const [execution] = await n8n.rest.ends(workflow);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.ok(JSON.stringify(model.calls[0].body.messages).includes("My cat opens doors"));
    const visible = await simulator.visible(caption);
    assert.equal(visible.length, 2);
    assert.ok(visible.every((post) => post.caption.includes("#cats #clever")), JSON.stringify(visible));
    const [saved] = execution.json("Save Video Job");
    const kept = await core.client.media.getVideoJob({ videoJobId: saved.video_job_id });
    assert.deepEqual(kept.aiMetadata.titles, titles);
    assert.equal(kept.videoUrl, simulator.video("cat"));
    await chat.heard("the notification", ({ body }) => body.text.includes(caption));
    await n8n.retire(workflow);
  });
});
