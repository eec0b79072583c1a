// Workflows as the tests need them: small ones written down node by node, and the shipped ones from workflows/.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

import { PACKAGE } from "./package.js";

/** One node. `more` holds what is beside the parameters: credentials, onError, retryOnFail. */
export function node(name, type, typeVersion, parameters = {}, more = {}) {
  return { id: randomUUID(), name, type, typeVersion, parameters, position: [0, 0], ...more };
}

/** An AuraReels node. */
export function auraReels(name, parameters, { auraReelsApi }, more = {}) {
  return node(name, `${PACKAGE}.auraReels`, 1, parameters, { credentials: { auraReelsApi }, ...more });
}

/** An AuraReels Trigger. */
export function trigger(name, parameters, { auraReelsApi }) {
  return node(name, `${PACKAGE}.auraReelsEventTrigger`, 1, parameters, { credentials: { auraReelsApi } });
}

/** The node that a run by hand starts from. */
export function start() {
  return node("Start", "n8n-nodes-base.manualTrigger", 1);
}

/** A workflow of nodes that follow each other; `further` are connections besides: `[from, to, output]`. */
export function workflow(name, nodes, further = []) {
  const connections = {};
  const link = (from, to, output = 0) => {
    const outputs = ((connections[from] ??= { main: [] }).main);
    while (outputs.length <= output) {
      outputs.push([]);
    }
    outputs[output].push({ node: to, type: "main", index: 0 });
  };
  nodes.slice(1).forEach((one, index) => link(nodes[index].name, one.name));
  further.forEach(([from, to, output]) => link(from, to, output));
  nodes.forEach((one, index) => {
    one.position = [220 * index, 0];
  });
  return { name, nodes, connections };
}

/** A workflow of workflows/, as a user imports it. */
export function shipped(file) {
  const path = new URL(`../../../workflows/${file}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8"));
}

/** Gives every node that wants a credential the one that is named for its type. */
export function withCredentials(workflow, credentials) {
  for (const one of workflow.nodes) {
    for (const type of Object.keys(one.credentials ?? {})) {
      one.credentials[type] = credentials[type];
    }
  }
  return workflow;
}
