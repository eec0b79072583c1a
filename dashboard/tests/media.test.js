// Uploads: a video is brought, looked at, used for a post, kept as long as the post needs it, and deleted.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";

import { scene } from "./support/scene.js";
import { until } from "./support/stack.js";

describe("uploads", () => {
  let stack;
  let person;
  let page;
  let folder;

  scene((made) => ({ stack, person, page } = made));
  before(async () => {
    await stack.connect("PLATFORM_FACEBOOK", { person: "Ben Example" });
    folder = await mkdtemp(join(tmpdir(), "aurareels-media-"));
    const bytes = await (await fetch(`${stack.media}/v/brought.mp4?size=3000000&duration=15`)).arrayBuffer();
    await writeFile(join(folder, "brought.mp4"), Buffer.from(bytes));
    await writeFile(join(folder, "no video.mp4"), "This is text.");
  });
  after(() => rm(folder, { recursive: true, force: true }));
  afterEach(() => {
    person.quiet();
    person.errors = [];
  });

  const media = async () => (await stack.call("ListMedia")).media ?? [];
  const card = () => page.getByRole("article", { name: "brought.mp4" });

  it("a video is brought, measured, and told which platforms take it; the space that is left shrinks", async () => {
    await person.go(stack.address, "/media");
    await page.getByText(/^0 .* of .* used$/).waitFor();
    await page.locator("main input[type=file]").setInputFiles(join(folder, "brought.mp4"));
    await card().getByText(/^0:15 · 1080 × 1920 · 3 MB/).waitFor();
    await card().getByText("Fits TikTok, Instagram, Facebook and YouTube").waitFor();
    await page.getByText(/^3 MB of .* used$/).waitFor();
    assert.equal((await media()).length, 1);
    await person.accessible("uploads");
  });

  it("what is no video is refused, and said", async () => {
    await page.locator("main input[type=file]").setInputFiles(join(folder, "no video.mp4"));
    await page.getByText("no video.mp4 was not uploaded.").waitFor();
    assert.equal((await media()).length, 1);
    person.errors = person.errors.filter((text) => !text.includes("Failed to load resource"));
  });

  it("a post is made from it; while the post needs it, it cannot be deleted", async () => {
    await card().getByRole("button", { name: "New post" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("checkbox", { name: /^Facebook: / }).check();
    await dialog.getByLabel("Caption", { exact: true }).fill("Brought here");
    await dialog.getByRole("radio", { name: "At a time" }).check();
    const send = dialog.getByRole("button", { name: "Schedule", exact: true });
    await until("it may be sent", () => send.isEnabled());
    await send.click();
    await dialog.waitFor({ state: "detached" });
    const { posts: [{ id }] } = await stack.call("ListPosts", { page_size: 5 });
    await card().getByRole("link", { name: `#${id} (Scheduled)` }).waitFor();
    await card().getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await person.status(/post|need/);
    assert.equal((await media()).length, 1, "the core keeps it");
    person.errors = person.errors.filter((text) => !text.includes("Failed to load resource"));
    await stack.call("CancelPost", { id });
    await card().getByText(/Used by:\s+no post/).waitFor();
  });

  it("it is deleted, and is gone", async () => {
    await card().getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await person.status("brought.mp4 is deleted.");
    await page.getByText("There are no uploads.").waitFor();
    assert.deepEqual(await media(), []);
  });
});
