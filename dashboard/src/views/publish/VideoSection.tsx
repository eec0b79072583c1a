// The video of a post: uploaded here, uploaded earlier, named by a link, or made by a workflow.

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import List from "@mui/material/List";
import ListItemButton from "@mui/material/ListItemButton";
import ListItemText from "@mui/material/ListItemText";
import Skeleton from "@mui/material/Skeleton";
import TextField from "@mui/material/TextField";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import Typography from "@mui/material/Typography";
import { useEffect, useState } from "react";

import { api } from "../../api/clients";
import { SkeletonRows } from "../../app/Loading";
import { ProblemAlert } from "../../app/ProblemAlert";
import { UploadBox } from "../../app/UploadBox";
import type { Upload } from "../../app/useUpload";
import { FactsLine, factsLine } from "../../app/VideoFacts";
import { useFormat, useTexts } from "../../i18n";
import { useLoad } from "../../live";
import type { VideoJob } from "../../rpc/aurareels/v1/video_job_pb";
import type { Video } from "./form";
import { JobList } from "./JobList";

type Way = "upload" | "link" | "media" | "job";

const PROBE_AFTER_MS = 600;

/** What the core is asked to look at: a video whose length and shape are not known yet. */
function unknown(video: Video): { videoUrl: string } | { mediaId: string } | undefined {
  if (video.kind === "none" || video.facts) {
    return undefined;
  }
  if (video.kind === "media" || (video.kind === "job" && video.mediaId)) {
    return { mediaId: video.mediaId };
  }
  const videoUrl = video.kind === "link" ? video.url.trim() : video.videoUrl;
  return /^https?:\/\/[^/]+/.test(videoUrl) ? { videoUrl } : undefined;
}

/** Looks at the video once its address stands still, for its length and what it is. */
function useProbe(video: Video, onChange: (video: Video) => void): boolean {
  const [probing, setProbing] = useState(false);
  const asked = unknown(video);
  const key = asked && JSON.stringify(asked);
  useEffect(() => {
    if (!asked) {
      setProbing(false);
      return;
    }
    const asking = new AbortController();
    setProbing(true);
    const timer = setTimeout(() => {
      api.media
        .probeVideo(asked, { signal: asking.signal })
        .then(({ facts }) => facts && video.kind !== "none" && onChange({ ...video, facts }))
        // What is wrong with the video is told by the checks.
        .catch(() => undefined)
        .finally(() => !asking.signal.aborted && setProbing(false));
    }, PROBE_AFTER_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  return probing;
}

function EarlierUploads({ onChoose }: { onChoose(video: Video): void }) {
  const texts = useTexts();
  const format = useFormat();
  const { value, problem, reload } = useLoad("recent media", (signal) => api.media.listMedia({ pageSize: 30 }, { signal }));
  if (problem) {
    return <ProblemAlert problem={problem} onRetry={reload} />;
  }
  if (!value) {
    return <SkeletonRows rows={2} height={56} />;
  }
  if (value.media.length === 0) {
    return <Typography color="textSecondary">{texts.publish.noMedia}</Typography>;
  }
  return (
    <List dense sx={{ maxHeight: 240, overflowY: "auto", border: 1, borderColor: "divider", borderRadius: 1.5, p: 0.5 }}>
      {value.media.map((media) => (
        <ListItemButton
          key={media.mediaId}
          sx={{ borderRadius: 1 }}
          onClick={() => onChoose({ kind: "media", mediaId: media.mediaId, name: media.fileName, facts: media.facts })}
        >
          <ListItemText primary={media.fileName || media.mediaId} secondary={media.facts && factsLine(media.facts, texts, format)} />
        </ListItemButton>
      ))}
    </List>
  );
}

export interface VideoSectionProps {
  video: Video;
  upload: Upload;
  onChange(video: Video): void;
  /** A video of a workflow, with its text. */
  onJob(job: VideoJob): void;
}

export function VideoSection({ video, upload, onChange, onJob }: VideoSectionProps) {
  const { publish } = useTexts();
  const [way, setWay] = useState<Way>(video.kind === "link" ? "link" : "upload");
  const probing = useProbe(video, onChange);
  if (video.kind === "media" || video.kind === "job") {
    return (
      <Box sx={{ display: "flex", gap: 2, alignItems: "center", border: 1, borderColor: "divider", borderRadius: 2, p: 1.5 }}>
        <Box sx={{ flex: 1, minWidth: 0 }}>
          <Typography noWrap sx={{ fontWeight: 600 }} aria-label={`${publish.chosen}: ${video.name}`}>
            {video.name || publish.chosen}
          </Typography>
          <Box sx={{ minHeight: 20 }}>
            {probing && <Skeleton width="60%" aria-label={publish.linkChecking} />}
            {!probing && video.facts && <FactsLine facts={video.facts} />}
          </Box>
        </Box>
        <Button
          size="small"
          onClick={() => {
            upload.clear();
            onChange({ kind: "none" });
          }}
        >
          {publish.changeVideo}
        </Button>
      </Box>
    );
  }
  return (
    <Box sx={{ display: "grid", gap: 1.5 }}>
      <ToggleButtonGroup
        exclusive
        size="small"
        value={way}
        aria-label={publish.video}
        onChange={(_, next: Way | null) => {
          if (next) {
            setWay(next);
            onChange(next === "link" ? { kind: "link", url: "", keepCopy: false } : { kind: "none" });
          }
        }}
      >
        <ToggleButton value="upload">{publish.byUpload}</ToggleButton>
        <ToggleButton value="link">{publish.byLink}</ToggleButton>
        <ToggleButton value="media">{publish.byMedia}</ToggleButton>
        <ToggleButton value="job">{publish.byJob}</ToggleButton>
      </ToggleButtonGroup>
      {way === "upload" && <UploadBox upload={upload} dense />}
      {way === "media" && <EarlierUploads onChoose={onChange} />}
      {way === "job" && <JobList onChoose={onJob} />}
      {way === "link" && video.kind === "link" && (
        <>
          <TextField
            type="url"
            size="small"
            label={publish.link}
            helperText={publish.linkHelp}
            value={video.url}
            onChange={(event) => onChange({ kind: "link", url: event.target.value, keepCopy: video.keepCopy })}
          />
          <Box sx={{ minHeight: 20 }}>
            {probing && <Skeleton width="60%" aria-label={publish.linkChecking} />}
            {!probing && video.facts && <FactsLine facts={video.facts} />}
          </Box>
          <FormControlLabel
            control={<Checkbox size="small" checked={video.keepCopy} onChange={(_, keepCopy) => onChange({ ...video, keepCopy })} />}
            label={<Typography variant="body2">{publish.keepCopy}</Typography>}
          />
        </>
      )}
    </Box>
  );
}
