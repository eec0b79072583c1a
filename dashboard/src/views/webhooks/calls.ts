// WebhookService, and what becomes of a delivery that a person has just asked for.

import { createClient } from "@connectrpc/connect";

import { transport } from "../../api/clients";
import type { Texts } from "../../i18n";
import { WebhookDeliveryStatus, type WebhookDelivery } from "../../rpc/aurareels/v1/webhook_pb";
import { WebhookService } from "../../rpc/aurareels/v1/webhook_service_pb";

export const webhookApi = createClient(WebhookService, transport);

/** Deliveries are in no stream. One that a person asked for is looked at after these pauses, until its try has ended. */
const LOOKS_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** The delivery as it stands once its next try has ended, or after the last look. `before` is its newest try until now. */
export async function outcomeOf(asked: WebhookDelivery, before: number): Promise<WebhookDelivery> {
  let seen = asked;
  for (const ms of LOOKS_MS) {
    if ((seen.lastTry?.number ?? 0) > before && seen.status !== WebhookDeliveryStatus.UNSPECIFIED) {
      break;
    }
    await pause(ms);
    seen = await webhookApi.getWebhookDelivery({ id: asked.id });
  }
  return seen;
}

/** Why the newest try did not count: the error, else the status that was answered. */
export function whyNot(delivery: WebhookDelivery, { webhooks }: Texts): string {
  const last = delivery.lastTry;
  return last?.error || (last?.statusCode ? webhooks.answered(last.statusCode) : webhooks.noAnswer);
}
