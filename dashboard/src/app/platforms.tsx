// The platforms' names and marks. The marks are letters in the platforms' colours: their logos are not ours to ship.

import Box from "@mui/material/Box";
import { Platform } from "../rpc/aurareels/v1/platform_pb";

export const PLATFORM_NAMES: Record<Platform, string> = {
  [Platform.UNSPECIFIED]: "?",
  [Platform.TIKTOK]: "TikTok",
  [Platform.INSTAGRAM]: "Instagram",
  [Platform.FACEBOOK]: "Facebook",
  [Platform.YOUTUBE]: "YouTube",
};

export const platformName = (platform: Platform): string => PLATFORM_NAMES[platform] ?? "?";

const MARKS: Record<Platform, [string, string]> = {
  [Platform.UNSPECIFIED]: ["?", "#5f6368"],
  [Platform.TIKTOK]: ["T", "#111318"],
  [Platform.INSTAGRAM]: ["I", "#b3306d"],
  [Platform.FACEBOOK]: ["F", "#1a5fd0"],
  [Platform.YOUTUBE]: ["Y", "#c4161c"],
};

/** Beside the platform's name it is decoration; alone, `named` gives it a name for screen readers. */
export function PlatformMark({ platform, size = 20, named = false }: { platform: Platform; size?: number; named?: boolean }) {
  const [letter, colour] = MARKS[platform] ?? MARKS[Platform.UNSPECIFIED];
  const name = named ? { role: "img", "aria-label": platformName(platform) } : { "aria-hidden": true };
  return (
    <Box
      component="span"
      {...name}
      sx={{
        width: size,
        height: size,
        borderRadius: "28%",
        bgcolor: colour,
        color: "#fff",
        fontSize: size * 0.6,
        fontWeight: 700,
        lineHeight: 1,
        flex: "none",
        display: "inline-flex",
        alignItems: "center",
        justifyContent: "center",
        boxShadow: "inset 0 0 0 1px rgba(255,255,255,.25)",
        // Drawn, not written: as text it would be a part of what a button or a tab says.
        "&::before": { content: `"${letter}"` },
      }}
    />
  );
}
