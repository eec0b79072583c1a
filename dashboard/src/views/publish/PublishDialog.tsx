import Dialog from "@mui/material/Dialog";
import DialogTitle from "@mui/material/DialogTitle";

import type { Prefill } from "../../app/publish";
import { useTexts } from "../../i18n";

export default function PublishDialog({ onClosed }: { prefill: Prefill; onClosed(): void }) {
  const { shell } = useTexts();
  return (
    <Dialog open onClose={onClosed}>
      <DialogTitle>{shell.newPost}</DialogTitle>
    </Dialog>
  );
}
