// What was measured of a video, and where it fits.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";

import { useFormat, useTexts, type Texts } from "../i18n";
import type { Formatter } from "../i18n/format";
import type { VideoCheck, VideoFacts as Facts } from "../rpc/aurareels/v1/media_pb";
import { platformName } from "./platforms";

export const factSeconds = (facts: Facts | undefined): number | undefined =>
  facts?.duration && Number(facts.duration.seconds) + facts.duration.nanos / 1e9;

/** "0:31 · 1080 × 1920 · 12.4 MB · h264" */
export function factsLine(facts: Facts, texts: Texts, format: Formatter): string {
  const seconds = factSeconds(facts);
  return [
    seconds !== undefined && format.duration(seconds),
    facts.widthPixels && facts.heightPixels && `${facts.widthPixels} × ${facts.heightPixels}`,
    format.bytes(facts.sizeBytes),
    facts.frameRate && texts.media.frameRate(format.number(Math.round(facts.frameRate * 100) / 100)),
    [facts.videoCodec, facts.audioCodec].filter(Boolean).join(" + "),
    facts.hasAudio === false && texts.media.noSound,
  ]
    .filter(Boolean)
    .join(" · ");
}

export function FactsLine({ facts }: { facts: Facts }) {
  return (
    <Typography variant="body2" color="textSecondary">
      {factsLine(facts, useTexts(), useFormat())}
    </Typography>
  );
}

/** Broken rules per platform; warnings only when asked for. */
export function VideoChecks({ checks, warnings = false }: { checks: VideoCheck[]; warnings?: boolean }) {
  const { media } = useTexts();
  const format = useFormat();
  const fitting = checks.filter((check) => check.fits).map((check) => platformName(check.platform));
  return (
    <Box sx={{ display: "grid", gap: 1 }}>
      <Typography variant="body2">{fitting.length > 0 ? media.fits(format.list(fitting)) : media.fitsNone}</Typography>
      {checks
        .filter((check) => !check.fits)
        .map((check) => (
          <Alert key={check.platform} severity="warning">
            {media.breaks(platformName(check.platform))}
            <Box component="ul" sx={{ m: 0, pl: 2.5 }}>
              {check.violations.map((broken) => (
                <li key={broken.rule + broken.field}>
                  {broken.message} <code>{broken.rule}</code>
                </li>
              ))}
            </Box>
          </Alert>
        ))}
      {warnings &&
        checks
          .filter((check) => check.warnings.length > 0)
          .map((check) => (
            <Alert key={check.platform} severity="info">
              {media.warns(platformName(check.platform))}
              <Box component="ul" sx={{ m: 0, pl: 2.5 }}>
                {check.warnings.map((warning) => (
                  <li key={warning.code + warning.message}>{warning.message}</li>
                ))}
              </Box>
            </Alert>
          ))}
    </Box>
  );
}
