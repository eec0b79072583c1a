// Where somebody is logged in, and how that ends.

import DesktopIcon from "@mui/icons-material/DesktopWindowsOutlined";
import PhoneIcon from "@mui/icons-material/PhoneAndroidOutlined";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useState } from "react";

import { session, type SessionEntry } from "../../api/session";
import { SkeletonRows } from "../../app/Loading";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useAttempt, useToast } from "../../app/toasts";
import { useFormat, useTexts } from "../../i18n";
import { useLoad } from "../../live";

/** "Chrome, Windows": enough to know one's own browser again. The full text stands in the title. */
function shortAgent(agent: string): string {
  const browsers: [RegExp, string][] = [
    [/Edg\//, "Edge"],
    [/OPR\//, "Opera"],
    [/Firefox\//, "Firefox"],
    [/Chrome\//, "Chrome"],
    [/Safari\//, "Safari"],
  ];
  const systems: [RegExp, string][] = [
    [/Windows/, "Windows"],
    [/iPhone|iPad/, "iOS"],
    [/Mac OS X/, "macOS"],
    [/Android/, "Android"],
    [/Linux/, "Linux"],
  ];
  const name = (list: [RegExp, string][]) => list.find(([pattern]) => pattern.test(agent))?.[1];
  return [name(browsers), name(systems)].filter(Boolean).join(", ") || agent.slice(0, 60);
}

function Entry({ entry, onRevoke }: { entry: SessionEntry; onRevoke(): Promise<void> }) {
  const { login } = useTexts();
  const format = useFormat();
  const [busy, setBusy] = useState(false);
  const Icon = /Mobile|Android|iPhone/.test(entry.userAgent) ? PhoneIcon : DesktopIcon;
  return (
    <Paper component="li" variant="outlined" sx={{ p: 2, display: "flex", gap: 2, alignItems: "center", flexWrap: "wrap" }}>
      <Icon color="action" />
      <Box sx={{ flex: 1, minWidth: 200 }}>
        <Typography sx={{ fontWeight: 600 }} title={entry.userAgent}>
          {shortAgent(entry.userAgent) || login.sessionsUnknownAgent}{" "}
          {entry.current && <Chip label={login.sessionsHere} size="small" color="primary" variant="outlined" />}
        </Typography>
        <Typography variant="body2" color="textSecondary">
          {login.sessionsUsed(format.relative(entry.lastUsedAt))} · {login.sessionsCreated(format.dateTime(entry.createdAt))} ·{" "}
          {login.sessionsExpires(format.dateTime(entry.expiresAt))}
        </Typography>
      </Box>
      <Button
        variant="outlined"
        color={entry.current ? "primary" : "error"}
        loading={busy}
        onClick={() => {
          setBusy(true);
          void onRevoke().finally(() => setBusy(false));
        }}
      >
        {entry.current ? login.revokeThis : login.revoke}
      </Button>
    </Paper>
  );
}

export default function SessionsView() {
  const { login } = useTexts();
  const { value: entries, problem, reload } = useLoad("sessions", () => session.list());
  const attempt = useAttempt();
  const toast = useToast();
  const others = entries?.filter((entry) => !entry.current) ?? [];
  const end = async (entry: SessionEntry) => {
    if (entry.current) {
      await attempt(() => session.logOut());
    } else if (await attempt(() => session.revoke(entry.id))) {
      toast({ message: login.revoked });
      reload();
    }
  };
  const endOthers = async () => {
    if (await attempt(() => Promise.all(others.map((entry) => session.revoke(entry.id))))) {
      toast({ message: login.othersRevoked });
    }
    reload();
  };
  return (
    <Box sx={{ maxWidth: 900 }}>
      <Typography variant="h1">{login.sessionsTitle}</Typography>
      <Typography color="textSecondary" sx={{ mb: 2 }}>
        {login.sessionsIntro}
      </Typography>
      {problem && <ProblemAlert problem={problem} onRetry={reload} />}
      {!entries && !problem && <SkeletonRows rows={2} height={88} />}
      {entries && (
        <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0, display: "grid", gap: 1.5 }}>
          {entries.map((entry) => (
            <Entry key={entry.id} entry={entry} onRevoke={() => end(entry)} />
          ))}
        </Box>
      )}
      {entries && (
        <Box sx={{ mt: 2 }}>
          {others.length > 0 ? (
            <Button color="error" onClick={() => void endOthers()}>
              {login.revokeOthers(others.length)}
            </Button>
          ) : (
            <Typography color="textSecondary">{login.onlyHere}</Typography>
          )}
        </Box>
      )}
    </Box>
  );
}
