// The zone in which times are shown: the device's, or another one that the person chose. Every view uses the same.

import { useSyncExternalStore } from "react";

import { localZone } from "../i18n/format";

const STORED = "aurareels.zone";

export function isZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

function stored(): string {
  const name = localStorage.getItem(STORED);
  return name && isZone(name) ? name : localZone();
}

let zone = stored();
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function setZone(name: string): void {
  if (!isZone(name)) {
    return;
  }
  zone = name;
  if (name === localZone()) {
    localStorage.removeItem(STORED);
  } else {
    localStorage.setItem(STORED, name);
  }
  listeners.forEach((listener) => listener());
}

export function useZone(): readonly [zone: string, setZone: (name: string) => void] {
  return [useSyncExternalStore(subscribe, () => zone), setZone];
}
