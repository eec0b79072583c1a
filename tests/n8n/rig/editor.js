// n8n's editor in a headless Chromium, with its owner logged in.

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { setting } from "./setting.js";

const { chromium } = createRequire(`${setting("N8N_APP")}/n8n/package.json`)("playwright-core");

/** Longest that the editor may take to show something. */
const LOAD_MS = 120_000;

const WIDTH = 1280;

export class Editor {
  /** Opens a browser that writes its pictures to `pictures`. */
  static async start({ address }, pictures) {
    mkdirSync(pictures, { recursive: true });
    const editor = new Editor();
    Object.assign(editor, { address, pictures });
    const options = { executablePath: setting("CHROMIUM"), args: ["--no-sandbox", "--disable-dev-shm-usage"] };
    editor.browser = await chromium.launch(options);
    editor.page = await editor.browser.newPage({ viewport: { width: WIDTH, height: 850 }, deviceScaleFactor: 1 });
    editor.page.setDefaultTimeout(LOAD_MS);
    // The session is bound to the browser's id, so the browser logs in by itself.
    await editor.open("/signin");
    await editor.page.locator('input[type="email"]').fill("owner@example.org");
    await editor.page.locator('input[type="password"]').fill("Correct-horse-7");
    await editor.page.keyboard.press("Enter");
    await editor.page.waitForURL(/\/(home|workflow|setup)/, { waitUntil: "commit" });
    return editor;
  }

  /** Goes to a page of the editor, which is there when what is looked for on it is: its first load takes a slow machine long. */
  open(path) {
    return this.page.goto(`${this.address}${path}`, { waitUntil: "commit", timeout: LOAD_MS });
  }

  /** What has this test id. */
  part(id) {
    return this.page.locator(`[data-test-id="${id}"]`).first();
  }

  /** Takes a picture of the page, so high. */
  async picture(file, height = 850) {
    await this.page.setViewportSize({ width: WIDTH, height });
    await this.page.screenshot({ path: join(this.pictures, file) });
  }

  /** Opens the panel of a node of a stored workflow and takes its picture, so high; the panel's text. */
  async panel({ id }, name, file, height) {
    await this.page.setViewportSize({ width: WIDTH, height });
    await this.open(`/workflow/${id}`);
    const card = this.page.locator(`[data-test-id="canvas-node"][data-node-name="${name}"]`);
    await card.waitFor();
    await card.dblclick();
    const parameters = this.part("node-parameters");
    await parameters.waitFor();
    // Lists are loaded from the core.
    await this.page.waitForTimeout(2500);
    await this.picture(file, height);
    return parameters.innerText();
  }

  close() {
    return this.browser.close();
  }
}
