// An account's picture with its platform's mark. Where there is none, or its short-lived link has ended, initials.

import Avatar from "@mui/material/Avatar";
import Box from "@mui/material/Box";

import type { Platform } from "../rpc/aurareels/v1/platform_pb";
import { PlatformMark } from "./platforms";

const initials = (name: string): string =>
  name
    .split(/\s+/)
    .map((word) => [...word][0] ?? "")
    .join("")
    .slice(0, 2)
    .toUpperCase();

export interface AccountAvatarProps {
  platform: Platform;
  name: string;
  pictureUrl?: string;
  size?: number;
}

export function AccountAvatar({ platform, name, pictureUrl = "", size = 40 }: AccountAvatarProps) {
  // Only pictures of the web: nothing else that a platform or its user may have written there.
  const source = /^https?:\/\//.test(pictureUrl) ? pictureUrl : undefined;
  return (
    <Box aria-hidden sx={{ position: "relative", flex: "none", width: size, height: size }}>
      <Avatar
        {...(source ? { src: source } : {})}
        alt=""
        slotProps={{ img: { referrerPolicy: "no-referrer", loading: "lazy" } }}
        // Of its own colours: in the preview it stands on a video.
        sx={{ width: size, height: size, fontSize: size * 0.38, bgcolor: "grey.300", color: "grey.900" }}
      >
        {initials(name) || "?"}
      </Avatar>
      <Box sx={{ position: "absolute", right: -3, bottom: -3, display: "flex" }}>
        <PlatformMark platform={platform} size={Math.max(14, size * 0.42)} />
      </Box>
    </Box>
  );
}
