// A component whose code is loaded on demand or in advance. Code that is loaded already renders at once: React's `lazy` would
// show the fallback even then, and React keeps a fallback for 300 ms.

import { lazy, useState, type ComponentType } from "react";

export interface Later<P> {
  Component: ComponentType<P>;
  /** Loads the code in advance. A failure shows when the component renders. */
  read(): Promise<void>;
}

export function later<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): Later<P> {
  let there: ComponentType<P> | undefined;
  const loaded = async () => {
    const module = await load();
    there = module.default;
    return module;
  };
  const Lazy = lazy(loaded);
  return {
    Component: (props: P) => {
      const [Now] = useState<ComponentType<P>>(() => there ?? Lazy);
      return <Now {...props} />;
    },
    read: () => loaded().then(
      () => undefined,
      () => undefined,
    ),
  };
}
