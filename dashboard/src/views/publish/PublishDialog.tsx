// A new post: one video, several accounts of several networks, now or at a time. On a wide screen the preview and the
// checks stand beside the form; on a phone below it.

import CloseIcon from "@mui/icons-material/Close";
import ExpandIcon from "@mui/icons-material/ExpandMore";
import Accordion from "@mui/material/Accordion";
import AccordionDetails from "@mui/material/AccordionDetails";
import AccordionSummary from "@mui/material/AccordionSummary";
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogContentText from "@mui/material/DialogContentText";
import DialogTitle from "@mui/material/DialogTitle";
import FormControlLabel from "@mui/material/FormControlLabel";
import IconButton from "@mui/material/IconButton";
import Typography from "@mui/material/Typography";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useCallback, useEffect, useState, type ReactNode } from "react";

import { api } from "../../api/clients";
import { toProblem, type Problem } from "../../api/problem";
import { accountName } from "../../app/names";
import { PlatformMark, platformName } from "../../app/platforms";
import { ProblemAlert } from "../../app/ProblemAlert";
import type { Prefill } from "../../app/prefill";
import { useLeaveWarning } from "../../app/useLeaveWarning";
import { useUpload } from "../../app/useUpload";
import { factSeconds } from "../../app/VideoFacts";
import { useZone } from "../../app/zone";
import { useTexts } from "../../i18n";
import { useAccounts } from "../../live";
import { Platform } from "../../rpc/aurareels/v1/platform_pb";
import type { VideoJob } from "../../rpc/aurareels/v1/video_job_pb";
import { AccountsSection, isUsable } from "./AccountsSection";
import { Checks } from "./Checks";
import { CoverSection } from "./CoverSection";
import { emptyForm, isTouched, tiktokFor, type Form, type TikTokChoice } from "./form";
import { withJob } from "./jobs";
import { usePublishOptions } from "./options";
import { FacebookPanel, InstagramPanel, SharedOptions, YouTubePanel } from "./PlatformPanels";
import { Preview } from "./Preview";
import { TextSection } from "./TextSection";
import { TikTokConsent, TikTokPanel } from "./TikTokPanel";
import { missing, missingForDraft, toShow } from "./toDo";
import { useSubmit } from "./useSubmit";
import { useValidation } from "./useValidation";
import { VideoSection } from "./VideoSection";
import { WhenSection } from "./WhenSection";

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Box component="section" aria-label={title} sx={{ mb: 3 }}>
      <Typography variant="h3" gutterBottom>
        {title}
      </Typography>
      {children}
    </Box>
  );
}

function Panel({ platform, open, children }: { platform: Platform; open: boolean; children: ReactNode }) {
  return (
    <Accordion variant="outlined" disableGutters defaultExpanded={open} slotProps={{ heading: { component: "h4" }, region: { id: `options-of-${platform}` } }}>
      <AccordionSummary id={`options-${platform}`} aria-controls={`options-of-${platform}`} expandIcon={<ExpandIcon />}>
        <Box component="span" sx={{ display: "flex", gap: 1, alignItems: "center" }}>
          <PlatformMark platform={platform} />
          {platformName(platform)}
        </Box>
      </AccordionSummary>
      <AccordionDetails sx={{ display: "grid", gap: 3 }}>{children}</AccordionDetails>
    </Accordion>
  );
}

function Discard({ onDiscard, onStay }: { onDiscard(): void; onStay(): void }) {
  const { publish } = useTexts();
  return (
    <Dialog open onClose={onStay} aria-labelledby="discard-title">
      <DialogTitle id="discard-title">{publish.discardTitle}</DialogTitle>
      <DialogContent>
        <DialogContentText>{publish.discardHelp}</DialogContentText>
      </DialogContent>
      <DialogActions>
        <Button onClick={onStay} autoFocus>
          {publish.goOn}
        </Button>
        <Button color="error" onClick={onDiscard}>
          {publish.discard}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

/** The job that the dialog was opened for, read once. */
function usePrefilledJob(videoJobId: string, take: (job: VideoJob) => void): Problem | undefined {
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    if (!videoJobId) {
      return;
    }
    const reading = new AbortController();
    api.media
      .getVideoJob({ videoJobId }, { signal: reading.signal })
      .then(take)
      .catch((failure) => !reading.signal.aborted && setProblem(toProblem(failure)));
    return () => reading.abort();
  }, [videoJobId, take]);
  return problem;
}

export default function PublishDialog({ prefill, onClosed }: { prefill: Prefill; onClosed(): void }) {
  const texts = useTexts();
  const { publish, shell } = texts;
  const narrow = useMediaQuery("(max-width:899.95px)");
  const [zone] = useZone();
  const [begun] = useState(() => emptyForm(prefill, zone, new Date()));
  const [form, setForm] = useState(begun);
  const [open, setOpen] = useState(true);
  const [asking, setAsking] = useState(false);
  const accounts = useAccounts();
  const change = (part: Partial<Form>) => setForm((before) => ({ ...before, ...part }));
  const upload = useUpload((media, file) =>
    change({ video: { kind: "media", mediaId: media.mediaId, name: file.name, facts: media.facts, file } }),
  );
  const takeJob = useCallback((job: VideoJob) => setForm((before) => ({ ...before, ...withJob(before, job) })), []);
  const jobProblem = usePrefilledJob(prefill.videoUrl || prefill.mediaId ? "" : (prefill.videoJobId ?? ""), takeJob);
  const submit = useSubmit(() => setOpen(false));

  const chosen = (accounts.value ?? []).filter((account) => form.accounts.includes(account.id) && isUsable(account));
  const platforms = [...new Set(chosen.map((account) => account.platform))].sort((a, b) => a - b);
  const of = (platform: Platform) => chosen.filter((account) => account.platform === platform);
  const onTikTok = of(Platform.TIKTOK);
  const asked = [...onTikTok, ...of(Platform.YOUTUBE)].map((account) => account.id);
  const options = usePublishOptions(asked);
  const validation = useValidation(form, chosen);
  const violations = toShow(validation.answer, form);
  const seconds = form.video.kind === "none" ? undefined : factSeconds(form.video.facts);
  const uploading = upload.current.state === "sending";
  const situation = { form, chosen, optionsOf: options.of, uploading, seconds };
  const toDo = missing(situation, texts, new Date());
  const barred = toDo.length > 0 || violations.length > 0 || submit.sending !== undefined;
  const setTikTok = (account: bigint, choice: TikTokChoice) =>
    change({ tiktok: { ...form.tiktok, [String(account)]: choice }, tiktokConsent: false });

  const touched = isTouched(form, begun);
  useLeaveWarning(open && touched);
  const close = () => (touched || uploading ? setAsking(true) : setOpen(false));
  const count = chosen.length;
  const label = form.when.at ? publish.schedule(count) : publish.publishNow(count);
  const duplicate = submit.problem?.reason === "DUPLICATE_POST";

  return (
    <Dialog
      open={open}
      onClose={(_, reason) => reason === "escapeKeyDown" && close()}
      fullWidth
      maxWidth="lg"
      fullScreen={narrow}
      aria-labelledby="publish-title"
      slotProps={{ transition: { onExited: onClosed }, paper: { sx: narrow ? {} : { height: "92vh" } } }}
    >
      <DialogTitle id="publish-title" sx={{ display: "flex", alignItems: "center", py: 1.5 }}>
        <Box component="span" sx={{ flex: 1 }}>
          {publish.title}
        </Box>
        <IconButton aria-label={shell.close} onClick={close} edge="end">
          <CloseIcon />
        </IconButton>
      </DialogTitle>
      <DialogContent
        dividers
        sx={{ display: "grid", gridTemplateColumns: { xs: "minmax(0,1fr)", md: "minmax(0,1fr) 320px" }, gap: { xs: 2, md: 4 }, alignItems: "start" }}
      >
        <Box>
          <Section title={publish.video}>
            {jobProblem && <ProblemAlert problem={jobProblem} severity="warning" />}
            <VideoSection video={form.video} upload={upload} onChange={(video) => change({ video })} onJob={takeJob} />
          </Section>
          <Section title={publish.accounts}>
            <AccountsSection
              accounts={accounts}
              selected={form.accounts}
              onChange={(selected) => change({ accounts: selected, tiktokConsent: false })}
              onLeave={() => setOpen(false)}
            />
          </Section>
          <Section title={publish.text}>
            <TextSection
              form={form}
              chosen={chosen}
              platforms={platforms}
              answer={validation.checking ? undefined : validation.answer}
              onChange={change}
            />
          </Section>
          {platforms.length > 0 && (
            <Section title={publish.options}>
              {onTikTok.length > 0 && (
                <Panel platform={Platform.TIKTOK} open>
                  {onTikTok.map((account) => (
                    <TikTokPanel
                      key={String(account.id)}
                      account={account}
                      options={options.of(account.id)}
                      choice={tiktokFor(form, account.id)}
                      seconds={seconds}
                      onChange={(choice) => setTikTok(account.id, choice)}
                      onReload={() => options.reload(account.id)}
                    />
                  ))}
                </Panel>
              )}
              {platforms.includes(Platform.INSTAGRAM) && (
                <Panel platform={Platform.INSTAGRAM} open={false}>
                  <InstagramPanel form={form} onChange={change} />
                </Panel>
              )}
              {platforms.includes(Platform.FACEBOOK) && (
                <Panel platform={Platform.FACEBOOK} open={false}>
                  <FacebookPanel form={form} onChange={change} />
                </Panel>
              )}
              {platforms.includes(Platform.YOUTUBE) && (
                <Panel platform={Platform.YOUTUBE} open={false}>
                  <YouTubePanel
                    form={form}
                    onChange={change}
                    levels={of(Platform.YOUTUBE).flatMap((account) => options.of(account.id).value?.privacyLevelOptions ?? []).filter((level, at, all) => all.indexOf(level) === at)}
                  />
                </Panel>
              )}
              <Box sx={{ display: "grid", gap: 2, mt: 2 }}>
                <SharedOptions form={form} platforms={platforms} onChange={change} />
                {seconds !== undefined && [Platform.TIKTOK, Platform.INSTAGRAM].some((one) => platforms.includes(one)) && (
                  <CoverSection coverMs={form.coverMs} seconds={seconds} onChange={(coverMs) => change({ coverMs })} />
                )}
              </Box>
            </Section>
          )}
          <Section title={publish.when}>
            <WhenSection when={form.when} onChange={(when) => change({ when })} />
          </Section>
          {onTikTok.length > 0 && (
            <TikTokConsent
              names={onTikTok.map((account) => options.of(account.id).value?.creatorNickname || accountName(account))}
              branded={onTikTok.some((account) => tiktokFor(form, account.id).disclose && tiktokFor(form, account.id).branded)}
              given={form.tiktokConsent}
              onChange={(tiktokConsent) => change({ tiktokConsent })}
            />
          )}
        </Box>
        <Box sx={{ display: "grid", gap: 3, position: { md: "sticky" }, top: 0 }}>
          <Section title={publish.preview}>
            <Preview form={form} chosen={chosen} answer={validation.checking ? undefined : validation.answer} />
          </Section>
          <Checks validation={validation} violations={violations} chosen={chosen} />
        </Box>
      </DialogContent>
      <Box aria-live="polite" sx={{ px: 3, pt: 1 }}>
        {toDo.length > 0 && (
          <Typography variant="body2" color="textSecondary" data-to-do>
            {publish.toDo} {toDo.join(" · ")}
          </Typography>
        )}
        {violations.length > 0 && (
          <Typography variant="body2" color="error">
            {publish.checksCount(new Set(violations.map((one) => one.rule + one.field)).size)}
          </Typography>
        )}
        {submit.problem && !duplicate && (
          <>
            <ProblemAlert problem={submit.problem} />
            {submit.problem.reason === "REQUEST_KEY_REUSED" && <Alert severity="warning">{publish.keyReused}</Alert>}
          </>
        )}
        {duplicate && (
          <Alert severity="warning">
            {publish.duplicate}
            <Box>
              <FormControlLabel
                control={<Checkbox size="small" checked={submit.again} onChange={(_, again) => submit.setAgain(again)} />}
                label={publish.postAgain}
              />
            </Box>
          </Alert>
        )}
      </Box>
      <DialogActions sx={{ flexWrap: "wrap", px: 3, py: 1.5 }}>
        <Button
          disabled={missingForDraft(situation, texts).length > 0 || submit.sending !== undefined}
          loading={submit.sending === "draft"}
          onClick={() => void submit.draft(form, chosen)}
        >
          {publish.saveDraft}
        </Button>
        <Button variant="contained" disabled={barred} loading={submit.sending === "post"} onClick={() => void submit.post(form, chosen)}>
          {label}
        </Button>
      </DialogActions>
      {asking && <Discard onStay={() => setAsking(false)} onDiscard={() => (setAsking(false), setOpen(false))} />}
    </Dialog>
  );
}
