// The owner's browser, as far as connecting an account needs one: it opens the platform's consent page, leaves every
// box ticked, presses "Allow" and hands back where the platform redirects to. Only what the page offers is sent.

/** Attributes of one HTML tag. Values are unescaped; an attribute without value is "". */
function attributes(tag) {
  const found = {};
  for (const [, name, quoted, single, bare] of tag.matchAll(/\s([a-z-]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/gi)) {
    found[name.toLowerCase()] = unescape(quoted ?? single ?? bare ?? "");
  }
  return found;
}

function unescape(text) {
  const entities = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&#x27;": "'" };
  return text.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (entity) => entities[entity]);
}

/** What the first form of a page would send when the button with this value is pressed. */
function fill(html, button) {
  const form = /<form\b[^>]*>([\s\S]*?)<\/form>/i.exec(html);
  if (!form) {
    throw new Error(`no form on the consent page: ${html.slice(0, 500)}`);
  }
  const fields = new URLSearchParams();
  for (const [tag] of form[1].matchAll(/<input\b[^>]*>/gi)) {
    const { name, value = "", type = "text", checked } = attributes(tag);
    const sent = type !== "submit" && (!["checkbox", "radio"].includes(type) || checked !== undefined);
    if (name && sent) {
      fields.append(name, value);
    }
  }
  for (const [, head, body] of form[1].matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/gi)) {
    const options = [...body.matchAll(/<option\b[^>]*>/gi)].map(([tag]) => attributes(tag));
    const chosen = options.find((option) => option.selected !== undefined) ?? options[0];
    if (chosen) {
      fields.append(attributes(` ${head}`).name, chosen.value);
    }
  }
  const buttons = [...form[1].matchAll(/<(?:button|input\b[^>]*type="submit")[^>]*>/gi)].map(([tag]) => attributes(tag));
  const pressed = buttons.find((one) => one.value === button);
  if (!pressed) {
    throw new Error(`no button "${button}" on the consent page: ${JSON.stringify(buttons)}`);
  }
  fields.append(pressed.name, pressed.value);
  return { action: attributes(form[0].slice(0, form[0].indexOf(">"))).action, fields };
}

/** Opens the consent page and presses the button; returns the address that the platform redirects the browser to. */
export async function decide(authUrl, button = "allow") {
  const page = await fetch(authUrl);
  if (!page.ok) {
    throw new Error(`the consent page answers ${page.status}: ${(await page.text()).slice(0, 500)}`);
  }
  const { action, fields } = fill(await page.text(), button);
  const answer = await fetch(new URL(action || page.url, page.url), { method: "POST", body: fields, redirect: "manual" });
  const location = answer.headers.get("location");
  if (!location) {
    throw new Error(`the consent page did not redirect but answered ${answer.status}: ${await answer.text()}`);
  }
  return new URL(location, page.url);
}
