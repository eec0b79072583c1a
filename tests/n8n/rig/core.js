// A core with a database of its own, on a port that it keeps over restarts, and a client that is not n8n: gRPC-web, as
// the Node client test has it. What the node says is compared with what this client sees.

import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { decide } from "../../clients/node/browser.js";
import { clients } from "../../clients/node/clients.js";
import { Process } from "./process.js";
import { cleanEnvironment, setting } from "./setting.js";
import { freePort, until } from "./wait.js";

const START_LIMIT_MS = 60_000;

export class Core {
  /** Starts a core in front of this simulator. `settings` are further settings by environment. */
  static async start(dir, simulator, settings = {}) {
    mkdirSync(dir, { recursive: true });
    const core = new Core();
    core.dir = dir;
    core.port = await freePort();
    core.address = `http://127.0.0.1:${core.port}`;
    core.settings = {
      ...simulator.environment,
      AURAREELS_LISTEN: `127.0.0.1:${core.port}`,
      AURAREELS_PUBLIC_URL: core.address,
      AURAREELS_DATA_DIR: join(dir, "data"),
      AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS: "true",
      AURAREELS_POLL_FIRST_SECONDS: "1",
      ...settings,
    };
    core.settings.AURAREELS_SOCIAL_ENCRYPTION_KEY = core.#run("keys", "generate").trim();
    await core.serve();
    core.key = core.apiKey("--user", "1", "--scopes", "read,publish");
    core.client = clients(core.address, core.key);
    return core;
  }

  /** Starts the process (again), on the same port and database. */
  async serve() {
    this.process = new Process(setting("AURAREELS_BINARY"), ["serve"], {
      env: { ...cleanEnvironment(), ...this.settings },
      cwd: this.dir,
      log: join(this.dir, "core.log"),
    });
    const { process } = this;
    await until("a core that takes connections", () => (process.alive ? reaches(this.port) : true), {
      limitMs: START_LIMIT_MS,
      everyMs: 20,
    });
    if (!process.alive) {
      throw new Error(`the core ended while it started\n${process.tail()}`);
    }
  }

  kill() {
    return this.process.kill();
  }

  async restart() {
    await this.process.stop(15_000);
    await this.serve();
  }

  /** Makes an API key on the command line. */
  apiKey(...args) {
    return JSON.parse(this.#run("api-key", "create", "--json", ...args)).key;
  }

  /** Connects the accounts of a platform through its consent page; the first of them. */
  async connect(platform) {
    const { accounts } = this.client;
    const browserSecret = randomUUID();
    const { authUrl, state } = await accounts.connectAccount({ platform, browserSecret });
    const redirect = await decide(authUrl);
    const code = redirect.searchParams.get("code");
    const answer = await accounts.completeConnect({ platform, code, state, browserSecret });
    return answer.accounts[0];
  }

  /** How often a method was called, since the core started: "WatchPosts". */
  async calls(method) {
    const text = await (await fetch(`${this.address}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.includes(method) && /_total\b|_count\b/.test(line));
    return Math.max(0, ...lines.map((line) => Number(line.split(" ").at(-1))));
  }

  /** One post as the core sees it. */
  post(id) {
    return this.client.posts.getPost({ id: BigInt(id) });
  }

  /** All posts with this caption, however many others there are: at most 100. */
  async captioned(caption) {
    const { posts } = await this.client.posts.listPosts({ search: caption, pageSize: 100 });
    return posts.filter((post) => post.caption === caption);
  }

  #run(...args) {
    const env = { ...cleanEnvironment(), ...this.settings };
    return execFileSync(setting("AURAREELS_BINARY"), args, { env, cwd: this.dir, encoding: "utf8", stdio: "pipe" });
  }
}

/** Whether something listens there. */
export function reaches(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
