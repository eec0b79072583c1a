// A post in a cell of the calendar: its time, its platform, how it stands, and how its text begins.

import { styled } from "@mui/material/styles";
import { memo, type KeyboardEvent, type PointerEvent } from "react";

import { PlatformMark, platformName } from "../../app/platforms";
import { Spoken } from "../../app/Spoken";
import { statusName } from "../../app/StatusChip";
import { StatusIcon } from "../../app/StatusIcon";
import { STATUS_TONE, type Tone } from "../../app/theme";
import { useFormat, useTexts, type Texts } from "../../i18n";
import type { Formatter } from "../../i18n/format";
import { PostStatus, type Post } from "../../rpc/aurareels/v1/post_pb";
import type { Entry } from "./board";
import { canMove } from "./moves";

/** A target of 24 px (WCAG 2.5.8) and the gap below it. */
export const CHIP_PX = 26;

const Button = styled("button")(({ theme }) => ({
  font: "inherit",
  fontSize: 12,
  lineHeight: 1,
  position: "relative",
  display: "flex",
  alignItems: "center",
  gap: 4,
  width: "100%",
  height: CHIP_PX - 2,
  marginBottom: 2,
  padding: "0 4px",
  border: 0,
  borderLeft: "3px solid var(--tone)",
  borderRadius: 4,
  color: (theme.vars ?? theme).palette.text.primary,
  background: "color-mix(in srgb, var(--tone) 13%, transparent)",
  textAlign: "left",
  cursor: "pointer",
  overflow: "hidden",
  whiteSpace: "nowrap",
  touchAction: "manipulation",
  userSelect: "none",
  WebkitTouchCallout: "none",
  "& > svg": { color: "var(--tone)", flex: "none", fontSize: 14 },
  "& > b": { fontWeight: 600, flex: "none", fontVariantNumeric: "tabular-nums" },
  "& > i": { fontStyle: "normal", overflow: "hidden", textOverflow: "ellipsis" },
  "&[data-movable]": { cursor: "grab" },
  "&[data-lifted]": { opacity: 0.4 },
  "&[data-gone] > i": { textDecoration: "line-through" },
  "&:focus-visible": { outline: `2px solid ${(theme.vars ?? theme).palette.primary.main}`, outlineOffset: -1 },
  "&:hover": { background: "color-mix(in srgb, var(--tone) 22%, transparent)" },
}));

const TONES: Record<Tone, string> = {
  default: "var(--ar-palette-text-secondary)",
  info: "var(--ar-palette-info-main)",
  primary: "var(--ar-palette-primary-main)",
  success: "var(--ar-palette-success-main)",
  warning: "var(--ar-palette-warning-main)",
  error: "var(--ar-palette-error-main)",
};

export const toneOf = (status: PostStatus): string => TONES[STATUS_TONE[status] ?? "default"];

const BEGINNING = 80;

/** The beginning of a post's text; a whole caption of thousands of characters would only be cut off by the browser. */
export function beginning(post: Post, texts: Texts): string {
  const text = post.caption || post.fullCaption;
  // Half a character is left out.
  const shown = text.slice(0, BEGINNING).replace(/[\uD800-\uDBFF]$/, "").replaceAll(/\s+/g, " ").trim();
  return shown ? shown + (text.length > BEGINNING ? "…" : "") : texts.calendar.noCaption;
}

/** "Scheduled, TikTok, Ada:", for those who do not see the marks. */
function marks(post: Post, texts: Texts): string {
  const account = post.account?.accountName ?? "";
  return `${[statusName(post.status, texts), platformName(post.platform), account].filter(Boolean).join(", ")}:`;
}

/** What a chip is called: "18:00 Scheduled, TikTok, Ada: A caption" */
export function nameOf({ post, time }: Entry, texts: Texts, format: Formatter, zone: string): string {
  return [format.time(new Date(time), zone), marks(post, texts), beginning(post, texts)].join(" ");
}

/** A long press lifts the post; it opens no menu. */
const isTouch = (event: MouseEvent): boolean => event instanceof window.PointerEvent && event.pointerType === "touch";

interface Props {
  entry: Entry;
  zone: string;
  tabbable: boolean;
  lifted: boolean;
  onPointerDown(event: PointerEvent<HTMLElement>, id: bigint): void;
  onKeyDown(event: KeyboardEvent<HTMLElement>, entry: Entry): void;
  onOpen(entry: Entry): void;
}

export const Chip = memo(function Chip({ entry, zone, tabbable, lifted, onPointerDown, onKeyDown, onOpen }: Props) {
  const texts = useTexts();
  const format = useFormat();
  const { post, time } = entry;
  const movable = canMove(post);
  return (
    <Button
      type="button"
      tabIndex={tabbable ? 0 : -1}
      style={{ ["--tone" as string]: toneOf(post.status) }}
      data-post={String(post.id)}
      data-status={PostStatus[post.status]?.toLowerCase()}
      data-movable={movable || undefined}
      data-lifted={lifted || undefined}
      data-gone={post.status === PostStatus.CANCELLED || undefined}
      aria-describedby={movable ? "calendar-chip-help" : undefined}
      onPointerDown={movable ? (event) => onPointerDown(event, post.id) : undefined}
      onKeyDown={(event) => onKeyDown(event, entry)}
      onClick={() => onOpen(entry)}
      onContextMenu={(event) => isTouch(event.nativeEvent) && event.preventDefault()}
    >
      <StatusIcon status={post.status} />
      <PlatformMark platform={post.platform} size={14} />
      <b>{format.time(new Date(time), zone)}</b>
      <Spoken>{marks(post, texts)}</Spoken>
      <i dir="auto">{beginning(post, texts)}</i>
    </Button>
  );
});
