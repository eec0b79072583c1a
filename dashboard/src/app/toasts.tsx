// Short messages at the bottom of the page, with an undo where there is one. One at a time; the next waits.

import Button from "@mui/material/Button";
import Snackbar from "@mui/material/Snackbar";
import Alert, { type AlertColor } from "@mui/material/Alert";
import { createContext, useCallback, useContext, useState, type ReactNode } from "react";

import { toProblem } from "../api/problem";
import { useTexts } from "../i18n";
import { problemText } from "./ProblemAlert";

export interface Toast {
  message: string;
  severity?: AlertColor;
  /** Takes back what the message says. Its failure is told. */
  undo?: () => Promise<unknown>;
}

type Show = (toast: Toast) => void;
const Context = createContext<Show>(() => undefined);

export const useToast = (): Show => useContext(Context);

/** Runs an action; a failure is shown as a message. True when it worked. */
export function useAttempt(): (action: () => Promise<unknown>) => Promise<boolean> {
  const show = useToast();
  const texts = useTexts();
  return useCallback(
    async (action) => {
      try {
        await action();
        return true;
      } catch (failure) {
        show({ message: problemText(toProblem(failure), texts), severity: "error" });
        return false;
      }
    },
    [show, texts],
  );
}

const SHOWN_MS = 5_000;
const WITH_UNDO_MS = 10_000;

export function ToastProvider({ children }: { children: ReactNode }) {
  const texts = useTexts();
  const [queue, setQueue] = useState<(Toast & { key: number })[]>([]);
  const [open, setOpen] = useState(true);
  const [undoing, setUndoing] = useState(false);
  const current = queue[0];
  const show = useCallback<Show>((toast) => {
    setOpen(true);
    setQueue((before) => [...before, { ...toast, key: performance.now() }].slice(-4));
  }, []);
  const next = () => {
    setQueue((before) => before.slice(1));
    setUndoing(false);
    setOpen(true);
  };
  const undo = async (action: () => Promise<unknown>) => {
    setUndoing(true);
    try {
      await action();
    } catch (failure) {
      show({ message: problemText(toProblem(failure), texts), severity: "error" });
    }
    setOpen(false);
  };
  const action = current?.undo;
  // An error stays until it is read; but it does not stand in the way of what comes after it.
  const stays = current?.severity === "error" && queue.length === 1;
  const lasts = stays ? null : action ? WITH_UNDO_MS : SHOWN_MS;
  return (
    <Context value={show}>
      {children}
      {current && (
        <Snackbar
          key={current.key}
          open={open}
          autoHideDuration={undoing ? null : lasts}
          onClose={(_, reason) => reason !== "clickaway" && setOpen(false)}
          slotProps={{ transition: { onExited: next } }}
        >
          <Alert
            severity={current.severity ?? "success"}
            variant="filled"
            onClose={() => setOpen(false)}
            closeText={texts.shell.close}
            action={
              action && (
                <Button color="inherit" size="small" disabled={undoing} onClick={() => void undo(action)}>
                  {undoing ? texts.shell.undoing : texts.shell.undo}
                </Button>
              )
            }
          >
            {current.message}
          </Alert>
        </Snackbar>
      )}
    </Context>
  );
}
