// The frame that becomes the cover, chosen in the video itself where it can be shown.

import Box from "@mui/material/Box";
import FormControlLabel from "@mui/material/FormControlLabel";
import Slider from "@mui/material/Slider";
import Switch from "@mui/material/Switch";
import Typography from "@mui/material/Typography";

import { useFormat, useTexts } from "../../i18n";

export interface CoverSectionProps {
  coverMs: number | undefined;
  seconds: number;
  onChange(coverMs: number | undefined): void;
}

export function CoverSection({ coverMs, seconds, onChange }: CoverSectionProps) {
  const { publish } = useTexts();
  const format = useFormat();
  const name = (ms: number) => `${format.duration(Math.floor(ms / 1000))}.${String(Math.floor((ms % 1000) / 100))}`;
  return (
    <Box>
      <FormControlLabel
        control={<Switch checked={coverMs !== undefined} onChange={(_, on) => onChange(on ? 0 : undefined)} />}
        label={publish.cover}
      />
      <Typography variant="caption" component="div" color="textSecondary">
        {publish.coverHelp}
      </Typography>
      {coverMs !== undefined && (
        <Box sx={{ px: 1.5 }}>
          <Slider
            aria-label={publish.cover}
            min={0}
            max={Math.max(0, Math.floor(seconds * 1000) - 100)}
            step={100}
            shiftStep={1000}
            value={coverMs}
            valueLabelDisplay="auto"
            valueLabelFormat={name}
            getAriaValueText={name}
            onChange={(_, value) => onChange(Array.isArray(value) ? value[0] : value)}
          />
          <Typography variant="body2">{publish.coverAt(name(coverMs))}</Typography>
        </Box>
      )}
    </Box>
  );
}
