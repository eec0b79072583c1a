// Posts below each other, by day. Only the rows in sight are in the page, so that thousands scroll as well as ten.

import EventIcon from "@mui/icons-material/Event";
import Box from "@mui/material/Box";
import IconButton from "@mui/material/IconButton";
import Link from "@mui/material/Link";
import Typography from "@mui/material/Typography";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useMemo, useRef } from "react";
import { Link as Route } from "wouter";

import { PlatformMark, platformName } from "../../app/platforms";
import { routes } from "../../app/routes";
import { statusName } from "../../app/StatusChip";
import { StatusIcon } from "../../app/StatusIcon";
import { useFormat, useTexts } from "../../i18n";
import type { Post } from "../../rpc/aurareels/v1/post_pb";
import type { Entry } from "./board";
import { beginning, toneOf } from "./Chip";
import { dateOf } from "./days";
import { canMove } from "./moves";

const ROW_PX = 60;

type Row = { day: number; count: number } | Entry;
const isEntry = (row: Row): row is Entry => "post" in row;

const PostRow = memo(function PostRow({ entry, zone, onReschedule }: { entry: Entry; zone: string; onReschedule(post: Post): void }) {
  const texts = useTexts();
  const format = useFormat();
  const { post, time } = entry;
  return (
    <Box sx={{ display: "flex", alignItems: "center", gap: 1, height: ROW_PX, px: 1, borderBottom: 1, borderColor: "divider" }}>
      <Typography component="span" sx={{ fontVariantNumeric: "tabular-nums", minWidth: { xs: 48, sm: 72 }, flex: "none", whiteSpace: "nowrap" }}>
        {format.time(new Date(time), zone)}
      </Typography>
      <PlatformMark platform={post.platform} named />
      <Box sx={{ minWidth: 0, flex: 1 }}>
        <Link component={Route} href={routes.post(post.id)} color="inherit" underline="hover" noWrap dir="auto" sx={{ display: "block", textAlign: "left" }}>
          {beginning(post, texts)}
        </Link>
        <Typography variant="caption" color="textSecondary" sx={{ display: "flex", alignItems: "center", gap: 0.5 }}>
          <StatusIcon status={post.status} style={{ color: toneOf(post.status) }} />
          <Box component="span" sx={{ minWidth: 0, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>
            {[statusName(post.status, texts), post.account?.accountName || platformName(post.platform)].join(" · ")}
          </Box>
        </Typography>
      </Box>
      {canMove(post) && (
        <IconButton aria-label={`${texts.calendar.reschedule}: ${beginning(post, texts)}`} onClick={() => onReschedule(post)}>
          <EventIcon />
        </IconButton>
      )}
    </Box>
  );
});

interface Props {
  label: string;
  /** Each day's posts, in order. */
  entries: readonly (readonly Entry[])[];
  zone: string;
  height: string;
  onReschedule(post: Post): void;
}

export function EntryList({ label, entries, zone, height, onReschedule }: Props) {
  const texts = useTexts();
  const format = useFormat();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => {
    const all: Row[] = [];
    for (const day of entries) {
      const [first] = day;
      if (first) {
        all.push({ day: first.day, count: day.length });
        day.forEach((entry) => all.push(entry));
      }
    }
    return all;
  }, [entries]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 6,
    useFlushSync: false,
  });
  return (
    <Box
      ref={scroller}
      data-scroller
      tabIndex={0}
      role="region"
      aria-label={label}
      sx={{ height, overflowY: "auto", contain: "strict", border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}
    >
      <div role="list" style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          return (
            row && (
              <div
                key={isEntry(row) ? String(row.post.id) : `day ${row.day}`}
                role="listitem"
                aria-setsize={rows.length}
                aria-posinset={item.index + 1}
                style={{ position: "absolute", top: 0, left: 0, right: 0, height: ROW_PX, transform: `translateY(${item.start}px)` }}
              >
                {isEntry(row) ? (
                  <PostRow entry={row} zone={zone} onReschedule={onReschedule} />
                ) : (
                  <Typography component="h2" variant="h3" sx={{ height: ROW_PX, px: 1, pt: 3.5, borderBottom: 1, borderColor: "divider", fontSize: 15 }}>
                    {texts.calendar.day(format.date(dateOf(row.day), "UTC"), row.count)}
                  </Typography>
                )}
              </div>
            )
          );
        })}
      </div>
    </Box>
  );
}
