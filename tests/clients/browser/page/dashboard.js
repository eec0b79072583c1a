// A dashboard as a front end of the core has one: log in at the site, connect accounts, publish, see each post's status
// as it changes. All of it in the browser; the core is at another origin (`CORE`, put in by the build).

import { Platform } from "../generated/aurareels/v1/platform_pb.js";
import { PostStatus } from "../generated/aurareels/v1/post_pb.js";
import { connectTo, explain } from "./core.js";

const TOKEN = "token";
const core = connectTo(CORE, () => sessionStorage.getItem(TOKEN));
const find = (selector) => document.querySelector(selector);
const [notice, alert] = [find("[role=status]"), find("[role=alert]")];
const [login, main, publish] = [find("#login"), find("main"), find("#publish")];

/** An element with text in it, never HTML: captions and names are other people's. */
function element(tag, text, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(text);
  return made;
}

/** Shows an error with what the core says about it; without a working token, the login. */
function fail(failure) {
  const { code, message, reason, remedy, fields } = explain(failure);
  const broken = element("ul", "");
  broken.replaceChildren(...fields.map((field) => element("li", field)));
  const [why, what] = [element("p", reason, { id: "reason" }), element("p", remedy, { id: "remedy" })];
  alert.replaceChildren(element("p", `${code}: ${message}`), why, what, broken);
  alert.hidden = false;
  if (code === "Unauthenticated") {
    show(login);
  }
}

/** What happens on a click or a submission; an error of it is shown. */
function on(target, event, action) {
  target.addEventListener(event, (happened) => {
    happened.preventDefault();
    alert.hidden = true;
    action().catch(fail);
  });
}

function show(part) {
  login.hidden = part !== login;
  main.hidden = part !== main;
}

async function logIn() {
  const answer = await fetch("/wp-json/jwt-auth/v1/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(Object.fromEntries(new FormData(login))),
  });
  const body = await answer.json();
  if (!answer.ok) {
    throw new Error(body.message);
  }
  sessionStorage.setItem(TOKEN, body.token);
  await open();
}

/** Leaves for the platform's consent page; the core sends the browser back here, with the outcome in the query. */
async function connect(name) {
  const { authUrl } = await core.accounts.connectAccount({ platform: Platform[name] });
  location.assign(authUrl);
}

function tellOutcome() {
  const query = new URLSearchParams(location.search);
  if (query.get("status") === "success") {
    notice.textContent = `Connected: ${query.get("platform")}`;
    notice.hidden = false;
  } else if (query.get("status") === "error") {
    alert.textContent = query.get("message");
    alert.hidden = false;
  }
}

async function publishAll() {
  const form = new FormData(publish);
  await core.posts.publishPosts({
    accounts: form.getAll("account").map(BigInt),
    content: { videoUrl: form.get("video"), caption: form.get("caption"), privacyLevel: "PUBLIC" },
  });
}

function showPost(post) {
  const link = post.platformPostUrl ? element("a", "open", { href: post.platformPostUrl }) : "";
  const cells = [String(post.id), post.account?.accountName ?? "", post.caption, PostStatus[post.status], link];
  const row = element("tr", "", { id: `post-${post.id}` });
  row.replaceChildren(...cells.map((cell) => element("td", cell)));
  const known = document.getElementById(row.id);
  if (known) {
    known.replaceWith(row);
  } else {
    find("#posts").prepend(row);
  }
}

async function open() {
  const { accounts } = await core.accounts.listAccounts({});
  const boxes = accounts.map(({ id, accountName, platform }) => {
    const box = element("input", "", { type: "checkbox", name: "account", value: String(id), checked: true });
    const label = element("label", box);
    label.append(` ${accountName} (${Platform[platform]})`);
    return label;
  });
  find("#accounts").replaceChildren(...(boxes.length > 0 ? boxes : ["No account is connected yet."]));
  show(main);
  // Events first, then the list: nothing that happens in between is missed.
  const events = core.posts.watchPosts({}, { timeoutMs: 0 });
  follow(events).catch(fail);
}

async function follow(events) {
  let listed = false;
  for await (const { event } of events) {
    if (!listed) {
      listed = true;
      const { posts } = await core.posts.listPosts({ pageSize: 50 });
      posts.reverse().forEach(showPost);
    }
    if (event?.post) {
      showPost(event.post);
    }
  }
}

on(login, "submit", logIn);
on(publish, "submit", publishAll);
for (const button of document.querySelectorAll("[data-connect]")) {
  on(button, "click", () => connect(button.dataset.connect));
}
tellOutcome();
if (sessionStorage.getItem(TOKEN)) {
  open().catch(fail);
} else {
  show(login);
}
