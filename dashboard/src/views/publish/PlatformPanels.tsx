// Options of Instagram, Facebook and YouTube: one panel for each network, for all of its accounts.

import Box from "@mui/material/Box";
import FormControlLabel from "@mui/material/FormControlLabel";
import MenuItem from "@mui/material/MenuItem";
import Switch from "@mui/material/Switch";
import TextField from "@mui/material/TextField";
import type { ReactNode } from "react";

import { privacyName } from "../../app/names";
import { useTexts } from "../../i18n";
import { Platform } from "../../rpc/aurareels/v1/platform_pb";
import { ChipsField } from "./ChipsField";
import type { Form } from "./form";

interface PanelProps {
  form: Form;
  onChange(change: Partial<Form>): void;
}

function Toggle({ label, on, onChange }: { label: string; on: boolean; onChange(on: boolean): void }) {
  return <FormControlLabel control={<Switch checked={on} onChange={(_, value) => onChange(value)} />} label={label} />;
}

function Grid({ children }: { children: ReactNode }) {
  return <Box sx={{ display: "grid", gap: 2 }}>{children}</Box>;
}

function Comment({ value, onChange }: { value: string; onChange(value: string): void }) {
  const { publish } = useTexts();
  return (
    <TextField
      size="small"
      multiline
      maxRows={6}
      label={publish.firstComment}
      helperText={publish.firstCommentHelp}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

export function InstagramPanel({ form, onChange }: PanelProps) {
  const { publish } = useTexts();
  const { instagram } = form;
  const set = (change: Partial<Form["instagram"]>) => onChange({ instagram: { ...instagram, ...change } });
  return (
    <Grid>
      <Comment value={instagram.firstComment} onChange={(firstComment) => set({ firstComment })} />
      <ChipsField label={publish.collaborators} sign="@" value={instagram.collaborators} onChange={(collaborators) => set({ collaborators })} />
      <TextField
        size="small"
        label={publish.audioName}
        value={instagram.audioName}
        onChange={(event) => set({ audioName: event.target.value })}
      />
      <Box sx={{ display: "grid" }}>
        <Toggle label={publish.shareToFeed} on={instagram.shareToFeed} onChange={(shareToFeed) => set({ shareToFeed })} />
        <Toggle label={publish.comments} on={instagram.comments} onChange={(comments) => set({ comments })} />
        <Toggle label={publish.aigc} on={instagram.aigc} onChange={(aigc) => set({ aigc })} />
      </Box>
    </Grid>
  );
}

export function FacebookPanel({ form, onChange }: PanelProps) {
  const { publish } = useTexts();
  const { facebook } = form;
  const set = (change: Partial<Form["facebook"]>) => onChange({ facebook: { ...facebook, ...change } });
  return (
    <Grid>
      <TextField size="small" label={publish.titleField} value={facebook.title} onChange={(event) => set({ title: event.target.value })} />
      <Comment value={facebook.firstComment} onChange={(firstComment) => set({ firstComment })} />
    </Grid>
  );
}

export interface YouTubePanelProps extends PanelProps {
  /** What the channel offers. */
  levels: string[];
}

export function YouTubePanel({ form, levels, onChange }: YouTubePanelProps) {
  const texts = useTexts();
  const { publish } = texts;
  const { youtube } = form;
  const set = (change: Partial<Form["youtube"]>) => onChange({ youtube: { ...youtube, ...change } });
  const offered = levels.length > 0 ? levels : ["PUBLIC", "UNLISTED", "PRIVATE"];
  const kids = youtube.madeForKids === undefined ? "channel" : youtube.madeForKids ? "yes" : "no";
  return (
    <Grid>
      <TextField
        size="small"
        label={publish.titleField}
        helperText={publish.titleHelp}
        value={youtube.title}
        onChange={(event) => set({ title: event.target.value })}
      />
      <TextField select size="small" label={publish.privacy} value={youtube.privacy} onChange={(event) => set({ privacy: event.target.value })}>
        {offered.map((level) => (
          <MenuItem key={level} value={level}>
            {privacyName(level, texts)}
          </MenuItem>
        ))}
      </TextField>
      <TextField
        select
        size="small"
        label={publish.madeForKids}
        value={kids}
        onChange={(event) => set({ madeForKids: { yes: true, no: false }[event.target.value] })}
      >
        <MenuItem value="channel">{publish.madeForKidsAsChannel}</MenuItem>
        <MenuItem value="yes">{publish.yes}</MenuItem>
        <MenuItem value="no">{publish.no}</MenuItem>
      </TextField>
      <Comment value={youtube.firstComment} onChange={(firstComment) => set({ firstComment })} />
      <ChipsField label={publish.tags} sign="" value={youtube.tags} onChange={(tags) => set({ tags })} />
      <TextField
        size="small"
        label={publish.category}
        value={youtube.categoryId}
        onChange={(event) => set({ categoryId: event.target.value })}
        slotProps={{ htmlInput: { inputMode: "numeric" } }}
      />
      <Box sx={{ display: "grid" }}>
        <Toggle label={publish.synthetic} on={youtube.synthetic} onChange={(synthetic) => set({ synthetic })} />
        <Toggle label={publish.notify} on={youtube.notify} onChange={(notify) => set({ notify })} />
        <Toggle label={publish.embeddable} on={youtube.embeddable} onChange={(embeddable) => set({ embeddable })} />
        <Toggle label={publish.creativeCommons} on={youtube.creativeCommons} onChange={(creativeCommons) => set({ creativeCommons })} />
      </Box>
    </Grid>
  );
}

/** What several networks share: a place, a cover picture. Only those that some chosen network takes. */
export function SharedOptions({ form, platforms, onChange }: PanelProps & { platforms: Platform[] }) {
  const { publish } = useTexts();
  const takes = (...some: Platform[]) => some.some((platform) => platforms.includes(platform));
  return (
    <>
      {takes(Platform.INSTAGRAM, Platform.YOUTUBE) && (
        <TextField
          size="small"
          type="url"
          label={publish.thumbnail}
          helperText={publish.thumbnailHelp}
          value={form.thumbnailUrl}
          onChange={(event) => onChange({ thumbnailUrl: event.target.value })}
        />
      )}
      {takes(Platform.INSTAGRAM, Platform.FACEBOOK) && (
        <TextField
          size="small"
          label={publish.location}
          helperText={publish.locationHelp}
          value={form.location}
          onChange={(event) => onChange({ location: event.target.value })}
        />
      )}
    </>
  );
}
