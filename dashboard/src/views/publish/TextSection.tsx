// One text for all networks, or an own one for each; with the length counted as each platform counts it.

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState } from "react";

import { api } from "../../api/clients";
import { PlatformMark, platformName } from "../../app/platforms";
import { useFormat, useTexts, type Texts } from "../../i18n";
import { useLoad } from "../../live";
import { CaptionUnit, type Platform, type VideoRequirements } from "../../rpc/aurareels/v1/platform_pb";
import type { ValidatePostsResponse } from "../../rpc/aurareels/v1/post_service_pb";
import type { Account } from "../../rpc/aurareels/v1/account_pb";
import { ChipsField } from "./ChipsField";
import { textFor, type Form } from "./form";
import { compose, lengthIn, type TextParts } from "./text";

/** What each platform asks for; read once per dialog. */
function useRequirements(platforms: Platform[]): Map<Platform, VideoRequirements> {
  const key = `requirements ${platforms.join()}`;
  const { value } = useLoad(key, async (signal) =>
    Promise.all(platforms.map((platform) => api.platforms.getVideoRequirements({ platform }, { signal }))),
  );
  return new Map((value ?? []).map((one) => [one.platform, one]));
}

function unitName(unit: CaptionUnit, texts: Texts): string {
  const { units } = texts.publish;
  return { [CaptionUnit.CODE_POINTS]: units.codePoints, [CaptionUnit.BYTES]: units.bytes }[unit as number] ?? units.utf16;
}

interface CounterProps {
  platform: Platform;
  text: TextParts;
  /** The core's word on the text, when it is of what stands there now. */
  sent: string | undefined;
  rules: VideoRequirements;
}

function Counter({ platform, text, sent, rules }: CounterProps) {
  const texts = useTexts();
  const format = useFormat();
  const whole = sent ?? compose(text);
  const length = lengthIn(rules.captionUnit, whole);
  const over = length > rules.maxCaptionLength;
  const tags = (whole.match(/[#＃][\p{L}\p{N}_]/gu) ?? []).length;
  const tagsOver = rules.maxHashtags > 0 && tags > rules.maxHashtags;
  return (
    <Box sx={{ display: "flex", gap: 0.75, alignItems: "center" }} data-counter={platformName(platform)}>
      <PlatformMark platform={platform} size={16} />
      <Typography
        variant="caption"
        color={over || tagsOver ? "error" : "textSecondary"}
        sx={{ fontVariantNumeric: "tabular-nums", fontWeight: over || tagsOver ? 700 : 400 }}
        title={unitName(rules.captionUnit, texts)}
      >
        {texts.publish.counter(platformName(platform), format.number(length), format.number(rules.maxCaptionLength))}{" "}
        {unitName(rules.captionUnit, texts)}
        {rules.maxHashtags > 0 && tags > 0 && ` · ${texts.publish.counterTags(tags, rules.maxHashtags)}`}
      </Typography>
    </Box>
  );
}

function Fields({ text, onChange }: { text: TextParts; onChange(text: TextParts): void }) {
  const { publish } = useTexts();
  return (
    <Box sx={{ display: "grid", gap: 2 }}>
      <TextField
        label={publish.caption}
        multiline
        minRows={4}
        maxRows={14}
        value={text.caption}
        onChange={(event) => onChange({ ...text, caption: event.target.value })}
        slotProps={{ htmlInput: { dir: "auto" } }}
      />
      <ChipsField
        label={publish.hashtags}
        help={publish.chipsHelp}
        sign="#"
        value={text.hashtags}
        onChange={(hashtags) => onChange({ ...text, hashtags })}
      />
      <ChipsField
        label={publish.mentions}
        sign="@"
        value={text.mentions}
        onChange={(mentions) => onChange({ ...text, mentions })}
      />
    </Box>
  );
}

export interface TextSectionProps {
  form: Form;
  chosen: Account[];
  platforms: Platform[];
  answer: ValidatePostsResponse | undefined;
  onChange(change: Partial<Form>): void;
}

export function TextSection({ form, chosen, platforms, answer, onChange }: TextSectionProps) {
  const { publish } = useTexts();
  const [tab, setTab] = useState(0);
  const requirements = useRequirements(platforms);
  const shown = tab !== 0 && platforms.includes(tab) ? (tab as Platform) : 0;
  const own = shown ? form.own[shown] : undefined;
  const setOwn = (text: TextParts | undefined) => shown && onChange({ own: { ...form.own, [shown]: text } });
  const sentFor = (platform: Platform): string | undefined => {
    const account = chosen.find((one) => one.platform === platform);
    return answer?.posts.find((post) => post.accountId === account?.id)?.fullCaption;
  };
  return (
    <Box sx={{ display: "grid", gap: 2 }}>
      {platforms.length > 1 && (
        <Tabs value={shown} onChange={(_, value: number) => setTab(value)} variant="scrollable" aria-label={publish.text} sx={{ minHeight: 40 }}>
          <Tab value={0} label={publish.forAll} sx={{ minHeight: 40 }} />
          {platforms.map((platform) => (
            <Tab
              key={platform}
              value={platform}
              icon={<PlatformMark platform={platform} size={16} />}
              iconPosition="start"
              label={platformName(platform) + (form.own[platform] ? " •" : "")}
              aria-label={form.own[platform] ? publish.ownFor(platformName(platform)) : platformName(platform)}
              sx={{ minHeight: 40, gap: 0.75 }}
            />
          ))}
        </Tabs>
      )}
      {!shown && <Fields text={form.text} onChange={(text) => onChange({ text })} />}
      {shown !== 0 && own && (
        <>
          <Fields text={own} onChange={setOwn} />
          <Button size="small" onClick={() => setOwn(undefined)} sx={{ justifySelf: "start" }}>
            {publish.dropOwn}
          </Button>
        </>
      )}
      {shown !== 0 && !own && (
        <Box>
          <Typography color="textSecondary" sx={{ mb: 1 }}>
            {publish.sameAsAll(platformName(shown))}
          </Typography>
          <Button variant="outlined" size="small" onClick={() => setOwn({ ...form.text })}>
            {publish.makeOwn(platformName(shown))}
          </Button>
        </Box>
      )}
      <Box aria-live="polite" sx={{ display: "flex", flexWrap: "wrap", columnGap: 2, rowGap: 0.5, minHeight: 20 }}>
        {platforms.map((platform) => {
          const rules = requirements.get(platform);
          return (
            rules && (
              <Counter key={platform} platform={platform} text={textFor(form, platform)} sent={sentFor(platform)} rules={rules} />
            )
          );
        })}
      </Box>
      <FormControlLabel
        control={<Checkbox size="small" checked={form.cutLong} onChange={(_, cutLong) => onChange({ cutLong })} />}
        label={<Typography variant="body2">{publish.cutLong}</Typography>}
        sx={{ mt: -1 }}
      />
    </Box>
  );
}
