// One post that a person settles: what was sent and seen on one side, what is on the account on the other, and the two
// answers with what each will do.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormLabel from "@mui/material/FormLabel";
import Link from "@mui/material/Link";
import Paper from "@mui/material/Paper";
import Radio from "@mui/material/Radio";
import RadioGroup from "@mui/material/RadioGroup";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { useId, useState } from "react";
import { Link as Route } from "wouter";

import { api } from "../../api/clients";
import { toProblem, type Problem } from "../../api/problem";
import { PlatformMark, platformName } from "../../app/platforms";
import { ProblemAlert } from "../../app/ProblemAlert";
import { routes } from "../../app/routes";
import { StatusChip } from "../../app/StatusChip";
import { useAttempt, useToast } from "../../app/toasts";
import { useZone } from "../../app/zone";
import { useFormat, useTexts } from "../../i18n";
import { useAccounts, useLoad, usePostDetail } from "../../live";
import { reconcilePost, resolvePost, retryPost } from "../../live/actions";
import { PostStatus, StepOutcome, type AttemptStep, type Post } from "../../rpc/aurareels/v1/post_pb";
import { Resolution } from "../../rpc/aurareels/v1/post_service_pb";
import { Evidence, stepName } from "../post/Timeline";
import { profileUrl, readNamed } from "./links";

const NEWEST = 5;

/** The request that could have made the post visible and of which it is not known. */
function open(post: Post): AttemptStep | undefined {
  const steps = post.attempts.flatMap((attempt) => attempt.steps);
  const unsure = steps.filter((step) => step.pointOfNoReturn && [StepOutcome.UNKNOWN, StepOutcome.SENDING].includes(step.outcome));
  return unsure.at(-1) ?? steps.filter((step) => step.pointOfNoReturn).at(-1);
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Ids that readings named as what this post may be. */
function candidates(evidence: JsonObject | undefined): string[] {
  const readings = Array.isArray(evidence?.readings) ? evidence.readings.filter(isObject) : [];
  const named = [evidence, ...readings].flatMap((one) => one?.post_ids ?? one?.media_ids ?? []);
  return [...new Set(named.filter((id) => typeof id === "string"))];
}

function Sent({ post, step }: { post: Post; step: AttemptStep | undefined }) {
  const texts = useTexts();
  const { review } = texts;
  const format = useFormat();
  const [zone] = useZone();
  return (
    <section>
      <Typography variant="h3" component="h3" gutterBottom>
        {review.sent}
      </Typography>
      <Typography dir="auto" sx={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere", maxHeight: 160, overflow: "auto" }} tabIndex={0}>
        {post.fullCaption || texts.post.noCaption}
      </Typography>
      <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }} gutterBottom>
        {post.videoUrl}
      </Typography>
      <Typography variant="h3" component="h3" sx={{ mt: 2 }} gutterBottom>
        {review.known}
      </Typography>
      {post.error && <Typography gutterBottom>{post.error.message}</Typography>}
      {step?.sentAt && (
        <Typography variant="body2" gutterBottom>
          {review.sentAt}: {stepName(step.step, texts)}, {format.dateTime(step.sentAt, zone)}
        </Typography>
      )}
      {step?.evidence && Object.keys(step.evidence).length > 0 ? (
        <Evidence value={step.evidence} />
      ) : (
        <Typography color="textSecondary">{review.noEvidence}</Typography>
      )}
    </section>
  );
}

interface OnAccountProps {
  post: Post;
  found: string[];
  onPick(id: string): void;
}

function OnAccount({ post, found, onPick }: OnAccountProps) {
  const texts = useTexts();
  const { review } = texts;
  const format = useFormat();
  const [zone] = useZone();
  const account = useAccounts().value?.find(({ id }) => id === post.socialAccountId);
  const newest = useLoad(`newest ${post.socialAccountId}`, async (signal) => {
    const statuses = [PostStatus.PUBLISHED];
    const { posts } = await api.posts.listPosts({ accountId: post.socialAccountId, statuses, pageSize: NEWEST }, { signal });
    return posts;
  });
  const profile = profileUrl(post.platform, post.account?.accountUsername ?? "", account?.accountId ?? "");
  const name = post.account?.accountName ?? "";
  return (
    <section>
      <Typography variant="h3" component="h3" gutterBottom>
        {review.onAccount}
      </Typography>
      <Typography gutterBottom>{review.onAccountHelp(name)}</Typography>
      {profile && (
        <Link href={profile} target="_blank" rel="noopener noreferrer">
          {review.openAccount(platformName(post.platform))}
        </Link>
      )}
      {found.length > 0 && (
        <>
          <Typography sx={{ mt: 2 }}>{review.candidates}</Typography>
          {found.map((id) => (
            <Box key={id}>
              <code>{id}</code>{" "}
              <Button size="small" onClick={() => onPick(id)}>
                {review.pick}
              </Button>
            </Box>
          ))}
        </>
      )}
      <Typography sx={{ mt: 2 }}>{review.knownPosts}</Typography>
      <Typography variant="body2" color="textSecondary" gutterBottom>
        {newest.value?.length === 0 ? review.noKnownPosts : review.knownHelp}
      </Typography>
      {newest.problem && <ProblemAlert problem={newest.problem} onRetry={newest.reload} />}
      <Box component="ul" sx={{ m: 0, pl: 2.5, minHeight: newest.value ? undefined : NEWEST * 24 }}>
        {newest.value?.map((one) => (
          <li key={String(one.id)}>
            {one.publishedAt && format.dateTime(one.publishedAt, zone)}:{" "}
            {/^https?:\/\//.test(one.platformPostUrl) ? (
              <Link href={one.platformPostUrl} target="_blank" rel="noopener noreferrer">
                {one.fullCaption.slice(0, 80) || one.platformPostId}
              </Link>
            ) : (
              one.fullCaption.slice(0, 80) || one.platformPostId
            )}
          </li>
        ))}
      </Box>
    </section>
  );
}

export function ReviewCard({ id }: { id: bigint }) {
  const texts = useTexts();
  const { review } = texts;
  const { value: post } = usePostDetail(id);
  const attempt = useAttempt();
  const toast = useToast();
  const heading = useId();
  const [answer, setAnswer] = useState<"there" | "absent" | "">("");
  const [named, setNamed] = useState("");
  const [note, setNote] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  if (!post) {
    return null;
  }
  const step = open(post);
  const settle = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const there = answer === "there";
      const resolution = there ? Resolution.PUBLISHED : Resolution.NOT_PUBLISHED;
      const settled = await resolvePost(id, { resolution, note, ...(there ? readNamed(post.platform, named) : {}) });
      toast({ message: settled.status === PostStatus.PUBLISHED ? review.settledThere : review.settledNotThere });
    } catch (failure) {
      setProblem(toProblem(failure));
    }
    setBusy(false);
  };
  const lookAgain = async () => {
    setBusy(true);
    await attempt(async () => {
      await reconcilePost(id);
      toast({ message: review.looking });
    });
    setBusy(false);
  };
  const settled = ![PostStatus.NEEDS_REVIEW, PostStatus.CONFIRMING].includes(post.status);
  return (
    <Paper variant="outlined" component="article" aria-labelledby={heading} data-review={String(id)} sx={{ p: 2 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 2 }}>
        <PlatformMark platform={post.platform} named />
        <Typography variant="h2" id={heading}>
          {texts.post.title(String(id))} · {post.account?.accountName}
        </Typography>
        <StatusChip status={post.status} />
        <Link component={Route} href={routes.post(id)} sx={{ ml: "auto" }}>
          {review.openPost}
        </Link>
      </Box>
      {settled ? (
        <Box sx={{ display: "flex", gap: 1, alignItems: "center" }} role="status">
          {post.status === PostStatus.PUBLISHED ? review.settledThere : post.status === PostStatus.FAILED && review.settledNotThere}
          {post.retryAvailable && (
            <Button onClick={() => void attempt(() => retryPost(id))}>{review.retryNow}</Button>
          )}
        </Box>
      ) : (
        <>
          <Box sx={{ display: "grid", gap: 3, gridTemplateColumns: { xs: "minmax(0, 1fr)", md: "repeat(2, minmax(0, 1fr))" } }}>
            <Sent post={post} step={step} />
            <OnAccount
              post={post}
              found={candidates(step?.evidence)}
              onPick={(picked) => {
                setAnswer("there");
                setNamed(picked);
              }}
            />
          </Box>
          <Box
            component="form"
            sx={{ mt: 2, display: "grid", gap: 1.5, maxWidth: 720 }}
            onSubmit={(event) => {
              event.preventDefault();
              void settle();
            }}
          >
            <FormLabel id={`${heading}-question`}>{review.question}</FormLabel>
            <RadioGroup value={answer} aria-labelledby={`${heading}-question`} onChange={(_, value) => setAnswer(value as typeof answer)}>
              <FormControlLabel value="there" control={<Radio />} label={review.there} />
              {answer === "there" && (
                <TextField
                  label={review.idOrLink}
                  value={named}
                  onChange={(event) => setNamed(event.target.value)}
                  helperText={review.idOrLinkHelp}
                  sx={{ ml: 4 }}
                />
              )}
              <FormControlLabel value="absent" control={<Radio />} label={review.notThere} />
            </RadioGroup>
            {answer && (
              <>
                <TextField label={review.note} value={note} onChange={(event) => setNote(event.target.value)} helperText={review.noteHelp} slotProps={{ htmlInput: { maxLength: 500 } }} />
                <Alert severity={answer === "there" ? "info" : "warning"}>{answer === "there" ? review.effectThere : review.effectNotThere}</Alert>
              </>
            )}
            {problem && <ProblemAlert problem={problem} />}
            <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
              <Button type="submit" variant="contained" disabled={!answer || busy}>
                {review.settle}
              </Button>
              <Button disabled={busy} onClick={() => void lookAgain()}>
                {review.lookAgain}
              </Button>
              <Typography variant="caption" color="textSecondary">
                {review.lookAgainHelp}
              </Typography>
            </Box>
          </Box>
        </>
      )}
    </Paper>
  );
}
