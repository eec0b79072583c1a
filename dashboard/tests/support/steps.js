// What a person does in more than one test.

/** Connects an account through the platform's own consent page, and comes back. */
export async function connectByConsent(person, address, { platform, choice = platform, who }) {
  const { page } = person;
  await person.go(address, "/social-accounts");
  await page.getByRole("button", { name: "Connect an account" }).first().click();
  await page.getByRole("radio", { name: choice, exact: true }).check();
  await person.click(`Go to ${platform}`);
  await page.waitForURL((url) => url.pathname.startsWith("/oauth/connect/"));
  await page.getByText("User 1").first().waitFor();
  await page.getByRole("button", { name: /^Go on to / }).click();
  const account = page.locator("select[name=account]");
  const label = (await account.locator("option").allTextContents()).find((text) => who.test(text));
  await account.selectOption({ label });
  await page.waitForLoadState();
  await person.click("Allow");
  await page.getByRole("heading", { name: `${platform} connected` }).waitFor();
  await person.click("dashboard", "link");
  await person.live();
}

/** Fills the publish dialog: a linked video, accounts by platform and name, and a text of its own for each platform. */
export async function composeOwnTexts(page, video, accounts) {
  // Each account's card has such a button, too.
  await page.getByRole("banner").getByRole("button", { name: "New post" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Link", exact: true }).click();
  await dialog.getByLabel("Link to the video").fill(video);
  for (const { platform, name } of accounts) {
    await dialog.getByRole("checkbox", { name: new RegExp(`^${platform}: ${name}`) }).check();
  }
  await dialog.getByLabel("Caption", { exact: true }).fill("For all");
  for (const { platform } of accounts) {
    await dialog.getByRole("tab", { name: platform, exact: true }).click();
    await dialog.getByRole("button", { name: `Write an own text for ${platform}` }).click();
    await dialog.getByLabel("Caption", { exact: true }).fill(`Made for ${platform} ✓`);
  }
  const privacy = dialog.getByRole("combobox", { name: /Who can see it/ }).first();
  await privacy.click();
  await page.getByRole("option", { name: "Everyone", exact: true }).click();
  await dialog.getByRole("checkbox", { name: /Send this video to TikTok/ }).check();
  return dialog;
}

/** Drags a post of a month to another day of it: "2026-12-24". */
export async function dragToDay(page, id, day) {
  await page.locator(`[data-post="${id}"]`).hover();
  await page.mouse.down();
  const box = await page.locator(`[data-day="${day}"]`).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 8 });
  await page.mouse.up();
}
