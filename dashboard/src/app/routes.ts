// The addresses of the views. Under the core they are paths below /dashboard; inside wp-admin they stand after "#".

import { useHashLocation } from "wouter/use-hash-location";
import { wordpress } from "../boot/host";

export const routes = {
  accounts: "/social-accounts",
  posts: "/social-posts",
  post: (id: bigint | string) => `/social-posts/${id}`,
  calendar: "/social-calendar",
  review: "/review",
  media: "/media",
  analytics: "/analytics",
  webhooks: "/webhooks",
  webhook: (id: bigint) => `/webhooks/${id}`,
  sessions: "/sessions",
  login: "/login",
} as const;

export const routerBase = wordpress ? "" : "/dashboard";
export const routerHook = wordpress ? useHashLocation : undefined;

/** The path with which the page was opened. */
export const openedAt = (): string =>
  wordpress ? location.hash.slice(1).replace(/\?.*/, "") : location.pathname.slice(routerBase.length);

/** The full address of a view, for links that leave the router: the platform's way back. */
export function addressOf(path: string): string {
  return wordpress ? `${location.href.split("#")[0]}#${path}` : `${location.origin}${routerBase}${path}`;
}
