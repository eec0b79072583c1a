// The WordPress site of rig/site.php, beside an n8n.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Process } from "../../n8n/rig/process.js";
import { cleanEnvironment, setting } from "../../n8n/rig/setting.js";
import { freePort, until } from "../../n8n/rig/wait.js";

const RIG = new URL("../rig/site.php", import.meta.url).pathname;

export class Site {
  static async start(dir) {
    const site = new Site();
    const log = join(dir, "site.log");
    const args = [RIG, join(dir, "site"), String(await freePort()), setting("AURAREELS_PLUGIN")];
    site.process = new Process("php", args, { env: cleanEnvironment(), cwd: dir, log });
    const about = await until("the site", () => {
      if (!site.process.alive) {
        return {};
      }
      const line = readFileSync(log, "utf8").split("\n").find((text) => text.startsWith("{") && text.endsWith("}"));
      return line && JSON.parse(line);
    });
    if (!about.url) {
      throw new Error(`the site did not start\n${site.process.tail()}`);
    }
    return Object.assign(site, about);
  }

  /** Says where the core is, as the settings page does. */
  pointAt(address) {
    const server = { HTTP_HOST: new URL(this.url).host, REQUEST_URI: "/", SERVER_PROTOCOL: "HTTP/1.1", REQUEST_METHOD: "GET" };
    const code = `$_SERVER += json_decode($argv[1], true); require $argv[2] . '/wp-load.php'; update_option('aurareels_settings', ['core_url' => $argv[3]]);`;
    execFileSync("php", ["-r", code, JSON.stringify(server), this.wordpress, address], { stdio: "pipe" });
  }

  /** A request to the plugin's routes by the site's owner. */
  async ask(method, path, body) {
    const answer = await fetch(`${this.url}/wp-json/aurareels/v1/social${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        authorization: `Basic ${Buffer.from(`admin:${this.passwords.admin}`).toString("base64")}`,
      },
      body: body && JSON.stringify(body),
    });
    const json = await answer.json();
    if (!answer.ok) {
      throw new Error(`the site answers ${answer.status} to ${method} ${path}: ${JSON.stringify(json)}`);
    }
    return json;
  }
}
