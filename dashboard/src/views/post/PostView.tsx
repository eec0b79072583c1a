// One post: how it stands, why, what comes next, what was done, and what can be done.

import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import LinearProgress from "@mui/material/LinearProgress";
import Link from "@mui/material/Link";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { Code } from "@connectrpc/connect";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { Link as Route, useLocation } from "wouter";

import { Confirm } from "../../app/Confirm";
import { SkeletonRows } from "../../app/Loading";
import { privacyName } from "../../app/names";
import { PlatformMark, platformName } from "../../app/platforms";
import { ProblemAlert } from "../../app/ProblemAlert";
import { routes } from "../../app/routes";
import { StatusChip } from "../../app/StatusChip";
import { useAttempt, useToast } from "../../app/toasts";
import { useZone } from "../../app/zone";
import { useFormat, useTexts, type Texts } from "../../i18n";
import { usePostDetail } from "../../live";
import { cancelPost, deleteDraft, publishPostNow, reconcilePost, retryPost } from "../../live/actions";
import { PostStatus, Scheduler, type Post } from "../../rpc/aurareels/v1/post_pb";
import { PublishNowResult } from "../../rpc/aurareels/v1/post_service_pb";
import { Timeline } from "./Timeline";

const Editor = lazy(() => import("./Editor"));
const RescheduleDialog = lazy(() => import("../../app/RescheduleDialog"));
const PostNumbers = lazy(() => import("../analytics/PostNumbers"));

const S = PostStatus;

const COMES: Record<PostStatus, keyof Texts["post"]["comes"]> = {
  [S.UNSPECIFIED]: "unknown",
  [S.DRAFT]: "draft",
  [S.SCHEDULED]: "scheduled",
  [S.PUBLISHING]: "publishing",
  [S.CONFIRMING]: "confirming",
  [S.PUBLISHED]: "published",
  [S.FAILED]: "failed",
  [S.CANCELLED]: "cancelled",
  [S.NEEDS_REVIEW]: "needsReview",
  [S.DELIVERED]: "delivered",
};

const WAITS: Record<string, keyof Texts["post"]["waits"]> = {
  schedule: "schedule",
  workflow: "workflow",
  processing: "processing",
  confirming: "confirming",
  quota: "quota",
  rate_limit: "rateLimit",
  daily_limit: "dailyLimit",
  retry: "retry",
  reconnect: "reconnect",
  restore_check: "restoreCheck",
  copy: "copy",
};

function Next({ post }: { post: Post }) {
  const { post: texts } = useTexts();
  const format = useFormat();
  const [zone] = useZone();
  const waits = WAITS[post.waitingFor];
  const sent = post.uploadedBytes !== undefined && post.videoSizeBytes ? Number((post.uploadedBytes * 100n) / post.videoSizeBytes) : undefined;
  return (
    <Paper variant="outlined" component="section" aria-labelledby="next" sx={{ p: 2 }}>
      <Typography variant="h2" id="next" gutterBottom>
        {texts.next}
      </Typography>
      <Typography>
        {texts.comes[COMES[post.status] ?? "unknown"]} {waits && texts.waits[waits]}
      </Typography>
      {post.waitingUntil && (
        <Typography color="textSecondary">
          {format.dateTime(post.waitingUntil, zone)} ({format.relative(post.waitingUntil)})
        </Typography>
      )}
      {post.status === S.PUBLISHING && sent !== undefined && (
        <>
          <LinearProgress variant="determinate" value={sent} aria-labelledby="upload-text" sx={{ mt: 1 }} />
          <Typography variant="caption" id="upload-text">
            {texts.uploaded(format.bytes(post.uploadedBytes ?? 0n), format.bytes(post.videoSizeBytes ?? 0n))}
          </Typography>
        </>
      )}
      {post.retryCount > 0 && <Typography variant="body2">{texts.retries(post.retryCount)}</Typography>}
    </Paper>
  );
}

function Failure({ post }: { post: Post }) {
  const { post: texts, shell } = useTexts();
  const { error } = post;
  if (!error || post.status === S.PUBLISHED) {
    return null;
  }
  return (
    <Alert severity={post.status === S.FAILED ? "error" : "warning"} sx={{ overflowWrap: "anywhere" }}>
      {post.status === S.FAILED && <AlertTitle>{texts.failure}</AlertTitle>}
      <div>{error.message}</div>
      {error.remediation && (
        <div>
          <strong>{texts.remedy}:</strong> {error.remediation}
        </div>
      )}
      <Typography variant="caption">
        {shell.reason}: <code>{error.code}</code>
        {error.rule && (
          <>
            {" · "}
            {texts.rule}: <code>{error.rule}</code>
          </>
        )}
      </Typography>
    </Alert>
  );
}

function Facts({ post }: { post: Post }) {
  const all = useTexts();
  const texts = all.post;
  const format = useFormat();
  const [zone] = useZone();
  const time = (at: Post["createdAt"]) => at && `${format.dateTime(at, zone)} (${format.relative(at)})`;
  const mono = (text: string) => text && <code>{text}</code>;
  const rows: [string, ReactNode][] = [
    [
      texts.account,
      <Box key="account" component="span" sx={{ display: "inline-flex", gap: 1, alignItems: "center" }}>
        <PlatformMark platform={post.platform} />
        {[post.account?.accountName, post.account?.accountUsername && `@${post.account.accountUsername}`, platformName(post.platform)]
          .filter(Boolean)
          .join(" · ")}
      </Box>,
    ],
    [texts.scheduledAt, time(post.scheduledAt)],
    [texts.publishedAt, time(post.publishedAt)],
    [texts.createdAt, time(post.createdAt)],
    [texts.privacy, privacyName(post.privacyLevel, all)],
    [texts.video, post.videoUrl && (post.mediaId ? `${post.videoUrl} — ${texts.copyKept}` : post.videoUrl)],
    [texts.upload, !post.videoUrl && mono(post.mediaId)],
    [texts.cover, post.thumbnailUrl],
    [texts.job, mono(post.videoJobId)],
    [texts.scheduler, post.scheduledAt && (post.scheduler === Scheduler.N8N ? texts.schedulerN8n : texts.schedulerCore)],
    [texts.onPlatform, mono(post.platformPostId)],
    [texts.otherIds, post.allPlatformPostIds.length > 1 && mono(post.allPlatformPostIds.join(", "))],
  ];
  return (
    <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: { xs: "1fr", sm: "180px minmax(0, 1fr)" }, rowGap: 0.5, columnGap: 2 }}>
      {rows.map(([name, value]) =>
        value ? (
          <Box key={name} sx={{ display: "contents" }}>
            <Box component="dt" sx={{ color: "text.secondary" }}>
              {name}
            </Box>
            <Box component="dd" sx={{ m: 0, mb: { xs: 1, sm: 0 }, overflowWrap: "anywhere" }}>
              {value}
            </Box>
          </Box>
        ) : null,
      )}
    </Box>
  );
}

type Asked = "cancel" | "publish" | "retry" | "delete";

function Actions({ post }: { post: Post }) {
  const { post: texts } = useTexts();
  const attempt = useAttempt();
  const toast = useToast();
  const [, navigate] = useLocation();
  const [asked, setAsked] = useState<Asked>();
  const [editing, setEditing] = useState<"content" | "time">();
  const [busy, setBusy] = useState(false);
  const { status } = post;
  const waiting = status === S.DRAFT || status === S.SCHEDULED;
  const looked = status === S.CONFIRMING || status === S.NEEDS_REVIEW;
  const run = async (action: () => Promise<string>) => {
    setBusy(true);
    await attempt(async () => toast({ message: await action() }));
    setBusy(false);
  };
  const actions: Record<Asked, { help: string; label: string; danger: boolean; run: () => Promise<string> }> = {
    cancel: { help: texts.cancelHelp, label: texts.cancel, danger: true, run: () => cancelPost(post.id).then(() => texts.done.cancelled) },
    retry: { help: texts.retryHelp, label: texts.retry, danger: false, run: () => retryPost(post.id).then(() => texts.done.retried) },
    publish: {
      help: texts.publishNowHelp,
      label: texts.publishNow,
      danger: false,
      run: async () => {
        const { result } = await publishPostNow(post.id);
        return result === PublishNowResult.STARTED
          ? texts.done.published
          : result === PublishNowResult.SUPERSEDED
            ? texts.done.superseded
            : texts.done.underWay;
      },
    },
    delete: {
      help: texts.deleteDraftHelp,
      label: texts.deleteDraft,
      danger: true,
      run: async () => {
        await deleteDraft(post.id);
        navigate(routes.posts);
        return texts.done.deleted;
      },
    },
  };
  const button = (label: string, onClick: () => void, primary = false) => (
    <Button variant={primary ? "contained" : "outlined"} disabled={busy} onClick={onClick}>
      {label}
    </Button>
  );
  const chosen = asked && actions[asked];
  return (
    <Box role="group" aria-label={texts.actions} sx={{ display: "flex", flexWrap: "wrap", gap: 1, minHeight: 40, "&:empty": { display: "none" } }}>
      {post.retryAvailable && button(texts.retry, () => setAsked("retry"), true)}
      {status === S.NEEDS_REVIEW && (
        <Button variant="contained" component={Route} href={`${routes.review}?post=${post.id}`}>
          {texts.settle}
        </Button>
      )}
      {looked && button(texts.lookAgain, () => void run(() => reconcilePost(post.id).then(() => texts.done.looking)))}
      {waiting && button(texts.publishNow, () => setAsked("publish"), status === S.DRAFT)}
      {waiting && button(texts.reschedule, () => setEditing("time"))}
      {waiting && button(texts.edit, () => setEditing("content"))}
      {(waiting || status === S.PUBLISHING) && button(texts.cancel, () => setAsked("cancel"))}
      {status === S.DRAFT && button(texts.deleteDraft, () => setAsked("delete"))}
      {chosen && (
        <Confirm
          title={`${chosen.label}?`}
          help={chosen.help}
          action={chosen.label}
          danger={chosen.danger}
          onConfirm={() => void run(chosen.run)}
          onClose={() => setAsked(undefined)}
        />
      )}
      <Suspense fallback={null}>
        {editing === "content" && <Editor post={post} onClose={() => setEditing(undefined)} />}
        {editing === "time" && <RescheduleDialog post={post} onClose={() => setEditing(undefined)} />}
      </Suspense>
    </Box>
  );
}

export default function PostView({ id }: { id: bigint }) {
  const { post: texts, shell } = useTexts();
  const [zone] = useZone();
  const { value: post, problem, reload } = usePostDetail(id);
  if (!post && problem?.code === Code.NotFound) {
    return (
      <Box sx={{ textAlign: "center", py: 8 }}>
        <Typography variant="h1" gutterBottom>
          {texts.notFound}
        </Typography>
        <Button component={Route} href={routes.posts}>
          {shell.toPosts}
        </Button>
      </Box>
    );
  }
  if (!post) {
    return (
      <>
        <Typography variant="h1" gutterBottom>
          {texts.title(String(id))}
        </Typography>
        {problem ? <ProblemAlert problem={problem} onRetry={reload} /> : <SkeletonRows rows={4} height={120} />}
      </>
    );
  }
  return (
    <Box sx={{ display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: 2, maxWidth: 1100 }}>
      <Box>
        <Link component={Route} href={routes.posts}>
          {texts.back}
        </Link>
        <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1.5 }}>
          <Typography variant="h1">{texts.title(String(post.id))}</Typography>
          <span role="status">
            <StatusChip status={post.status} size="medium" />
          </span>
          {/^https?:\/\//.test(post.platformPostUrl) && (
            <Link href={post.platformPostUrl} target="_blank" rel="noopener noreferrer">
              {texts.open(platformName(post.platform))}
            </Link>
          )}
        </Box>
      </Box>
      {problem && <ProblemAlert problem={problem} onRetry={reload} />}
      <Failure post={post} />
      <Actions post={post} />
      <Next post={post} />
      <Paper variant="outlined" sx={{ p: 2, display: "grid", gap: 2 }}>
        <div>
          <Typography variant="h2" gutterBottom>
            {texts.caption}
          </Typography>
          <Typography dir="auto" sx={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{post.fullCaption || texts.noCaption}</Typography>
        </div>
        <Facts post={post} />
        <Typography variant="caption" color="textSecondary">
          {shell.timesIn(zone)}
        </Typography>
      </Paper>
      {post.warnings.length > 0 && (
        <Alert severity="info">
          <AlertTitle>{texts.notices}</AlertTitle>
          {post.warnings.map((warning, index) => (
            <div key={index}>
              {warning.message} <code>{warning.code}</code>
            </div>
          ))}
        </Alert>
      )}
      {post.status === S.PUBLISHED && (
        <Suspense fallback={null}>
          <PostNumbers id={id} />
        </Suspense>
      )}
      <Timeline post={post} />
    </Box>
  );
}
