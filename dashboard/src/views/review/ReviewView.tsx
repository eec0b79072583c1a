// The desk where a person settles what reading could not.

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import FormControlLabel from "@mui/material/FormControlLabel";
import Switch from "@mui/material/Switch";
import Typography from "@mui/material/Typography";
import { useState } from "react";

import { SkeletonRows } from "../../app/Loading";
import { useParams } from "../../app/params";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useTexts } from "../../i18n";
import { usePosts } from "../../live";
import { PostStatus } from "../../rpc/aurareels/v1/post_pb";
import { ReviewCard } from "./ReviewCard";

const REVIEW = [PostStatus.NEEDS_REVIEW];
const WITH_CONFIRMING = [PostStatus.NEEDS_REVIEW, PostStatus.CONFIRMING];

export default function ReviewView() {
  const { review, history } = useTexts();
  const [params, setParams] = useParams("review");
  const confirming = params.get("confirming") === "1";
  const list = usePosts({ statuses: confirming ? WITH_CONFIRMING : REVIEW }, { pageSize: 10, includeTotal: true });
  // A post that was settled here stays in its place, with what became of it, until the view is left.
  const [seen, setSeen] = useState<readonly bigint[]>([]);
  const asked = params.get("post") ?? "";
  const named = /^\d{1,18}$/.test(asked) ? [BigInt(asked)] : [];
  const fresh = [...named, ...list.posts.map(({ id }) => id)].filter((id) => !seen.includes(id));
  if (fresh.length > 0) {
    setSeen([...seen, ...new Set(fresh)]);
  }
  return (
    <Box sx={{ display: "grid", gap: 2, maxWidth: 1200 }}>
      <Box>
        <Typography variant="h1" gutterBottom>
          {review.title}
        </Typography>
        <Typography>{review.about}</Typography>
        <FormControlLabel
          label={review.showConfirming}
          control={<Switch checked={confirming} onChange={(event) => setParams({ confirming: event.target.checked ? "1" : "" })} />}
        />
        <Typography role="status" sx={{ minHeight: 24 }}>
          {list.total !== undefined && list.total > 0 && review.count(list.total)}
        </Typography>
      </Box>
      {list.problem && <ProblemAlert problem={list.problem} onRetry={list.reload} />}
      {list.state === "loading" && <SkeletonRows rows={2} height={320} />}
      {list.state === "ready" && list.posts.length === 0 && seen.length === 0 && (
        <Box sx={{ textAlign: "center", py: 6 }}>
          <Typography variant="h2">{review.none}</Typography>
          <Typography color="textSecondary">{review.noneHelp}</Typography>
        </Box>
      )}
      {seen.map((id) => (
        <ReviewCard key={String(id)} id={id} />
      ))}
      {list.hasMore && (
        <Button disabled={list.loadingMore} onClick={list.loadMore}>
          {history.showMore}
        </Button>
      )}
    </Box>
  );
}
