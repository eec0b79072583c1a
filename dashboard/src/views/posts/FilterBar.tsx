import SearchIcon from "@mui/icons-material/Search";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import InputAdornment from "@mui/material/InputAdornment";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useEffect, useState } from "react";

import { AccountField, PlatformField } from "../../app/filterFields";
import { statusName } from "../../app/StatusChip";
import { ZoneSelect } from "../../app/ZoneSelect";
import { useTexts } from "../../i18n";
import { PostStatus } from "../../rpc/aurareels/v1/post_pb";
import { isEmptyFilter, NO_FILTER, type Filter } from "./filters";

/** A search is asked for when the typing pauses. */
const PAUSE_MS = 300;

const STATUSES = Object.values(PostStatus).filter((status): status is PostStatus => typeof status === "number" && status > 0);

export function FilterBar({ filter, onChange }: { filter: Filter; onChange(filter: Filter): void }) {
  const texts = useTexts();
  const { history } = texts;
  const [search, setSearch] = useState(filter.search);
  useEffect(() => {
    if (search === filter.search) {
      return;
    }
    const timer = setTimeout(() => onChange({ ...filter, search: search.trim() }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [search, filter, onChange]);
  const change = (changed: Partial<Filter>) => onChange({ ...filter, search: search.trim(), ...changed });
  const date = (field: "from" | "until") => (
    <TextField
      type="date"
      size="small"
      label={history[field]}
      value={filter[field]}
      onChange={(event) => change({ [field]: event.target.value })}
      slotProps={{ inputLabel: { shrink: true } }}
    />
  );
  return (
    <Box
      role="search"
      aria-label={history.filters}
      sx={{ display: "grid", gap: 1.5, gridTemplateColumns: { xs: "repeat(2, minmax(0, 1fr))", sm: "repeat(auto-fill, minmax(190px, 1fr))" }, alignItems: "center", mb: 2 }}
    >
      <TextField
        size="small"
        type="search"
        label={history.search}
        value={search}
        onChange={(event) => setSearch(event.target.value)}
        slotProps={{ input: { startAdornment: <InputAdornment position="start"><SearchIcon fontSize="small" /></InputAdornment> } }}
        sx={{ gridColumn: "span 2" }}
      />
      <TextField
        select
        size="small"
        label={history.status}
        value={filter.statuses}
        onChange={(event) => change({ statuses: [event.target.value].flat().map(Number) })}
        slotProps={{ select: { multiple: true } }}
      >
        {STATUSES.map((status) => (
          <MenuItem key={status} value={status}>
            {statusName(status, texts)}
          </MenuItem>
        ))}
      </TextField>
      <PlatformField value={filter.platform} onChange={(platform) => change({ platform })} />
      <AccountField value={filter.accountId} onChange={(accountId) => change({ accountId })} />
      {date("from")}
      {date("until")}
      <ZoneSelect />
      <Button
        disabled={isEmptyFilter(filter) && !search}
        onClick={() => {
          setSearch("");
          onChange(NO_FILTER);
        }}
      >
        {history.clearFilters}
      </Button>
    </Box>
  );
}
