// Opens the publish dialog from anywhere. The dialog itself is read when it is first wanted.

import { createContext, Suspense, useCallback, useContext, useState, type ReactNode } from "react";

import { wordpress } from "../boot/host";
import { later } from "./later";
import type { Prefill } from "./prefill";

type Open = (prefill?: Prefill) => void;
const Context = createContext<Open>(() => undefined);

export const usePublishDialog = (): Open => useContext(Context);

const dialog = later(() => import("../views/publish/PublishDialog"));

/** Loads the dialog's code before a click, when the pointer or the focus reaches its button. */
export const readPublishDialog = (): void => void dialog.read();

export function PublishProvider({ children }: { children: ReactNode }) {
  // A page of wp-admin may be opened for one video.
  const [opened, setOpened] = useState<{ prefill: Prefill; key: number } | undefined>(
    wordpress?.prefill && { prefill: wordpress.prefill, key: 0 },
  );
  const open = useCallback<Open>((prefill = {}) => setOpened({ prefill, key: performance.now() }), []);
  return (
    <Context value={open}>
      {children}
      {opened && (
        <Suspense fallback={null}>
          <dialog.Component key={opened.key} prefill={opened.prefill} onClosed={() => setOpened(undefined)} />
        </Suspense>
      )}
    </Context>
  );
}
