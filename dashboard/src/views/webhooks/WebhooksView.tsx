// The addresses that are told what happens, and what can be done with each.

import AddIcon from "@mui/icons-material/Add";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useState } from "react";

import { SkeletonRows } from "../../app/Loading";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useTexts } from "../../i18n";
import { useLoad } from "../../live";
import type { WebhookEndpoint } from "../../rpc/aurareels/v1/webhook_pb";
import { webhookApi } from "./calls";
import { EndpointCard } from "./EndpointCard";
import { EndpointDialog } from "./EndpointDialog";
import { SecretDialog } from "./SecretDialog";

export default function WebhooksView() {
  const { webhooks: texts } = useTexts();
  const { value, problem, reload } = useLoad("webhooks", async (signal) => {
    return (await webhookApi.listWebhookEndpoints({}, { signal })).endpoints;
  });
  const [editing, setEditing] = useState<WebhookEndpoint | "new">();
  const [secret, setSecret] = useState("");
  return (
    <Box sx={{ maxWidth: 1000 }}>
      <Box sx={{ display: "flex", gap: 2, flexWrap: "wrap", alignItems: "center" }}>
        <Typography variant="h1" sx={{ flex: 1 }}>
          {texts.title}
        </Typography>
        <Button variant="outlined" startIcon={<AddIcon />} onClick={() => setEditing("new")}>
          {texts.add}
        </Button>
      </Box>
      <Typography color="textSecondary" sx={{ mb: 2 }}>
        {texts.intro}
      </Typography>
      {problem && <ProblemAlert problem={problem} onRetry={reload} severity={value ? "warning" : "error"} />}
      {!value && !problem && <SkeletonRows rows={2} height={140} />}
      {value?.length === 0 && (
        <Paper variant="outlined" sx={{ p: 4, textAlign: "center" }}>
          <Typography variant="h2">{texts.empty}</Typography>
          <Typography color="textSecondary">{texts.emptyHelp}</Typography>
        </Paper>
      )}
      <Box sx={{ display: "grid", gap: 1.5 }}>
        {value?.map((endpoint) => (
          <EndpointCard
            key={String(endpoint.id)}
            endpoint={endpoint}
            onEdit={() => setEditing(endpoint)}
            onChanged={reload}
            onSecret={(made) => {
              setSecret(made);
              reload();
            }}
          />
        ))}
      </Box>
      {editing && (
        <EndpointDialog
          endpoint={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onSaved={(made) => {
            setEditing(undefined);
            setSecret(made);
            reload();
          }}
        />
      )}
      {secret && <SecretDialog secret={secret} onClose={() => setSecret("")} />}
    </Box>
  );
}
