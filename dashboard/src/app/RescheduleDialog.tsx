// Another time for a post: the way without dragging.

import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import { useState } from "react";

import { toProblem, type Problem } from "../api/problem";
import { useFormat, useTexts } from "../i18n";
import { usePost } from "../live";
import { reschedulePost, reschedulePostTo } from "../live/actions";
import { PostStatus, type Post } from "../rpc/aurareels/v1/post_pb";
import { fieldText } from "./fieldText";
import { ProblemAlert } from "./ProblemAlert";
import { useToast } from "./toasts";
import { useZone } from "./zone";

export default function RescheduleDialog({ post: given, onClose }: { post: Post; onClose(): void }) {
  const [opened] = useState(given);
  const { post: texts, calendar, shell } = useTexts();
  const format = useFormat();
  const toast = useToast();
  const [zone] = useZone();
  const post = usePost(opened.id) ?? opened;
  const before = opened.scheduledAt && new Date(Number(opened.scheduledAt.seconds) * 1000);
  const [local, setLocal] = useState(() => fieldText(before ?? new Date(Date.now() + 3_600_000), zone));
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const isDraft = post.status === PostStatus.DRAFT;
  const save = async () => {
    setBusy(true);
    try {
      const moved = await reschedulePostTo(post.id, local, zone, opened.revision);
      const at = moved.scheduledAt ?? { seconds: 0n, nanos: 0 };
      // A draft that became scheduled cannot become a draft again.
      const undo = before && !isDraft ? () => reschedulePost(post.id, before, moved.revision) : undefined;
      toast({ message: calendar.moved(format.dateTime(at as never, zone)), ...(undo ? { undo } : {}) });
      onClose();
    } catch (failure) {
      setProblem(toProblem(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="xs" aria-labelledby="reschedule-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <DialogTitle id="reschedule-title">{texts.rescheduler.title}</DialogTitle>
        <DialogContent sx={{ display: "grid", gap: 2 }}>
          <TextField
            type="datetime-local"
            required
            label={texts.rescheduler.time}
            value={local}
            onChange={(event) => setLocal(event.target.value)}
            helperText={shell.timesIn(zone)}
            slotProps={{ inputLabel: { shrink: true }, htmlInput: { min: fieldText(new Date(), zone) } }}
            sx={{ mt: 1 }}
          />
          {isDraft && <Alert severity="info">{texts.rescheduler.draft}</Alert>}
          {problem && <ProblemAlert problem={problem} />}
        </DialogContent>
        <DialogActions>
          <Button onClick={onClose}>{shell.close}</Button>
          <Button type="submit" variant="contained" disabled={busy || !local}>
            {texts.rescheduler.save}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
