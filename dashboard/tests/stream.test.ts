import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";

import { LiveStream, type StreamMessage } from "../src/live/stream";
import { EventSchema } from "../src/rpc/aurareels/v1/event_pb";

const message = (position: bigint): StreamMessage => ({ position });
const event = (position: bigint): StreamMessage => ({ position, event: create(EventSchema, { sequence: position }) });

type Script = (StreamMessage | Error)[];

/** Runs a stream against scripted connections, one after the other; after the last it hangs as a live one does. */
async function follow(scripts: Script[]) {
  const asked: (bigint | undefined)[] = [];
  const seen: bigint[] = [];
  const states: string[] = [];
  const delays: number[] = [];
  let resets = 0;
  const settled = new Promise<void>((resolve) => {
    const stream = new LiveStream({
      async *open(after, signal) {
        asked.push(after);
        for (const step of scripts.shift() ?? []) {
          if (step instanceof Error) {
            throw step;
          }
          yield step;
        }
        if (scripts.length === 0) {
          // All that was received is dealt with when the next message is asked for.
          resolve();
          await new Promise((ended) => signal.addEventListener("abort", ended));
        }
      },
      onEvent: ({ sequence }) => seen.push(sequence),
      onReset: () => (resets += 1),
      wait: async (ms) => void delays.push(ms),
      random: () => 1,
    });
    stream.subscribe(() => {
      states.push(stream.getState());
      if (stream.getState() === "off") {
        resolve();
      }
    });
    stream.start();
  });
  await settled;
  return { asked, seen, states, delays, resets };
}

const broken = () => new ConnectError("gone", Code.Unavailable);

describe("the stream of events", () => {
  it("begins at now, has everything read once, and is live", async () => {
    const { asked, resets, states } = await follow([[message(7n), event(9n)]]);
    expect(asked).toEqual([undefined]);
    expect(resets).toBe(1);
    expect(states.at(-1)).toBe("live");
  });

  it("goes on from its last position after a break, with nothing twice and nothing read anew", async () => {
    const { asked, seen, resets } = await follow([
      [message(7n), event(8n), event(9n), broken()],
      [event(10n), broken()],
      [message(10n), event(12n)],
    ]);
    expect(asked).toEqual([undefined, 9n, 10n]);
    expect(seen).toEqual([8n, 9n, 10n, 12n]);
    expect(resets).toBe(1);
  });

  it("keeps its position over progress, which has none", async () => {
    const { asked } = await follow([[message(7n), event(8n), event(0n), broken()], [message(8n)]]);
    expect(asked).toEqual([undefined, 8n]);
  });

  it("says that the core is away when it does not come back at once, and waits longer each time", async () => {
    const { states, delays } = await follow([[message(7n), broken()], [broken()], [broken()], [broken()], [message(7n)]]);
    expect(states).toContain("away");
    expect(states.at(-1)).toBe("live");
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
    expect(delays.at(-1)).toBeGreaterThan(delays[0] ?? 0);
  });

  it("reads everything anew where the core no longer has the position", async () => {
    const { asked, resets } = await follow([
      [message(7n), broken()],
      [new ConnectError("too old", Code.OutOfRange)],
      [message(90n)],
    ]);
    expect(asked).toEqual([undefined, 7n, undefined]);
    expect(resets).toBe(2);
  });

  it("ends when nobody is logged in any more", async () => {
    const { states } = await follow([[message(7n)], [new ConnectError("who?", Code.Unauthenticated)]]);
    expect(states.at(-1)).toBe("off");
  });
});
