// The JavaScript that each view loads before it can be used, compressed as the core sends it. Over the limit, it fails.

import { readFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";

const LIMIT = 250_000;
const manifest = JSON.parse(readFileSync("dist/manifest.json", "utf8"));

/** A chunk's files, with everything that it imports at once. */
function needed(name, found = new Set()) {
  const chunk = manifest[name];
  if (chunk && !found.has(chunk.file)) {
    found.add(chunk.file);
    (chunk.imports ?? []).forEach((imported) => needed(imported, found));
  }
  return found;
}

const compressed = (file) => brotliCompressSync(readFileSync(`dist/${file}`)).length;
const total = (files) => [...files].filter((file) => file.endsWith(".js")).reduce((sum, file) => sum + compressed(file), 0);
const names = Object.keys(manifest);
const entry = names.find((name) => manifest[name].isEntry);
const views = names.filter((name) => manifest[name].isDynamicEntry && /^src\/views\/.*View\.tsx$/.test(name));
const languages = names.filter((name) => /^src\/i18n\/.*\/index\.ts$/.test(name) && manifest[name].isDynamicEntry);
const widest = languages.map((name) => [...needed(name)]).sort((a, b) => total(b) - total(a))[0] ?? [];
const row = (name, bytes) => console.log(`${name.padEnd(44)} ${(bytes / 1000).toFixed(1).padStart(7)} kB`);

row("entry, with the largest language", total(new Set([...needed(entry), ...widest])));
let over = false;
for (const view of views) {
  const bytes = total(new Set([...needed(entry), ...widest, ...needed(view)]));
  row(view.replace("src/views/", ""), bytes);
  over ||= bytes > LIMIT;
}
const later = names.filter((name) => manifest[name].isDynamicEntry && !views.includes(name) && !languages.includes(name));
for (const name of later) {
  const bytes = total([...needed(name)].filter((file) => !needed(entry).has(file)));
  row(`  on demand: ${name.replace("src/", "")}`, bytes);
}
if (over) {
  console.error(`over ${LIMIT / 1000} kB compressed: split something off`);
  process.exitCode = 1;
}
