// Begins a login at a platform: which platform, which of its logins. The core's page and the platform's follow.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogContentText from "@mui/material/DialogContentText";
import DialogTitle from "@mui/material/DialogTitle";
import FormControlLabel from "@mui/material/FormControlLabel";
import Radio from "@mui/material/Radio";
import RadioGroup from "@mui/material/RadioGroup";
import Typography from "@mui/material/Typography";
import { useState } from "react";

import { api } from "../../api/clients";
import { toProblem, type Problem } from "../../api/problem";
import { SkeletonRows } from "../../app/Loading";
import { accountName } from "../../app/names";
import { PlatformMark, platformName } from "../../app/platforms";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useTexts, type Texts } from "../../i18n";
import { useLoad } from "../../live";
import type { Account } from "../../rpc/aurareels/v1/account_pb";
import { LoginFlavour, Platform, type PlatformInfo } from "../../rpc/aurareels/v1/platform_pb";

function flavourName(flavour: LoginFlavour, texts: Texts): string {
  const { flavours } = texts.accounts;
  const names: Partial<Record<LoginFlavour, string>> = {
    [LoginFlavour.TIKTOK]: flavours.tiktok,
    [LoginFlavour.FACEBOOK_LOGIN]: flavours.facebook,
    [LoginFlavour.INSTAGRAM_LOGIN]: flavours.instagram,
    [LoginFlavour.GOOGLE]: flavours.google,
  };
  return names[flavour] ?? String(flavour);
}

interface Choice {
  platform: Platform;
  flavour: LoginFlavour;
}

const keyOf = ({ platform, flavour }: Choice): string => `${platform}/${flavour}`;

/** One line per login that can be chosen: most platforms have one. */
function choices(platforms: PlatformInfo[]): Choice[] {
  return platforms
    .filter((info) => info.configured)
    .flatMap((info) => {
      const flavours = info.loginFlavours.length > 0 ? info.loginFlavours : [LoginFlavour.UNSPECIFIED];
      return flavours.map((flavour) => ({ platform: info.platform, flavour }));
    });
}

export interface ConnectDialogProps {
  /** The account to reconnect; a new one when absent. */
  account: Account | undefined;
  onClose(): void;
}

export function ConnectDialog({ account, onClose }: ConnectDialogProps) {
  const texts = useTexts();
  const { accounts: words, shell } = texts;
  const { value, problem, reload } = useLoad("platforms", (signal) => api.platforms.listPlatforms({}, { signal }));
  const [picked, setPicked] = useState("");
  const [going, setGoing] = useState(false);
  const [failed, setFailed] = useState<Problem>();
  const platforms = value?.platforms.filter((info) => !account || info.platform === account.platform) ?? [];
  const offered = choices(platforms).filter(({ flavour }) => !account || flavour === account.loginFlavour || flavour === 0);
  const chosen = offered.find((choice) => keyOf(choice) === picked) ?? (offered.length === 1 ? offered[0] : undefined);
  const missing = platforms.filter((info) => !info.configured);

  const go = async () => {
    if (!chosen) {
      return;
    }
    setGoing(true);
    setFailed(undefined);
    try {
      const { authUrl } = await api.accounts.connectAccount({
        platform: chosen.platform,
        loginFlavour: chosen.flavour,
        accountId: account?.id,
      });
      location.assign(authUrl);
    } catch (failure) {
      setFailed(toProblem(failure));
      setGoing(false);
    }
  };

  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="sm" aria-labelledby="connect-title">
      <DialogTitle id="connect-title">{account ? `${words.reconnect}: ${accountName(account)}` : words.connectTitle}</DialogTitle>
      <DialogContent>
        <DialogContentText sx={{ mb: 2 }}>{words.connectHelp}</DialogContentText>
        {!value && !problem && <SkeletonRows rows={4} height={42} />}
        {problem && <ProblemAlert problem={problem} onRetry={reload} />}
        <RadioGroup aria-label={words.choosePlatform} value={chosen ? keyOf(chosen) : ""} onChange={(_, key) => setPicked(key)}>
          {offered.map((choice) => {
            const several = offered.filter(({ platform }) => platform === choice.platform).length > 1;
            return (
              <FormControlLabel
                key={keyOf(choice)}
                value={keyOf(choice)}
                control={<Radio />}
                label={
                  <Box component="span" sx={{ display: "flex", gap: 1, alignItems: "center" }}>
                    <PlatformMark platform={choice.platform} />
                    <span>
                      {platformName(choice.platform)}
                      {several && (
                        <Typography component="span" variant="body2" color="textSecondary">
                          {" · "}
                          {flavourName(choice.flavour, texts)}
                        </Typography>
                      )}
                    </span>
                  </Box>
                }
              />
            );
          })}
        </RadioGroup>
        {missing.map((info) => (
          <Box key={info.platform} sx={{ display: "flex", gap: 1, mt: 1, opacity: 0.75 }}>
            <PlatformMark platform={info.platform} />
            <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
              {platformName(info.platform)}: {words.notConfigured(info.missingSettings.join(", "))}
            </Typography>
          </Box>
        ))}
        {failed && (
          <Box sx={{ mt: 2 }}>
            <ProblemAlert problem={failed} />
          </Box>
        )}
        {going && <Alert severity="info">{words.going(platformName(chosen?.platform ?? 0))}</Alert>}
      </DialogContent>
      <DialogActions>
        <Button onClick={onClose}>{shell.cancel}</Button>
        <Button variant="contained" disabled={!chosen} loading={going} onClick={() => void go()}>
          {chosen ? words.go(platformName(chosen.platform)) : words.connect}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
