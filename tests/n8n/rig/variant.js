// Other releases of the package, made from the built one: another name and version, and what a test changes.

import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Unpacks the tarball into `dir`, gives it a name and a version (also in the file names of its native modules, as a
 * release has it), lets `change` work on the unpacked package and packs it again.
 */
export function variant(tarball, dir, { name, version, change = () => {} }) {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", dir]);
  const top = join(dir, "package");
  const path = join(top, "package.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  const [from, to] = [manifest.version, version].map((text) => `.v${text.replaceAll(".", "-")}.node`);
  for (const file of globSync("**/*.node", { cwd: top })) {
    renameSync(join(top, file), join(top, file.replace(from, to)));
  }
  for (const file of globSync("**/*.js", { cwd: top })) {
    const text = readFileSync(join(top, file), "utf8");
    if (text.includes(from)) {
      writeFileSync(join(top, file), text.replaceAll(from, to));
    }
  }
  Object.assign(manifest, { name, version });
  writeFileSync(path, JSON.stringify(manifest, null, 2));
  change(top);
  const packed = join(dir, "package.tgz");
  execFileSync("tar", ["-czf", packed, "-C", dir, "package"]);
  return { manifest, tarball: packed };
}
