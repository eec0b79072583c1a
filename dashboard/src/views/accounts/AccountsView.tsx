// The connected accounts: how well each works, until when, how much may still be posted, and what to do.

import AddIcon from "@mui/icons-material/Add";
import Accordion from "@mui/material/Accordion";
import AccordionDetails from "@mui/material/AccordionDetails";
import AccordionSummary from "@mui/material/AccordionSummary";
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import ExpandIcon from "@mui/icons-material/ExpandMore";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useState } from "react";

import { SkeletonRows } from "../../app/Loading";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useTexts } from "../../i18n";
import { useAccounts } from "../../live";
import type { Account } from "../../rpc/aurareels/v1/account_pb";
import { AccountCard } from "./AccountCard";
import { ConnectDialog } from "./ConnectDialog";
import { DisconnectDialog } from "./DisconnectDialog";

/** What the way back from a platform brought, taken out of the address: reloading must not tell it again. */
function takeOutcome(): { ok: boolean; text: string } | undefined {
  const address = new URL(location.href);
  const status = address.searchParams.get("status");
  const text = address.searchParams.get(status === "success" ? "platform" : "message") ?? "";
  if (status !== "success" && status !== "error") {
    return undefined;
  }
  for (const name of ["status", "platform", "message"]) {
    address.searchParams.delete(name);
  }
  history.replaceState(history.state, "", address);
  return { ok: status === "success", text };
}

const NAMES: Record<string, string> = { tiktok: "TikTok", instagram: "Instagram", facebook: "Facebook", youtube: "YouTube" };

function Grid({ accounts, onReconnect, onDisconnect }: {
  accounts: Account[];
  onReconnect(account: Account): void;
  onDisconnect(account: Account): void;
}) {
  return (
    <Box
      component="ul"
      sx={{
        listStyle: "none",
        m: 0,
        p: 0,
        display: "grid",
        gap: 2,
        gridTemplateColumns: { xs: "minmax(0, 1fr)", sm: "repeat(auto-fill, minmax(340px, 1fr))" },
      }}
    >
      {accounts.map((account) => (
        <li key={String(account.id)}>
          <AccountCard
            account={account}
            onReconnect={() => onReconnect(account)}
            onDisconnect={() => onDisconnect(account)}
          />
        </li>
      ))}
    </Box>
  );
}

export default function AccountsView() {
  const { accounts: texts } = useTexts();
  const { value: accounts, problem, reload } = useAccounts();
  const [outcome, setOutcome] = useState(takeOutcome);
  const [connecting, setConnecting] = useState<{ account?: Account }>();
  const [disconnecting, setDisconnecting] = useState<Account>();
  const active = accounts?.filter((account) => account.isActive) ?? [];
  const inactive = accounts?.filter((account) => !account.isActive) ?? [];
  const actions = { onReconnect: (account: Account) => setConnecting({ account }), onDisconnect: setDisconnecting };
  return (
    <>
      <Box sx={{ display: "flex", gap: 2, flexWrap: "wrap", alignItems: "center", mb: 2 }}>
        <Box sx={{ flex: 1, minWidth: 220 }}>
          <Typography variant="h1">{texts.title}</Typography>
          <Typography color="textSecondary">{texts.intro}</Typography>
        </Box>
        <Button variant="outlined" startIcon={<AddIcon />} onClick={() => setConnecting({})}>
          {texts.connect}
        </Button>
      </Box>
      {outcome && (
        <Alert severity={outcome.ok ? "success" : "error"} onClose={() => setOutcome(undefined)} sx={{ mb: 2, overflowWrap: "anywhere" }}>
          {outcome.ok ? (
            texts.connected(NAMES[outcome.text] ?? outcome.text)
          ) : (
            <>
              <strong>{texts.connectFailed}</strong> {outcome.text} {texts.connectFailedHelp}
            </>
          )}
        </Alert>
      )}
      {problem && (
        <Box sx={{ mb: 2 }}>
          <ProblemAlert problem={problem} onRetry={reload} severity={accounts ? "warning" : "error"} />
        </Box>
      )}
      {!accounts && !problem && <SkeletonRows rows={3} height={230} />}
      {accounts && active.length === 0 && (
        <Paper variant="outlined" sx={{ p: 4, textAlign: "center" }}>
          <Typography variant="h2" gutterBottom>
            {texts.empty}
          </Typography>
          <Typography color="textSecondary" sx={{ mb: 2 }}>
            {texts.emptyHelp}
          </Typography>
          <Button variant="contained" startIcon={<AddIcon />} onClick={() => setConnecting({})}>
            {texts.connect}
          </Button>
        </Paper>
      )}
      <Grid accounts={active} {...actions} />
      {inactive.length > 0 && (
        <Accordion variant="outlined" disableGutters sx={{ mt: 3 }} slotProps={{ transition: { unmountOnExit: true } }}>
          <AccordionSummary expandIcon={<ExpandIcon />}>{texts.disconnectedOnes(inactive.length)}</AccordionSummary>
          <AccordionDetails>
            <Grid accounts={inactive} {...actions} />
          </AccordionDetails>
        </Accordion>
      )}
      {connecting && <ConnectDialog account={connecting.account} onClose={() => setConnecting(undefined)} />}
      {disconnecting && <DisconnectDialog account={disconnecting} onClose={() => setDisconnecting(undefined)} />}
    </>
  );
}
