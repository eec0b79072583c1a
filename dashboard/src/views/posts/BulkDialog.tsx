// One action on many posts: asked for once, then each post's own answer.

import CheckCircleIcon from "@mui/icons-material/CheckCircle";
import ErrorIcon from "@mui/icons-material/Error";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogContentText from "@mui/material/DialogContentText";
import DialogTitle from "@mui/material/DialogTitle";
import FormControlLabel from "@mui/material/FormControlLabel";
import LinearProgress from "@mui/material/LinearProgress";
import MenuItem from "@mui/material/MenuItem";
import Radio from "@mui/material/Radio";
import RadioGroup from "@mui/material/RadioGroup";
import TextField from "@mui/material/TextField";
import { useRef, useState } from "react";

import { toProblem } from "../../api/problem";
import { fieldText } from "../../app/fieldText";
import { problemText } from "../../app/ProblemAlert";
import { useZone } from "../../app/zone";
import { useTexts } from "../../i18n";
import { cancelPost, reschedulePost, reschedulePostTo, retryPost } from "../../live/actions";
import type { Post } from "../../rpc/aurareels/v1/post_pb";
import { beginning } from "../calendar/Chip";

export type BulkAction = "cancel" | "retry" | "reschedule";

interface Answer {
  post: Post;
  /** What the core refused, and why; nothing when it was done. */
  refused: string | undefined;
}

/** So many are asked for at the same time. */
const AT_ONCE = 4;
const UNITS = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 };

class HasNoTime extends Error {}

export default function BulkDialog({ action, posts, onClose }: { action: BulkAction; posts: Post[]; onClose(): void }) {
  const texts = useTexts();
  const { history, shell, post: postTexts } = texts;
  const [zone] = useZone();
  const [way, setWay] = useState<"shift" | "same">("shift");
  const [by, setBy] = useState("1");
  const [unit, setUnit] = useState<keyof typeof UNITS>("days");
  const [local, setLocal] = useState(() => fieldText(new Date(Date.now() + 3_600_000), zone));
  const [answers, setAnswers] = useState<Answer[]>();
  const stopped = useRef(false);
  const running = answers !== undefined && answers.length < posts.length;

  const move = (post: Post): Promise<unknown> => {
    if (way === "same") {
      return reschedulePostTo(post.id, local, zone, post.revision);
    }
    if (!post.scheduledAt) {
      return Promise.reject(new HasNoTime(history.hasNoTime));
    }
    const at = Number(post.scheduledAt.seconds) * 1000 + post.scheduledAt.nanos / 1e6;
    return reschedulePost(post.id, new Date(at + Number(by) * UNITS[unit]), post.revision);
  };
  const act = (post: Post): Promise<unknown> =>
    action === "cancel" ? cancelPost(post.id) : action === "retry" ? retryPost(post.id) : move(post);
  const start = async () => {
    setAnswers([]);
    const left = [...posts];
    const work = async () => {
      for (let post = left.shift(); post && !stopped.current; post = left.shift()) {
        const one = post;
        const refused = await act(one).then(
          () => undefined,
          (failure: unknown) => (failure instanceof HasNoTime ? failure.message : problemText(toProblem(failure), texts)),
        );
        setAnswers((before) => [...(before ?? []), { post: one, refused }]);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  };
  const close = () => {
    stopped.current = true;
    onClose();
  };
  const count = posts.length;
  const [title, help] = {
    cancel: [history.bulkCancel(count), history.bulkCancelHelp],
    retry: [history.bulkRetry(count), history.bulkRetryHelp],
    reschedule: [history.bulkReschedule(count), shell.timesIn(zone)],
  }[action] as [string, string];
  const good = answers?.filter(({ refused }) => refused === undefined).length ?? 0;
  return (
    <Dialog open onClose={close} fullWidth maxWidth="sm" aria-labelledby="bulk-title">
      <DialogTitle id="bulk-title">{title}</DialogTitle>
      <DialogContent>
        <DialogContentText gutterBottom>{help}</DialogContentText>
        {action === "reschedule" && !answers && (
          <RadioGroup value={way} onChange={(_, value) => setWay(value as typeof way)} aria-labelledby="bulk-title">
            <FormControlLabel value="shift" control={<Radio />} label={history.shift} />
            <Box sx={{ display: "flex", gap: 1, ml: 4, mb: 1 }}>
              <TextField
                size="small"
                type="number"
                label={history.by}
                value={by}
                disabled={way !== "shift"}
                helperText={history.shiftHelp}
                onChange={(event) => setBy(event.target.value)}
              />
              <TextField
                select
                size="small"
                label={history.unit}
                value={unit}
                disabled={way !== "shift"}
                onChange={(event) => setUnit(event.target.value as typeof unit)}
              >
                <MenuItem value="minutes">{history.minutes}</MenuItem>
                <MenuItem value="hours">{history.hours}</MenuItem>
                <MenuItem value="days">{history.days}</MenuItem>
              </TextField>
            </Box>
            <FormControlLabel value="same" control={<Radio />} label={history.sameTime} />
            <TextField
              size="small"
              type="datetime-local"
              label={postTexts.rescheduler.time}
              value={local}
              disabled={way !== "same"}
              onChange={(event) => setLocal(event.target.value)}
              slotProps={{ inputLabel: { shrink: true } }}
              sx={{ ml: 4, mt: 1 }}
            />
          </RadioGroup>
        )}
        {answers && (
          <>
            <LinearProgress variant="determinate" value={(answers.length / count) * 100} aria-label={history.progress(answers.length, count)} />
            <Box role="status" sx={{ my: 1 }}>
              {running ? history.progress(answers.length, count) : history.succeeded(good, count)}
            </Box>
            <Box component="ul" tabIndex={0} aria-label={history.answers} sx={{ m: 0, p: 0, maxHeight: "50vh", overflowY: "auto", listStyle: "none" }}>
              {answers.map(({ post, refused }) => (
                <Box component="li" key={String(post.id)} sx={{ display: "flex", gap: 1, py: 0.5, overflowWrap: "anywhere" }}>
                  {refused === undefined ? <CheckCircleIcon color="success" aria-hidden /> : <ErrorIcon color="error" aria-hidden />}
                  <span>
                    {postTexts.title(String(post.id))}, {beginning(post, texts)}: {refused === undefined ? history.done : `${history.refused}: ${refused}`}
                  </span>
                </Box>
              ))}
            </Box>
          </>
        )}
      </DialogContent>
      <DialogActions>
        <Button onClick={close}>{shell.close}</Button>
        {!answers && (
          <Button variant="contained" color={action === "cancel" ? "error" : "primary"} onClick={() => void start()}>
            {history.start}
          </Button>
        )}
      </DialogActions>
    </Dialog>
  );
}
