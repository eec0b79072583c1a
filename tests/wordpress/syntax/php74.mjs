// Reads the plugin's files as PHP 7.4 would: only PHP 8.2 can be run here, and the plugin promises 7.4.
//
// The parser refuses most of what PHP 8 added; what it lets pass is looked for in its tree. Before the plugin is read, the check
// itself is tried on an example of everything that it must refuse.

import { readdirSync, readFileSync } from "node:fs";
import engine from "php-parser";

const parser = new engine({ parser: { version: "7.4", suppressErrors: false }, ast: { withPositions: true } });

const NEW_TYPES = ["mixed", "never", "static", "false", "null", "true"];

/** What PHP 7.4 does not have, in one node of the tree. */
function tooNew(node, parent, key) {
  switch (node.kind) {
    case "uniontype":
    case "intersectiontype":
      return "a union or intersection type";
    case "parameter":
      return node.flags ? "a promoted parameter" : node.readonly ? "readonly" : null;
    case "property":
      return node.readonly ? "a readonly property" : null;
    case "enum":
    case "match":
    case "nullsafepropertylookup":
    case "namedargument":
    case "variadicplaceholder":
      return node.kind;
    case "staticlookup":
      return node.offset?.name === "class" && !["name", "selfreference", "parentreference", "staticreference"].includes(node.what.kind)
        ? "::class of a value"
        : null;
    default:
      return key === "type" && parent && NEW_TYPES.includes(String(node.name ?? node.raw ?? "").toLowerCase()) ? `the type ${node.name ?? node.raw}` : null;
  }
}

function walk(node, found, parent = null, key = "") {
  if (Array.isArray(node)) {
    node.forEach((item) => walk(item, found, parent, key));
    return;
  }
  if (!node || typeof node !== "object" || typeof node.kind !== "string") {
    return;
  }
  const what = tooNew(node, parent, key);
  if (what) {
    found.push(`${what} on line ${node.loc?.start?.line}`);
  }
  for (const [name, value] of Object.entries(node)) {
    if (name !== "loc" && value && typeof value === "object") {
      walk(value, found, node, name);
    }
  }
}

function problems(code, name) {
  try {
    const found = [];
    walk(parser.parseCode(code, name), found);
    return found;
  } catch (error) {
    return [error.message];
  }
}

const refused = [
  "$a = match(1) { 1 => 2 };",
  "$a?->b();",
  "f(a: 1);",
  "class A { function __construct(private int $x) {} }",
  "function f(int|string $x) {}",
  "function f(): int|false {}",
  "enum A { case B; }",
  "class A { public readonly int $x; }",
  "$f = fn() => throw new E();",
  "function f(): static {}",
  "function f(mixed $x) {}",
  "function f(): never {}",
  "function f($a, $b,) {}",
  "$f = strlen(...);",
  "try {} catch (E) {}",
  "echo $o::class;",
];
const taken = ["$a = fn($x) => $x + 1; $b ??= 2; class A { private ?int $x = null; function f(?array $y): ?string { return self::class; } }"];
let failed = 0;
const fail = (text) => {
  console.log(text);
  failed += 1;
};
for (const code of refused) {
  if (problems(`<?php ${code}`, "example.php").length === 0) {
    fail(`the check lets pass: ${code}`);
  }
}
for (const code of taken) {
  problems(`<?php ${code}`, "example.php").forEach((problem) => fail(`the check refuses ${code}: ${problem}`));
}

let files = 0;
(function read(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory()) {
      read(path);
    } else if (path.endsWith(".php")) {
      files += 1;
      problems(readFileSync(path, "utf8"), path).forEach((problem) => fail(`${path}: ${problem}`));
    }
  }
})(process.argv[2]);
console.log(`${files - failed} passed, ${failed} failed`);
process.exit(failed || !files ? 1 : 0);
