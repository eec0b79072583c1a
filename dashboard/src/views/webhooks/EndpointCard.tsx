// One endpoint: what it is sent, whether it works, and the moves.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { Link } from "wouter";

import { Confirm } from "../../app/Confirm";
import { platformName } from "../../app/platforms";
import { routes } from "../../app/routes";
import { useAttempt, useToast } from "../../app/toasts";
import { useFormat, useTexts } from "../../i18n";
import { WebhookDeliveryStatus, type WebhookEndpoint } from "../../rpc/aurareels/v1/webhook_pb";
import { outcomeOf, webhookApi, whyNot } from "./calls";
import { RotateDialog } from "./SecretDialog";

function Condition({ endpoint }: { endpoint: WebhookEndpoint }) {
  const { webhooks: texts } = useTexts();
  const format = useFormat();
  if (!endpoint.isActive) {
    const why = (texts.offWhy as Record<string, string>)[endpoint.disabledReason] ?? endpoint.disabledReason;
    const severity = endpoint.disabledReason === "OWNER" ? "info" : "error";
    return (
      <Alert severity={severity}>
        {why} {endpoint.disabledAt && texts.offSince(format.dateTime(endpoint.disabledAt))} {texts.offHelp}
      </Alert>
    );
  }
  return endpoint.failingSince ? (
    <Alert severity="warning">{texts.failingSince(format.dateTime(endpoint.failingSince))}</Alert>
  ) : null;
}

export interface EndpointCardProps {
  endpoint: WebhookEndpoint;
  onEdit(): void;
  onChanged(): void;
  onSecret(secret: string): void;
}

export function EndpointCard({ endpoint, onEdit, onChanged, onSecret }: EndpointCardProps) {
  const all = useTexts();
  const { webhooks: texts } = all;
  const format = useFormat();
  const attempt = useAttempt();
  const toast = useToast();
  const [busy, setBusy] = useState<"test" | "switch">();
  const [asking, setAsking] = useState<"rotate" | "remove">();
  const { id, url, isActive } = endpoint;

  const run = async (what: "test" | "switch", action: () => Promise<void>) => {
    setBusy(what);
    await attempt(action);
    setBusy(undefined);
    onChanged();
  };
  const test = () =>
    run("test", async () => {
      const seen = await outcomeOf(await webhookApi.sendTestEvent({ id }), 0);
      const told = {
        [WebhookDeliveryStatus.DELIVERED]: { message: texts.testSent, severity: "success" as const },
        [WebhookDeliveryStatus.FAILED]: { message: texts.testFailed(whyNot(seen, all)), severity: "error" as const },
      }[seen.status as number];
      toast(told ?? { message: texts.testWaits, severity: "info" });
    });
  const turn = () =>
    run("switch", async () => {
      await webhookApi.updateWebhookEndpoint({ id, isActive: !isActive, updateMask: { paths: ["is_active"] } });
      toast({ message: isActive ? texts.switchedOff : texts.switchedOn });
    });
  const remove = async () => {
    if (await attempt(() => webhookApi.deleteWebhookEndpoint({ id }))) {
      toast({ message: texts.removed });
    }
    onChanged();
  };

  const [state, tone] = !isActive
    ? ([texts.off, "default"] as const)
    : endpoint.failingSince
      ? ([texts.failing, "warning"] as const)
      : ([texts.on, "success"] as const);
  const events = endpoint.eventTypes.length > 0 ? endpoint.eventTypes.join(", ") : texts.allEvents;
  const platforms = endpoint.platforms.length > 0 ? format.list(endpoint.platforms.map(platformName)) : texts.allPlatforms;
  return (
    <Paper component="article" variant="outlined" aria-label={url} data-endpoint={String(id)} sx={{ p: 2, display: "grid", gap: 1 }}>
      <Box sx={{ display: "flex", gap: 1.5, alignItems: "flex-start" }}>
        <Box sx={{ flex: 1, minWidth: 0 }}>
          <Typography variant="h3" component="h2" sx={{ overflowWrap: "anywhere" }}>
            {url}
          </Typography>
          {endpoint.description && <Typography sx={{ overflowWrap: "anywhere" }}>{endpoint.description}</Typography>}
          <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
            {events} · {platforms}
            {endpoint.createdAt && ` · ${texts.created(format.dateTime(endpoint.createdAt))}`}
          </Typography>
          {endpoint.oldSecretExpiresAt && (
            <Typography variant="body2" color="textSecondary">
              {texts.oldSecret(format.dateTime(endpoint.oldSecretExpiresAt))}
            </Typography>
          )}
        </Box>
        <Chip label={state} color={tone} size="small" variant="outlined" />
      </Box>
      <Condition endpoint={endpoint} />
      <Box sx={{ display: "flex", gap: 0.5, flexWrap: "wrap", ml: -0.5 }}>
        <Button size="small" component={Link} to={routes.webhook(id)}>
          {texts.log}
        </Button>
        <Button size="small" disabled={!isActive} loading={busy === "test"} onClick={() => void test()}>
          {texts.test}
        </Button>
        <Button size="small" onClick={onEdit}>
          {texts.edit}
        </Button>
        <Button size="small" onClick={() => setAsking("rotate")}>
          {texts.rotate}
        </Button>
        <Button size="small" loading={busy === "switch"} onClick={() => void turn()}>
          {isActive ? texts.switchOff : texts.switchOn}
        </Button>
        <Button size="small" color="error" onClick={() => setAsking("remove")}>
          {texts.remove}
        </Button>
      </Box>
      {asking === "rotate" && <RotateDialog endpoint={id} onClose={() => setAsking(undefined)} onRotated={onSecret} />}
      {asking === "remove" && (
        <Confirm
          title={texts.removeTitle(url)}
          help={texts.removeHelp}
          action={texts.remove}
          danger
          onConfirm={() => void remove()}
          onClose={() => setAsking(undefined)}
        />
      )}
    </Paper>
  );
}
