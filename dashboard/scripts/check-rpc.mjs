// Fails when src/rpc is not what `npm run generate` makes of ../proto.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made = mkdtempSync(join(tmpdir(), "aurareels-rpc-"));
const files = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
    .sort();
try {
  execFileSync("buf", ["generate", "--output", made], { stdio: "inherit" });
  const fresh = join(made, "src/rpc");
  const [want, have] = [files(fresh), files("src/rpc")];
  const stale = [...new Set([...want, ...have])].filter(
    (file) =>
      !want.includes(file) ||
      !have.includes(file) ||
      readFileSync(join(fresh, file), "utf8") !== readFileSync(join("src/rpc", file), "utf8"),
  );
  if (stale.length > 0) {
    console.error(`src/rpc is not current: ${stale.join(", ")}. Run \`npm run generate\` and commit it.`);
    process.exitCode = 1;
  }
} finally {
  rmSync(made, { recursive: true, force: true });
}
