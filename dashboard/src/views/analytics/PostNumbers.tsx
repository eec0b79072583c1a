// How one published post does, on its page: its newest numbers, its curve, and a reading at the platform when a person asks.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useState } from "react";

import { SkeletonRows } from "../../app/Loading";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useAttempt } from "../../app/toasts";
import { useZone } from "../../app/zone";
import { useFormat, useTexts } from "../../i18n";
import { useLoad } from "../../live";
import { analyticsApi, COUNTS, shown, shownRate } from "./calls";
import { Curve } from "./Curve";

/** Reading at the platform takes up to 20 seconds. */
const SYNC_TIMEOUT_MS = 40_000;

export default function PostNumbers({ id }: { id: bigint }) {
  const { analytics: texts } = useTexts();
  const format = useFormat();
  const [zone] = useZone();
  const attempt = useAttempt();
  const [busy, setBusy] = useState(false);
  const { value, problem, reload } = useLoad(`numbers ${id}`, (signal) => analyticsApi.getPostAnalytics({ postId: id }, { signal }));
  const sync = async () => {
    setBusy(true);
    await attempt(() => analyticsApi.syncPostAnalytics({ postId: id }, { timeoutMs: SYNC_TIMEOUT_MS }));
    setBusy(false);
    reload();
  };
  const views = value?.history.flatMap(({ at, numbers }) => (at && numbers?.views !== undefined ? [{ at, value: Number(numbers.views) }] : [])) ?? [];
  return (
    <Paper component="section" aria-label={texts.numbers} variant="outlined" sx={{ p: 2, display: "grid", gap: 2 }}>
      <Box sx={{ display: "flex", gap: 2, alignItems: "center", flexWrap: "wrap" }}>
        <Typography variant="h2" sx={{ flex: 1 }}>
          {texts.numbers}
        </Typography>
        <Button size="small" loading={busy} onClick={() => void sync()}>
          {texts.readNow}
        </Button>
      </Box>
      {problem && <ProblemAlert problem={problem} onRetry={reload} severity="warning" />}
      {!value && !problem && <SkeletonRows rows={1} height={64} />}
      {value && (
        <>
          {value.problem && (
            <Alert severity="warning">
              {value.problem.message} {value.problem.remediation}
            </Alert>
          )}
          <Box component="dl" sx={{ m: 0, display: "grid", gap: 2, gridTemplateColumns: "repeat(auto-fill, minmax(100px, 1fr))" }}>
            {COUNTS.map((count) => (
              <div key={count}>
                <Typography component="dt" variant="body2" color="textSecondary">
                  {texts.counts[count]}
                </Typography>
                <Typography component="dd" sx={{ m: 0, fontWeight: 600 }} data-number={count}>
                  {shown(value.numbers?.[count], format)}
                </Typography>
              </div>
            ))}
            <div>
              <Typography component="dt" variant="body2" color="textSecondary">
                {texts.rate}
              </Typography>
              <Typography component="dd" sx={{ m: 0, fontWeight: 600 }}>
                {shownRate(value.numbers, format)}
              </Typography>
            </div>
          </Box>
          {views.length > 1 && <Curve label={texts.counts.views} points={views} zone={zone} />}
          <Typography variant="caption" color="textSecondary">
            {value.lastSyncedAt ? texts.readAt(format.dateTime(value.lastSyncedAt, zone)) : texts.neverRead}{" "}
            {value.nextSyncAt ? texts.nextAt(format.dateTime(value.nextSyncAt, zone)) : texts.noNext}
          </Typography>
        </>
      )}
    </Paper>
  );
}
