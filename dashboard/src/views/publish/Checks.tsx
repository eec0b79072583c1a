// All broken rules at once, and what the core would change, by account.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import CircularProgress from "@mui/material/CircularProgress";
import Typography from "@mui/material/Typography";

import { accountName } from "../../app/names";
import { PlatformMark, platformName } from "../../app/platforms";
import { ProblemAlert } from "../../app/ProblemAlert";
import { ruleText } from "../../app/ruleText";
import { useTexts } from "../../i18n";
import type { Account } from "../../rpc/aurareels/v1/account_pb";
import type { Warning } from "../../rpc/aurareels/v1/post_pb";
import type { Violation } from "../../rpc/aurareels/v1/post_service_pb";
import type { Validation } from "./useValidation";

/** The same rule with the same figures, for one or several accounts. */
interface Group<T> {
  first: T;
  accounts: Account[];
}

function grouped<T>(entries: { entry: T; account: Account | undefined }[], keyOf: (entry: T) => string): Group<T>[] {
  const groups = new Map<string, Group<T>>();
  for (const { entry, account } of entries) {
    const group = groups.get(keyOf(entry)) ?? { first: entry, accounts: [] };
    groups.set(keyOf(entry), group);
    if (account) {
      group.accounts.push(account);
    }
  }
  return [...groups.values()];
}

function For({ accounts }: { accounts: Account[] }) {
  return accounts.map((account) => (
    <Box
      component="span"
      key={String(account.id)}
      title={`${platformName(account.platform)}: ${accountName(account)}`}
      sx={{ display: "inline-flex", verticalAlign: "middle", mr: 0.5 }}
    >
      <PlatformMark platform={account.platform} size={16} named />
    </Box>
  ));
}

export interface ChecksProps {
  validation: Validation;
  /** Broken rules to show: those that only say that something is still missing are left out. */
  violations: Violation[];
  chosen: Account[];
}

export function Checks({ validation, violations, chosen }: ChecksProps) {
  const texts = useTexts();
  const { publish } = texts;
  const { answer, checking, problem } = validation;
  const accountOf = (id: bigint) => chosen.find((account) => account.id === id);
  const broken = grouped<Violation>(
    violations.map((entry) => ({ entry, account: accountOf(entry.accountId) })),
    (one) => [one.rule, one.field, one.measured, one.limit, one.message].join("|"),
  );
  const warned = grouped<Warning>(
    (answer?.posts ?? []).flatMap((post) =>
      post.warnings.map((entry) => ({ entry, account: accountOf(post.accountId) })),
    ),
    (one) => [one.code, one.message].join("|"),
  );
  return (
    <Box aria-live="polite" data-checks={checking ? "checking" : "settled"} sx={{ display: "grid", gap: 1 }}>
      <Box sx={{ display: "flex", gap: 1, alignItems: "center", minHeight: 24 }}>
        <Typography variant="h3">{publish.checks}</Typography>
        {checking && chosen.length > 0 && <CircularProgress size={16} aria-label={publish.checking} />}
        {answer && !problem && (
          <Typography variant="body2" color={broken.length > 0 ? "error" : "textSecondary"}>
            {broken.length > 0 ? publish.checksCount(broken.length) : publish.checksGood}
          </Typography>
        )}
      </Box>
      {problem && <ProblemAlert problem={problem} severity="warning" />}
      {broken.map(({ first, accounts }) => (
        <Alert key={first.rule + first.field + first.measured + first.message} severity="error" sx={{ py: 0.25, overflowWrap: "anywhere" }}>
          <For accounts={accounts} /> {ruleText(first, texts)}
          <Typography variant="caption" component="div" sx={{ opacity: 0.8 }}>
            <code>{first.rule}</code>
          </Typography>
        </Alert>
      ))}
      {warned.length > 0 && (
        <Alert severity="info" sx={{ py: 0.25, overflowWrap: "anywhere" }}>
          {publish.warnings}
          <Box component="ul" sx={{ m: 0, pl: 2 }}>
            {warned.map(({ first, accounts }) => (
              <li key={first.code + first.message}>
                <For accounts={accounts} /> {first.message}
              </li>
            ))}
          </Box>
        </Alert>
      )}
    </Box>
  );
}
