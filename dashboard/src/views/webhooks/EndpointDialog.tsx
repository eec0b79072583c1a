// Adds an endpoint or changes one. What is wrong with a field is said by the core.

import Autocomplete from "@mui/material/Autocomplete";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import FormControl from "@mui/material/FormControl";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormGroup from "@mui/material/FormGroup";
import FormHelperText from "@mui/material/FormHelperText";
import FormLabel from "@mui/material/FormLabel";
import TextField from "@mui/material/TextField";
import { useState } from "react";

import { toProblem, type Problem } from "../../api/problem";
import { platformName } from "../../app/platforms";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useToast } from "../../app/toasts";
import { useTexts } from "../../i18n";
import { Platform } from "../../rpc/aurareels/v1/platform_pb";
import type { WebhookEndpoint } from "../../rpc/aurareels/v1/webhook_pb";
import { webhookApi } from "./calls";

const PLATFORMS = [Platform.TIKTOK, Platform.INSTAGRAM, Platform.FACEBOOK, Platform.YOUTUBE];

/** What the core knows now; another name can be typed, and the core says whether it knows it. */
const EVENT_TYPES = [
  "post.created",
  "post.updated",
  "post.deleted",
  "post.scheduled",
  "post.publishing",
  "post.confirming",
  "post.published",
  "post.delivered",
  "post.failed",
  "post.needs_review",
  "post.cancelled",
  "post.details",
  "account.connected",
  "account.needs_reconnect",
  "account.disconnected",
  "webhook.disabled",
];

export interface EndpointDialogProps {
  /** A new one is added when there is none. */
  endpoint: WebhookEndpoint | undefined;
  onClose(): void;
  /** With the secret of a new one; "" after a change. */
  onSaved(secret: string): void;
}

export function EndpointDialog({ endpoint, onClose, onSaved }: EndpointDialogProps) {
  const { webhooks: texts, shell } = useTexts();
  const toast = useToast();
  const [url, setUrl] = useState(endpoint?.url ?? "");
  const [description, setDescription] = useState(endpoint?.description ?? "");
  const [eventTypes, setEventTypes] = useState(endpoint?.eventTypes ?? []);
  const [platforms, setPlatforms] = useState(endpoint?.platforms ?? []);
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    setProblem(undefined);
    const wanted = { url: url.trim(), description: description.trim(), eventTypes, platforms };
    try {
      if (endpoint) {
        const updateMask = { paths: ["url", "description", "event_types", "platforms"] };
        await webhookApi.updateWebhookEndpoint({ id: endpoint.id, ...wanted, updateMask });
        toast({ message: texts.saved });
        onSaved("");
      } else {
        onSaved((await webhookApi.createWebhookEndpoint(wanted)).secret);
      }
    } catch (failure) {
      setProblem(toProblem(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog open fullWidth onClose={(_, reason) => reason === "escapeKeyDown" && onClose()} aria-labelledby="endpoint-title">
      <DialogTitle id="endpoint-title">{endpoint ? texts.editTitle : texts.add}</DialogTitle>
      <DialogContent sx={{ display: "grid", gap: 2 }}>
        <TextField
          required
          size="small"
          type="url"
          margin="dense"
          label={texts.url}
          helperText={texts.urlHelp}
          value={url}
          onChange={(event) => setUrl(event.target.value)}
        />
        <TextField size="small" label={texts.description} value={description} onChange={(event) => setDescription(event.target.value)} />
        <Autocomplete
          multiple
          freeSolo
          disableCloseOnSelect
          size="small"
          options={EVENT_TYPES}
          value={eventTypes}
          onChange={(_, chosen) => setEventTypes(chosen)}
          slotProps={{ chip: { size: "small" } }}
          renderInput={(props) => <TextField {...props} label={texts.events} helperText={texts.eventsHelp} />}
        />
        <FormControl component="fieldset">
          <FormLabel component="legend">{texts.platforms}</FormLabel>
          <FormGroup row>
            {PLATFORMS.map((platform) => (
              <FormControlLabel
                key={platform}
                control={
                  <Checkbox
                    size="small"
                    checked={platforms.includes(platform)}
                    onChange={(_, on) => setPlatforms(on ? [...platforms, platform] : platforms.filter((one) => one !== platform))}
                  />
                }
                label={platformName(platform)}
              />
            ))}
          </FormGroup>
          <FormHelperText sx={{ mx: 0 }}>{texts.platformsHelp}</FormHelperText>
        </FormControl>
        {problem && <ProblemAlert problem={problem} />}
      </DialogContent>
      <DialogActions>
        <Button onClick={onClose}>{shell.cancel}</Button>
        <Button variant="contained" disabled={!url.trim()} loading={busy} onClick={() => void save()}>
          {endpoint ? texts.save : texts.add}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
