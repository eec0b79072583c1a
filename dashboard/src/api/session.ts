// The login at the core: a cookie that scripts cannot read, and what the core says of it. Inside wp-admin there is none;
// the site's own login counts there.

import { coreUrl, wordpress } from "../boot/host";
import { CoreAway, Refused } from "./problem";

export interface Session {
  user: number;
  session: string;
  expiresAt: Date | undefined;
}

export interface SessionEntry {
  id: string;
  createdAt: Date;
  lastUsedAt: Date;
  expiresAt: Date;
  userAgent: string;
  current: boolean;
}

/** Why there is no login, in the core's words. */
export interface Refusal {
  reason: string;
  message: string;
  remedy: string;
}

export type SessionState =
  | { state: "unknown" }
  | { state: "away" }
  | { state: "in"; session: Session }
  | { state: "out"; refusal: Refusal | undefined };

interface SessionBody {
  user: number;
  session: string;
  expires_at?: string;
}

async function ask(path: string, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(`${coreUrl}/dashboard/${path}`, { ...init, credentials: "same-origin", cache: "no-store" });
  } catch (failure) {
    throw new CoreAway(failure);
  }
}

async function refusalOf(answer: Response): Promise<Refusal> {
  const body = (await answer.json().catch(() => ({}))) as Partial<Refusal>;
  return { reason: body.reason ?? "", message: body.message ?? `${answer.status}`, remedy: body.remedy ?? "" };
}

async function readSession(answer: Response): Promise<Session> {
  const body = (await answer.json()) as SessionBody;
  const expiresAt = body.expires_at ? new Date(body.expires_at) : undefined;
  return { user: body.user, session: body.session, expiresAt };
}

class SessionStore {
  #state: SessionState = wordpress
    ? { state: "in", session: { user: 0, session: "", expiresAt: undefined } }
    : { state: "unknown" };
  #listeners = new Set<() => void>();
  #loading: Promise<void> | undefined;

  get = (): SessionState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #set(state: SessionState): void {
    this.#state = state;
    this.#listeners.forEach((listener) => listener());
  }

  /** Asks the core who is logged in. Concurrent calls share one request. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  async #load(): Promise<void> {
    if (wordpress) {
      return;
    }
    try {
      const answer = await ask("session");
      if (answer.ok) {
        this.#set({ state: "in", session: await readSession(answer) });
      } else if (answer.status === 401) {
        this.#set({ state: "out", refusal: await refusalOf(answer) });
      } else {
        this.#set({ state: "away" });
      }
    } catch {
      this.#set({ state: "away" });
    }
  }

  /** A call was refused because nobody is logged in any more. */
  ended(): void {
    if (this.#state.state === "in") {
      this.#set({ state: "out", refusal: undefined });
    }
  }

  /** Logs in with the secret of a one-time link. */
  async logIn(secret: string): Promise<void> {
    const headers = { "content-type": "application/json" };
    const answer = await ask("session", { method: "POST", headers, body: JSON.stringify({ secret }) });
    if (!answer.ok) {
      throw new Refused(await refusalOf(answer));
    }
    this.#set({ state: "in", session: await readSession(answer) });
  }

  async logOut(): Promise<void> {
    const answer = await ask("session", { method: "DELETE" });
    if (!answer.ok && answer.status !== 401) {
      throw new Refused(await refusalOf(answer));
    }
    this.#set({ state: "out", refusal: undefined });
  }

  async list(): Promise<SessionEntry[]> {
    const answer = await ask("sessions");
    if (!answer.ok) {
      throw new Refused(await refusalOf(answer));
    }
    const { sessions } = (await answer.json()) as { sessions: Record<string, string & boolean>[] };
    return sessions.map((one) => ({
      id: String(one.id),
      createdAt: new Date(one.created_at ?? ""),
      lastUsedAt: new Date(one.last_used_at ?? ""),
      expiresAt: new Date(one.expires_at ?? ""),
      userAgent: String(one.user_agent ?? ""),
      current: Boolean(one.current),
    }));
  }

  async revoke(id: string): Promise<void> {
    const answer = await ask(`sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
    if (!answer.ok && answer.status !== 404) {
      throw new Refused(await refusalOf(answer));
    }
  }
}

export const session = new SessionStore();
