// Asks before an account is disconnected, and says what that means for the posts that wait for their time.

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogContentText from "@mui/material/DialogContentText";
import DialogTitle from "@mui/material/DialogTitle";
import Skeleton from "@mui/material/Skeleton";
import { useState } from "react";

import { api } from "../../api/clients";
import { toProblem, type Problem } from "../../api/problem";
import { accountName } from "../../app/names";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useToast } from "../../app/toasts";
import { useFormat, useTexts } from "../../i18n";
import { accounts as cache, usePosts } from "../../live";
import type { Account } from "../../rpc/aurareels/v1/account_pb";
import { PostStatus } from "../../rpc/aurareels/v1/post_pb";

export function DisconnectDialog({ account, onClose }: { account: Account; onClose(): void }) {
  const { accounts: texts, shell } = useTexts();
  const format = useFormat();
  const toast = useToast();
  const counted = { pageSize: 500, whole: true };
  const scheduled = usePosts({ accountId: account.id, statuses: [PostStatus.SCHEDULED] }, counted);
  const drafts = usePosts({ accountId: account.id, statuses: [PostStatus.DRAFT] }, { pageSize: 1, includeTotal: true });
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Problem>();
  const name = accountName(account);
  const next = scheduled.posts.slice(-3).reverse();

  const disconnect = async () => {
    setBusy(true);
    setFailed(undefined);
    try {
      const answer = await api.accounts.disconnectAccount({ id: account.id });
      if (answer.account) {
        cache.put(answer.account);
      }
      const done = answer.failedPosts > 0 ? texts.disconnectedFailed(name, answer.failedPosts) : texts.disconnected(name);
      const complete = answer.revoked || !answer.message;
      toast({ message: complete ? done : `${done} ${texts.notRevoked(answer.message)}`, severity: complete ? "success" : "warning" });
      onClose();
    } catch (failure) {
      setFailed(toProblem(failure));
      setBusy(false);
    }
  };

  return (
    <Dialog open onClose={busy ? undefined : onClose} fullWidth maxWidth="sm" aria-labelledby="disconnect-title">
      <DialogTitle id="disconnect-title">{texts.disconnectTitle(name)}</DialogTitle>
      <DialogContent sx={{ display: "grid", gap: 2 }}>
        {scheduled.state === "loading" && <Skeleton variant="rounded" height={52} aria-label={texts.disconnectCounting} />}
        {scheduled.problem && <ProblemAlert problem={scheduled.problem} onRetry={scheduled.reload} />}
        {scheduled.state === "ready" && (
          <Alert severity={scheduled.posts.length > 0 ? "warning" : "info"}>
            {scheduled.posts.length > 0 ? texts.disconnectPosts(scheduled.posts.length) : texts.disconnectNoPosts}
            {next.length > 0 && (
              <Box component="ul" sx={{ m: 0, mt: 0.5, pl: 2.5 }}>
                {next.map((post) => (
                  <li key={String(post.id)}>
                    {post.scheduledAt && format.dateTime(post.scheduledAt)} · {post.fullCaption.slice(0, 60)}
                  </li>
                ))}
              </Box>
            )}
            {(drafts.total ?? 0) > 0 && <div>{texts.disconnectDrafts(drafts.total ?? 0)}</div>}
          </Alert>
        )}
        <DialogContentText>{texts.disconnectHelp}</DialogContentText>
        {failed && <ProblemAlert problem={failed} />}
      </DialogContent>
      <DialogActions>
        <Button onClick={onClose} disabled={busy} autoFocus>
          {shell.cancel}
        </Button>
        <Button variant="contained" color="error" loading={busy} onClick={() => void disconnect()}>
          {texts.disconnect}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
