// Fails when the committed dist/ is not what `vite build` makes of the sources.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made = mkdtempSync(join(tmpdir(), "aurareels-dist-"));
const files = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
    .sort();
try {
  execFileSync("vite", ["build", "--logLevel", "warn", "--emptyOutDir", "--outDir", made], { stdio: "inherit" });
  const [want, have] = [files(made), files("dist")];
  const stale = [...new Set([...want, ...have])].filter(
    (file) =>
      !want.includes(file) || !have.includes(file) || !readFileSync(join(made, file)).equals(readFileSync(join("dist", file))),
  );
  if (stale.length > 0) {
    console.error(`dist is not what the sources give:\n  ${stale.join("\n  ")}\nRun \`npm run build\` and commit dist.`);
    process.exitCode = 1;
  }
} finally {
  rmSync(made, { recursive: true, force: true });
}
