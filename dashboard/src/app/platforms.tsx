// The platforms' names and marks. The marks are plain signs in the platforms' colours: their logos are not ours to ship.

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

/** What is drawn on 24 by 24, and on which colour: a note, a camera, a letter, a play button. */
const MARKS: Record<Platform, [string, string]> = {
  [Platform.UNSPECIFIED]: ["M12 9.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 1 0 0-5z", "#5f6368"],
  [Platform.TIKTOK]: ["M11 3.5h2.8c.3 2.6 1.9 4.3 4.5 4.6v2.8c-1.7 0-3.2-.5-4.5-1.4v6.2a4.9 4.9 0 1 1-4.9-4.9l.7.1v2.9a2.1 2.1 0 1 0 1.4 2z", "#111318"],
  [Platform.INSTAGRAM]: [
    "M9.2 4.5 7.9 6.4H5.4A2.4 2.4 0 0 0 3 8.8v8.3a2.4 2.4 0 0 0 2.4 2.4h13.2a2.4 2.4 0 0 0 2.4-2.4V8.8a2.4 2.4 0 0 0-2.4-2.4h-2.5l-1.3-1.9zM12 8.6a4.3 4.3 0 1 1 0 8.6a4.3 4.3 0 1 1 0-8.6zm0 2.1a2.2 2.2 0 1 0 0 4.4a2.2 2.2 0 1 0 0-4.4z",
    "#b3306d",
  ],
  [Platform.FACEBOOK]: ["M16.6 3.6v3h-1.5c-1.1 0-1.5.5-1.5 1.5v2.2h2.9l-.4 3.1h-2.5v7.4h-3.3v-7.4H7.8v-3.1h2.5V7.7c0-2.6 1.6-4.2 4.1-4.2z", "#1a5fd0"],
  [Platform.YOUTUBE]: ["M8 5.2v13.6a.8.8 0 0 0 1.2.7l10.6-6.8a.8.8 0 0 0 0-1.4L9.2 4.5a.8.8 0 0 0-1.2.7z", "#c4161c"],
};

/** Beside the platform's name it is decoration; alone, `named` gives it a name for screen readers. */
export function PlatformMark({ platform, size = 20, named = false }: { platform: Platform; size?: number; named?: boolean }) {
  const [sign, colour] = MARKS[platform] ?? MARKS[Platform.UNSPECIFIED];
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
        flex: "none",
        display: "inline-flex",
        alignItems: "center",
        justifyContent: "center",
        boxShadow: "inset 0 0 0 1px rgba(255,255,255,.25)",
      }}
    >
      <svg viewBox="0 0 24 24" width={size * 0.74} height={size * 0.74} fill="#fff" fillRule="evenodd" aria-hidden>
        <path d={sign} />
      </svg>
    </Box>
  );
}
