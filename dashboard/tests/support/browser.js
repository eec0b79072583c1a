// A real Chromium, and what a person does in it. Whatever the page says to the console as an error is collected: a test
// that ends with any has failed, and so has one with a breach of the page's policy.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export async function launch() {
  const executablePath = process.env.AURAREELS_CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** What a page of a killed core says in the console, and nothing else may. */
const AWAY = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_SOCKET_NOT_CONNECTED/;

/** Runs in the page: waits until everything that fades has faded. What turns for ever, a progress bar, is not waited for. */
async function faded() {
  const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
  await frame();
  await frame();
  const ends = (one) => Number.isFinite(one.effect?.getComputedTiming().endTime);
  await Promise.all(document.getAnimations().filter(ends).map((one) => one.finished.catch(() => undefined)));
}

export class Person {
  errors = [];

  /** A browser of its own: cookies, storage, language. */
  static async open(browser, options = {}) {
    const person = new Person();
    const context = await browser.newContext({
      locale: "en-GB",
      timezoneId: "Europe/Berlin",
      viewport: { width: 1360, height: 1000 },
      ...options,
    });
    person.context = context;
    person.page = await context.newPage();
    person.page.setDefaultTimeout(30_000);
    person.page.on("console", (message) => message.type() === "error" && person.#said(message.text(), message.location().url));
    person.page.on("pageerror", (error) => person.errors.push(error.stack ?? error.message));
    return person;
  }

  /** The simulated platforms' pages, and pictures of accounts at hosts that do not exist, are not the dashboard's. */
  #said(text, url) {
    if (!text.startsWith("Failed to load resource") || !this.core || url.startsWith(this.core)) {
      this.errors.push(`${text} ${url}`);
    }
  }

  /** Logs in by a one-time link, and waits until the page is live. */
  async logIn(link) {
    this.core = new URL(link).origin;
    await this.page.goto(link);
    await this.click("Log in");
    await this.live();
    // Who was not logged in was told so, once.
    this.errors = this.errors.filter((text) => !text.includes("401 (Unauthorized)"));
  }

  async live() {
    await this.page.locator("[data-live=live]").waitFor({ state: "attached" });
  }

  async go(address, path) {
    await this.page.goto(`${address}/dashboard${path}`);
    await this.live();
  }

  click(name, role = "button") {
    return this.page.getByRole(role, { name, exact: true }).click();
  }

  status(text) {
    return this.page.getByText(text).first().waitFor();
  }

  /** No rule of WCAG 2.2 AA is broken, in light and in dark. */
  async accessible(what) {
    for (const colorScheme of ["light", "dark"]) {
      await this.page.emulateMedia({ colorScheme });
      // Colours fade; half faded ones have no contrast.
      await this.page.evaluate(faded);
      // The policy allows no script of a test in the page; the protocol's own world is beside it.
      const violations = await this.#axe();
      const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => node.html).join("\n  ")}`);
      assert.deepEqual(told, [], `${what}, ${colorScheme}`);
    }
    await this.page.emulateMedia({ colorScheme: "light" });
  }

  async #axe() {
    const { readFile } = await import("node:fs/promises");
    await this.page.evaluate(await readFile(AXE, "utf8"));
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    return this.page.evaluate(async (values) => {
      const { violations } = await window.axe.run(document, { runOnly: { type: "tag", values } });
      return violations;
    }, tags);
  }

  /** Nothing was said to the console but that a killed core is away, where it was killed. */
  quiet({ killed = false } = {}) {
    const others = this.errors.filter((text) => !(killed && AWAY.test(text)));
    assert.deepEqual(others, []);
  }

  async picture(name) {
    const folder = process.env.AURAREELS_PICTURES;
    if (folder) {
      await mkdir(folder, { recursive: true });
      await this.page.evaluate(faded);
      await this.page.screenshot({ path: join(folder, `${name}.png`) });
    }
  }
}
