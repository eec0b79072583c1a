// What a stranger may try: none of it does harm.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";

import { Person } from "./support/browser.js";
import { scene } from "./support/scene.js";

const DAY_MS = 86_400_000;
const SCRIPT = "<script>window.hacked=1</script><img src=x onerror=\"window.hacked=1\">";

describe("a stranger", () => {
  let stack;
  let browser;
  let person;

  scene((made) => ({ stack, browser, person } = made));

  it("cannot use a link that was used, and a link logs nobody in unasked", async () => {
    const link = await stack.link();
    const victim = await Person.open(browser);
    await victim.page.goto(link);
    await victim.page.getByRole("button", { name: "Log in" }).waitFor();
    assert.deepEqual(await victim.context.cookies(), [], "opening a link logs nobody in");
    await victim.click("Log in");
    await victim.live();
    const thief = await Person.open(browser);
    await thief.page.goto(link);
    await thief.click("Log in");
    await thief.page.getByText("This link does not log in.").waitFor();
    assert.deepEqual(await thief.context.cookies(), []);
    await victim.context.close();
    await thief.context.close();
  });

  it("cannot act from a page of another origin", async () => {
    const { accounts } = await stack.call("ListAccounts");
    const page = "<!doctype html><title>evil</title>";
    const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(page));
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    // The same site, for cookies: only the origin tells it apart.
    const evil = await person.context.newPage();
    await evil.goto(`http://127.0.0.1:${server.address().port}/`);
    const seen = await evil.evaluate(async (core) => {
      const tries = [
        ["GET", "/dashboard/session", {}],
        ["POST", "/aurareels.v1.AccountService/ListAccounts", { "content-type": "application/json" }],
        ["POST", "/aurareels.v1.AccountService/ListAccounts", { "content-type": "text/plain" }],
        ["DELETE", "/dashboard/session", {}],
      ];
      const answers = [];
      for (const [method, path, headers] of tries) {
        const body = method === "POST" ? "{}" : undefined;
        answers.push(
          await fetch(core + path, { method, headers, body, credentials: "include" }).then(
            (answer) => `${answer.status}`,
            (failure) => failure.name,
          ),
        );
      }
      return answers;
    }, stack.address);
    assert.deepEqual(seen, ["TypeError", "TypeError", "TypeError", "TypeError"], "nothing can be read");
    // A request that needs no permission in advance reaches the core: the cookie does not count there.
    const cookies = (await person.context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
    for (const origin of [new URL(evil.url()).origin, "null"]) {
      const answer = await fetch(`${stack.address}/aurareels.v1.AccountService/ListAccounts`, {
        method: "POST",
        headers: { origin, cookie: cookies, "content-type": "application/json" },
        body: "{}",
      });
      assert.equal(answer.status, 401, origin);
    }
    await evil.close();
    server.close();
    await person.go(stack.address, "/social-accounts");
    assert.equal((await stack.call("ListAccounts")).accounts.length, accounts.length);
  });

  it("sees nothing of another user", async () => {
    const [account] = await stack.connect("PLATFORM_TIKTOK", { person: "Ada Makes Things" });
    const content = { video_url: `${stack.media}/v/mine.mp4?size=400000&duration=15`, caption: "Mine alone", privacy_level: "PUBLIC" };
    const scheduled_at = { text: new Date(Date.now() + DAY_MS).toISOString() };
    const { posts: [{ id }] } = await stack.call("SchedulePosts", { accounts: [account.id], content, scheduled_at });
    const other = await Person.open(browser);
    await other.logIn(await stack.link(2));
    await other.page.goto(`${stack.address}/dashboard/social-posts/${id}`);
    await other.page.getByText("There is no such post, or it is another user’s.").waitFor();
    await other.go(stack.address, "/social-posts");
    await other.page.getByText("No posts yet.").waitFor();
    await other.go(stack.address, "/social-accounts");
    await other.page.getByText("No account is connected yet.").waitFor();
    await other.context.close();
  });

  it("cannot put a script into a caption or an account's name", async () => {
    const name = `${SCRIPT}\u202Eevil`;
    await stack.simulated("accounts", { platform: "tiktok", name, username: "hostile" });
    const [account] = await stack.connect("PLATFORM_TIKTOK", { person: "window.hacked" });
    assert.ok(account.account_name.includes("<script>"), account.account_name);
    const caption = `${SCRIPT} caption`;
    const at = new Date(Date.now() + DAY_MS).toISOString();
    const day = at.slice(0, 10);
    const content = { video_url: `${stack.media}/v/evil.mp4?size=400000&duration=15`, caption, privacy_level: "PUBLIC" };
    const scheduled_at = { text: at };
    const { posts: [{ id }] } = await stack.call("SchedulePosts", { accounts: [account.id], content, scheduled_at });
    const paths = ["/social-calendar", `/social-calendar?layout=agenda&day=${day}`, "/social-posts", `/social-posts/${id}`, "/social-accounts"];
    for (const path of paths) {
      await person.go(stack.address, path);
      await person.page.getByText("<script>window.hacked=1</script>").first().waitFor({ state: "attached" });
      assert.equal(await person.page.evaluate(() => window.hacked), undefined, path);
    }
    person.quiet();
  });

  it("finds no way around the page's policy", async () => {
    const { headers } = await fetch(`${stack.address}/dashboard/`);
    const policy = headers.get("content-security-policy");
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|\*/);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    const cookie = (await person.context.cookies()).find(({ domain }) => domain === "127.0.0.1");
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Lax"]);
  });
});
