// Opens the publish dialog from anywhere. The dialog itself is read when it is first wanted.

import { createContext, lazy, Suspense, useCallback, useContext, useState, type ReactNode } from "react";

/** What the dialog starts with. */
export interface Prefill {
  accounts?: bigint[];
  videoUrl?: string;
  mediaId?: string;
  caption?: string;
  hashtags?: string[];
  mentions?: string[];
  videoJobId?: string;
  /** The time to publish at; at once when absent. */
  scheduledAt?: Date;
}

type Open = (prefill?: Prefill) => void;
const Context = createContext<Open>(() => undefined);

export const usePublishDialog = (): Open => useContext(Context);

const PublishDialog = lazy(() => import("../views/publish/PublishDialog"));

export function PublishProvider({ children }: { children: ReactNode }) {
  const [opened, setOpened] = useState<{ prefill: Prefill; key: number }>();
  const open = useCallback<Open>((prefill = {}) => setOpened({ prefill, key: performance.now() }), []);
  return (
    <Context value={open}>
      {children}
      {opened && (
        <Suspense fallback={null}>
          <PublishDialog key={opened.key} prefill={opened.prefill} onClosed={() => setOpened(undefined)} />
        </Suspense>
      )}
    </Context>
  );
}
