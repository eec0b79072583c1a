// A real n8n in a user folder of its own: started, stopped, killed and started again on the same port and folder.
//
// The package is put there the way n8n's own installer does it (unpacked, its manifest stripped, `npm install` without
// scripts); see https://docs.n8n.io/integrations/community-nodes/installation/ for what a user does.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { PACKAGE } from "./package.js";
import { Process } from "./process.js";
import { Rest } from "./rest.js";
import { cleanEnvironment, setting } from "./setting.js";
import { freePort, until } from "./wait.js";

// The first start runs all migrations, perhaps beside compilers.
const START_LIMIT_MS = 300_000;

/**
 * Settings of a run whose exit code is looked at. n8n's engine for expressions is still being torn down while the process
 * exits, which ends some of them by SIGSEGV, with our package and without it (see the README); its older engine has nothing to
 * tear down.
 */
export const OWN_EXIT = { N8N_EXPRESSION_ENGINE: "legacy" };

export class N8n {
  /** Settings of this run alone. */
  #more = {};

  /**
   * An n8n that is not started yet, with an owner who has logged in once. `settings` are further settings by
   * environment; `tarball` is the package to install, or null for none.
   */
  static async prepare(dir, { settings = {}, tarball = setting("AURAREELS_PACKAGE") } = {}) {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(join(dir, "files"), { recursive: true });
    const n8n = new N8n();
    n8n.dir = dir;
    n8n.port = await freePort();
    n8n.address = `http://127.0.0.1:${n8n.port}`;
    n8n.settings = {
      N8N_USER_FOLDER: dir,
      N8N_PORT: String(n8n.port),
      N8N_LISTEN_ADDRESS: "127.0.0.1",
      // The address in the links that workflows make.
      WEBHOOK_URL: n8n.address,
      N8N_RUNNERS_BROKER_PORT: String(await freePort()),
      N8N_SECURE_COOKIE: "false",
      N8N_DIAGNOSTICS_ENABLED: "false",
      N8N_VERSION_NOTIFICATIONS_ENABLED: "false",
      N8N_TEMPLATES_ENABLED: "false",
      N8N_PERSONALIZATION_ENABLED: "false",
      N8N_DEFAULT_BINARY_DATA_MODE: "filesystem",
      N8N_RESTRICT_FILE_ACCESS_TO: n8n.files,
      ...settings,
    };
    n8n.rest = new Rest(n8n.address);
    await withDatabase(n8n);
    if (tarball) {
      n8n.install(tarball);
    }
    return n8n;
  }

  static async start(dir, options) {
    const n8n = await N8n.prepare(dir, options);
    await n8n.serve();
    return n8n;
  }

  /** Where workflows may read files. */
  get files() {
    return join(this.dir, "files");
  }

  /** Where the package lies when it is installed. */
  get packageDir() {
    return join(this.dir, ".n8n", "nodes", "node_modules", PACKAGE);
  }

  /** Starts the process (again), with these settings more, and waits until it answers and knows its nodes; logs in. */
  async serve(more = {}) {
    this.#more = more;
    // n8n writes the list of its nodes some time after it first answers. That of its last run must not pass for it.
    rmSync(join(this.dir, ".cache/n8n/public/types"), { recursive: true, force: true });
    await this.launch();
    await this.rest.login();
    await until("n8n's list of nodes", () => this.rest.nodeTypes());
  }

  async launch() {
    this.process = new Process(setting("N8N_NODE"), [join(setting("N8N_APP"), "n8n/bin/n8n"), "start"], {
      env: this.#environment(),
      cwd: this.dir,
      log: join(this.dir, "n8n.log"),
    });
    const { process } = this;
    const ready = () => !process.alive || this.rest.ready();
    await until("an n8n that answers", ready, { limitMs: START_LIMIT_MS }).catch((error) => {
      throw new Error(`n8n did not start\n${process.tail()}`, { cause: error });
    });
    if (!process.alive) {
      throw new Error(`n8n ended while it started\n${process.tail()}`);
    }
  }

  /** Starts a further process of this n8n, as queue mode has them: "worker" or "webhook". Its log is named for it. */
  async further(name, args, settings = {}) {
    const env = { ...this.#environment(), N8N_RUNNERS_BROKER_PORT: String(await freePort()), ...settings };
    const command = [join(setting("N8N_APP"), "n8n/bin/n8n"), ...args];
    return new Process(setting("N8N_NODE"), command, { env, cwd: this.dir, log: join(this.dir, `${name}.log`) });
  }

  stop() {
    return this.process.stop();
  }

  kill() {
    return this.process.kill();
  }

  async restart(more) {
    await this.stop();
    await this.serve(more);
  }

  /**
   * Unpublishes a workflow and waits until its webhooks are gone, which n8n does some time after its answer. Whoever asks n8n
   * for such a webhook meanwhile (another workflow that wants its path is enough) has n8n remember it until its restart; so
   * the database is asked.
   */
  async retire(workflow) {
    await this.rest.unpublish(workflow);
    const database = new DatabaseSync(join(this.dir, ".n8n/database.sqlite"), { readOnly: true });
    try {
      const left = database.prepare("SELECT count(*) AS webhooks FROM webhook_entity WHERE workflowId = ?");
      await until("an n8n without the webhook", () => left.get(workflow.id).webhooks === 0);
    } finally {
      database.close();
    }
  }

  /** Installs a tarball as n8n's own installer does. */
  install(tarball) {
    const to = this.packageDir;
    rmSync(to, { recursive: true, force: true });
    mkdirSync(to, { recursive: true });
    execFileSync("tar", ["-xzf", tarball, "-C", to, "--strip-components=1"]);
    const path = join(to, "package.json");
    const manifest = JSON.parse(readFileSync(path, "utf8"));
    for (const name of ["devDependencies", "peerDependencies", "optionalDependencies"]) {
      delete manifest[name];
    }
    writeFileSync(path, JSON.stringify(manifest, null, 2));
    const flags = ["--audit=false", "--fund=false", "--bin-links=false", "--package-lock=false"];
    execFileSync("npm", ["install", ...flags, "--install-strategy=shallow", "--ignore-scripts=true"], {
      cwd: to,
      env: this.#environment(),
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  /** Resident memory of the process, in bytes. */
  memory() {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.process.pid}/status`, "utf8"));
    return Number(kib) * 1024;
  }

  #environment() {
    const environment = cleanEnvironment();
    const nodeDir = join(setting("N8N_NODE"), "..");
    environment.PATH = `${nodeDir}${delimiter}${environment.PATH}`;
    return { ...environment, ...this.settings, ...this.#more };
  }
}

/**
 * Fills the user folder with an n8n database whose migrations have run and whose owner is set up. It is made once and
 * copied, because that takes n8n longer than everything else at its start.
 */
async function withDatabase(n8n) {
  const template = join(setting("N8N_TEMPLATE"), "user");
  const to = join(n8n.dir, ".n8n");
  if (existsSync(template)) {
    cpSync(template, to, { recursive: true });
    return;
  }
  await n8n.launch();
  await n8n.rest.setUpOwner();
  await n8n.stop();
  mkdirSync(setting("N8N_TEMPLATE"), { recursive: true });
  cpSync(to, `${template}.new`, { recursive: true });
  renameSync(`${template}.new`, template);
}
