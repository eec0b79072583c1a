// The dashboard of page/ in a real Chromium, against a running core at another origin.
//
// The main job from end to end, done by clicks: log in at the site (which issues tokens as the WordPress JWT plugin
// does), connect accounts through the platforms' consent pages, publish, see both posts become published, find each
// exactly once on the simulated platform. Then what a browser adds: origins that are not listed get nothing, and errors
// can be read with all their details.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { importPKCS8, SignJWT } from "jose";
import { chromium } from "playwright-core";

import { bundle, serve } from "./site.js";

// Instagram's processing is polled every ten seconds at first, so publishing takes that long on an idle machine too.
const PUBLISH_MS = 180_000;
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function setting(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: start this test with \`cargo xtask test --only browser\``);
  return value;
}

const core = setting("AURAREELS_ADDRESS");
const site = setting("AURAREELS_SITE");
const simulator = setting("AURAREELS_SIMULATOR_CONTROL");
const video = `${setting("AURAREELS_SIMULATOR_MEDIA")}/v/browser.mp4`;
const secret = new TextEncoder().encode(setting("AURAREELS_SITE_SECRET"));
const now = () => Math.floor(Date.now() / 1000);

/** A token as the WordPress plugin makes it; its user ids are texts. */
function wordpressToken(user, lives = 7 * 24 * 3600) {
  const issued = now() + Math.min(lives, 0) - 60;
  const claims = { iss: site, iat: issued, nbf: issued, exp: now() + lives, data: { user: { id: String(user) } } };
  return new SignJWT(claims).setProtectedHeader({ typ: "JWT", alg: "HS256" }).sign(secret);
}

async function ed25519Token(user, audience) {
  const key = await importPKCS8(await readFile(new URL("testdata/site.key", import.meta.url), "utf8"), "EdDSA");
  const claims = { iss: site, exp: now() + 300, aud: audience, data: { user: { id: user } } };
  return new SignJWT(claims).setProtectedHeader({ alg: "EdDSA" }).sign(key);
}

describe("a page in a browser", () => {
  const servers = [];
  let foreign;
  let profile;
  let browser;
  let page;

  before(async () => {
    const script = await bundle(core);
    const token = (name, password) => (name === "ada" && password === "correct horse" ? wordpressToken(1) : undefined);
    servers.push(await serve(Number(new URL(site).port), script, token));
    servers.push(await serve(0, script, token));
    foreign = `http://127.0.0.1:${servers[1].address().port}`;
    profile = await mkdtemp(join(tmpdir(), "aurareels-browser-"));
    const executablePath = setting("AURAREELS_CHROMIUM");
    browser = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: FLAGS });
    page = await browser.newPage();
  });

  after(async () => {
    await browser?.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await rm(profile, { recursive: true, force: true });
  });

  /** A test, and what the page looked like at its end: for the one that failed. */
  function test(name, run) {
    it(name, async () => {
      try {
        await run();
      } finally {
        const pictures = setting("AURAREELS_PICTURES");
        await mkdir(pictures, { recursive: true });
        await page.screenshot({ path: join(pictures, `${name.replaceAll(/\W+/g, "-")}.png`), fullPage: true });
      }
    });
  }

  /** Opens the page with a token in its storage, as if its user had logged in. */
  async function openAs(origin, token) {
    await page.goto(origin);
    await page.evaluate((text) => sessionStorage.setItem("token", text), token);
    await page.reload();
  }

  const alert = () => page.getByRole("alert");
  const click = (name) => page.getByRole("button", { name, exact: true }).click();

  /** Connects on the platform's own page; returns the front end's address with what the core put into its query. */
  async function connect(platform, decision = "Allow") {
    await click(`Connect ${platform}`);
    await page.waitForURL((url) => url.pathname.startsWith("/oauth/connect/"));
    await page.getByText("User 1").first().waitFor();
    const { origin } = new URL(page.url());
    await click(`Go on to ${platform}`);
    await page.waitForURL((url) => url.origin !== origin);
    assert.notEqual(new URL(page.url()).origin, site, "the consent page is the platform's");
    await click(decision);
    await page.waitForURL((url) => url.href.startsWith(`${site}/accounts`));
    return new URL(page.url());
  }

  async function fillPost(address, caption) {
    await page.getByLabel("Video").fill(address);
    await page.getByLabel("Caption").fill(caption);
  }

  test("log in, connect, publish, watch and list", async () => {
    await page.goto(site);
    await page.getByLabel("Name").fill("ada");
    await page.getByLabel("Password").fill("wrong");
    await click("Log in");
    await alert().getByText("The password is wrong.").waitFor();
    await page.getByLabel("Password").fill("correct horse");
    await click("Log in");
    await page.getByText("No account is connected yet.").waitFor();

    for (const [name, platform] of [["TikTok", "tiktok"], ["Instagram", "instagram"]]) {
      const back = await connect(name);
      assert.deepEqual([...back.searchParams], [["tab", "social"], ["status", "success"], ["platform", platform]]);
      await page.getByRole("status").getByText(`Connected: ${platform}`).waitFor();
    }
    // Facebook Login connects every account of its person; one of each platform is enough here.
    const instagram = page.getByRole("checkbox", { name: "(INSTAGRAM)" });
    await instagram.first().waitFor();
    for (let index = 1; index < (await instagram.count()); index += 1) {
      await instagram.nth(index).uncheck();
    }
    assert.equal(await page.getByRole("checkbox", { checked: true }).count(), 2);

    const caption = "Made in a browser ✨";
    await fillPost(video, caption);
    await click("Publish");
    const rows = page.locator("#posts tr");
    await rows.nth(1).waitFor();
    await rows.filter({ hasText: "PUBLISHED" }).nth(1).waitFor({ timeout: PUBLISH_MS });
    await rows.getByRole("link", { name: "open" }).nth(1).waitFor({ timeout: PUBLISH_MS });
    const links = await rows.getByRole("link", { name: "open" }).evaluateAll((all) => all.map(({ href }) => href));

    // Pressed again: the same posts, not two more.
    const answered = page.waitForResponse((response) => response.url().endsWith("/PublishPosts"));
    await click("Publish");
    await (await answered).finished();
    await page.reload();
    await rows.nth(1).waitFor();
    assert.equal(await rows.count(), 2, "ListPosts shows both, each once");
    const { posts } = await (await fetch(`${simulator}/_sim/posts`)).json();
    const ours = posts.filter((post) => post.caption === caption);
    const platforms = ours.map((post) => post.platform).sort();
    assert.deepEqual(platforms, ["instagram", "tiktok"], `each is visible once, not as in ${JSON.stringify(ours)}`);
    assert.equal(new Set(links).size, 2, String(links));
  });

  test("a refused consent comes back with the reason", async () => {
    await openAs(site, await wordpressToken(1));
    await page.getByRole("button", { name: "Publish" }).waitFor();
    const back = await connect("TikTok", "Deny");
    assert.equal(back.searchParams.get("status"), "error");
    assert.ok(back.searchParams.get("message"), back.href);
    await alert().getByText(back.searchParams.get("message")).waitFor();
  });

  test("an expired token leads to the login, and says so", async () => {
    await openAs(site, await wordpressToken(1, -60));
    await alert().getByText(/^Unauthenticated: the token expired \d+ s ago/).waitFor();
    assert.equal(await page.locator("#reason").textContent(), "UNAUTHENTICATED");
    assert.match(await page.locator("#remedy").textContent(), /log in again/);
    await page.getByRole("button", { name: "Log in" }).waitFor();
  });

  test("every broken rule can be read in the page", async () => {
    await openAs(site, await wordpressToken(1));
    await page.getByRole("checkbox").first().waitFor();
    await fillPost(video, "x".repeat(2_201));
    await click("Publish");
    await alert().getByText("InvalidArgument").waitFor();
    assert.equal(await page.locator("#reason").textContent(), "CAPTION_TOO_LONG");
    assert.ok(await page.locator("#remedy").textContent());
    const fields = await alert().getByRole("listitem").allTextContents();
    assert.equal(fields.length, await page.getByRole("checkbox", { checked: true }).count(), fields.join("\n"));
    assert.match(fields[0], /^content\.caption: .*measured: 2201.*limit: 2200/);
  });

  test("a request that is too large is refused in words", async () => {
    await openAs(site, await wordpressToken(1));
    await page.getByRole("checkbox").first().waitFor();
    await fillPost(video, "");
    // Out of sight: laying so much text out takes longer than the test.
    await page.getByLabel("Caption").evaluate((area) => {
      area.style.display = "none";
      area.value = "too long ".repeat(150_000);
    });
    await click("Publish");
    await alert().getByText("InvalidArgument").waitFor();
    assert.equal(await page.locator("#reason").textContent(), "REQUEST_TOO_LARGE");
    assert.ok(await page.locator("#remedy").textContent());
  });

  test("an Ed25519 token for the core works for its own user", async () => {
    await openAs(site, await ed25519Token(2, "aurareels-core"));
    await page.getByText("No account is connected yet.").waitFor();
    assert.equal(await page.locator("#posts tr").count(), 0, "nothing of user 1");
    await openAs(site, await ed25519Token(2, "another-service"));
    await alert().getByText("Unauthenticated: the token is not meant for this core").waitFor();
  });

  test("an origin that is not listed gets nothing", async () => {
    const said = [];
    page.on("console", (message) => said.push(message.text()));
    await openAs(foreign, await wordpressToken(1));
    await alert().getByText("Failed to fetch").waitFor();
    page.removeAllListeners("console");
    assert.ok(said.some((text) => text.includes("blocked by CORS policy")), said.join("\n"));
    assert.equal(await page.getByRole("checkbox").count(), 0);

    const url = `${core}/aurareels.v1.AccountService/ListAccounts`;
    const preflight = { "access-control-request-method": "POST", "access-control-request-headers": "authorization" };
    const call = { authorization: `Bearer ${await wordpressToken(1)}`, "content-type": "application/grpc-web+proto" };
    for (const [origin, allowed] of [[site, true], [foreign, false], ["null", false]]) {
      for (const request of [
        { method: "OPTIONS", headers: { origin, ...preflight } },
        { method: "POST", headers: { origin, ...call }, body: new Uint8Array(5) },
      ]) {
        const answer = await fetch(url, request);
        await answer.arrayBuffer();
        const cors = [...answer.headers].filter(([name]) => name.startsWith("access-control-"));
        assert.equal(answer.headers.get("access-control-allow-origin"), allowed ? origin : null);
        assert.equal(cors.length > 0, allowed, `${request.method} from ${origin}: ${JSON.stringify(cors)}`);
      }
    }
  });
});
