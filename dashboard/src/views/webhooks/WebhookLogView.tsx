// What was sent to one endpoint, and what it answered. Nothing streams deliveries, so the log is read when it is opened, when
// somebody asks, and after each delivery that was asked for here.

import BackIcon from "@mui/icons-material/ArrowBack";
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import Paper from "@mui/material/Paper";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { Link } from "wouter";

import { SkeletonRows } from "../../app/Loading";
import { useParams } from "../../app/params";
import { ProblemAlert } from "../../app/ProblemAlert";
import { routes } from "../../app/routes";
import { useTexts } from "../../i18n";
import { useLoad } from "../../live";
import { WebhookDeliveryStatus, type WebhookDelivery } from "../../rpc/aurareels/v1/webhook_pb";
import { webhookApi } from "./calls";
import { DeliveryDialog } from "./DeliveryDialog";
import { DeliveryRow, deliveryStatusName } from "./DeliveryRow";

const PAGE = 50;
const STATUSES = [WebhookDeliveryStatus.PENDING, WebhookDeliveryStatus.DELIVERED, WebhookDeliveryStatus.FAILED];

export default function WebhookLogView({ id }: { id: bigint }) {
  const all = useTexts();
  const { webhooks: texts } = all;
  const [params, setParams] = useParams("webhooks");
  const wanted = Number(params.get("status") ?? 0);
  const status = STATUSES.find((one) => one === wanted) ?? WebhookDeliveryStatus.UNSPECIFIED;
  const [pages, setPages] = useState(1);
  const [opened, setOpened] = useState<bigint>();
  const endpoint = useLoad(`webhook ${id}`, (signal) => webhookApi.getWebhookEndpoint({ id }, { signal }));
  const { value, problem, reload } = useLoad(`webhook log ${id} ${status}`, async (signal) => {
    const deliveries: WebhookDelivery[] = [];
    let pageToken = "";
    for (let page = 0; page < pages && (page === 0 || pageToken); page += 1) {
      const answer = await webhookApi.listWebhookDeliveries({ endpointId: id, status, pageSize: PAGE, pageToken }, { signal });
      deliveries.push(...answer.deliveries);
      pageToken = answer.nextPageToken;
    }
    return { deliveries, hasMore: pageToken !== "" };
  });
  const isUnknown = endpoint.problem?.kind === "refused" && !endpoint.value;
  return (
    <Box sx={{ maxWidth: 1000 }}>
      <Button component={Link} to={routes.webhooks} startIcon={<BackIcon />} size="small">
        {texts.back}
      </Button>
      <Typography variant="h1">{texts.logTitle}</Typography>
      {isUnknown ? (
        <Alert severity="info">{texts.noEndpoint}</Alert>
      ) : (
        <>
          <Typography sx={{ overflowWrap: "anywhere", minHeight: 24, fontWeight: 600 }}>{endpoint.value?.url}</Typography>
          <Typography color="textSecondary" sx={{ mb: 2 }}>
            {texts.logIntro}
          </Typography>
          <Box sx={{ display: "flex", gap: 1.5, mb: 2, alignItems: "center" }}>
            <TextField
              select
              size="small"
              label={texts.status}
              value={status}
              onChange={(event) => {
                setPages(1);
                setParams({ status: Number(event.target.value) ? event.target.value : "" });
              }}
              sx={{ minWidth: 180 }}
            >
              <MenuItem value={WebhookDeliveryStatus.UNSPECIFIED}>{texts.all}</MenuItem>
              {STATUSES.map((one) => (
                <MenuItem key={one} value={one}>
                  {deliveryStatusName(one, all)}
                </MenuItem>
              ))}
            </TextField>
            <Button onClick={reload}>{texts.refresh}</Button>
          </Box>
          {problem && <ProblemAlert problem={problem} onRetry={reload} severity={value ? "warning" : "error"} />}
          {!value && !problem && <SkeletonRows rows={5} height={72} />}
          {value?.deliveries.length === 0 && (
            <Paper variant="outlined" sx={{ p: 4, textAlign: "center" }}>
              <Typography color="textSecondary">{status ? texts.logEmptyFilter : texts.logEmpty}</Typography>
            </Paper>
          )}
          <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0, display: "grid", gap: 1 }}>
            {value?.deliveries.map((delivery) => (
              <DeliveryRow key={String(delivery.id)} delivery={delivery} onOpen={() => setOpened(delivery.id)} onSent={reload} />
            ))}
          </Box>
          {value?.hasMore && (
            <Button
              sx={{ mt: 2 }}
              onClick={() => {
                setPages((count) => count + 1);
                reload();
              }}
            >
              {texts.more}
            </Button>
          )}
          {opened !== undefined && <DeliveryDialog id={opened} onClose={() => setOpened(undefined)} />}
        </>
      )}
    </Box>
  );
}
