// A child process with a log file, ended by its own id: asked (SIGTERM), killed (SIGKILL), or waited for.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

const LOG_LINES = 60;

export class Process {
  /** Starts a program; what it prints goes to `log`, appended. */
  constructor(program, args, { env, cwd, log, detached = false }) {
    this.log = log;
    const file = openSync(log, "a");
    this.child = spawn(program, args, { env, cwd, stdio: ["ignore", file, file], detached });
    closeSync(file);
    this.ended = new Promise((resolve) => {
      this.child.on("exit", (code, signal) => resolve({ code, signal }));
      this.child.on("error", (error) => resolve({ code: null, signal: null, error }));
    });
    running.add(this);
    this.ended.then(() => running.delete(this));
  }

  get pid() {
    return this.child.pid;
  }

  /** Whether it still runs. */
  get alive() {
    return running.has(this);
  }

  /** Asks it to end and waits; how it ended, and after how many milliseconds. It is killed after `limitMs`. */
  async stop(limitMs = 30_000) {
    const begun = performance.now();
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), limitMs);
    const ended = await this.ended;
    clearTimeout(timer);
    return { ...ended, ms: Math.round(performance.now() - begun) };
  }

  /** kill -9. */
  async kill() {
    this.child.kill("SIGKILL");
    return this.ended;
  }

  /** The end of its log. */
  tail(lines = LOG_LINES) {
    const text = readFileSync(this.log, "utf8");
    return `-- the end of ${this.log}:\n${text.split("\n").slice(-lines).join("\n")}`;
  }

  /** Everything it logged. */
  output() {
    return readFileSync(this.log, "utf8");
  }
}

const running = new Set();

// Whatever ends a test run, nothing that it started lives on.
process.on("exit", () => {
  for (const one of running) {
    one.child.kill("SIGKILL");
  }
});
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => process.exit(1));
}
