import ChevronLeftIcon from "@mui/icons-material/ChevronLeft";
import ChevronRightIcon from "@mui/icons-material/ChevronRight";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import Typography from "@mui/material/Typography";

import { ZoneSelect } from "../../app/ZoneSelect";
import { useTexts } from "../../i18n";
import type { Layout } from "./days";

interface Props {
  title: string;
  layout: Layout;
  onLayout(layout: Layout): void;
  onStep(by: -1 | 1): void;
  onToday(): void;
}

export function Toolbar({ title, layout, onLayout, onStep, onToday }: Props) {
  const { calendar } = useTexts();
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 1.5 }}>
      <Typography variant="h1" aria-live="polite" sx={{ minWidth: { xs: "100%", sm: 240 } }}>
        {title}
      </Typography>
      <Box sx={{ display: "flex", alignItems: "center", mr: "auto" }}>
        <IconButton aria-label={calendar.earlier} onClick={() => onStep(-1)}>
          <ChevronLeftIcon />
        </IconButton>
        <Button size="small" variant="outlined" color="inherit" onClick={onToday}>
          {calendar.today}
        </Button>
        <IconButton aria-label={calendar.later} onClick={() => onStep(1)}>
          <ChevronRightIcon />
        </IconButton>
      </Box>
      <ToggleButtonGroup
        exclusive
        size="small"
        value={layout}
        aria-label={calendar.layout}
        onChange={(_, value: Layout | null) => value && onLayout(value)}
      >
        <ToggleButton value="month">{calendar.month}</ToggleButton>
        <ToggleButton value="week">{calendar.week}</ToggleButton>
        <ToggleButton value="agenda">{calendar.agenda}</ToggleButton>
      </ToggleButtonGroup>
      <ZoneSelect />
    </Box>
  );
}
