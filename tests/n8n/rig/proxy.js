// A TCP proxy in front of the core: the network that lies between it and n8n. It can go silent towards n8n while the
// core still hears everything, so that a call is done and its answer is lost.

import { connect, createServer } from "node:net";

/** The head of an HTTP/2 frame by which a client gives up a call: RST_STREAM, of four bytes, without flags. */
const GIVEN_UP = Buffer.from("0000040300", "hex");

export class Proxy {
  #sockets = new Set();
  #swallowing = false;
  /** Whether n8n has given up a call. */
  givenUp = false;
  /** How many bytes n8n has sent. */
  sent = 0;

  static async start(port) {
    const proxy = new Proxy();
    proxy.server = createServer((client) => proxy.#carry(client, port));
    await new Promise((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    proxy.address = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  #carry(client, port) {
    const core = connect(port, "127.0.0.1");
    for (const [socket, other] of [
      [client, core],
      [core, client],
    ]) {
      this.#sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on("data", (bytes) => {
      this.givenUp ||= bytes.includes(GIVEN_UP);
      this.sent += bytes.length;
      core.write(bytes);
    });
    core.on("data", (bytes) => {
      if (!this.#swallowing) {
        client.write(bytes);
      }
    });
  }

  /** From now on n8n hears nothing, while the core still hears n8n. */
  swallowAnswers() {
    this.#swallowing = true;
  }

  /** Carries both ways again. */
  carryOn() {
    this.#swallowing = false;
  }

  /** Cuts every connection. */
  cut() {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  close() {
    this.cut();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
