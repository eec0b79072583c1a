// One delivery whole: its request and every try.

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import Typography from "@mui/material/Typography";

import { SkeletonRows } from "../../app/Loading";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useFormat, useTexts } from "../../i18n";
import { useLoad } from "../../live";
import type { WebhookDelivery, WebhookTry } from "../../rpc/aurareels/v1/webhook_pb";
import { webhookApi } from "./calls";

/** The body with line ends, where it is JSON as it should be. */
function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), undefined, 2);
  } catch {
    return body;
  }
}

function Text({ label, children }: { label: string; children: string }) {
  return (
    <Box
      component="pre"
      tabIndex={0}
      aria-label={label}
      sx={{ m: 0, p: 1.5, maxHeight: 260, overflow: "auto", fontSize: 13, bgcolor: "action.hover", borderRadius: 1, whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
    >
      {children}
    </Box>
  );
}

function Try({ tried }: { tried: WebhookTry }) {
  const { webhooks: texts } = useTexts();
  const format = useFormat();
  const said = tried.statusCode > 0 ? texts.answered(tried.statusCode) : texts.noAnswer;
  return (
    <Box component="li" sx={{ mb: 1.5 }}>
      <Typography variant="body2">
        {texts.tryAt(tried.number, tried.sentAt ? format.dateTime(tried.sentAt) : "")} · {said} ·{" "}
        {texts.took(format.number(tried.durationMs))}
      </Typography>
      {tried.error && (
        <Typography variant="body2" color="error" sx={{ overflowWrap: "anywhere" }}>
          {tried.error}
        </Typography>
      )}
      {tried.answer && <Text label={texts.answer}>{tried.answer}</Text>}
    </Box>
  );
}

function Details({ delivery }: { delivery: WebhookDelivery }) {
  const { webhooks: texts } = useTexts();
  return (
    <>
      <Typography variant="body2" sx={{ overflowWrap: "anywhere" }}>
        {texts.webhookId}: <code>{delivery.webhookId}</code>
        {delivery.eventSequence > 0n && ` · ${texts.sequence} ${delivery.eventSequence}`}
      </Typography>
      <div>
        <Typography variant="h3" gutterBottom>
          {texts.triesTitle}
        </Typography>
        {delivery.tries.length === 0 && <Typography color="textSecondary">{texts.noTry}</Typography>}
        <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0 }}>
          {delivery.tries.map((tried) => (
            <Try key={`${tried.number} ${tried.sentAt?.seconds}`} tried={tried} />
          ))}
        </Box>
      </div>
      <div>
        <Typography variant="h3" gutterBottom>
          {texts.body}
        </Typography>
        <Text label={texts.body}>{pretty(delivery.body)}</Text>
      </div>
    </>
  );
}

export function DeliveryDialog({ id, onClose }: { id: bigint; onClose(): void }) {
  const { webhooks: texts, shell } = useTexts();
  const { value, problem, reload } = useLoad(`delivery ${id}`, (signal) => webhookApi.getWebhookDelivery({ id }, { signal }));
  return (
    <Dialog open fullWidth maxWidth="md" onClose={onClose} aria-labelledby="delivery-title">
      <DialogTitle id="delivery-title">
        {texts.detailTitle}
        {value && ` · ${value.eventType}`}
      </DialogTitle>
      <DialogContent sx={{ display: "grid", gap: 2 }}>
        {problem && <ProblemAlert problem={problem} onRetry={reload} />}
        {!value && !problem && <SkeletonRows rows={2} height={90} />}
        {value && <Details delivery={value} />}
      </DialogContent>
      <DialogActions>
        <Button onClick={onClose} autoFocus>
          {shell.close}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
