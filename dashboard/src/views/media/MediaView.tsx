// The user's uploads: what each is, where it fits, which posts need it, when it goes.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogContentText from "@mui/material/DialogContentText";
import DialogTitle from "@mui/material/DialogTitle";
import LinearProgress from "@mui/material/LinearProgress";
import Link from "@mui/material/Link";
import Paper from "@mui/material/Paper";
import Skeleton from "@mui/material/Skeleton";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { Link as RouterLink } from "wouter";

import { api } from "../../api/clients";
import { SkeletonRows } from "../../app/Loading";
import { ProblemAlert } from "../../app/ProblemAlert";
import { usePublishDialog } from "../../app/publish";
import { routes } from "../../app/routes";
import { statusName } from "../../app/StatusChip";
import { useAttempt, useToast } from "../../app/toasts";
import { UploadBox } from "../../app/UploadBox";
import { useUpload } from "../../app/useUpload";
import { FactsLine, VideoChecks } from "../../app/VideoFacts";
import { useFormat, useTexts } from "../../i18n";
import { useLoad, usePosts } from "../../live";
import type { Media } from "../../rpc/aurareels/v1/media_pb";
import { PostStatus, type Post } from "../../rpc/aurareels/v1/post_pb";

/** Posts in these states keep their video. */
const NEEDING = [
  PostStatus.DRAFT,
  PostStatus.SCHEDULED,
  PostStatus.PUBLISHING,
  PostStatus.CONFIRMING,
  PostStatus.NEEDS_REVIEW,
  PostStatus.FAILED,
  PostStatus.DELIVERED,
];

interface CardProps {
  media: Media;
  users: Post[];
  onRemove(): void;
}

function MediaCard({ media, users, onRemove }: CardProps) {
  const texts = useTexts();
  const format = useFormat();
  const publish = usePublishDialog();
  const name = media.fileName || media.mediaId;
  return (
    <Paper component="article" variant="outlined" aria-label={name} sx={{ p: 2, display: "grid", gap: 1 }}>
      <Box sx={{ display: "flex", gap: 2, flexWrap: "wrap", alignItems: "flex-start" }}>
        <Box sx={{ flex: 1, minWidth: 220 }}>
          <Typography variant="h3" component="h2" sx={{ overflowWrap: "anywhere" }}>
            {name}
          </Typography>
          {media.facts && <FactsLine facts={media.facts} />}
          <Typography variant="body2" color="textSecondary">
            {media.createdAt && texts.media.uploaded(format.dateTime(media.createdAt))} ·{" "}
            {media.expiresAt ? texts.media.goes(format.dateTime(media.expiresAt), format.relative(media.expiresAt)) : texts.media.stays}
          </Typography>
        </Box>
        <Box sx={{ display: "flex", gap: 0.5 }}>
          <Button size="small" onClick={() => publish({ mediaId: media.mediaId })}>
            {texts.media.newPost}
          </Button>
          <Button size="small" color="error" onClick={onRemove}>
            {texts.media.remove}
          </Button>
        </Box>
      </Box>
      <Typography variant="body2">
        {texts.media.usedBy}:{" "}
        {users.length === 0
          ? texts.media.notUsed
          : users.slice(0, 5).map((post, index) => (
              <span key={String(post.id)}>
                {index > 0 && ", "}
                <Link component={RouterLink} to={routes.post(post.id)}>
                  #{String(post.id)} ({statusName(post.status, texts)})
                </Link>
              </span>
            ))}
        {users.length > 5 && ` … ${texts.media.usedByPosts(users.length)}`}
      </Typography>
      <VideoChecks checks={media.checks} />
    </Paper>
  );
}

function RemoveDialog({ media, users, onClose, onRemoved }: { media: Media; users: Post[]; onClose(): void; onRemoved(): void }) {
  const texts = useTexts();
  const attempt = useAttempt();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const name = media.fileName || media.mediaId;
  const remove = async () => {
    setBusy(true);
    if (await attempt(() => api.media.deleteMedia({ mediaId: media.mediaId }))) {
      toast({ message: texts.media.removed(name) });
      onRemoved();
    }
    onClose();
  };
  return (
    <Dialog open onClose={onClose} aria-labelledby="remove-title">
      <DialogTitle id="remove-title">{texts.media.removeTitle(name)}</DialogTitle>
      <DialogContent sx={{ display: "grid", gap: 2 }}>
        <DialogContentText>{texts.media.removeHelp}</DialogContentText>
        {!media.expiresAt && users.length > 0 && <Alert severity="warning">{texts.media.inUse}</Alert>}
      </DialogContent>
      <DialogActions>
        <Button onClick={onClose} autoFocus>
          {texts.shell.cancel}
        </Button>
        <Button variant="contained" color="error" loading={busy} onClick={() => void remove()}>
          {texts.media.remove}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

const PAGE = 50;

export default function MediaView() {
  const { media: texts } = useTexts();
  const format = useFormat();
  const toast = useToast();
  const [pages, setPages] = useState(1);
  const [removing, setRemoving] = useState<Media>();
  const needing = usePosts({ statuses: NEEDING }, { pageSize: 500, whole: true });
  const { value, problem, reload } = useLoad("media", async (signal) => {
    const all: Media[] = [];
    let answer;
    let pageToken = "";
    for (let page = 0; page < pages && (page === 0 || pageToken); page += 1) {
      answer = await api.media.listMedia({ pageSize: PAGE, pageToken }, { signal });
      all.push(...answer.media);
      pageToken = answer.nextPageToken;
    }
    return { all, hasMore: pageToken !== "", used: answer?.usedBytes ?? 0n, quota: answer?.quotaBytes ?? 0n };
  });
  const upload = useUpload((media, file) => {
    toast({ message: media.existed ? texts.existed(file.name) : texts.done(file.name) });
    reload();
  });
  const usersOf = (media: Media) => needing.posts.filter((post) => post.mediaId === media.mediaId);
  const share = value && value.quota > 0n ? Number((value.used * 1000n) / value.quota) / 10 : 0;
  return (
    <Box sx={{ maxWidth: 1000 }}>
      <Typography variant="h1">{texts.title}</Typography>
      <Typography color="textSecondary" sx={{ mb: 2 }}>
        {texts.intro}
      </Typography>
      <UploadBox upload={upload} />
      <Box sx={{ my: 2, minHeight: 36 }}>
        {value ? (
          <>
            <Typography variant="body2">{texts.used(format.bytes(value.used), format.bytes(value.quota))}</Typography>
            <LinearProgress
              variant="determinate"
              value={Math.min(100, share)}
              color={share > 90 ? "warning" : "primary"}
              aria-label={texts.used(format.bytes(value.used), format.bytes(value.quota))}
              sx={{ borderRadius: 1 }}
            />
          </>
        ) : (
          !problem && <Skeleton width="40%" />
        )}
      </Box>
      {problem && <ProblemAlert problem={problem} onRetry={reload} severity={value ? "warning" : "error"} />}
      {!value && !problem && <SkeletonRows rows={3} height={130} />}
      {value?.all.length === 0 && (
        <Paper variant="outlined" sx={{ p: 4, textAlign: "center" }}>
          <Typography variant="h2">{texts.empty}</Typography>
          <Typography color="textSecondary">{texts.emptyHelp}</Typography>
        </Paper>
      )}
      <Box sx={{ display: "grid", gap: 1.5 }}>
        {value?.all.map((media) => (
          <MediaCard key={media.mediaId} media={media} users={usersOf(media)} onRemove={() => setRemoving(media)} />
        ))}
      </Box>
      {value?.hasMore && (
        <Button
          sx={{ mt: 2 }}
          onClick={() => {
            setPages((count) => count + 1);
            reload();
          }}
        >
          {texts.more}
        </Button>
      )}
      {removing && (
        <RemoveDialog media={removing} users={usersOf(removing)} onClose={() => setRemoving(undefined)} onRemoved={reload} />
      )}
    </Box>
  );
}
