// How the post will look on a phone, per account: the video, the name, and the text exactly as it will be sent.

import Box from "@mui/material/Box";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useEffect, useMemo, useRef, useState } from "react";

import { AccountAvatar } from "../../app/AccountAvatar";
import { accountHandle, accountName } from "../../app/names";
import { platformName } from "../../app/platforms";
import { useTexts } from "../../i18n";
import type { Account } from "../../rpc/aurareels/v1/account_pb";
import { Platform } from "../../rpc/aurareels/v1/platform_pb";
import type { ValidatePostsResponse } from "../../rpc/aurareels/v1/post_service_pb";
import { textFor, type Form } from "./form";
import { compose } from "./text";

/** An address at which the browser itself can show the video; none for uploads of other days. */
function useVideoAddress(video: Form["video"]): string | undefined {
  const file = video.kind === "media" ? video.file : undefined;
  const local = useMemo(() => (file ? URL.createObjectURL(file) : undefined), [file]);
  useEffect(() => () => void (local && URL.revokeObjectURL(local)), [local]);
  const url = video.kind === "link" ? video.url.trim() : video.kind === "job" ? video.videoUrl : "";
  return local ?? (/^https?:\/\/[^/]+\/./.test(url) ? url : undefined);
}

function VideoFrame({ address, coverMs }: { address: string; coverMs: number | undefined }) {
  const element = useRef<HTMLVideoElement>(null);
  const { publish } = useTexts();
  const [failed, setFailed] = useState("");
  useEffect(() => {
    if (element.current && coverMs !== undefined) {
      element.current.currentTime = coverMs / 1000;
    }
  }, [coverMs]);
  if (failed === address) {
    return <Typography sx={{ m: "auto", p: 2, textAlign: "center" }}>{publish.previewNoVideo}</Typography>;
  }
  return (
    <video
      ref={element}
      src={address}
      muted
      playsInline
      controls
      preload="metadata"
      aria-label={publish.preview}
      onError={() => setFailed(address)}
      style={{ width: "100%", height: "100%", objectFit: "cover" }}
    />
  );
}

export interface PreviewProps {
  form: Form;
  chosen: Account[];
  answer: ValidatePostsResponse | undefined;
}

export function Preview({ form, chosen, answer }: PreviewProps) {
  const { publish } = useTexts();
  const [picked, setPicked] = useState("");
  const address = useVideoAddress(form.video);
  const account = chosen.find((one) => String(one.id) === picked) ?? chosen[0];
  if (!account) {
    return <Typography color="textSecondary">{publish.previewEmpty}</Typography>;
  }
  const text = answer?.posts.find((post) => post.accountId === account.id)?.fullCaption ?? compose(textFor(form, account.platform));
  const { title, comment } = {
    [Platform.YOUTUBE]: { title: form.youtube.title || text.split("\n")[0], comment: form.youtube.firstComment },
    [Platform.FACEBOOK]: { title: form.facebook.title, comment: form.facebook.firstComment },
    [Platform.INSTAGRAM]: { title: "", comment: form.instagram.firstComment },
  }[account.platform as number] ?? { title: "", comment: "" };
  return (
    <Box sx={{ display: "grid", gap: 1.5 }}>
      {chosen.length > 1 && (
        <TextField
          select
          size="small"
          label={publish.previewFor}
          value={String(account.id)}
          onChange={(event) => setPicked(event.target.value)}
        >
          {chosen.map((one) => (
            <MenuItem key={String(one.id)} value={String(one.id)}>
              {platformName(one.platform)} · {accountName(one)}
            </MenuItem>
          ))}
        </TextField>
      )}
      <Box
        data-preview={platformName(account.platform)}
        sx={{
          width: "100%",
          maxWidth: 260,
          mx: "auto",
          aspectRatio: "9 / 16",
          borderRadius: 5,
          overflow: "hidden",
          position: "relative",
          bgcolor: "#15151b",
          color: "#fff",
          border: "5px solid #2a2a33",
          display: "flex",
        }}
      >
        {address ? (
          <VideoFrame address={address} coverMs={form.coverMs} />
        ) : (
          <Typography variant="body2" sx={{ m: "auto", p: 2, textAlign: "center", opacity: 0.75 }}>
            {publish.previewNoVideo}
          </Typography>
        )}
        <Box
          sx={{
            position: "absolute",
            inset: "auto 0 0 0",
            p: 1.5,
            pb: address ? 6 : 2,
            pt: 5,
            pointerEvents: "none",
            background: "linear-gradient(transparent, rgba(0,0,0,.78))",
          }}
        >
          <Box sx={{ display: "flex", gap: 1, alignItems: "center", mb: 0.5 }}>
            <AccountAvatar platform={account.platform} name={accountName(account)} pictureUrl={account.profilePictureUrl} size={28} />
            <Typography variant="body2" noWrap sx={{ fontWeight: 700, minWidth: 0 }}>
              {accountHandle(account) || accountName(account)}
            </Typography>
          </Box>
          {title && (
            <Typography variant="body2" sx={{ fontWeight: 700, overflowWrap: "anywhere" }}>
              {title}
            </Typography>
          )}
          <Typography
            variant="caption"
            component="p"
            dir="auto"
            sx={{
              m: 0,
              whiteSpace: "pre-wrap",
              overflowWrap: "anywhere",
              display: "-webkit-box",
              WebkitLineClamp: 3,
              WebkitBoxOrient: "vertical",
              overflow: "hidden",
            }}
          >
            {text}
          </Typography>
        </Box>
      </Box>
      <Typography
        variant="body2"
        dir="auto"
        data-full-caption
        sx={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere", maxHeight: 200, overflowY: "auto" }}
        color={text ? "textPrimary" : "textSecondary"}
        tabIndex={0}
      >
        {text || publish.noCaption}
      </Typography>
      {comment && (
        <Typography variant="body2" color="textSecondary" sx={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          <strong>{publish.firstComment}:</strong> {comment}
        </Typography>
      )}
    </Box>
  );
}
