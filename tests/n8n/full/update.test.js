// n8n's own installer, with n8n running: an update brings new JavaScript and new native code at once, without a restart.
// The second release has the native module that panics where it is told to; so this also shows, inside n8n, that a panic
// in Rust is an error of the node and not the end of n8n.

import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { N8n } from "../rig/n8n.js";
import { Proxy } from "../rig/proxy.js";
import { Registry } from "../rig/registry.js";
import { setting } from "../rig/setting.js";
import { stopWhen } from "../rig/stop-when.js";
import { variant } from "../rig/variant.js";
import { node, start, workflow } from "../rig/workflow.js";
import { apiCredential, byId, world } from "../rig/world.js";

const NAME = "@aurareels-test/n8n-nodes-aurareels";
const TYPE = `${NAME}.auraReels`;

const w = await world();

describe("an update while n8n runs", () => {
  let n8n;
  let registry;
  let listing;
  let auraReelsApi;
  /** A network that can lose the core's answers, and the credential that leads through it. */
  let proxy;
  let unheard;
  /** Names the export that panics next. */
  const wanted = join(w.dir, "panic");

  before(async () => {
    registry = await Registry.start(NAME);
    const settings = { NPM_CONFIG_USERCONFIG: registry.npmrc(join(w.dir, "npmrc")) };
    n8n = await N8n.start(join(w.dir, "n8n-update"), { tarball: null, settings });
    release("9.0.1");
    await n8n.rest.call("POST", "/rest/community-packages", { name: NAME });
    auraReelsApi = await n8n.rest.credential("auraReelsApi", "AuraReels API", apiCredential(w.core));
    proxy = await Proxy.start(w.core.port);
    unheard = await n8n.rest.credential("auraReelsApi", "Unheard", apiCredential(w.core, proxy.address));
    listing = await made({ resource: "account", operation: "getAll", returnAll: true });
  });
  after(async () => {
    await n8n?.stop();
    await proxy?.close();
    await registry?.close();
  });

  /** A workflow of one AuraReels node, after these nodes. */
  function made(parameters, before = [], credential = auraReelsApi) {
    const act = node("AuraReels", TYPE, 1, parameters, { credentials: { auraReelsApi: credential } });
    return n8n.rest.create(workflow(`${parameters.resource} ${parameters.operation}`, [start(), ...before, act]));
  }

  /** Puts a release into the registry: its node's name tells the version. */
  function release(version, change = () => {}) {
    const released = variant(setting("AURAREELS_PACKAGE"), join(w.dir, `package-${version}`), {
      name: NAME,
      version,
      change: (top) => {
        const file = join(top, "dist/nodes/AuraReels/AuraReels.node.js");
        const text = readFileSync(file, "utf8");
        const renamed = text.replace(/displayName: ["']AuraReels["']/, `displayName: "AuraReels ${version}"`);
        assert.notEqual(renamed, text);
        writeFileSync(file, renamed);
        change(top);
      },
    });
    registry.add(released.manifest, released.tarball);
  }

  const update = () => n8n.rest.call("PATCH", "/rest/community-packages", { name: NAME });

  const displayName = async () => (await n8n.rest.nodeTypes()).find(({ name }) => name === TYPE).displayName;

  /** The versions of our native module that n8n has mapped. */
  const mapped = () =>
    new Set(
      readFileSync(`/proc/${n8n.process.pid}/maps`, "utf8")
        .split("\n")
        .map((line) => /n8n-nodes-aurareels\/.*\.v([\d-]+)\.node$/.exec(line)?.[1])
        .filter(Boolean),
    );

  test("the first release works", async () => {
    assert.equal(await displayName(), "AuraReels 9.0.1");
    const execution = await n8n.rest.run(listing);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    const { accounts } = await w.core.client.accounts.listAccounts({});
    assert.deepEqual(execution.json("AuraReels").map(({ id }) => id), accounts.map(({ id }) => Number(id)));
    assert.deepEqual(mapped(), new Set(["9-0-1"]));
  });

  test("the second is live at once, in JavaScript and in native code", async () => {
    release("9.0.2", (top) => {
      // Whichever of them loads here.
      for (const file of globSync("dist/native/*linux*gnu*.node", { cwd: top })) {
        copyFileSync(setting("AURAREELS_ADDON_THAT_PANICS"), join(top, file));
      }
      // Before each use, the module reads anew which export shall panic. No node calls `version`; here each does.
      appendFileSync(
        join(top, "dist/native/index.js"),
        `\nmodule.exports.load = () => {
           process.env.AURAREELS_ADDON_PANIC = require("node:fs").readFileSync(${JSON.stringify(wanted)}, "utf8");
           load().version();
           return load();
         };\n`,
      );
    });
    writeFileSync(wanted, "Call.run");
    await update();
    assert.equal(await displayName(), "AuraReels 9.0.2");
    const execution = await n8n.rest.run(listing);
    assert.equal(execution.status, "error", "only the new native code panics");
    assert.match(`${execution.error.message} ${execution.error.description}`, /panic/i);
    assert.ok(mapped().has("9-0-2"));
  });

  test("a panic in any export is an error of the node, and n8n lives", async () => {
    writeFileSync(wanted, "none");
    const scheduled = await w.act({ ...w.publication("For panics"), operation: "schedule", scheduledAt: "2031-01-01T00:00:00Z" });
    const [{ id }] = scheduled.json("AuraReels");
    const video = node("Video", "n8n-nodes-base.httpRequest", 4.2, {
      url: w.simulator.video("panics"),
      options: { response: { response: { responseFormat: "file" } } },
    });
    const uploading = { ...w.publication("Panic in an upload"), videoSource: "binary", binaryPropertyName: "data" };
    delete uploading.videoUrl;
    const workflows = [
      listing,
      await made({ resource: "post", operation: "get", postId: byId(id), waitForResult: true, waitLimitSeconds: 1 }),
      await made(uploading, [video]),
    ];
    // What is called only when an execution is stopped: a workflow that then waits for the core, and how much it has sent.
    const stopped = {
      "Call.cancel": [await made({ resource: "account", operation: "getAll" }, [], unheard), 1],
      "Upload.cancel": [await made({ ...uploading, caption: "Stopped upload" }, [video], unheard), 32_768],
    };
    const panicked = new Set();
    /** Those of which the user read in the node's error. */
    const told = new Set();
    const all = exportsOf(setting("AURAREELS_ADDON_THAT_PANICS"));
    for (const name of all) {
      writeFileSync(wanted, name);
      if (name in stopped) {
        const [one, bytes] = stopped[name];
        proxy.swallowAnswers();
        proxy.sent = 0;
        await stopWhen(`${bytes} bytes for ${name}`, () => proxy.sent >= bytes, n8n.rest, one);
        proxy.carryOn();
        proxy.cut();
      } else {
        for (const one of workflows) {
          const execution = await n8n.rest.run(one);
          const said = `${execution.error?.message} ${execution.error?.description}`;
          if (/panic/i.test(said)) {
            told.add(name);
          } else {
            assert.equal(execution.status, "success", `${name}: ${said}`);
          }
        }
      }
      // A stopped execution has nobody to tell; Rust itself writes of every panic to n8n's log.
      if (n8n.process.output().includes(`injected panic in ${name}\n`)) {
        panicked.add(name);
      }
      assert.ok(n8n.process.alive && (await n8n.rest.ready()), `n8n lives after a panic in ${name}`);
    }
    assert.deepEqual([...panicked].sort(), all.sort());
    assert.deepEqual([...told].sort(), all.filter((name) => !(name in stopped)).sort());
    console.log(`panicked inside n8n: ${[...panicked].join(", ")}`);
  });

  test("the third works again", async () => {
    release("9.0.3");
    await update();
    assert.equal(await displayName(), "AuraReels 9.0.3");
    const execution = await n8n.rest.run(listing);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.ok(mapped().has("9-0-3"));
  });
});

/** Every export of a native module, as the module names them in its panics: `Call.run`, `version`. */
function exportsOf(library) {
  const file = join(w.dir, "panics.node");
  copyFileSync(library, file);
  return Object.entries(createRequire(import.meta.url)(file)).flatMap(([name, value]) => {
    const methods = Object.getOwnPropertyNames(value.prototype ?? {});
    // A plain function has a prototype with its constructor, and nothing else.
    return methods.length > 1 ? methods.map((method) => `${name}.${method}`) : [name];
  });
}
