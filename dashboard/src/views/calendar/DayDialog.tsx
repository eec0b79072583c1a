import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { useMemo } from "react";

import { useFormat, useTexts } from "../../i18n";
import type { Post } from "../../rpc/aurareels/v1/post_pb";
import type { Entry } from "./board";
import { dateOf } from "./days";
import { EntryList } from "./EntryList";

interface Props {
  day: number;
  entries: readonly Entry[];
  zone: string;
  onNewPost(): void;
  onReschedule(post: Post): void;
  onClose(): void;
}

/** All posts of a day, or of an hour of it. */
export default function DayDialog({ day, entries, zone, onNewPost, onReschedule, onClose }: Props) {
  const { calendar, shell } = useTexts();
  const format = useFormat();
  const name = format.date(dateOf(day), "UTC");
  const days = useMemo(() => [entries], [entries]);
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="sm" aria-labelledby="day-dialog">
      <DialogTitle id="day-dialog">{calendar.postsOf(name)}</DialogTitle>
      <DialogContent>
        <EntryList label={calendar.postsOf(name)} entries={days} zone={zone} height="min(60vh, 640px)" onReschedule={onReschedule} />
      </DialogContent>
      <DialogActions>
        <Button onClick={onNewPost}>{calendar.newPostOn(name)}</Button>
        <Button onClick={onClose}>{shell.close}</Button>
      </DialogActions>
    </Dialog>
  );
}
