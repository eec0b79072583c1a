// How many posts one account may still publish, in the platform's counting and in the core's own.

import Box from "@mui/material/Box";
import LinearProgress from "@mui/material/LinearProgress";
import Skeleton from "@mui/material/Skeleton";
import Typography from "@mui/material/Typography";

import { api } from "../../api/clients";
import { problemText } from "../../app/ProblemAlert";
import { useFormat, useTexts } from "../../i18n";
import { useLoad } from "../../live";
import type { Account, Quota } from "../../rpc/aurareels/v1/account_pb";

function Figures({ quota }: { quota: Quota }) {
  const { accounts: texts } = useTexts();
  const format = useFormat();
  const hours = Math.round(quota.windowSeconds / 3600);
  const lines: string[] = [];
  if (quota.blockedUntil) {
    lines.push(texts.quotaBlocked(format.dateTime(quota.blockedUntil)));
  }
  if (quota.used !== undefined && quota.total !== undefined) {
    lines.push(texts.quotaUsed(format.number(quota.used), format.number(quota.total), hours));
  }
  if (quota.dailyLimit !== undefined && quota.dailyRemaining !== undefined) {
    lines.push(texts.quotaOwn(format.number(quota.dailyRemaining), format.number(quota.dailyLimit)));
  }
  for (const budget of quota.appBudgets) {
    const resets = budget.resetsAt ? format.timeWithZone(budget.resetsAt) : "?";
    lines.push(texts.quotaBudget((texts.budgets as Record<string, string>)[budget.name] ?? budget.name, format.number(budget.used), format.number(budget.total), resets));
  }
  if (lines.length === 0) {
    lines.push(hours > 0 ? texts.quotaPublished(quota.publishedByAurareels, hours) : texts.quotaUnknown);
  }
  return lines.map((line) => (
    <Typography key={line} variant="body2" color={line === lines[0] && quota.blockedUntil ? "warning" : "textSecondary"}>
      {line}
    </Typography>
  ));
}

function share(quota: Quota): number | undefined {
  if (quota.used !== undefined && quota.total) {
    return Math.min(100, (100 * quota.used) / quota.total);
  }
  if (quota.dailyLimit && quota.dailyRemaining !== undefined) {
    return Math.min(100, (100 * (quota.dailyLimit - quota.dailyRemaining)) / quota.dailyLimit);
  }
  // Of several budgets, the one that ends first.
  const budgets = quota.appBudgets.filter(({ total }) => total > 0).map(({ used, total }) => (100 * Number(used)) / Number(total));
  return budgets.length > 0 ? Math.min(100, Math.max(...budgets)) : undefined;
}

export function QuotaLine({ account }: { account: Account }) {
  const texts = useTexts();
  const { value: quota, problem } = useLoad(`quota ${account.id}`, (signal) =>
    api.accounts.getQuota({ id: account.id }, { signal }),
  );
  const used = quota && share(quota);
  return (
    <Box sx={{ minHeight: 44 }}>
      <Typography variant="body2" sx={{ fontWeight: 600 }}>
        {texts.accounts.quota}
      </Typography>
      {!quota && !problem && <Skeleton width="70%" />}
      {problem && !quota && (
        <Typography variant="body2" color="textSecondary">
          {problemText(problem, texts)}
        </Typography>
      )}
      {used !== undefined && (
        <LinearProgress
          variant="determinate"
          value={used}
          color={used >= 90 ? "warning" : "primary"}
          aria-label={texts.accounts.quota}
          sx={{ my: 0.5, borderRadius: 1 }}
        />
      )}
      {quota && <Figures quota={quota} />}
    </Box>
  );
}
