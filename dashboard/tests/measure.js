// Figures, not a test: 10,000 posts of one user; how long list and search take in the core and until the page shows them, the
// longest task while a calendar of 5,000 posts scrolls, what the first visit loads and when it can be used, how much the views
// shift while they load, and how soon a page shows what is done elsewhere. `node tests/measure.js` with AURAREELS_BINARY (a release build) and AURAREELS_CHROMIUM set.

import { launch, Person } from "./support/browser.js";
import { Stack, until } from "./support/stack.js";

const POSTS = 10_000;
/** So many of them lie in one month. */
const IN_MONTH = 5_000;
const DAY_MS = 86_400_000;
const AT_ONCE = 8;

const print = (what, value) => console.log(`${what.padEnd(64)} ${value}`);
const ms = (value) => `${Math.round(value)} ms`;

async function timed(run) {
  const begin = performance.now();
  await run();
  return performance.now() - begin;
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function fill(stack, account) {
  const month = new Date(Date.UTC(new Date().getUTCFullYear() + 1, 2, 1)).getTime();
  const left = Array.from({ length: POSTS }, (_, number) => number);
  const work = async () => {
    for (let number = left.pop(); number !== undefined; number = left.pop()) {
      const at = number < IN_MONTH ? month + (number / IN_MONTH) * 30 * DAY_MS : month + 60 * DAY_MS + number * 60_000;
      const content = { video_url: `${stack.media}/v/many.mp4?size=400000&duration=15`, caption: `Reel ${number} of a busy year`, privacy_level: "PUBLIC" };
      await stack.call("CreateDraft", { account_id: account, content, scheduled_at: { text: new Date(at).toISOString() } });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return new Date(month).toISOString().slice(0, 10);
}

/** The longest task of the page's thread from now on, until the answer is asked for. */
async function watchTasks(page) {
  await page.evaluate(() => {
    window.longest = 0;
    window.tasks = new PerformanceObserver((list) => {
      list.getEntries().forEach((entry) => (window.longest = Math.max(window.longest, entry.duration)));
    });
    window.tasks.observe({ type: "longtask" });
  });
  return () =>
    page.evaluate(() => {
      window.tasks.disconnect();
      return window.longest;
    });
}

/** Runs in the page before its own scripts: notes the first frame in which a row stands. */
function noteRow() {
  const look = () => {
    if (document.querySelector("main li[data-post]")) {
      window.rowAt = performance.now();
    } else {
      requestAnimationFrame(look);
    }
  };
  requestAnimationFrame(look);
}

const rowAt = (page) => until("a first row", () => page.evaluate(() => window.rowAt));

/** A first visit: nothing is cached. Answers the compressed size of its code, and when its first rows stood there. */
async function firstVisit(browser, stack) {
  const person = await Person.open(browser);
  await person.logIn(await stack.link());
  const cookies = await person.context.cookies();
  await person.context.close();
  const fresh = await Person.open(browser);
  await fresh.context.addCookies(cookies);
  await fresh.page.addInitScript(noteRow);
  await fresh.page.goto(`${stack.address}/dashboard/social-posts`);
  const at = await rowAt(fresh.page);
  const kB = await fresh.page.evaluate((until) => {
    const scripts = performance.getEntriesByType("resource").filter(({ name, startTime }) => name.endsWith(".js") && startTime < until);
    return scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0) / 1000;
  }, at);
  await fresh.context.close();
  return { at, kB };
}

/** The layout shift score of a view until a second after its first posts. */
async function shift(page, address, posts) {
  await page.goto(address);
  await page.locator(posts).first().waitFor();
  await page.waitForTimeout(1_000);
  return page.evaluate(
    () =>
      new Promise((told) => {
        new PerformanceObserver((list) => {
          told(list.getEntries().reduce((sum, { value, hadRecentInput }) => sum + (hadRecentInput ? 0 : value), 0));
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => told(0), 200);
      }),
  );
}

const longest = (value) => (value === 0 ? "none over 50 ms" : ms(value));

const stack = await Stack.start();
const browser = await launch();
try {
  const [account] = await stack.connect("PLATFORM_TIKTOK", { person: "Ada Makes Things" });
  let day = "";
  print(`making ${POSTS} drafts through the API`, ms(await timed(async () => (day = await fill(stack, account.id)))));

  const call = async (request) => {
    const times = [];
    for (let turn = 0; turn < 5; turn += 1) {
      times.push(await timed(() => stack.call("ListPosts", request)));
    }
    return ms(median(times));
  };
  print("ListPosts, 50 posts", await call({ page_size: 50 }));
  print("ListPosts, 50 posts, with the total", await call({ page_size: 50, include_total: true }));
  print("ListPosts, search that finds one", await call({ page_size: 50, search: "Reel 4711 of" }));
  print("ListPosts, search that finds nothing", await call({ page_size: 50, search: "no such words" }));

  const first = [];
  for (let turn = 0; turn < 5; turn += 1) {
    first.push(await firstVisit(browser, stack));
  }
  print("first visit: JavaScript, compressed", `${first[0].kB.toFixed(1)} kB`);
  print("first visit, nothing cached: from navigation to the first rows", ms(median(first.map(({ at }) => at))));

  const person = await Person.open(browser);
  await person.logIn(await stack.link());
  const { page } = person;
  const usable = [];
  await page.addInitScript(noteRow);
  for (let turn = 0; turn < 5; turn += 1) {
    await page.goto(`${stack.address}/dashboard/social-posts`);
    usable.push(await rowAt(page));
  }
  print("posts view, again: from navigation to the first rows", ms(median(usable)));
  const search = page.getByLabel("Search in captions and links");
  const found = await timed(async () => {
    await search.fill("Reel 4711 of");
    await until("one row", async () => (await page.locator("main li[data-post]").count()) === 1);
  });
  print("search: from typing to its row (300 ms of it a pause)", ms(found));

  const other = await Person.open(browser);
  await other.logIn(await stack.link());
  await other.go(stack.address, "/social-posts");
  const told = [];
  for (const { id } of (await stack.call("ListPosts", { page_size: 5 })).posts) {
    await other.page.locator(`li[data-post="${id}"]`).waitFor();
    await stack.call("UpdatePost", { id, content: { caption: `Changed elsewhere ${id}` }, update_mask: "caption" });
    told.push(await timed(() => other.page.getByText(`Changed elsewhere ${id}`).waitFor()));
  }
  print("a change made elsewhere: from its answer until another page shows it", ms(median(told)));
  await other.context.close();

  for (const view of ["social-posts", `social-calendar?day=${day}`, `social-calendar?layout=week&day=${day}`, `social-calendar?layout=agenda&day=${day}`]) {
    const score = await shift(page, `${stack.address}/dashboard/${view}`, "main [data-post], main [role=listitem]");
    print(`layout shift: ${view.replace(/.day=.*/, "")}`, score.toFixed(4));
  }

  for (const layout of ["month", "week", "agenda"]) {
    await page.goto(`${stack.address}/dashboard/social-calendar?layout=${layout}&day=${day}`);
    const told = await watchTasks(page);
    const begin = performance.now();
    await page.locator("main [data-post], main [role=listitem]").first().waitFor();
    const first = performance.now() - begin;
    await page.locator("main [role=progressbar]").waitFor({ state: "detached" });
    await page.waitForTimeout(1_000);
    print(`calendar, ${layout}: first posts`, ms(first));
    print(`calendar, ${layout}: longest task while loading`, longest(await told()));
    const scrolled = await watchTasks(page);
    const area = page.locator("main [data-scroller]").first();
    if ((await area.count()) > 0) {
      await area.hover();
    } else {
      await page.locator("main [role=grid]").hover();
    }
    for (let turn = 0; turn < 150; turn += 1) {
      await page.mouse.wheel(0, 900);
      await page.waitForTimeout(16);
    }
    print(`calendar, ${layout}: longest task while scrolling`, longest(await scrolled()));
  }
} finally {
  await browser.close();
  await stack.stop();
}
