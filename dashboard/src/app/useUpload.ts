// The state of one upload of a view.

import { useCallback, useEffect, useRef, useState } from "react";

import { isAbort, toProblem, type Problem } from "../api/problem";
import { upload } from "../api/upload";
import type { Media } from "../rpc/aurareels/v1/media_pb";
import { useLeaveWarning } from "./useLeaveWarning";

export type UploadState =
  | { state: "idle" }
  | { state: "sending"; file: File; sent: number; startedAt: number }
  | { state: "stopped"; file: File }
  | { state: "failed"; file: File; problem: Problem }
  | { state: "done"; file: File; media: Media };

export interface Upload {
  current: UploadState;
  start(file: File): void;
  /** Ends it; nothing of it is kept. `again` sends the same file from its beginning. */
  stop(): void;
  again(): void;
  clear(): void;
}

export function useUpload(onDone?: (media: Media, file: File) => void): Upload {
  const [current, setCurrent] = useState<UploadState>({ state: "idle" });
  const sending = useRef<AbortController>(undefined);
  const done = useRef(onDone);
  useEffect(() => {
    done.current = onDone;
  });
  useEffect(() => () => sending.current?.abort(), []);
  useLeaveWarning(current.state === "sending");

  const start = useCallback((file: File) => {
    sending.current?.abort();
    const mine = new AbortController();
    sending.current = mine;
    const startedAt = Date.now();
    const mineOnly = (state: UploadState) => sending.current === mine && setCurrent(state);
    mineOnly({ state: "sending", file, sent: 0, startedAt });
    upload(file, mine.signal, (sent) => mineOnly({ state: "sending", file, sent, startedAt }))
      .then((media) => {
        mineOnly({ state: "done", file, media });
        done.current?.(media, file);
      })
      .catch((failure) =>
        mineOnly(isAbort(failure) ? { state: "stopped", file } : { state: "failed", file, problem: toProblem(failure) }),
      );
  }, []);

  const file = current.state === "idle" ? undefined : current.file;
  return {
    current,
    start,
    stop: () => sending.current?.abort(),
    again: () => file && start(file),
    clear: () => {
      sending.current?.abort();
      sending.current = undefined;
      setCurrent({ state: "idle" });
    },
  };
}
