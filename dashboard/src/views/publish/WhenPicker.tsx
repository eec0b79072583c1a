// The date picker and the list of zones. The picker works on what a clock on the wall shows, so it is told that the zone is
// UTC: what the time means in the chosen zone is said beside it, also for times that a change of clocks leaves out.

import Autocomplete from "@mui/material/Autocomplete";
import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import { AdapterLuxon } from "@mui/x-date-pickers/AdapterLuxon";
import { DateTimePicker } from "@mui/x-date-pickers/DateTimePicker";
import { LocalizationProvider } from "@mui/x-date-pickers/LocalizationProvider";
import { DateTime, Settings } from "luxon";
import { useMemo } from "react";

import { offsetAt, offsetName, toWall } from "../../app/zones";
import { useLanguage } from "../../i18n";
import { pickerTexts } from "./pickerTexts";

// The picker reads what is typed in this zone before it takes it to its own: in the device's zone, an hour that is left out
// there would be moved, although it may exist in the zone that is chosen.
Settings.defaultZone = "utc";

export interface WhenPickerProps {
  /** "2026-12-25T18:00:00"; empty while none is chosen. */
  local: string;
  zone: string;
  onChange(local: string, zone: string): void;
}

export default function WhenPicker({ local, zone, onChange }: WhenPickerProps) {
  const { texts, locale, region } = useLanguage();
  const { publish } = texts;
  const now = new Date();
  const zones = useMemo(() => {
    const names = [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC", zone])];
    return names.map((name) => ({ name, label: `${name} (${offsetName(offsetAt(name, new Date()))})` }));
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <LocalizationProvider dateAdapter={AdapterLuxon} adapterLocale={region} localeText={pickerTexts(locale)}>
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "minmax(0,1fr)", sm: "minmax(0,1fr) minmax(0,1fr)" } }}>
        <DateTimePicker
          label={publish.dateTime}
          timezone="UTC"
          value={local ? DateTime.fromISO(local, { zone: "utc" }) : null}
          minDateTime={DateTime.fromISO(toWall(zone, now), { zone: "utc" }).startOf("minute")}
          onChange={(value) => onChange(value?.isValid ? value.toFormat("yyyy-MM-dd'T'HH:mm:00") : "", zone)}
          slotProps={{ textField: { size: "small" } }}
        />
        <Autocomplete
          size="small"
          disableClearable
          options={zones}
          value={zones.find((one) => one.name === zone) ?? { name: zone, label: zone }}
          isOptionEqualToValue={(a, b) => a.name === b.name}
          getOptionLabel={(one) => one.label}
          onChange={(_, one) => onChange(local, one.name)}
          renderInput={(props) => <TextField {...props} label={publish.zone} />}
        />
      </Box>
    </LocalizationProvider>
  );
}
