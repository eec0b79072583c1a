// What the browser tests of one `describe` have in common: a core with its simulator, a browser, a person in it. All of it
// ends with the tests.

import { after, before } from "node:test";

import { launch, Person } from "./browser.js";
import { Stack } from "./stack.js";

/** Starts before the first test and hands over what was started. The person is logged in unless that is a test's own job. */
export function scene(use, { settings = {}, loggedIn = true } = {}) {
  let stack;
  let browser;
  before(async () => {
    stack = await Stack.start(settings);
    browser = await launch();
    const person = await Person.open(browser);
    use({ stack, browser, person, page: person.page });
    if (loggedIn) {
      await person.logIn(await stack.link());
    }
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });
}
