// An execution that its user stops while its node talks to the core.

import assert from "node:assert/strict";

import { until } from "./wait.js";

/** Starts a workflow, waits until its node has come so far as `reached` says, and presses "Stop". */
export async function stopWhen(what, reached, rest, made) {
  const id = await rest.start(made);
  await until(what, reached);
  await rest.call("POST", `/rest/executions/${id}/stop`);
  const execution = await rest.finished(id);
  assert.equal(execution.status, "canceled", JSON.stringify(execution.error));
}
