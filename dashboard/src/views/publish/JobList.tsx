// Videos that a workflow made, with what a language model says of them, to make a post from.

import Button from "@mui/material/Button";
import List from "@mui/material/List";
import ListItemButton from "@mui/material/ListItemButton";
import ListItemText from "@mui/material/ListItemText";
import Typography from "@mui/material/Typography";
import { useState } from "react";

import { api } from "../../api/clients";
import { SkeletonRows } from "../../app/Loading";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useFormat, useTexts } from "../../i18n";
import { useLoad } from "../../live";
import type { VideoJob } from "../../rpc/aurareels/v1/video_job_pb";
import { jobTitle } from "./jobs";

const PAGE = 30;

export function JobList({ onChoose }: { onChoose(job: VideoJob): void }) {
  const { publish, media } = useTexts();
  const format = useFormat();
  const [pages, setPages] = useState(1);
  const { value, problem, reload } = useLoad(`video jobs ${pages}`, async (signal) => {
    const jobs: VideoJob[] = [];
    let pageToken = "";
    for (let page = 0; page < pages && (page === 0 || pageToken); page += 1) {
      const answer = await api.media.listVideoJobs({ pageSize: PAGE, pageToken }, { signal });
      jobs.push(...answer.videoJobs);
      pageToken = answer.nextPageToken;
    }
    return { jobs, hasMore: pageToken !== "" };
  });
  if (problem) {
    return <ProblemAlert problem={problem} onRetry={reload} />;
  }
  if (!value) {
    return <SkeletonRows rows={2} height={56} />;
  }
  if (value.jobs.length === 0) {
    return <Typography color="textSecondary">{publish.noJobs}</Typography>;
  }
  return (
    <List dense aria-label={publish.byJob} sx={{ maxHeight: 240, overflowY: "auto", border: 1, borderColor: "divider", borderRadius: 1.5, p: 0.5 }}>
      {value.jobs.map((job) => (
        <ListItemButton key={job.videoJobId} disabled={!job.hasVideo} sx={{ borderRadius: 1 }} onClick={() => onChoose(job)}>
          <ListItemText
            primary={jobTitle(job)}
            secondary={[job.videoJobId, job.updatedAt && format.dateTime(job.updatedAt), !job.hasVideo && publish.jobWaits].filter(Boolean).join(" · ")}
          />
        </ListItemButton>
      ))}
      {value.hasMore && (
        <Button size="small" onClick={() => setPages((count) => count + 1)}>
          {media.more}
        </Button>
      )}
    </List>
  );
}
