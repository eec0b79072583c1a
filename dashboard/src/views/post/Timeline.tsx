// The ledger as a timeline: what was sent, what was answered, how long it took, and what was seen.

import Box from "@mui/material/Box";
import Chip from "@mui/material/Chip";
import Link from "@mui/material/Link";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";

import { useZone } from "../../app/zone";
import { useFormat, useTexts, type Texts } from "../../i18n";
import { StepOutcome, type AttemptStep, type Post } from "../../rpc/aurareels/v1/post_pb";

type StepName = keyof Texts["post"]["step"];

const STEPS: Record<string, StepName> = {
  creator_info: "creatorInfo",
  video_init: "open",
  container: "open",
  start: "open",
  session: "open",
  upload: "upload",
  upload_offset: "offset",
  query: "offset",
  upload_last: "uploadLast",
  fetch: "fetch",
  video_init_pull: "fetch",
  status: "status",
  container_status: "status",
  snapshot: "snapshot",
  media_publish: "publish",
  finish: "publish",
  publish: "publish",
  permalink: "link",
  public_id: "link",
  find: "find",
  comments_off: "commentsOff",
  find_comment: "findComment",
  comment: "comment",
  thumbnail: "thumbnail",
  search: "search",
};

/** A step of a newer core keeps its own name. */
export function stepName(step: string, texts: Texts): string {
  const name = STEPS[step.slice(step.indexOf(".") + 1)];
  return name ? texts.post.step[name] : step;
}

const OUTCOMES: Record<StepOutcome, keyof Texts["post"]["outcome"]> = {
  [StepOutcome.UNSPECIFIED]: "unknownValue",
  [StepOutcome.SENDING]: "sending",
  [StepOutcome.ACCEPTED]: "accepted",
  [StepOutcome.NO_EFFECT]: "noEffect",
  [StepOutcome.UNKNOWN]: "unknown",
  [StepOutcome.FOUND]: "found",
  [StepOutcome.ABSENT]: "absent",
};

const TONES = {
  [StepOutcome.UNSPECIFIED]: "default",
  [StepOutcome.SENDING]: "info",
  [StepOutcome.ACCEPTED]: "success",
  [StepOutcome.NO_EFFECT]: "default",
  [StepOutcome.UNKNOWN]: "warning",
  [StepOutcome.FOUND]: "success",
  [StepOutcome.ABSENT]: "error",
} as const;

const millis = (time: Timestamp): number => Number(time.seconds) * 1000 + time.nanos / 1e6;

interface Seen {
  /** What was read, without its time. */
  said: JsonValue;
  times: string[];
}

/** Readings one after the other that say the same stand together: a platform is asked again and again. */
function together(readings: JsonValue[]): Seen[] {
  const all: Seen[] = [];
  for (const reading of readings) {
    const { at, ...rest } = isObject(reading) ? reading : { at: undefined };
    const said = isObject(reading) ? rest : reading;
    const time = typeof at === "string" && !Number.isNaN(Date.parse(at)) ? [at] : [];
    const before = all.at(-1);
    if (before && JSON.stringify(before.said) === JSON.stringify(said)) {
      before.times.push(...time);
    } else {
      all.push({ said, times: time });
    }
  }
  return all;
}

const isObject = (value: JsonValue): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** One line: what readings say. Its names and values, times as the person has them. */
function Reading({ seen: { said, times } }: { seen: Seen }) {
  const { post } = useTexts();
  const format = useFormat();
  const [zone] = useZone();
  if (!isObject(said)) {
    return <>{JSON.stringify(said)}</>;
  }
  const { what, ...rest } = said;
  const [first, last] = [times[0], times.at(-1)].map((time) => (time ? format.dateTime(new Date(time), zone) : ""));
  const when = times.length > 1 ? `${first === last ? first : `${first} – ${last}`}, ${post.times(times.length)}` : first;
  const others = Object.entries(rest).map(([name, one]) => `${name}: ${typeof one === "string" ? one : JSON.stringify(one)}`);
  return <>{[when, what, ...others].filter(Boolean).join(" · ")}</>;
}

function Value({ value }: { value: JsonValue }) {
  if (typeof value === "string") {
    return <>{value}</>;
  }
  if (Array.isArray(value) && value.some((one) => typeof one === "object")) {
    return (
      <Box component="ol" sx={{ m: 0, pl: 2.5 }}>
        {together(value).map((seen, index) => (
          <li key={index}>
            <Reading seen={seen} />
          </li>
        ))}
      </Box>
    );
  }
  return <>{JSON.stringify(value)}</>;
}

/** Evidence as a person reads it: names and values, readings below each other. */
export function Evidence({ value }: { value: JsonObject }) {
  const rows = Object.entries(value);
  return (
    <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: "max-content minmax(0, 1fr)", columnGap: 1.5, fontSize: 13 }}>
      {rows.map(([name, one]) => (
        <Box key={name} sx={{ display: "contents" }}>
          <Box component="dt" sx={{ color: "text.secondary", fontFamily: "monospace" }}>
            {name}
          </Box>
          <Box component="dd" sx={{ m: 0, overflowWrap: "anywhere", fontFamily: "monospace" }}>
            <Value value={one} />
          </Box>
        </Box>
      ))}
    </Box>
  );
}

function Step({ step }: { step: AttemptStep }) {
  const texts = useTexts();
  const format = useFormat();
  const [zone] = useZone();
  const { sentAt, answeredAt, evidence } = step;
  const took = sentAt && answeredAt ? Math.max(0, millis(answeredAt) - millis(sentAt)) : undefined;
  const seconds = took !== undefined && `${format.number(Math.round(took) / 1000)} s`;
  return (
    <Box component="li" sx={{ pl: 2, pb: 2, borderLeft: 2, borderColor: step.pointOfNoReturn ? "primary.main" : "divider", listStyle: "none" }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <Typography component="span" sx={{ fontWeight: step.pointOfNoReturn ? 650 : 400 }}>
          {stepName(step.step, texts)}
        </Typography>
        <Chip size="small" variant="outlined" color={TONES[step.outcome] ?? "default"} label={texts.post.outcome[OUTCOMES[step.outcome] ?? "unknownValue"]} />
        {step.pointOfNoReturn && <Chip size="small" color="primary" label={texts.post.pointOfNoReturn} />}
      </Box>
      <Typography variant="caption" color="textSecondary" component="div">
        {sentAt && <time dateTime={new Date(millis(sentAt)).toISOString()}>{format.moment(sentAt, zone)}</time>}
        {" · "}
        {seconds ? texts.post.took(seconds) : texts.post.noAnswer}
        {" · "}
        <code>{step.step}</code>
      </Typography>
      {evidence && Object.keys(evidence).length > 0 && (
        <Box component="details" sx={{ mt: 0.5 }}>
          <Box component="summary" sx={{ fontSize: 13, cursor: "pointer" }}>
            {texts.post.evidence}
          </Box>
          <Evidence value={evidence} />
        </Box>
      )}
    </Box>
  );
}

export function Timeline({ post }: { post: Post }) {
  const texts = useTexts();
  const format = useFormat();
  const [zone] = useZone();
  return (
    <Paper variant="outlined" component="section" aria-labelledby="timeline" sx={{ p: 2 }}>
      <Typography variant="h2" id="timeline" gutterBottom>
        {texts.post.timeline}
      </Typography>
      <Typography variant="body2" gutterBottom>
        {texts.post.created} {post.createdAt && format.moment(post.createdAt, zone)}
      </Typography>
      {post.attempts.length === 0 && <Typography color="textSecondary">{texts.post.timelineEmpty}</Typography>}
      {post.attempts.map((attempt) => (
        <Box key={attempt.number} sx={{ mt: 1.5 }}>
          <Typography variant="h3" gutterBottom>
            {texts.post.attempt(attempt.number)}
          </Typography>
          <Box component="ol" sx={{ m: 0, p: 0 }}>
            {attempt.steps.map((step) => (
              <Step key={step.number} step={step} />
            ))}
          </Box>
        </Box>
      ))}
      {/^https?:\/\//.test(post.platformPostUrl) && (
        <Link href={post.platformPostUrl} target="_blank" rel="noopener noreferrer" sx={{ overflowWrap: "anywhere" }}>
          {post.platformPostUrl}
        </Link>
      )}
    </Paper>
  );
}
