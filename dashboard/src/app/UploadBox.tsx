// Takes a video file, by choosing or dropping, and shows how its upload goes.

import UploadIcon from "@mui/icons-material/UploadFileOutlined";
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import LinearProgress from "@mui/material/LinearProgress";
import Typography from "@mui/material/Typography";
import { useRef, useState } from "react";

import { useFormat, useTexts } from "../i18n";
import { ProblemAlert } from "./ProblemAlert";
import type { Upload } from "./useUpload";

function Sending({ upload }: { upload: Upload }) {
  const { media } = useTexts();
  const format = useFormat();
  const { current } = upload;
  if (current.state !== "sending") {
    return null;
  }
  const { file, sent, startedAt } = current;
  const share = file.size > 0 ? sent / file.size : 0;
  const elapsed = (Date.now() - startedAt) / 1000;
  const left = share > 0.02 && elapsed > 2 ? (elapsed / share) * (1 - share) : undefined;
  const checking = share >= 1;
  return (
    <Box sx={{ width: "100%" }}>
      <Box sx={{ display: "flex", gap: 1, alignItems: "baseline" }}>
        <Typography noWrap sx={{ flex: 1, minWidth: 0 }}>
          {media.sending(file.name)}
        </Typography>
        <Button size="small" color="inherit" onClick={upload.stop}>
          {media.stop}
        </Button>
      </Box>
      <LinearProgress
        aria-label={media.sending(file.name)}
        variant={checking ? "indeterminate" : "determinate"}
        value={share * 100}
        sx={{ my: 1, height: 8, borderRadius: 4 }}
      />
      <Typography variant="body2" color="textSecondary" sx={{ fontVariantNumeric: "tabular-nums" }}>
        {checking ? media.checking : media.progress(format.bytes(sent), format.bytes(file.size))}
        {!checking && left !== undefined && ` · ${media.remaining(format.duration(left))}`}
      </Typography>
    </Box>
  );
}

export function UploadBox({ upload, dense = false }: { upload: Upload; dense?: boolean }) {
  const { media } = useTexts();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const { current } = upload;
  const take = (files: FileList | null) => {
    const file = files?.[0];
    if (file) {
      upload.start(file);
    }
  };
  return (
    <Box
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files);
      }}
      sx={{
        border: "2px dashed",
        borderColor: over ? "primary.main" : "divider",
        bgcolor: over ? "action.hover" : "transparent",
        borderRadius: 2,
        p: 2,
        minHeight: dense ? 96 : 120,
        display: "grid",
        gap: 1.5,
        alignContent: "center",
        justifyItems: current.state === "sending" ? "stretch" : "center",
      }}
    >
      <input
        ref={input}
        type="file"
        accept="video/mp4,video/quicktime,video/webm,.mp4,.mov,.webm"
        hidden
        aria-hidden
        tabIndex={-1}
        onChange={(event) => {
          take(event.target.files);
          event.target.value = "";
        }}
      />
      {current.state === "sending" ? (
        <Sending upload={upload} />
      ) : (
        <>
          <Box sx={{ display: "flex", gap: 1.5, alignItems: "center", flexWrap: "wrap", justifyContent: "center" }}>
            <Button variant="outlined" startIcon={<UploadIcon />} onClick={() => input.current?.click()}>
              {current.state === "done" ? media.other : media.choose}
            </Button>
            <Typography variant="body2" color="textSecondary">
              {media.drop} · {media.formats}
            </Typography>
          </Box>
          {current.state === "stopped" && (
            <Alert
              severity="info"
              action={
                <Button size="small" color="inherit" onClick={upload.again}>
                  {media.again}
                </Button>
              }
            >
              {media.stopped(current.file.name)}
            </Alert>
          )}
          {current.state === "failed" && (
            <Box sx={{ width: "100%" }}>
              <Typography variant="body2" sx={{ mb: 0.5 }}>
                {media.failed(current.file.name)}
              </Typography>
              <ProblemAlert problem={current.problem} onRetry={upload.again} />
            </Box>
          )}
        </>
      )}
    </Box>
  );
}
