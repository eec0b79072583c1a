// Waiting: for a condition, with a limit and a sentence that says what never came.

import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export { sleep };

/** Looks again and again until `look` answers something truthy, and returns that. What it throws counts as "not yet". */
export async function until(what, look, { limitMs = 60_000, everyMs = 100 } = {}) {
  const limit = performance.now() + limitMs;
  let last;
  for (;;) {
    try {
      const found = await look();
      if (found) {
        return found;
      }
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > limit) {
      throw new Error(`never came within ${limitMs / 1000} s: ${what}`, { cause: last });
    }
    await sleep(everyMs);
  }
}

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
