// Filters by platform and by account, for the lists of posts and of their numbers.

import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";

import { useTexts } from "../i18n";
import { useAccounts } from "../live";
import { Platform } from "../rpc/aurareels/v1/platform_pb";
import { PLATFORM_NAMES } from "./platforms";

export const PLATFORMS = [Platform.TIKTOK, Platform.INSTAGRAM, Platform.FACEBOOK, Platform.YOUTUBE];

/** 0 stands for all platforms. */
export function PlatformField({ value, onChange }: { value: Platform | 0; onChange(platform: Platform | 0): void }) {
  const { history } = useTexts();
  return (
    <TextField select size="small" label={history.platform} value={value} onChange={(event) => onChange(Number(event.target.value))}>
      <MenuItem value={0}>{history.all}</MenuItem>
      {PLATFORMS.map((platform) => (
        <MenuItem key={platform} value={platform}>
          {PLATFORM_NAMES[platform]}
        </MenuItem>
      ))}
    </TextField>
  );
}

/** 0 stands for all accounts, and so does an account that is not there. */
export function AccountField({ value, onChange }: { value: bigint; onChange(account: bigint): void }) {
  const { history } = useTexts();
  const accounts = useAccounts().value ?? [];
  return (
    <TextField
      select
      size="small"
      label={history.account}
      value={accounts.some(({ id }) => id === value) ? String(value) : "0"}
      onChange={(event) => onChange(BigInt(event.target.value))}
    >
      <MenuItem value="0">{history.all}</MenuItem>
      {accounts.map((account) => (
        <MenuItem key={String(account.id)} value={String(account.id)}>
          {account.accountName} · {PLATFORM_NAMES[account.platform]}
        </MenuItem>
      ))}
    </TextField>
  );
}
