// What all tests share: one simulator, one core, one n8n with the package installed, connected accounts and the
// credentials of both. Tests run one after the other in one process; the first that asks starts it.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";

import { Platform } from "../../clients/node/clients.js";
import { Core } from "./core.js";
import { N8n } from "./n8n.js";
import { setting } from "./setting.js";
import { Simulator } from "./simulator.js";
import { until } from "./wait.js";
import { auraReels, start, workflow } from "./workflow.js";

/** What the webhook's header auth expects; the core sends it as X-API-Key. */
export const WEBHOOK_KEY = "the key of the webhook";

let shared;

/** The shared world. */
export function world() {
  shared ??= World.start();
  return shared;
}

after(async () => {
  // A start that failed has failed its tests already.
  const started = await shared?.catch(() => undefined);
  await started?.stop();
});

class World {
  static async start() {
    const self = new World();
    self.dir = setting("N8N_SCRATCH");
    rmSync(self.dir, { recursive: true, force: true });
    mkdirSync(self.dir, { recursive: true });
    self.simulator = await Simulator.start(self.dir);
    // Many posts in a minute; no test here is about TikTok's limits.
    await self.simulator.post("tiktok/rules", {
      init_per_minute: 10_000,
      creator_info_per_minute: 10_000,
      status_per_minute: 10_000,
      posts_per_day: 10_000,
    });
    self.n8n = await N8n.prepare(join(self.dir, "n8n"));
    self.core = await Core.start(join(self.dir, "core"), self.simulator, {
      N8N_SCHEDULER_WEBHOOK: `${self.n8n.address}/webhook/aurareels-social-schedule`,
      N8N_API_KEY: WEBHOOK_KEY,
      AURAREELS_REVIEW_AFTER_SECONDS: "60",
    });
    self.tiktok = Number((await self.core.connect(Platform.TIKTOK)).id);
    self.instagram = Number((await self.core.connect(Platform.INSTAGRAM)).id);
    self.undecided = await undecided(self);
    await self.n8n.serve();
    self.credentials = await credentials(self.n8n, self.core);
    return self;
  }

  /** Runs one AuraReels node by hand; the finished execution. The node's name is "AuraReels". */
  async act(parameters, more = {}) {
    const { rest } = this.n8n;
    const node = auraReels("AuraReels", parameters, this.credentials, more);
    const made = await rest.create(workflow(`${parameters.resource} ${parameters.operation}`, [start(), node]));
    return rest.run(made);
  }

  /** Ends the login of the Instagram account at the platform, and has the core find out. */
  async endInstagramLogin() {
    const id = BigInt(this.instagram);
    const { accounts } = this.core.client;
    const { accountId } = await accounts.getAccount({ id });
    const known = (await this.simulator.get("accounts")).accounts;
    const { person_id: person } = known.find((account) => account.id === accountId);
    // 460: the owner has changed the password.
    await this.simulator.post("meta/sessions", { person, subcode: 460 });
    return accounts.checkAccount({ id });
  }

  /** Parameters of a publication on TikTok, with a caption of its own. */
  publication(caption, more = {}) {
    return {
      resource: "post",
      operation: "publish",
      platform: "tiktok",
      account: byId(this.tiktok),
      videoSource: "url",
      videoUrl: this.simulator.video(caption.replace(/\W+/g, "-")),
      caption,
      privacyLevel: "PUBLIC_TO_EVERYONE",
      ...more,
    };
  }

  async stop() {
    await this.n8n.stop();
    await this.core.process.stop();
    await this.simulator.process.stop();
  }
}

/** A post that TikTok processes for ever. After a minute the core gives it to a person: it is made first, so that nobody waits. */
async function undecided({ core, simulator, tiktok }) {
  await simulator.post("tiktok/behaviour", { outcome: "stuck", tasks: 1 });
  const { posts } = await core.client.posts.publishPosts({
    accounts: [BigInt(tiktok)],
    content: { videoUrl: simulator.video("undecided"), caption: "Nobody knows", privacyLevel: "PUBLIC" },
  });
  await until("TikTok's task", async () => (await simulator.get("requests?operation=tiktok.video_init&limit=1")).requests.length > 0);
  return Number(posts[0].id);
}

/** A resource locator by id. */
export function byId(id) {
  return { __rl: true, mode: "id", value: String(id) };
}

/** The credentials that workflows need, by type. */
export async function credentials(n8n, core) {
  const { rest } = n8n;
  return {
    auraReelsApi: await rest.credential("auraReelsApi", "AuraReels API", apiCredential(core)),
    httpHeaderAuth: await rest.credential("httpHeaderAuth", "AuraReels webhook key", {
      name: "X-API-Key",
      value: WEBHOOK_KEY,
    }),
  };
}

/** What a user fills into the AuraReels credential. */
export function apiCredential(core, address = core.address) {
  return { address, apiKey: core.key, userId: "", caCertificate: "" };
}
