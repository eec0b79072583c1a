// The original's workflow `social_media_publisher` as its document prints it, with the smallest repairs that n8n of today needs.
// docs/wordpress.md lists them for people who have such a workflow.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

/** Versions of the nodes. The document names none; that of "If" is the last one that compares dates as the document does. */
const VERSIONS = {
  "n8n-nodes-base.webhook": 2,
  "n8n-nodes-base.wait": 1.1,
  "n8n-nodes-base.httpRequest": 4.2,
  "n8n-nodes-base.if": 1,
};

const WEBHOOK = "Webhook - Schedule Post";

/** The post's number, wherever in the workflow it is asked for: what nodes before answered may be something else. */
const POST_ID = `$('${WEBHOOK}').first().json.body.post_id`;

/** As printed. */
export function printed() {
  return JSON.parse(readFileSync(new URL("social_media_publisher.json", import.meta.url), "utf8"));
}

/**
 * Repaired. `webhookKey` is the credential that the webhook asks for, `siteKey` the one with which the site is called; `more` is
 * what a user switches on at the nodes that call the site, such as `retryOnFail`.
 */
export function repaired({ webhookKey, siteKey, more = {} }) {
  const workflow = printed();
  workflow.nodes.forEach((node, index) => {
    node.id = randomUUID();
    node.position = [220 * index, 0];
    node.typeVersion = VERSIONS[node.type];
    repairs[node.type]?.(node, { webhookKey, siteKey, more });
  });
  for (const { main } of Object.values(workflow.connections)) {
    for (const target of main.flat()) {
      Object.assign(target, { type: "main", index: 0 });
    }
  }
  return workflow;
}

const repairs = {
  // It takes GET unless it is told; "immediate" is called otherwise today.
  "n8n-nodes-base.webhook"(node, { webhookKey }) {
    Object.assign(node.parameters, { httpMethod: "POST", responseMode: "onReceived" });
    node.webhookId = randomUUID();
    node.credentials = { httpHeaderAuth: webhookKey };
  },

  // Its field is called dateTime, and what a webhook was sent lies under body.
  "n8n-nodes-base.wait"(node) {
    node.parameters = { resume: "specificTime", dateTime: "={{ $json.body.scheduled_at }}" };
    node.webhookId = randomUUID();
  },

  "n8n-nodes-base.httpRequest"(node, { siteKey, more }) {
    const { parameters } = node;
    // A second "=" within an address is a character of it.
    parameters.url = parameters.url.replace(/\/=\{\{/g, "/{{").replace("$json.post_id", POST_ID);
    // Every node has to show the key, in the form that generic credentials have.
    delete parameters.nodeCredentialType;
    Object.assign(parameters, { authentication: "genericCredentialType", genericAuthType: "httpHeaderAuth" });
    node.credentials = { httpHeaderAuth: siteKey };
    if (parameters.body) {
      const body = JSON.stringify(parameters.body).replaceAll(/"=\{\{ (.*?) \}\}"/g, "$1").replace("$json.post_id", POST_ID);
      delete parameters.body;
      Object.assign(parameters, { sendBody: true, specifyBody: "json", jsonBody: `={{ ${body} }}` });
    }
    if (node.name === "Publish to Platform") {
      // Its second output is for errors only when it is told so.
      node.onError = "continueErrorOutput";
    }
    Object.assign(node, more);
  },
};
