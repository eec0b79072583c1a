// What somebody sees who is not logged in. With the secret of a one-time link in the address it asks first, and names
// nothing until then: a link that somebody else sent must not log anybody in by itself.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { Redirect, useLocation } from "wouter";

import { Refused } from "../../api/problem";
import { session, type Refusal } from "../../api/session";
import { wordpress } from "../../boot/host";
import { routes } from "../../app/routes";
import { useTexts } from "../../i18n";

/** The secret in the address. Reading it changes nothing: a render may be begun again. */
function readSecret(): string {
  return wordpress ? "" : decodeURIComponent(location.hash.slice(1));
}

function Frame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Box component="main" sx={{ minHeight: "90vh", display: "grid", placeItems: "center", p: 2 }}>
      <Paper variant="outlined" sx={{ p: { xs: 3, sm: 4 }, width: "100%", maxWidth: 460, display: "grid", gap: 2 }}>
        <Typography variant="h1">{title}</Typography>
        {children}
      </Paper>
    </Box>
  );
}

function Command() {
  return (
    <Box component="pre" sx={{ m: 0, p: 1.5, borderRadius: 1, bgcolor: "action.hover", overflowX: "auto" }}>
      aurareels dashboard-link --user 1
    </Box>
  );
}

function Outside({ refusal, note }: { refusal: Refusal | undefined; note?: ReactNode }) {
  const { login, shell } = useTexts();
  return (
    <Frame title={login.outTitle}>
      {note}
      {refusal?.remedy && refusal.reason !== "UNAUTHENTICATED" && <Alert severity="info">{refusal.remedy}</Alert>}
      <Typography>{login.outHelp}</Typography>
      <Command />
      <Typography>{login.outHelpAfter}</Typography>
      <Button onClick={() => void session.load()}>{shell.tryAgain}</Button>
    </Frame>
  );
}

export default function LoginView() {
  const { login, shell } = useTexts();
  const [secret, setSecret] = useState(readSecret);
  const [refusal, setRefusal] = useState<Refusal>();
  const [declined, setDeclined] = useState(false);
  const [sending, setSending] = useState(false);
  const [path, navigate] = useLocation();
  const current = useSyncExternalStore(session.subscribe, session.get);
  // It leaves the address at once: it is not to stay in the history.
  useEffect(() => {
    if (!wordpress && location.hash) {
      history.replaceState(history.state, "", location.pathname + location.search);
    }
  }, []);

  const confirm = async () => {
    setSending(true);
    try {
      await session.logIn(secret);
      navigate("/", { replace: true });
    } catch (failure) {
      const away = { reason: "", message: shell.problemAway, remedy: shell.problemAwayHelp };
      setRefusal(failure instanceof Refused ? failure.refusal : away);
      if (failure instanceof Refused) {
        setSecret("");
      }
    }
    setSending(false);
  };

  if (secret) {
    return (
      <Frame title={login.title}>
        <Typography>{login.ask}</Typography>
        {current.state === "in" && <Alert severity="info">{login.alreadyIn(current.session.user)}</Alert>}
        {refusal && (
          <Alert severity="error">
            {refusal.message} {refusal.remedy}
          </Alert>
        )}
        <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>
          <Button variant="contained" loading={sending} onClick={() => void confirm()}>
            {login.confirm}
          </Button>
          <Button
            disabled={sending}
            onClick={() => {
              setSecret("");
              setDeclined(true);
            }}
          >
            {login.decline}
          </Button>
        </Box>
      </Frame>
    );
  }
  if (refusal) {
    return (
      <Frame title={login.refused}>
        <Alert severity="error">
          {refusal.message} {refusal.remedy}
        </Alert>
        <Typography>{login.refusedHelp}</Typography>
        <Command />
      </Frame>
    );
  }
  if (current.state === "in") {
    return path === routes.login ? <Redirect to="/" replace /> : null;
  }
  if (current.state === "away") {
    return (
      <Frame title={login.awayTitle}>
        <Typography>{shell.problemAwayHelp}</Typography>
        <Button variant="contained" onClick={() => void session.load()}>
          {shell.tryAgain}
        </Button>
      </Frame>
    );
  }
  if (current.state === "unknown") {
    return null;
  }
  return <Outside refusal={current.refusal} note={declined && <Alert severity="info">{login.declined}</Alert>} />;
}
