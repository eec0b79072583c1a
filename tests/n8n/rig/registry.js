// An npm registry with one scoped package, for n8n's own installer. n8n names its registry on npm's command line, but an
// npmrc line for a scope wins over that, so the package has a scope here.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

export class Registry {
  #versions = new Map();

  /** A registry for the package `name`, which must have a scope. */
  static async start(name) {
    const registry = new Registry();
    registry.name = name;
    registry.server = createServer((request, response) => registry.#answer(request, response));
    await new Promise((resolve) => registry.server.listen(0, "127.0.0.1", resolve));
    registry.address = `http://127.0.0.1:${registry.server.address().port}`;
    return registry;
  }

  /** Writes the npmrc that sends npm here for the package's scope. */
  npmrc(path) {
    writeFileSync(path, `${this.name.split("/")[0]}:registry=${this.address}/\n`);
    return path;
  }

  /** Adds a version; the newest added one is `latest`. */
  add(manifest, tarball) {
    const bytes = readFileSync(tarball);
    this.#versions.set(manifest.version, { manifest, bytes });
    this.latest = manifest.version;
  }

  #answer(request, response) {
    const path = decodeURIComponent(request.url.split("?")[0]);
    const version = /^\/-\/(.+)\.tgz$/.exec(path)?.[1];
    if (this.#versions.has(version)) {
      response.end(this.#versions.get(version).bytes);
    } else if (path === `/${this.name}`) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(this.#document()));
    } else if (path.startsWith(`/${this.name}/`)) {
      const wanted = path.slice(this.name.length + 2);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(this.#document().versions[wanted === "latest" ? this.latest : wanted]));
    } else {
      response.statusCode = 404;
      response.end("{}");
    }
  }

  #document() {
    const versions = {};
    for (const [version, { manifest, bytes }] of this.#versions) {
      const dist = {
        tarball: `${this.address}/-/${version}.tgz`,
        shasum: createHash("sha1").update(bytes).digest("hex"),
        integrity: `sha512-${createHash("sha512").update(bytes).digest("base64")}`,
      };
      versions[version] = { ...manifest, dist };
    }
    return { name: this.name, "dist-tags": { latest: this.latest }, versions };
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
