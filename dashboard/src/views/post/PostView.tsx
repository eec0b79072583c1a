import Typography from "@mui/material/Typography";

import { ProblemAlert } from "../../app/ProblemAlert";
import { StatusChip } from "../../app/StatusChip";
import { usePostDetail } from "../../live";

export default function PostView({ id }: { id: bigint }) {
  const { value: post, problem, reload } = usePostDetail(id);
  return (
    <>
      {problem && <ProblemAlert problem={problem} onRetry={reload} />}
      {post && (
        <Typography variant="h1">
          {post.fullCaption} <StatusChip status={post.status} />
        </Typography>
      )}
    </>
  );
}
