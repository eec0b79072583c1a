// What a view shows, in the query of its address, so that it can be reloaded, linked and gone back to. The query of a
// page in wp-admin is WordPress's; there it is only remembered.

import { useCallback, useSyncExternalStore } from "react";

import { wordpress } from "../boot/host";

export type Params = Readonly<Record<string, string>>;

const remembered = new Map<string, string>();
const listeners = new Set<() => void>();

function read(view: string): string {
  return wordpress ? (remembered.get(view) ?? "") : location.search.replace(/^\?/, "");
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

/** The view's values, and a function that changes some of them; an empty value goes away. */
export function useParams(view: string): [URLSearchParams, (changes: Params) => void] {
  const text = useSyncExternalStore(subscribe, () => read(view));
  const change = useCallback(
    (changes: Params) => {
      const params = new URLSearchParams(read(view));
      for (const [name, value] of Object.entries(changes)) {
        if (value) {
          params.set(name, value);
        } else {
          params.delete(name);
        }
      }
      const query = params.toString();
      if (wordpress) {
        remembered.set(view, query);
      } else {
        history.replaceState(history.state, "", query ? `?${query}` : location.pathname);
      }
      listeners.forEach((listener) => listener());
    },
    [view],
  );
  return [new URLSearchParams(text), change];
}
