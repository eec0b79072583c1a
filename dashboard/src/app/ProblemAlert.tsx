// An error with what the core says about it: the field, the rule, what was measured, and what to do.

import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";

import type { FieldProblem, Problem } from "../api/problem";
import { useTexts, type Texts } from "../i18n";
import { ruleText } from "./ruleText";

/** One sentence: what is wrong and what to do. */
export function problemText(problem: Problem, texts: Texts): string {
  if (problem.kind === "away") {
    return `${texts.shell.problemAway} ${texts.shell.problemAwayHelp}`;
  }
  if (problem.kind === "signedOut") {
    return `${texts.shell.problemSignedOut} ${texts.shell.problemSignedOutHelp}`;
  }
  // The core's messages end with the remedy already; its other part says what is wrong.
  const first = problem.fields[0];
  return problem.fields.length === 1 && first ? ruleText(first, texts) : problem.message;
}

function FieldLine({ field }: { field: FieldProblem }) {
  const texts = useTexts();
  return (
    <Box component="li" sx={{ mt: 0.5 }}>
      {ruleText(field, texts)}
      <Typography component="span" variant="caption" sx={{ ml: 1, opacity: 0.8, fontFamily: "monospace" }}>
        {[field.field, field.rule].filter(Boolean).join(" · ")}
      </Typography>
    </Box>
  );
}

export interface ProblemAlertProps {
  problem: Problem;
  onRetry?: () => void;
  severity?: "error" | "warning";
}

export function ProblemAlert({ problem, onRetry, severity = "error" }: ProblemAlertProps) {
  const texts = useTexts();
  const [title, help] = {
    away: [texts.shell.problemAway, texts.shell.problemAwayHelp],
    signedOut: [texts.shell.problemSignedOut, texts.shell.problemSignedOutHelp],
    refused: [problem.message, ""],
  }[problem.kind] as [string, string];
  const retry = onRetry && (
    <Button color="inherit" size="small" onClick={onRetry}>
      {texts.shell.tryAgain}
    </Button>
  );
  const seconds = problem.retryAfterMs === undefined ? 0 : Math.ceil(problem.retryAfterMs / 1000);
  return (
    <Alert severity={severity} action={retry} sx={{ overflowWrap: "anywhere" }}>
      <AlertTitle sx={{ mb: 0, fontSize: "inherit" }}>{title}</AlertTitle>
      {help}
      {seconds > 0 && <div>{texts.shell.retryIn(seconds)}</div>}
      {problem.fields.length > 0 && (
        <Box component="ul" sx={{ m: 0, pl: 2.5 }}>
          {problem.fields.map((field, index) => (
            <FieldLine key={index} field={field} />
          ))}
        </Box>
      )}
      {problem.reason && (
        <Typography variant="caption" component="div" sx={{ mt: 0.5, opacity: 0.8 }}>
          {texts.shell.reason}: <code>{problem.reason}</code>
        </Typography>
      )}
    </Alert>
  );
}
