// Now, or at a time of a zone; with what the clocks of that zone do until then.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import FormControlLabel from "@mui/material/FormControlLabel";
import Radio from "@mui/material/Radio";
import RadioGroup from "@mui/material/RadioGroup";
import Skeleton from "@mui/material/Skeleton";
import Typography from "@mui/material/Typography";
import { lazy, Suspense } from "react";

import { offsetAt, offsetName, readWall } from "../../app/zones";
import { useFormat, useTexts } from "../../i18n";
import { localZone } from "../../i18n/format";
import type { Form } from "./form";

const WhenPicker = lazy(() => import("./WhenPicker"));

function Note({ local, zone }: { local: string; zone: string }) {
  const { publish } = useTexts();
  const format = useFormat();
  const reading = readWall(zone, local);
  if (reading.kind === "gap") {
    return <Alert severity="error">{publish.whenGap(zone)}</Alert>;
  }
  const { instant } = reading;
  const now = new Date();
  const [before, after] = [offsetAt(zone, now), offsetAt(zone, instant)];
  const here = localZone();
  return (
    <Box sx={{ display: "grid", gap: 1 }}>
      {instant < now && <Alert severity="error">{publish.whenPast}</Alert>}
      {reading.kind === "twice" && (
        <Alert severity="warning">
          {publish.whenTwice(zone, format.timeWithZone(instant, zone), format.timeWithZone(reading.later, zone))}
        </Alert>
      )}
      {before !== after && <Alert severity="info">{publish.whenChange(zone, offsetName(before), offsetName(after))}</Alert>}
      <Typography variant="body2" color="textSecondary">
        {publish.whenIs(`${format.dateTime(instant, zone)} (${offsetName(after)})`, format.relative(instant, now))}{" "}
        {here !== zone && publish.whenOther(format.dateTime(instant))}
      </Typography>
    </Box>
  );
}

export interface WhenSectionProps {
  when: Form["when"];
  onChange(when: Form["when"]): void;
}

export function WhenSection({ when, onChange }: WhenSectionProps) {
  const { publish, shell } = useTexts();
  return (
    <Box sx={{ display: "grid", gap: 1.5 }}>
      <RadioGroup row aria-label={publish.when} value={when.at ? "at" : "now"} onChange={(_, value) => onChange({ ...when, at: value === "at" })}>
        <FormControlLabel value="now" control={<Radio />} label={publish.now} />
        <FormControlLabel value="at" control={<Radio />} label={publish.later} />
      </RadioGroup>
      {when.at && (
        <>
          <Suspense fallback={<Skeleton variant="rounded" height={56} aria-label={shell.loading} />}>
            <WhenPicker local={when.local} zone={when.zone} onChange={(local, zone) => onChange({ ...when, local, zone })} />
          </Suspense>
          {when.local && <Note local={when.local} zone={when.zone} />}
        </>
      )}
    </Box>
  );
}
