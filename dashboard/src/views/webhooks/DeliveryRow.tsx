import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip, { type ChipProps } from "@mui/material/Chip";
import Link from "@mui/material/Link";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { Link as RouterLink } from "wouter";

import { routes } from "../../app/routes";
import { useAttempt, useToast } from "../../app/toasts";
import { useFormat, useTexts, type Texts } from "../../i18n";
import { WebhookDeliveryStatus, type WebhookDelivery } from "../../rpc/aurareels/v1/webhook_pb";
import { outcomeOf, webhookApi, whyNot } from "./calls";

const STATUSES: Record<WebhookDeliveryStatus, [keyof Texts["webhooks"]["statuses"], ChipProps["color"]]> = {
  [WebhookDeliveryStatus.UNSPECIFIED]: ["unknown", "default"],
  [WebhookDeliveryStatus.PENDING]: ["pending", "info"],
  [WebhookDeliveryStatus.DELIVERED]: ["delivered", "success"],
  [WebhookDeliveryStatus.FAILED]: ["failed", "error"],
};

const statusOf = (status: WebhookDeliveryStatus) => STATUSES[status] ?? STATUSES[WebhookDeliveryStatus.UNSPECIFIED];

export const deliveryStatusName = (status: WebhookDeliveryStatus, texts: Texts): string => texts.webhooks.statuses[statusOf(status)[0]];

/** Where it stands: what was answered last, and what comes next. */
function standing(delivery: WebhookDelivery, all: Texts, format: ReturnType<typeof useFormat>): string {
  const { webhooks: texts } = all;
  const said = delivery.lastTry ? whyNot(delivery, all) : texts.noTry;
  const parts = [delivery.createdAt ? format.dateTime(delivery.createdAt) : "", texts.tries(delivery.tryCount), said];
  if (delivery.status === WebhookDeliveryStatus.PENDING) {
    const at = delivery.nextTryAt;
    parts.push(at ? texts.nextTry(format.dateTime(at), format.relative(at)) : texts.waitsForTurn);
  }
  return parts.filter(Boolean).join(" · ");
}

export interface DeliveryRowProps {
  delivery: WebhookDelivery;
  onOpen(): void;
  onSent(): void;
}

export function DeliveryRow({ delivery, onOpen, onSent }: DeliveryRowProps) {
  const all = useTexts();
  const { webhooks: texts } = all;
  const format = useFormat();
  const attempt = useAttempt();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const waits = delivery.status === WebhookDeliveryStatus.PENDING;
  const redeliver = async () => {
    setBusy(true);
    await attempt(async () => {
      // As the core answers it: a try may have ended since the row was read.
      const asked = await webhookApi.redeliverWebhook({ id: delivery.id });
      const before = asked.lastTry?.number ?? 0;
      const seen = await outcomeOf(asked, before);
      if ((seen.lastTry?.number ?? 0) <= before) {
        toast({ message: texts.redeliverWaits, severity: "info" });
      } else if (seen.status === WebhookDeliveryStatus.DELIVERED) {
        toast({ message: texts.redelivered });
      } else {
        toast({ message: texts.redeliverFailed(whyNot(seen, all)), severity: "error" });
      }
    });
    setBusy(false);
    onSent();
  };
  const [, tone] = statusOf(delivery.status);
  return (
    <Paper
      component="li"
      variant="outlined"
      data-delivery={String(delivery.id)}
      sx={{ p: 1.5, display: "flex", gap: 1.5, alignItems: "center", flexWrap: "wrap" }}
    >
      <Chip label={deliveryStatusName(delivery.status, all)} color={tone} size="small" variant="outlined" />
      <Box sx={{ flex: 1, minWidth: 220 }}>
        <Typography sx={{ fontWeight: 600 }}>
          {delivery.eventType}
          {delivery.postId > 0n && (
            <Link component={RouterLink} to={routes.post(delivery.postId)} sx={{ ml: 1, fontWeight: 400 }}>
              {texts.post(String(delivery.postId))}
            </Link>
          )}
          {delivery.postId === 0n && delivery.accountId > 0n && (
            <Typography component="span" color="textSecondary" sx={{ ml: 1 }}>
              {texts.account(String(delivery.accountId))}
            </Typography>
          )}
        </Typography>
        <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
          {standing(delivery, all, format)}
        </Typography>
      </Box>
      <Button size="small" onClick={onOpen}>
        {texts.details}
      </Button>
      <Button size="small" loading={busy} onClick={() => void redeliver()}>
        {waits ? texts.tryNow : texts.redeliver}
      </Button>
    </Paper>
  );
}
