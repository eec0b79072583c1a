// A small web server that keeps what it is told: the chat that workflows notify, and a language model that always
// answers the same.

import { createServer } from "node:http";

import { until } from "./wait.js";

export class Listener {
  /** `answer` makes the JSON answer from a request's path and body; it may be a promise, which is waited for. */
  static async start(answer = () => ({})) {
    const listener = new Listener();
    listener.calls = [];
    listener.server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) {
        chunks.push(chunk);
      }
      const text = Buffer.concat(chunks).toString("utf8");
      const call = { path: request.url, headers: request.headers, body: text && JSON.parse(text) };
      listener.calls.push(call);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(await answer(call)));
    });
    await new Promise((resolve) => listener.server.listen(0, "127.0.0.1", resolve));
    listener.address = `http://127.0.0.1:${listener.server.address().port}`;
    return listener;
  }

  /** Waits for a call that fits. */
  heard(what, fits, limitMs) {
    return until(what, () => this.calls.find(fits), { limitMs });
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

/** A server that speaks OpenAI's chat completions and always says `text`. */
export function languageModel(text) {
  return Listener.start(({ body }) => ({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 0,
    model: body.model,
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }));
}
