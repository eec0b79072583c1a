// A core and a simulator for one test file: real processes of the `aurareels` binary on free ports, with a database of
// their own. The core can be killed and started again on the same database and port.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** How long a debug build may take to open its port on a busy machine. */
const START_MS = 60_000;

export function setting(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: start these tests with \`cargo xtask test --only dashboard\``);
  return value;
}

/** Settings of a developer's own core and of platform apps stay out of a test. */
export function cleanEnvironment() {
  const ours = /^(AURAREELS|N8N|TIKTOK|INSTAGRAM|FACEBOOK|META|YOUTUBE|GOOGLE)_/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

async function freePort() {
  const server = createServer();
  await new Promise((listening, failed) => server.once("error", failed).listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Waits until the check answers something; the last error or answer is in the message when it never does. */
export async function until(what, check, timeoutMs = 60_000) {
  const end = Date.now() + timeoutMs;
  let last;
  while (Date.now() < end) {
    try {
      last = await check();
      if (last) {
        return last;
      }
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  const seen = last instanceof Error ? last.message : JSON.stringify(last);
  throw new Error(`${what}: not within ${timeoutMs / 1000} s; last: ${seen}`);
}

export class Stack {
  #dir;
  #environment;
  #simulator;
  #core;
  #keys = new Map();

  /** Starts both. `settings` are further settings of the core. */
  static async start(settings = {}) {
    const stack = new Stack();
    try {
      await stack.#begin(settings);
    } catch (error) {
      await stack.stop();
      throw error;
    }
    return stack;
  }

  async #begin(settings) {
    this.#dir = await mkdtemp(join(tmpdir(), "aurareels-dashboard-"));
    this.#simulator = this.#spawn("simulator", ["simulate", "--json"], cleanEnvironment());
    const about = await this.#announced();
    this.control = about.control;
    this.media = about.media;
    const port = await freePort();
    this.address = `http://127.0.0.1:${port}`;
    this.port = port;
    this.#environment = {
      ...cleanEnvironment(),
      ...about.environment,
      AURAREELS_LISTEN: `127.0.0.1:${port}`,
      AURAREELS_PUBLIC_URL: this.address,
      AURAREELS_DATA_DIR: join(this.#dir, "data"),
      AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS: "true",
      AURAREELS_POLL_FIRST_SECONDS: "0.5",
      AURAREELS_LEASE_SECONDS: "5",
      ...settings,
    };
    this.#environment.AURAREELS_SOCIAL_ENCRYPTION_KEY = await this.command("keys", "generate");
    await this.startCore();
  }

  #spawn(name, args, env) {
    const log = createWriteStream(join(this.#dir, `${name}.log`), { flags: "a" });
    const child = spawn(setting("AURAREELS_BINARY"), args, { env, cwd: this.#dir, stdio: ["ignore", "pipe", "pipe"] });
    child.stderr.pipe(log);
    return child;
  }

  /** The first line of the simulator. */
  async #announced() {
    for await (const line of createInterface({ input: this.#simulator.stdout })) {
      this.#simulator.stdout.resume();
      return JSON.parse(line);
    }
    throw new Error(`the simulator did not start; see ${this.#dir}`);
  }

  /** Runs a command of the binary on this core's settings; answers what it printed. */
  async command(...args) {
    const { stdout } = await run(setting("AURAREELS_BINARY"), args, { env: this.#environment, cwd: this.#dir });
    return stdout.trim();
  }

  async startCore() {
    const child = this.#spawn("core", ["serve"], this.#environment);
    child.stdout.resume();
    this.#core = child;
    await until(
      "the core takes connections",
      () =>
        new Promise((resolve, reject) => {
          assert.equal(child.exitCode, null, `the core ended; see ${this.#dir}`);
          const socket = connect(this.port, "127.0.0.1", () => resolve(socket.destroy()));
          socket.once("error", reject);
        }),
      START_MS,
    );
  }

  /** Kills the core without warning, as a power cut would. */
  async killCore() {
    await ended(this.#core, "SIGKILL");
  }

  async stop() {
    await ended(this.#core, "SIGTERM");
    await ended(this.#simulator, "SIGTERM");
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** A one-time link to the dashboard for a user. */
  async link(user = 1) {
    const printed = await this.command("dashboard-link", "--user", String(user));
    const link = printed.match(/https?:\/\/\S+/)?.[0];
    assert.ok(link, `no link in: ${printed}`);
    return link;
  }

  /** Calls the core as its API clients do, past the dashboard: by JSON, with a key of the user. */
  async call(rpc, body = {}, user = 1) {
    if (!this.#keys.has(user)) {
      const create = ["api-key", "create", "--user", String(user), "--scopes", "read,publish", "--json"];
      this.#keys.set(user, JSON.parse(await this.command(...create)).key);
    }
    const service = Object.entries(SERVICES).find(([, rpcs]) => rpcs.includes(rpc))?.[0];
    assert.ok(service, `unknown call ${rpc}`);
    const response = await fetch(`${this.address}/aurareels.v1.${service}/${rpc}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#keys.get(user)}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) {
      throw Object.assign(new Error(`${rpc}: ${JSON.stringify(answer)}`), { answer });
    }
    return answer;
  }

  /** Asks or tells the simulator. */
  async simulated(path, body) {
    const request = body && { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${this.control}/_sim/${path}`, request);
    assert.ok(response.ok, `/_sim/${path}: ${response.status} ${response.ok ? "" : await response.clone().text()}`);
    const text = await response.text();
    return text && JSON.parse(text);
  }

  /** Posts that are visible on the simulated platforms, with this text in them. */
  async visible(text) {
    const { posts } = await this.simulated("posts");
    return posts.filter((post) => post.caption.includes(text) && !post.removed_at);
  }

  /** Connects an account past the browser, as the demo does: consents to everything but `without` at the simulated platform. */
  async connect(platform, { user = 1, person, page, without } = {}) {
    const secret = "a browser of the tests";
    const { auth_url: address, state } = await this.call(
      "ConnectAccount",
      { platform, browser_secret: secret },
      user,
    );
    const url = new URL(address);
    const options = choices(await (await fetch(url)).text(), '<option value="');
    const [who] = options.find(([, label]) => !person || label.includes(person)) ?? [];
    assert.ok(who, `the consent page knows ${JSON.stringify(options)}, not ${person}`);
    // Logged in, the page shows what is this person's own.
    url.searchParams.append("account", who);
    const shown = await (await fetch(url)).text();
    const form = new URLSearchParams({ form: "1", decision: "allow", account: who });
    for (const name of ["scope", "asset"]) {
      for (const [value, label] of choices(shown, `<input type="checkbox" name="${name}" value="`)) {
        if (name === "scope" ? value !== without : !page || label === page) {
          form.append(name, value);
        }
      }
    }
    const answer = await fetch(url, { method: "POST", body: form, redirect: "manual" });
    const location = answer.headers.get("location");
    assert.ok(location, `no redirect from ${url.origin}: ${answer.status} ${await answer.text()}`);
    const code = new URL(location).searchParams.get("code");
    const complete = { platform, code, state, browser_secret: secret };
    return (await this.call("CompleteConnect", complete, user)).accounts;
  }
}

const SERVICES = {
  PostService: [
    "PublishPosts", "SchedulePosts", "CreateDraft", "UpdatePost", "GetPost", "ListPosts", "ReschedulePost",
    "CancelPost", "RetryPost", "PublishPostNow", "ResolvePost", "ReconcilePost", "ListEvents",
  ],
  AccountService: ["ListAccounts", "ConnectAccount", "CompleteConnect", "DisconnectAccount"],
  MediaService: ["ListMedia", "PutVideoJob"],
  WebhookService: ["CreateWebhookEndpoint", "ListWebhookEndpoints", "ListWebhookDeliveries"],
};

/** Value and label of what the consent page offers. */
function choices(html, start) {
  const plain = (text) => text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name) => ENTITIES[name]);
  return html
    .split(start)
    .slice(1)
    .map((part) => part.match(/^([^"]*)"[^>]*>([^<]*)/))
    .map(([, value, label]) => [plain(value), plain(label.trim())]);
}

const ENTITIES = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };

export async function ended(child, signal) {
  if (!child || child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await exit;
}
