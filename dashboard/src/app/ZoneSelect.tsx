import TextField from "@mui/material/TextField";
import { useMemo } from "react";

import { useTexts } from "../i18n";
import { useZone } from "./zone";

/** Shows the zone of all times, and changes it. */
export function ZoneSelect() {
  const { calendar } = useTexts();
  const [zone, setZone] = useZone();
  const zones = useMemo(() => {
    const known = Intl.supportedValuesOf("timeZone");
    return known.includes(zone) ? known : [zone, ...known];
  }, [zone]);
  return (
    <TextField
      select
      size="small"
      label={calendar.zone}
      value={zone}
      onChange={(event) => setZone(event.target.value)}
      slotProps={{ select: { native: true } }}
      sx={{ width: 220, maxWidth: "100%" }}
    >
      {zones.map((name) => (
        <option key={name} value={name}>
          {name.replaceAll("_", " ")}
        </option>
      ))}
    </TextField>
  );
}
