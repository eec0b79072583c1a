// Six weeks of days. A day shows as many posts as fit, and how many more there are; on a phone, only how many.

import Box from "@mui/material/Box";
import { styled } from "@mui/material/styles";
import { memo, useMemo, useSyncExternalStore, type KeyboardEvent } from "react";

import { Spoken } from "../../app/Spoken";
import { StatusIcon } from "../../app/StatusIcon";
import { useFormat, useLanguage, useTexts } from "../../i18n";
import { NO_ENTRIES, type Board, type Entry } from "./board";
import { Chip, CHIP_PX, toneOf } from "./Chip";
import { dateOf, dayText, type Days } from "./days";
import type { GridProps } from "./grid";

const WEEKS = 6;
const HEAD_PX = 28;
const PADDING_PX = 4;
/** At least so many posts are shown of a day that has more. */
const LEAST_SHOWN = 3;
const COMPACT_PX = 52;
const COMPACT_MOST_PX = 84;
/** What stands above and below the weeks. */
const AROUND_PX = 270;
const AROUND_COMPACT_PX = 345;

const onResize = (changed: () => void) => {
  window.addEventListener("resize", changed);
  return () => window.removeEventListener("resize", changed);
};

/** The height of a day, so that six weeks fill the window, and how many posts fit into it beside "more". */
function useRoom(compact: boolean): { height: number; shown: number } {
  const height = useSyncExternalStore(onResize, () => {
    const share = Math.floor((window.innerHeight - (compact ? AROUND_COMPACT_PX : AROUND_PX)) / WEEKS);
    return compact ? Math.min(COMPACT_MOST_PX, Math.max(COMPACT_PX, share)) : Math.max(HEAD_PX + (LEAST_SHOWN + 1) * CHIP_PX + PADDING_PX, share);
  });
  return { height, shown: Math.floor((height - HEAD_PX - PADDING_PX) / CHIP_PX) - 1 };
}

const Cell = styled("div")(({ theme }) => ({
  position: "relative",
  borderRight: `1px solid ${(theme.vars ?? theme).palette.divider}`,
  borderBottom: `1px solid ${(theme.vars ?? theme).palette.divider}`,
  background: (theme.vars ?? theme).palette.background.paper,
  padding: 2,
  minWidth: 0,
  overflow: "hidden",
  outlineOffset: -2,
  cursor: "pointer",
  "&[data-outside]": { background: (theme.vars ?? theme).palette.background.default },
  "&[data-over]": { boxShadow: `inset 0 0 0 2px ${(theme.vars ?? theme).palette.primary.main}` },
  "&[aria-selected=true]": { boxShadow: `inset 0 0 0 1px ${(theme.vars ?? theme).palette.primary.main}` },
  "&:focus-visible": { outline: `2px solid ${(theme.vars ?? theme).palette.primary.main}` },
}));

export const More = styled("button")(({ theme }) => ({
  position: "relative",
  font: "inherit",
  fontSize: 12,
  height: CHIP_PX - 2,
  padding: "0 6px",
  border: 0,
  borderRadius: 4,
  background: "none",
  color: (theme.vars ?? theme).palette.text.secondary,
  cursor: "pointer",
  "&:hover": { background: (theme.vars ?? theme).palette.action.hover },
}));

interface DayProps extends Omit<GridProps, "days" | "board" | "label"> {
  day: number;
  entries: readonly Entry[];
  outside: boolean;
  height: number;
  /** As many posts as fit, beside a line for the others. */
  shown: number;
}

const Day = memo(function Day(props: DayProps) {
  const { day, entries, outside, height, shown, compact, zone, active, now, target, lifted, handlers } = props;
  const texts = useTexts();
  const format = useFormat();
  const isActive = active.day === day;
  const name = format.date(dateOf(day), "UTC");
  const fits = entries.length <= shown + 1 ? entries.length : shown;
  const isToday = now.day === day;
  return (
    <Cell
      role="gridcell"
      tabIndex={isActive ? 0 : -1}
      aria-selected={isActive}
      aria-current={isToday ? "date" : undefined}
      data-cell={`${day}`}
      data-day={dayText(day)}
      data-outside={outside || undefined}
      data-closed={day < now.day || undefined}
      data-over={target?.day === day || undefined}
      style={{ height }}
      onClick={(event) => event.target === event.currentTarget && handlers.onCell(day, 0)}
      onFocus={(event) => event.target === event.currentTarget && handlers.onActive(day, 0)}
    >
      <Spoken>{texts.calendar.day(name, entries.length)}</Spoken>
      <Box
        component="span"
        aria-hidden
        sx={{
          pointerEvents: "none",
          display: "inline-flex",
          alignItems: "center",
          justifyContent: "center",
          minWidth: 24,
          height: 24,
          px: 0.5,
          borderRadius: 12,
          fontSize: 13,
          fontWeight: isToday ? 700 : 400,
          color: isToday ? "primary.contrastText" : "text.secondary",
          bgcolor: isToday ? "primary.main" : undefined,
        }}
      >
        {dateOf(day).getUTCDate()}
      </Box>
      {compact ? (
        <Box aria-hidden sx={{ pointerEvents: "none", display: "flex", alignItems: "center", fontSize: 12, gap: "2px", height: 18, whiteSpace: "nowrap" }}>
          {entries.length > 0 && (
            <StatusIcon status={entries[0]?.post.status ?? 0} style={{ color: toneOf(entries[0]?.post.status ?? 0), fontSize: 14 }} />
          )}
          {entries.length > 0 && entries.length}
        </Box>
      ) : (
        <>
          {entries.slice(0, fits).map((entry) => (
            <Chip
              key={String(entry.post.id)}
              entry={entry}
              zone={zone}
              tabbable={isActive}
              lifted={lifted === entry.post.id}
              onPointerDown={handlers.onPointerDown}
              onKeyDown={handlers.onChipKey}
              onOpen={handlers.onOpen}
            />
          ))}
          {entries.length > fits && (
            <More type="button" tabIndex={isActive ? 0 : -1} onClick={() => handlers.onMore(day)}>
              {texts.calendar.more(entries.length - fits)}
              <Spoken>, {texts.calendar.allOf(name)}</Spoken>
            </More>
          )}
        </>
      )}
    </Cell>
  );
});

/** A cell renders anew only when something of it changed: the pickup and the focus of others are none of its. */
function own(day: number, props: GridProps): Pick<GridProps, "active" | "target"> {
  return {
    active: props.active.day === day ? props.active : ELSEWHERE,
    target: props.target?.day === day ? props.target : undefined,
  };
}
const ELSEWHERE = { day: Number.NaN, minute: 0 };

export function MonthGrid({ days, month, ...props }: GridProps & { days: Days; month: number }) {
  const { region } = useLanguage();
  const room = useRoom(props.compact);
  const names = useMemo(() => {
    const long = new Intl.DateTimeFormat(region, { weekday: "long", timeZone: "UTC" });
    const short = new Intl.DateTimeFormat(region, { weekday: "short", timeZone: "UTC" });
    return Array.from({ length: 7 }, (_, index) => {
      const date = dateOf(days.first + index);
      return { long: long.format(date), short: short.format(date) };
    });
  }, [region, days.first]);
  return (
    <Box
      role="grid"
      aria-label={props.label}
      onKeyDown={(event: KeyboardEvent<HTMLElement>) => props.handlers.onGridKey(event)}
      sx={{ border: 1, borderColor: "divider", borderRight: 0, borderBottom: 0, borderRadius: 1, overflow: "hidden" }}
    >
      <Box role="row" sx={{ display: "grid", gridTemplateColumns: "repeat(7, minmax(0, 1fr))" }}>
        {names.map(({ long, short }) => (
          <Box
            key={long}
            role="columnheader"
            sx={{ position: "relative", p: 0.5, fontSize: 12, color: "text.secondary", bgcolor: "background.paper", borderRight: 1, borderBottom: 1, borderColor: "divider", textAlign: "center" }}
          >
            <span aria-hidden>{short}</span>
            <Spoken>{long}</Spoken>
          </Box>
        ))}
      </Box>
      {Array.from({ length: WEEKS }, (_, week) => (
        <Box key={week} role="row" sx={{ display: "grid", gridTemplateColumns: "repeat(7, minmax(0, 1fr))" }}>
          {Array.from({ length: 7 }, (_, weekday) => {
            const day = days.first + week * 7 + weekday;
            return (
              <Day
                key={day}
                {...props}
                {...own(day, props as GridProps)}
                {...room}
                day={day}
                entries={(props.board as Board).get(day) ?? NO_ENTRIES}
                outside={dateOf(day).getUTCMonth() !== dateOf(month).getUTCMonth()}
              />
            );
          })}
        </Box>
      ))}
    </Box>
  );
}
