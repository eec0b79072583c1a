// One account: its health and what to do about it first, then its token, its missing rights, its quota.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useState } from "react";

import { api } from "../../api/clients";
import { AccountAvatar } from "../../app/AccountAvatar";
import { accountHandle, accountName } from "../../app/names";
import { platformName } from "../../app/platforms";
import { usePublishDialog } from "../../app/publish";
import type { Tone } from "../../app/theme";
import { useAttempt, useToast } from "../../app/toasts";
import { useFormat, useTexts, type Texts } from "../../i18n";
import { accounts as cache } from "../../live";
import { checkAccount } from "../../live/actions";
import { AccountHealth, type Account } from "../../rpc/aurareels/v1/account_pb";
import { RefreshResult } from "../../rpc/aurareels/v1/account_service_pb";
import { LoginFlavour } from "../../rpc/aurareels/v1/platform_pb";
import { QuotaLine } from "./QuotaLine";

type Condition = keyof Texts["accounts"]["health"];

const CONDITIONS: Record<AccountHealth, Condition> = {
  [AccountHealth.UNSPECIFIED]: "unknown",
  [AccountHealth.OK]: "ok",
  [AccountHealth.EXPIRING]: "expiring",
  [AccountHealth.NEEDS_RECONNECT]: "reconnect",
};

const TONES: Record<Condition, Tone> = {
  unknown: "default",
  ok: "success",
  expiring: "warning",
  reconnect: "error",
  disconnected: "default",
};

/** Logins whose short tokens the core prolongs by itself. Those of Facebook's login cannot be. */
const RENEWED = [LoginFlavour.TIKTOK, LoginFlavour.GOOGLE, LoginFlavour.INSTAGRAM_LOGIN];

function Tokens({ account }: { account: Account }) {
  const { accounts: texts } = useTexts();
  const format = useFormat();
  const ends = account.tokenExpiresAt;
  const last = account.lastTokenRefresh;
  const renewal = account.refreshTokenExpiresAt;
  const over = ends && Number(ends.seconds) * 1000 < Date.now();
  const renews = account.health === AccountHealth.OK && RENEWED.includes(account.loginFlavour);
  const sentence = over ? texts.tokenEnded : texts.tokenEnds;
  return (
    <Typography variant="body2" color="textSecondary">
      {ends ? sentence(format.dateTime(ends), format.relative(ends)) : texts.tokenNoEnd}{" "}
      {renewal ? texts.renewed(format.dateTime(renewal)) : ends && renews && texts.renewedAlways} {last && texts.lastRefresh(format.dateTime(last))}
    </Typography>
  );
}

export interface AccountCardProps {
  account: Account;
  onReconnect(): void;
  onDisconnect(): void;
}

export function AccountCard({ account, onReconnect, onDisconnect }: AccountCardProps) {
  const { accounts: texts } = useTexts();
  const toast = useToast();
  const attempt = useAttempt();
  const publish = usePublishDialog();
  const [busy, setBusy] = useState<"check" | "refresh">();
  const name = accountName(account);
  const notAllowed = account.missingScope;
  const condition: Condition = account.isActive ? (CONDITIONS[account.health] ?? "unknown") : "disconnected";
  const help = condition === "ok" || condition === "disconnected" ? "" : texts.healthHelp[condition];

  const run = async (what: "check" | "refresh", action: () => Promise<void>) => {
    setBusy(what);
    await attempt(action);
    setBusy(undefined);
  };
  const check = () =>
    run("check", async () => {
      const seen = await checkAccount(account.id);
      const works = seen.health === AccountHealth.OK;
      toast({
        message: works ? texts.checked(name) : texts.checkedNot(name, seen.healthReason || texts.health[CONDITIONS[seen.health]]),
        severity: works ? "success" : "warning",
      });
    });
  const refresh = () =>
    run("refresh", async () => {
      const answer = await api.accounts.refreshToken({ id: account.id });
      if (answer.account) {
        cache.put(answer.account);
      }
      const sentences: Partial<Record<RefreshResult, string>> = {
        [RefreshResult.REFRESHED]: texts.refreshed(name),
        [RefreshResult.STILL_VALID]: texts.stillValid(name),
      };
      const sentence = sentences[answer.result];
      toast({ message: sentence ?? answer.message, severity: sentence ? "success" : "info" });
    });

  return (
    <Paper
      variant="outlined"
      component="article"
      aria-label={`${platformName(account.platform)}: ${name}`}
      data-account={String(account.id)}
      sx={{ p: 2, height: "100%", display: "flex", flexDirection: "column", gap: 1.5 }}
    >
      <Box sx={{ display: "flex", gap: 1.5, alignItems: "center", minWidth: 0 }}>
        <AccountAvatar platform={account.platform} name={name} pictureUrl={account.profilePictureUrl} size={48} />
        <Box sx={{ flex: 1, minWidth: 0 }}>
          <Typography variant="h3" component="h2" noWrap title={name}>
            {name}
          </Typography>
          <Typography variant="body2" color="textSecondary" noWrap>
            {[platformName(account.platform), accountHandle(account)].filter(Boolean).join(" · ")}
          </Typography>
        </Box>
        <Chip label={texts.health[condition]} color={TONES[condition]} size="small" variant={condition === "ok" ? "outlined" : "filled"} />
      </Box>
      {account.isActive && help && condition !== "unknown" && (
        <Alert
          severity={condition === "reconnect" ? "error" : "warning"}
          action={
            <Button color="inherit" size="small" onClick={onReconnect}>
              {texts.reconnect}
            </Button>
          }
        >
          {help} {account.healthReason}
        </Alert>
      )}
      {account.isActive && notAllowed.length > 0 && (
        <Alert severity="warning">
          {texts.missingScopes}{" "}
          {notAllowed.map((scope) => (
            <Box component="code" key={scope} sx={{ mr: 1, overflowWrap: "anywhere" }}>
              {scope}
            </Box>
          ))}
          <div>{texts.missingScopesHelp}</div>
        </Alert>
      )}
      {account.isActive && <Tokens account={account} />}
      {account.isActive && <QuotaLine account={account} />}
      <Box sx={{ mt: "auto", mx: -2, mb: -2, px: 1, py: 1, borderTop: 1, borderColor: "divider", display: "flex", columnGap: 0.5, flexWrap: "wrap" }}>
        {account.isActive ? (
          <>
            <Button size="small" onClick={() => publish({ accounts: [account.id] })} disabled={condition === "reconnect"}>
              {texts.newPost}
            </Button>
            <Button size="small" loading={busy === "check"} onClick={() => void check()}>
              {texts.check}
            </Button>
            <Button size="small" loading={busy === "refresh"} onClick={() => void refresh()}>
              {texts.refresh}
            </Button>
            <Button size="small" onClick={onReconnect}>
              {texts.reconnect}
            </Button>
            <Button size="small" color="error" onClick={onDisconnect}>
              {texts.disconnect}
            </Button>
          </>
        ) : (
          <Button size="small" variant="outlined" onClick={onReconnect}>
            {texts.reconnect}
          </Button>
        )}
      </Box>
    </Paper>
  );
}
