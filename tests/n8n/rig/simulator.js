// The simulated platforms: a process of the `aurareels` binary, and its control API.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Process } from "./process.js";
import { cleanEnvironment, setting } from "./setting.js";
import { until } from "./wait.js";

export class Simulator {
  static async start(dir) {
    mkdirSync(dir, { recursive: true });
    const simulator = new Simulator();
    const log = join(dir, "simulator.log");
    simulator.process = new Process(setting("AURAREELS_BINARY"), ["simulate", "--json"], {
      env: cleanEnvironment(),
      cwd: dir,
      log,
    });
    const about = await until("the simulator's first line", () => {
      const line = readFileSync(log, "utf8").split("\n").find((text) => text.startsWith("{"));
      return line && JSON.parse(line);
    });
    simulator.environment = about.environment;
    simulator.control = about.control;
    simulator.media = about.media;
    // Everything the platforms do between upload and post takes a moment only.
    await simulator.post("tiktok/behaviour", { processing_seconds: 0.1 });
    await simulator.post("meta/behaviour", { set: { processing_ms: 100 } });
    return simulator;
  }

  async get(path) {
    const answer = await fetch(`${this.control}/_sim/${path}`);
    return answer.json();
  }

  async post(path, body = {}) {
    const answer = await fetch(`${this.control}/_sim/${path}`, { method: "POST", body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`the simulator answers ${answer.status} to ${path}: ${text}`);
    }
    return text && JSON.parse(text);
  }

  /** The next requests that match (`times` of them, once by default) go wrong like this. */
  fault(match, action, more = {}) {
    return this.post("faults", { match, action, ...more });
  }

  async delete(path) {
    await fetch(`${this.control}/_sim/${path}`, { method: "DELETE" });
  }

  /** Every visible post whose caption holds these words. */
  async visible(words) {
    const { posts } = await this.get("posts");
    return posts.filter((post) => post.caption.includes(words));
  }

  /** The address of a video; equal names are equal files. */
  video(name, parameters = {}) {
    const query = new URLSearchParams(parameters).toString();
    return `${this.media}/v/${name}.mp4${query && `?${query}`}`;
  }
}
