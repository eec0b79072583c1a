// n8n's own REST interface, the one that its editor uses: owner, credentials, workflows, executions.

import { createRequire } from "node:module";
import { randomUUID } from "node:crypto";

import { setting } from "./setting.js";
import { until } from "./wait.js";

const { parse } = createRequire(`${setting("N8N_APP")}/n8n/package.json`)("flatted");

const OWNER = { email: "owner@example.org", firstName: "Olga", lastName: "Owner", password: "Correct-horse-7" };

/** The statuses of an execution that has come to an end. */
const ENDED = ["success", "error", "crashed", "canceled"];

export class Rest {
  #address;
  #cookie;
  #browser = randomUUID();

  constructor(address) {
    this.#address = address;
  }

  /** Whether n8n answers its editor. (`/healthz` is 200 earlier, and HTML may come first.) */
  async ready() {
    const answer = await fetch(`${this.#address}/rest/settings`);
    return answer.ok && "data" in (await answer.json());
  }

  setUpOwner() {
    return this.call("POST", "/rest/owner/setup", OWNER);
  }

  login() {
    return this.call("POST", "/rest/login", { emailOrLdapLoginId: OWNER.email, password: OWNER.password });
  }

  /** One call; the parsed answer, without its `data` envelope. */
  async call(method, path, body) {
    const answer = await fetch(`${this.#address}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        "browser-id": this.#browser,
        // n8n closes idle connections; a test that was busy meanwhile would not notice.
        connection: "close",
        ...(this.#cookie && { cookie: this.#cookie }),
      },
      body: body && JSON.stringify(body),
    });
    const set = answer.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
    if (set.length > 0) {
      this.#cookie = set.join("; ");
    }
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`n8n answers ${answer.status} to ${method} ${path}: ${text.slice(0, 2000)}`);
    }
    const parsed = text ? JSON.parse(text) : {};
    return parsed.data ?? parsed;
  }

  /** Every node type that n8n knows. */
  nodeTypes() {
    return this.call("GET", "/types/nodes.json");
  }

  /** Makes a credential; what a node's `credentials` needs to name it. */
  async credential(type, name, data) {
    const { id } = await this.call("POST", "/rest/credentials", { name, type, data });
    return { id, name };
  }

  /** Presses the credential's "Test" button: `{status, message}`. */
  testCredential(type, { id, name }, data) {
    return this.call("POST", "/rest/credentials/test", { credentials: { id, name, type, data } });
  }

  /** Stores a workflow, not published; the answer holds `id` and `versionId`. */
  create(workflow) {
    return this.call("POST", "/rest/workflows", { settings: {}, ...workflow });
  }

  /** Publishes a workflow that `create` answered. */
  publish({ id, versionId }) {
    return this.call("POST", `/rest/workflows/${id}/activate`, { versionId });
  }

  unpublish({ id }) {
    return this.call("POST", `/rest/workflows/${id}/deactivate`, {});
  }

  /** Starts a workflow by hand from this trigger; the execution's id. */
  async start({ id }, trigger = "Start") {
    const { executionId } = await this.call("POST", `/rest/workflows/${id}/run`, {
      triggerToStartFrom: { name: trigger },
    });
    return executionId;
  }

  /** Presses "Retry" on a failed execution; the new execution's id. */
  async retry(executionId) {
    const answer = await this.call("POST", `/rest/executions/${executionId}/retry`, { loadWorkflow: false });
    return answer.executionId ?? answer.id ?? answer;
  }

  /** One execution, its data unpacked. */
  async execution(id) {
    const execution = await this.call("GET", `/rest/executions/${id}`);
    return new Execution({ ...execution, data: execution.data && parse(execution.data) });
  }

  /** Executions, newest first, without data. `filter` as n8n has it: `{workflowId, status}`. */
  async executions(filter = {}) {
    const query = new URLSearchParams({ limit: "100", filter: JSON.stringify(filter) });
    const { results } = await this.call("GET", `/rest/executions?${query}`);
    return results;
  }

  /** Waits until an execution has come to an end. */
  async finished(id, limitMs = 120_000) {
    return until(
      `the end of execution ${id}`,
      async () => {
        const execution = await this.execution(id);
        return ENDED.includes(execution.status) && execution;
      },
      { limitMs, everyMs: 150 },
    );
  }

  /** Waits until a workflow has had `count` executions that came to an end; oldest first. */
  async ends(workflow, count = 1, limitMs = 120_000) {
    const done = await until(
      `${count} ended executions of "${workflow.name}"`,
      async () => {
        const all = await this.executions({ workflowId: workflow.id });
        const ended = all.filter((one) => ENDED.includes(one.status));
        return ended.length >= count && ended;
      },
      { limitMs, everyMs: 200 },
    );
    return Promise.all(done.map(({ id }) => this.execution(id)).reverse());
  }

  /** Runs a workflow by hand to its end. */
  async run(workflow, trigger) {
    return this.finished(await this.start(workflow, trigger));
  }

  /** Calls a production webhook; null while n8n has not registered it yet. */
  async webhook(path, body, headers = {}) {
    const answer = await fetch(`${this.#address}/webhook/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    return { status: answer.status, text: await answer.text() };
  }
}

/** A finished or running execution. */
export class Execution {
  constructor(raw) {
    this.raw = raw;
    this.id = raw.id;
    this.status = raw.status;
    this.mode = raw.mode;
    this.error = raw.data?.resultData?.error;
  }

  /** Whether a node ran. */
  ran(node) {
    return this.runs(node).length > 0;
  }

  /** Every run of a node. */
  runs(node) {
    return this.raw.data?.resultData?.runData?.[node] ?? [];
  }

  /** The items of an output of a node, in its last run. */
  items(node, output = 0) {
    return this.runs(node).at(-1)?.data?.main?.[output] ?? [];
  }

  /** The JSON of the items of an output. */
  json(node, output = 0) {
    return this.items(node, output).map((item) => item.json);
  }

  /** The error of a node, in its last run. */
  nodeError(node) {
    return this.runs(node).at(-1)?.error;
  }
}
