// The owner's browser, as far as connecting an account needs one: it opens the page of the link and then the platform's
// consent page, leaves every box ticked, presses "Allow" on each, and hands back where the platform redirects to. It keeps
// cookies. Only what the pages offer is sent.

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

/** What the first form of a page would send when the button with this value is pressed, with these options chosen. */
function fill(html, button, choices) {
  const form = /<form\b[^>]*>([\s\S]*?)<\/form>/i.exec(html);
  if (!form) {
    throw new Error(`no form on the page: ${html.slice(0, 500)}`);
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
    const { name } = attributes(` ${head}`);
    const options = [...body.matchAll(/<option\b[^>]*>/gi)].map(([tag]) => attributes(tag));
    const wanted = (option) => (name in choices ? option.value === choices[name] : option.selected !== undefined);
    const chosen = options.find(wanted) ?? options[0];
    if (chosen) {
      fields.append(name, chosen.value);
    }
  }
  const buttons = [...form[1].matchAll(/<(?:button|input\b[^>]*type="submit")[^>]*>/gi)].map(([tag]) => attributes(tag));
  const pressed = buttons.find((one) => one.value === button);
  if (!pressed) {
    throw new Error(`no button "${button}" on the page: ${JSON.stringify(buttons)}`);
  }
  fields.append(pressed.name, pressed.value);
  return { action: attributes(form[0].slice(0, form[0].indexOf(">"))).action, fields };
}

export class Browser {
  /** By host, then by name. */
  #cookies = new Map();

  /** One request, with and for the cookies of its host; redirects are handed to the caller. */
  async fetch(url, options = {}) {
    const { hostname } = new URL(url);
    const jar = this.#cookies.get(hostname) ?? new Map();
    this.#cookies.set(hostname, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, { ...options, headers: cookie ? { cookie } : {}, redirect: "manual" });
    for (const set of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      jar.set(name, value);
    }
    return answer;
  }

  /**
   * Opens the link and presses the button on each page (`deny`: on the last one, the platform's); returns the address that
   * the platform redirects the browser to.
   */
  async decide(link, button = "allow", choices = {}) {
    let url = new URL(link);
    while (!url.searchParams.has("code") && !url.searchParams.has("error")) {
      const page = await this.fetch(url);
      const html = await page.text();
      if (!page.ok) {
        throw new Error(`${url} answers ${page.status}: ${html.slice(0, 500)}`);
      }
      const pressed = url.pathname.startsWith("/oauth/connect/") ? "allow" : button;
      const { action, fields } = fill(html, pressed, choices);
      const answer = await this.fetch(new URL(action || url, url), { method: "POST", body: fields });
      const location = answer.headers.get("location");
      if (!location) {
        throw new Error(`${url} did not redirect but answered ${answer.status}: ${await answer.text()}`);
      }
      url = new URL(location, url);
    }
    return url;
  }
}

/** The same with a browser of its own. */
export function decide(link, button, choices) {
  return new Browser().decide(link, button, choices);
}
