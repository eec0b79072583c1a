// A person's own services are told what happens: an endpoint is added, tried, repaired, given a new secret, switched off and
// deleted, against a receiver that verifies every signature.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";

import { scene } from "./support/scene.js";
import { until } from "./support/stack.js";

const DAY_MS = 86_400_000;
const ALL_EVENTS = 16;

/** A service that answers what it is told to, and keeps what it got. */
async function receiver() {
  const got = [];
  const state = { status: 204, answer: "" };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks).toString();
    got.push({ headers: request.headers, body, event: JSON.parse(body) });
    response.writeHead(state.status).end(state.answer);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${server.address().port}/hook`;
  return { got, state, url, close: () => server.close() };
}

/** The signature of a request, as Standard Webhooks has it. */
function signature(secret, { headers, body }) {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const text = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  return `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
}

describe("webhooks", () => {
  let stack;
  let person;
  let page;
  let service;
  let account;
  let secret;

  scene((made) => ({ stack, person, page } = made));
  before(async () => {
    service = await receiver();
    [account] = await stack.connect("PLATFORM_TIKTOK", { person: "Ada Makes Things" });
  });
  after(() => service?.close());

  const endpoints = async (user = 1) => (await stack.call("ListWebhookEndpoints", {}, user)).endpoints ?? [];
  const card = () => page.getByRole("article", { name: service.url });
  const button = (name) => card().getByRole("button", { name, exact: true });

  async function schedule(caption) {
    const content = { video_url: `${stack.media}/v/hooks.mp4?size=400000&duration=15`, caption, privacy_level: "PUBLIC" };
    const scheduled_at = { text: new Date(Date.now() + 3 * DAY_MS).toISOString() };
    return (await stack.call("SchedulePosts", { accounts: [account.id], content, scheduled_at })).posts[0];
  }

  it("an address that the core refuses is explained, and one that it takes shows its secret once", async () => {
    await person.go(stack.address, "/webhooks");
    await page.getByText("There are no endpoints.").waitFor();
    await person.click("Add an endpoint");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Address").fill("ftp://example.org/hook");
    await dialog.getByRole("button", { name: "Add an endpoint" }).click();
    await dialog.getByRole("alert").getByText("url").first().waitFor();
    assert.deepEqual(await endpoints(), []);
    await dialog.getByLabel("Address").fill(service.url);
    await dialog.getByLabel("Description").fill("The newsroom");
    // Each kind of event that is offered is one that the core knows.
    const events = dialog.getByRole("combobox", { name: "Events" });
    await events.click();
    for (let number = 0; number < ALL_EVENTS; number += 1) {
      await page.getByRole("option").nth(number).click();
    }
    assert.equal(await page.getByRole("option").count(), ALL_EVENTS);
    await page.keyboard.press("Escape");
    await person.accessible("an endpoint's dialog");
    await dialog.getByRole("button", { name: "Add an endpoint" }).click();
    const shown = page.getByRole("dialog", { name: "The endpoint’s secret" });
    secret = await shown.getByLabel("Secret").inputValue();
    assert.match(secret, /^whsec_/);
    await person.accessible("a secret");
    await shown.getByRole("button", { name: "I have copied it" }).click();
    const [made] = await endpoints();
    assert.deepEqual([made.url, made.description, made.event_types.length], [service.url, "The newsroom", ALL_EVENTS]);
    await card().getByText("The newsroom").waitFor();
    assert.equal((await page.content()).includes(secret), false, "the secret is gone from the page");
    await person.accessible("webhooks");
  });

  it("a test event is told as what became of it", async () => {
    await button("Send a test").click();
    await person.status("The test event was delivered.");
    const [test] = service.got;
    assert.equal(test.event.type, "webhook.test");
    assert.equal(test.headers["webhook-signature"], signature(secret, test));
    service.state.status = 500;
    service.state.answer = "the newsroom is closed";
    await button("Send a test").click();
    await person.status(/^The test event was not delivered: /);
  });

  it("a delivery that failed is found in the log with its answer, and goes out when it is tried again", async () => {
    const { id } = await schedule("For the newsroom");
    await until("it was tried", async () => service.got.some(({ event }) => event.data.id === id));
    await card().getByRole("link", { name: "Log" }).click();
    const row = page.getByRole("listitem").filter({ hasText: "post.created" });
    await row.getByText("Waiting", { exact: true }).waitFor();
    await row.getByRole("link", { name: `Post ${id}` }).waitFor();
    await row.getByRole("button", { name: "Details" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("the newsroom is closed").first().waitFor();
    await dialog.getByText(/answered 500/).first().waitFor();
    await dialog.getByText(/"caption": "For the newsroom"/).waitFor();
    await person.accessible("a delivery");
    await dialog.getByRole("button", { name: "Close" }).click();
    await person.accessible("the log");
    await person.picture("webhook-log");
    service.state.status = 204;
    service.state.answer = "";
    await row.getByRole("button", { name: "Try now" }).click();
    await person.status("Delivered.");
    await row.getByText("Delivered", { exact: true }).waitFor();
    await page.getByRole("combobox", { name: "Status" }).click();
    await page.getByRole("option", { name: "Given up" }).click();
    await page.getByRole("listitem").filter({ hasText: "webhook.test" }).getByText("Given up", { exact: true }).waitFor();
    assert.equal(await row.count(), 0);
    await page.getByRole("combobox", { name: "Status" }).click();
    await page.getByRole("option", { name: "All" }).click();
    await row.waitFor();
  });

  it("what was delivered is sent again with the same id and body", async () => {
    const row = page.getByRole("listitem").filter({ hasText: "post.created" });
    const of = () => service.got.filter(({ event }) => event.type === "post.created");
    const before = of();
    await row.getByRole("button", { name: "Send again" }).click();
    await until("it came again", async () => of().length === before.length + 1);
    await person.status("Delivered.");
    const [first, last] = [of()[0], of().at(-1)];
    assert.deepEqual([last.headers["webhook-id"], last.body], [first.headers["webhook-id"], first.body]);
  });

  it("while the secret changes, both sign", async () => {
    await page.getByRole("link", { name: "All endpoints" }).click();
    await button("New secret").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("24 hours").waitFor();
    await dialog.getByRole("button", { name: "Make a new secret" }).click();
    const shown = page.getByRole("dialog", { name: "The endpoint’s secret" });
    const fresh = await shown.getByLabel("Secret").inputValue();
    assert.notEqual(fresh, secret);
    await shown.getByRole("button", { name: "I have copied it" }).click();
    await card().getByText(/^The secret before signs as well, until /).waitFor();
    const before = service.got.length;
    await button("Send a test").click();
    await until("it came", async () => service.got.length > before);
    const test = service.got.at(-1);
    const signed = test.headers["webhook-signature"].split(" ");
    assert.deepEqual(signed.toSorted(), [signature(fresh, test), signature(secret, test)].toSorted());
  });

  it("an endpoint is changed, switched off and on, and deleted", async () => {
    await button("Edit").click();
    let dialog = page.getByRole("dialog");
    await dialog.getByLabel("Description").fill("The newsroom's night desk");
    await dialog.getByRole("checkbox", { name: "YouTube" }).check();
    await dialog.getByRole("button", { name: "Save" }).click();
    await card().getByText("The newsroom's night desk").waitFor();
    assert.deepEqual((await endpoints())[0].platforms, ["PLATFORM_YOUTUBE"]);
    await button("Switch off").click();
    await card().getByText(/^You switched it off\./).waitFor();
    assert.equal((await endpoints())[0].is_active ?? false, false);
    assert.equal(await button("Send a test").isDisabled(), true);
    await button("Switch on").click();
    await button("Switch off").waitFor();
    assert.equal((await endpoints())[0].is_active, true);
    await button("Delete").click();
    dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByText("There are no endpoints.").waitFor();
    assert.deepEqual(await endpoints(), []);
  });

  it("nothing is shown of another user's endpoint", async () => {
    const { endpoint } = await stack.call("CreateWebhookEndpoint", { url: service.url }, 2);
    await person.go(stack.address, "/webhooks");
    await page.getByText("There are no endpoints.").waitFor();
    await page.goto(`${stack.address}/dashboard/webhooks/${endpoint.id}`);
    await page.getByText("There is no such endpoint, or it is another user’s.").waitFor();
  });

  it("the console has said nothing", () => person.quiet());
});
