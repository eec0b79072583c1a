// TikTok's choices for one creator, as its content sharing guidelines demand them: the creator is named, no visibility is
// preset, interactions are off, commercial content is disclosed by the creator, and nothing is sent without consent.
// https://developers.tiktok.com/docs/en/content-sharing-guidelines

import Alert from "@mui/material/Alert";
import Avatar from "@mui/material/Avatar";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControl from "@mui/material/FormControl";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormGroup from "@mui/material/FormGroup";
import FormHelperText from "@mui/material/FormHelperText";
import FormLabel from "@mui/material/FormLabel";
import MenuItem from "@mui/material/MenuItem";
import Skeleton from "@mui/material/Skeleton";
import Switch from "@mui/material/Switch";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";

import { accountName, privacyName } from "../../app/names";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useFormat, useTexts } from "../../i18n";
import type { Account, PublishOptions } from "../../rpc/aurareels/v1/account_pb";
import type { TikTokChoice } from "./form";
import type { AccountOptions } from "./options";

export const ONLY_ME = "SELF_ONLY";

export interface TikTokPanelProps {
  account: Account;
  options: AccountOptions;
  choice: TikTokChoice;
  /** Length of the video, once it is known. */
  seconds: number | undefined;
  onChange(choice: TikTokChoice): void;
  onReload(): void;
}

function Creator({ account, options }: { account: Account; options: PublishOptions }) {
  const { publish } = useTexts();
  const name = options.creatorNickname || accountName(account);
  return (
    <Box sx={{ display: "flex", gap: 1, alignItems: "center" }}>
      <Avatar
        {...(/^https?:/.test(options.creatorAvatarUrl) ? { src: options.creatorAvatarUrl } : {})}
        alt=""
        slotProps={{ img: { referrerPolicy: "no-referrer" } }}
        sx={{ width: 28, height: 28, fontSize: 13 }}
      >
        {name.slice(0, 1)}
      </Avatar>
      <Typography variant="h3" component="h4" sx={{ overflowWrap: "anywhere" }}>
        {publish.postingAs(name)}
        {options.creatorUsername && (
          <Typography component="span" color="textSecondary" variant="body2">
            {" "}
            @{options.creatorUsername}
          </Typography>
        )}
      </Typography>
    </Box>
  );
}

function Disclosure({ choice, onChange }: { choice: TikTokChoice; onChange(choice: TikTokChoice): void }) {
  const { publish } = useTexts();
  const set = (change: Partial<TikTokChoice>) => onChange({ ...choice, ...change });
  const incomplete = choice.disclose && !choice.ownBrand && !choice.branded;
  const onlyMe = choice.privacy === ONLY_ME;
  return (
    <Box>
      <FormControlLabel
        control={
          <Switch
            checked={choice.disclose}
            onChange={(_, disclose) => set(disclose ? { disclose } : { disclose, ownBrand: false, branded: false })}
          />
        }
        label={publish.disclose}
      />
      <FormHelperText sx={{ mt: 0 }}>{publish.discloseHelp}</FormHelperText>
      {choice.disclose && (
        <FormGroup sx={{ pl: 2, mt: 0.5, gap: 0.5 }}>
          <FormControlLabel
            control={<Checkbox size="small" checked={choice.ownBrand} onChange={(_, ownBrand) => set({ ownBrand })} />}
            label={
              <>
                {publish.ownBrand}
                <Typography variant="caption" component="div" color="textSecondary">
                  {publish.ownBrandHelp}
                </Typography>
              </>
            }
          />
          <FormControlLabel
            disabled={onlyMe && !choice.branded}
            control={<Checkbox size="small" checked={choice.branded} onChange={(_, branded) => set({ branded })} />}
            label={
              <>
                {publish.branded}
                <Typography variant="caption" component="div" color="textSecondary">
                  {onlyMe ? publish.brandedPrivate : publish.brandedHelp}
                </Typography>
              </>
            }
          />
          {incomplete && <Alert severity="warning">{publish.discloseIncomplete}</Alert>}
          {!incomplete && <Alert severity="info">{choice.branded ? publish.labelPaid : publish.labelPromotional}</Alert>}
        </FormGroup>
      )}
    </Box>
  );
}

export function TikTokPanel({ account, options, choice, seconds, onChange, onReload }: TikTokPanelProps) {
  const texts = useTexts();
  const { publish } = texts;
  const format = useFormat();
  const { value, problem } = options;
  const name = value?.creatorNickname || accountName(account);
  if (problem) {
    return (
      <>
        <Typography variant="body2">{publish.optionsFailed(name)}</Typography>
        <ProblemAlert problem={problem} onRetry={onReload} />
      </>
    );
  }
  if (!value) {
    return <Skeleton variant="rounded" height={220} aria-label={texts.shell.loading} />;
  }
  if (!value.canPost) {
    return (
      <Alert
        severity="error"
        action={
          <Button size="small" color="inherit" onClick={onReload}>
            {texts.shell.tryAgain}
          </Button>
        }
      >
        {publish.cannotPost(name)} {value.reason}
      </Alert>
    );
  }
  const longest = value.maxVideoPostDurationSec;
  const tooLong = longest > 0 && seconds !== undefined && seconds > longest;
  const interactions = [
    ["comment", publish.allowComment, value.commentDisabled],
    ["duet", publish.allowDuet, value.duetDisabled],
    ["stitch", publish.allowStitch, value.stitchDisabled],
  ] as const;
  return (
    <Box sx={{ display: "grid", gap: 2 }} data-tiktok={String(account.id)}>
      <Creator account={account} options={value} />
      {tooLong && <Alert severity="error">{publish.tooLongFor(name, format.duration(longest))}</Alert>}
      <TextField
        select
        required
        size="small"
        label={publish.privacy}
        value={choice.privacy}
        onChange={(event) => onChange({ ...choice, privacy: event.target.value })}
        slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
      >
        <MenuItem value="" disabled>
          {publish.privacyChoose}
        </MenuItem>
        {value.privacyLevelOptions.map((level) => {
          const barred = level === ONLY_ME && choice.disclose && choice.branded;
          return (
            <MenuItem key={level} value={level} disabled={barred} sx={{ whiteSpace: "normal" }}>
              {privacyName(level, texts)}
              {barred && ` (${publish.brandedPrivate})`}
            </MenuItem>
          );
        })}
      </TextField>
      <FormControl component="fieldset">
        <FormLabel component="legend">{publish.allow}</FormLabel>
        <FormGroup row>
          {interactions.map(([field, label, off]) => (
            <FormControlLabel
              key={field}
              disabled={off}
              control={
                <Checkbox size="small" checked={choice[field] && !off} onChange={(_, on) => onChange({ ...choice, [field]: on })} />
              }
              label={off ? `${label} (${publish.offByCreator})` : label}
            />
          ))}
        </FormGroup>
      </FormControl>
      <Disclosure choice={choice} onChange={onChange} />
      <FormControlLabel
        control={<Switch checked={choice.aigc} onChange={(_, aigc) => onChange({ ...choice, aigc })} />}
        label={publish.aigc}
      />
    </Box>
  );
}

const MUSIC = "https://www.tiktok.com/legal/page/global/music-usage-confirmation/en";
const BRANDED = "https://www.tiktok.com/legal/page/global/bc-policy/en";

export interface ConsentProps {
  names: string[];
  /** Some creator's post is branded content: its policy is agreed to as well. */
  branded: boolean;
  given: boolean;
  onChange(given: boolean): void;
}

/** The declaration that stands before anything is sent to TikTok. */
export function TikTokConsent({ names, branded, given, onChange }: ConsentProps) {
  const { publish } = useTexts();
  const format = useFormat();
  const link = (href: string, label: string) => (
    <a href={href} target="_blank" rel="noreferrer">
      {label}
    </a>
  );
  return (
    <Box sx={{ p: 1.5, borderRadius: 1.5, bgcolor: "action.hover", "& a": { color: "primary.main" } }}>
      <Typography variant="body2">
        {publish.consent} {branded && <>{link(BRANDED, publish.brandedPolicy)} {publish.and} </>}
        {link(MUSIC, publish.music)}.
      </Typography>
      <FormControlLabel
        control={<Checkbox checked={given} onChange={(_, on) => onChange(on)} required />}
        label={publish.consentCheck(format.list(names))}
      />
      <Typography variant="caption" component="div" color="textSecondary">
        {publish.processing}
      </Typography>
    </Box>
  );
}
