// Inside wp-admin: a bearer token that the plugin mints for the user who is logged in there, at most ten minutes long.

import { Code, ConnectError } from "@connectrpc/connect";
import type { WordPressPage } from "../boot/host";
import { CoreAway } from "./problem";

interface Minted {
  value: string;
  /** From here on it is replaced before it is used. */
  renewAt: number;
}

/** Renewed well before it ends: a call that takes a while must not end with it. */
const EARLY_MS = 60_000;

export class SiteTokens {
  #minted: Minted | undefined;
  #minting: Promise<Minted> | undefined;

  constructor(
    private readonly page: WordPressPage,
    private readonly ask: typeof fetch = (input, init) => fetch(input, init),
    private readonly now: () => number = Date.now,
  ) {}

  async current(): Promise<string> {
    if (this.#minted && this.now() < this.#minted.renewAt) {
      return this.#minted.value;
    }
    this.#minting ??= this.#mint().finally(() => (this.#minting = undefined));
    this.#minted = await this.#minting;
    return this.#minted.value;
  }

  /** The core refused it: the next call gets a new one. */
  forget(): void {
    this.#minted = undefined;
  }

  async #mint(): Promise<Minted> {
    const headers = { "X-WP-Nonce": this.page.nonce, accept: "application/json" };
    let answer: Response;
    try {
      answer = await this.ask(this.page.tokenUrl, { method: "POST", headers, credentials: "same-origin" });
    } catch (failure) {
      throw new CoreAway(failure);
    }
    if (answer.status === 401 || answer.status === 403) {
      throw new ConnectError("the site's login has ended", Code.Unauthenticated);
    }
    if (!answer.ok) {
      throw new CoreAway(new Error(`the site answered ${answer.status}`));
    }
    const body = (await answer.json()) as { token: string; expires_at?: string; expires_in?: number };
    const lives = body.expires_at ? Date.parse(body.expires_at) - this.now() : (body.expires_in ?? 300) * 1000;
    return { value: body.token, renewAt: this.now() + Math.max(lives - EARLY_MS, lives / 2) };
  }
}
