// Says when the page is not live, why, and when it is again.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Collapse from "@mui/material/Collapse";
import { useEffect, useRef, useSyncExternalStore } from "react";

import { useTexts } from "../i18n";
import { stream, useStreamState } from "../live";
import { useToast } from "./toasts";

function subscribeOnline(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}

export function LiveBanner() {
  const { shell } = useTexts();
  const toast = useToast();
  const state = useStreamState();
  const online = useSyncExternalStore(subscribeOnline, () => navigator.onLine);
  const wasAway = useRef(false);
  useEffect(() => {
    if (state === "away") {
      wasAway.current = true;
    } else if (state === "live" && wasAway.current) {
      wasAway.current = false;
      toast({ message: shell.back });
    }
  }, [state, shell, toast]);
  const away = !online || state === "away";
  const retry = (
    <Button color="inherit" size="small" onClick={stream.retryNow}>
      {shell.tryNow}
    </Button>
  );
  return (
    <Box role="status" data-live={state} sx={{ position: "sticky", top: { xs: 56, sm: 64 }, zIndex: "appBar" }}>
      <Collapse in={away} unmountOnExit>
        <Alert severity="warning" variant="filled" square action={online ? retry : undefined}>
          {online ? shell.away : shell.offline}
        </Alert>
      </Collapse>
    </Box>
  );
}
