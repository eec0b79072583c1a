// One stream of events for the whole page. It is resumed from the last position after any break, so nothing is missed and
// nothing has to be asked for again; where the core cannot resume, everything is read anew.

import { Code, ConnectError } from "@connectrpc/connect";
import type { Event } from "../rpc/aurareels/v1/event_pb";

/** "starting": not yet heard from, or just broken. "live": events arrive. "away": the core does not answer. "off": not wanted. */
export type StreamState = "off" | "starting" | "live" | "away";

export interface StreamMessage {
  event?: Event | undefined;
  position: bigint;
}

export interface StreamDeps {
  open(after: bigint | undefined, signal: AbortSignal): AsyncIterable<StreamMessage>;
  /** An event, before its position counts as reached. */
  onEvent(event: Event): void;
  /** What was read before may be stale: a first position was reached, or one was lost. */
  onReset(): void;
  wait(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
}

/** The core sends a heartbeat every 30 s; a stream that is silent for longer is dead. */
const SILENCE_MS = 75_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;

export class LiveStream {
  #state: StreamState = "off";
  #position: bigint | undefined;
  #running: AbortController | undefined;
  #wake: AbortController | undefined;
  #listeners = new Set<() => void>();

  constructor(private readonly deps: StreamDeps) {}

  getState = (): StreamState => this.#state;

  get position(): bigint | undefined {
    return this.#position;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #enter(state: StreamState): void {
    if (this.#state !== state) {
      this.#state = state;
      this.#listeners.forEach((listener) => listener());
    }
  }

  start(): void {
    if (!this.#running) {
      this.#running = new AbortController();
      void this.#run(this.#running.signal);
    }
  }

  /** Ends the stream and keeps its position: `start` goes on from there. */
  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#enter("off");
  }

  /** Another user logs in: positions of the one before mean nothing. */
  forget(): void {
    this.stop();
    this.#position = undefined;
  }

  /** Tries at once instead of waiting: the network came back, or the page came to the front. */
  retryNow = (): void => this.#wake?.abort();

  async #run(stopped: AbortSignal): Promise<void> {
    let failures = 0;
    while (!stopped.aborted) {
      this.#enter(failures > 1 ? "away" : "starting");
      const ended = await this.#follow(stopped, () => (failures = 0));
      if (stopped.aborted) {
        return;
      }
      if (ended === "signedOut") {
        this.#running = undefined;
        this.#enter("off");
        return;
      }
      failures = ended === "orderly" ? 0 : failures + 1;
      this.#wake = new AbortController();
      const delay = Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS) * (0.5 + this.deps.random() / 2);
      if (failures > 1) {
        this.#enter("away");
      }
      await this.deps.wait(delay, AbortSignal.any([stopped, this.#wake.signal]));
    }
  }

  async #follow(stopped: AbortSignal, heard: () => void): Promise<"orderly" | "broken" | "signedOut"> {
    const after = this.#position;
    const silence = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
    };
    let first = true;
    try {
      listen();
      for await (const message of this.deps.open(after, AbortSignal.any([stopped, silence.signal]))) {
        if (stopped.aborted) {
          return "orderly";
        }
        listen();
        heard();
        if (message.event) {
          this.deps.onEvent(message.event);
        }
        // Progress is not stored and has no position of its own.
        if (message.position > 0n || this.#position === undefined) {
          this.#position = message.position;
        }
        this.#enter("live");
        if (first && after === undefined) {
          this.deps.onReset();
        }
        first = false;
      }
      return first ? "broken" : "orderly";
    } catch (failure) {
      const { code } = ConnectError.from(failure);
      if (code === Code.OutOfRange && after !== undefined) {
        // The next try begins at "now", and its first message has everything read anew.
        this.#position = undefined;
        return "orderly";
      }
      return code === Code.Unauthenticated ? "signedOut" : "broken";
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Waits, or until the signal. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
