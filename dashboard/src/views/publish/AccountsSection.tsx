// The accounts a post goes to.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Typography from "@mui/material/Typography";
import { Link } from "wouter";

import { AccountAvatar } from "../../app/AccountAvatar";
import { SkeletonRows } from "../../app/Loading";
import { accountHandle, accountName } from "../../app/names";
import { platformName } from "../../app/platforms";
import { ProblemAlert } from "../../app/ProblemAlert";
import { routes } from "../../app/routes";
import { useTexts } from "../../i18n";
import type { Loaded } from "../../live";
import { AccountHealth, type Account } from "../../rpc/aurareels/v1/account_pb";

export const isUsable = (account: Account): boolean => account.isActive && account.health !== AccountHealth.NEEDS_RECONNECT;

export interface AccountsSectionProps {
  accounts: Loaded<Account[]>;
  selected: bigint[];
  onChange(selected: bigint[]): void;
  onLeave(): void;
}

export function AccountsSection({ accounts, selected, onChange, onLeave }: AccountsSectionProps) {
  const { publish, shell } = useTexts();
  const shown = (accounts.value ?? [])
    .filter((account) => account.isActive)
    .sort((a, b) => a.platform - b.platform || accountName(a).localeCompare(accountName(b)));
  const usable = shown.filter(isUsable);
  if (!accounts.value) {
    return accounts.problem ? (
      <ProblemAlert problem={accounts.problem} onRetry={accounts.reload} />
    ) : (
      <SkeletonRows rows={3} height={48} />
    );
  }
  if (shown.length === 0) {
    return (
      <Alert
        severity="info"
        action={
          <Button component={Link} to={routes.accounts} color="inherit" size="small" onClick={onLeave}>
            {publish.toAccounts}
          </Button>
        }
      >
        {publish.noAccounts}
      </Alert>
    );
  }
  return (
    <>
      {usable.length > 2 && (
        <Box sx={{ display: "flex", gap: 1 }}>
          <Button size="small" onClick={() => onChange(usable.map((account) => account.id))}>
            {publish.selectAll}
          </Button>
          <Button size="small" onClick={() => onChange([])}>
            {publish.selectNone}
          </Button>
        </Box>
      )}
      <Box
        component="ul"
        aria-label={shell.accounts}
        sx={{
          listStyle: "none",
          m: 0,
          p: 0,
          display: "grid",
          gap: 0.5,
          gridTemplateColumns: { xs: "minmax(0,1fr)", sm: "repeat(2, minmax(0,1fr))" },
        }}
      >
        {shown.map((account) => {
          const name = accountName(account);
          const checked = selected.includes(account.id);
          return (
            <li key={String(account.id)}>
              <Box
                component="label"
                sx={{
                  display: "flex",
                  alignItems: "center",
                  gap: 1.25,
                  p: 0.75,
                  pr: 1.5,
                  borderRadius: 1.5,
                  border: 1,
                  borderColor: checked ? "primary.main" : "divider",
                  cursor: isUsable(account) ? "pointer" : "default",
                  opacity: isUsable(account) ? 1 : 0.7,
                }}
              >
                <Checkbox
                  size="small"
                  checked={checked}
                  disabled={!isUsable(account)}
                  slotProps={{ input: { "aria-label": `${platformName(account.platform)}: ${name} ${accountHandle(account)}` } }}
                  onChange={(_, on) =>
                    onChange(on ? [...selected, account.id] : selected.filter((id) => id !== account.id))
                  }
                />
                <AccountAvatar platform={account.platform} name={name} pictureUrl={account.profilePictureUrl} size={32} />
                <Box sx={{ minWidth: 0 }}>
                  <Typography noWrap variant="body2" sx={{ fontWeight: 600 }}>
                    {name}
                  </Typography>
                  <Typography noWrap variant="caption" component="div" color="textSecondary">
                    {isUsable(account)
                      ? [platformName(account.platform), accountHandle(account)].filter(Boolean).join(" · ")
                      : publish.needsReconnect}
                  </Typography>
                </Box>
              </Box>
            </li>
          );
        })}
      </Box>
    </>
  );
}
