// A new secret: asked for, and shown once.

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogContentText from "@mui/material/DialogContentText";
import DialogTitle from "@mui/material/DialogTitle";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useState } from "react";

import { useAttempt, useToast } from "../../app/toasts";
import { useTexts } from "../../i18n";
import { webhookApi } from "./calls";

/** Closed by its button alone: a click beside it would lose the secret. */
export function SecretDialog({ secret, onClose }: { secret: string; onClose(): void }) {
  const { webhooks: texts } = useTexts();
  const toast = useToast();
  const attempt = useAttempt();
  const copy = async () => {
    if (await attempt(() => navigator.clipboard.writeText(secret))) {
      toast({ message: texts.copied });
    }
  };
  return (
    <Dialog open fullWidth aria-labelledby="secret-title" aria-describedby="secret-help">
      <DialogTitle id="secret-title">{texts.secretTitle}</DialogTitle>
      <DialogContent>
        <DialogContentText id="secret-help">{texts.secretHelp}</DialogContentText>
        <Box sx={{ display: "flex", gap: 1, mt: 2, alignItems: "center" }}>
          <TextField
            fullWidth
            size="small"
            label={texts.secret}
            value={secret}
            onFocus={(event) => event.target.select()}
            slotProps={{ htmlInput: { readOnly: true, spellCheck: false, autoComplete: "off" } }}
          />
          {/* Browsers give pages a clipboard over https and on the machine itself alone. */}
          {navigator.clipboard && <Button onClick={() => void copy()}>{texts.copy}</Button>}
        </Box>
      </DialogContent>
      <DialogActions>
        <Button variant="contained" onClick={onClose}>
          {texts.secretDone}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

const OVERLAPS = { none: 0, hour: 3_600, day: 86_400, week: 7 * 86_400 } as const;
type Overlap = keyof typeof OVERLAPS;

export function RotateDialog({ endpoint, onClose, onRotated }: { endpoint: bigint; onClose(): void; onRotated(secret: string): void }) {
  const { webhooks: texts, shell } = useTexts();
  const attempt = useAttempt();
  const [overlap, setOverlap] = useState<Overlap>("day");
  const [busy, setBusy] = useState(false);
  const rotate = async () => {
    setBusy(true);
    const request = { id: endpoint, overlap: { seconds: BigInt(OVERLAPS[overlap]) } };
    await attempt(async () => onRotated((await webhookApi.rotateWebhookSecret(request)).secret));
    onClose();
  };
  return (
    <Dialog open onClose={onClose} aria-labelledby="rotate-title" aria-describedby="rotate-help">
      <DialogTitle id="rotate-title">{texts.rotateTitle}</DialogTitle>
      <DialogContent>
        <DialogContentText id="rotate-help">{texts.rotateHelp}</DialogContentText>
        <TextField
          select
          fullWidth
          size="small"
          label={texts.overlap}
          value={overlap}
          onChange={(event) => setOverlap(event.target.value as Overlap)}
          sx={{ mt: 2 }}
        >
          {(Object.keys(OVERLAPS) as Overlap[]).map((one) => (
            <MenuItem key={one} value={one}>
              {texts.overlaps[one]}
            </MenuItem>
          ))}
        </TextField>
      </DialogContent>
      <DialogActions>
        <Button onClick={onClose}>{shell.cancel}</Button>
        <Button variant="contained" loading={busy} onClick={() => void rotate()}>
          {texts.rotateAction}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
