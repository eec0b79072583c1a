// Seven days by the hours of the wall clock. An hour shows as many posts as fit, and how many more there are.

import Box from "@mui/material/Box";
import { styled } from "@mui/material/styles";
import { memo, useEffect, useMemo, useRef, type KeyboardEvent } from "react";

import { Spoken } from "../../app/Spoken";
import { useFormat, useTexts } from "../../i18n";
import { byHour, NO_ENTRIES, type Entry } from "./board";
import { Chip, CHIP_PX } from "./Chip";
import { dateOf, dayText } from "./days";
import type { GridProps } from "./grid";
import { More } from "./MonthGrid";

const SHOWN = 1;
const ROW_PX = (SHOWN + 1) * CHIP_PX + 4;
const FIRST_HOUR = 8;
const COLUMNS = "72px repeat(7, minmax(0, 1fr))";

const Cell = styled("div")(({ theme }) => ({
  position: "relative",
  height: ROW_PX,
  padding: 2,
  minWidth: 0,
  overflow: "hidden",
  cursor: "pointer",
  borderRight: `1px solid ${(theme.vars ?? theme).palette.divider}`,
  borderBottom: `1px solid ${(theme.vars ?? theme).palette.divider}`,
  background: (theme.vars ?? theme).palette.background.paper,
  "&[data-closed]": { background: (theme.vars ?? theme).palette.background.default },
  "&[data-over]": { boxShadow: `inset 0 0 0 2px ${(theme.vars ?? theme).palette.primary.main}` },
  "&:focus-visible": { outline: `2px solid ${(theme.vars ?? theme).palette.primary.main}`, outlineOffset: -2 },
}));

interface HourProps extends Pick<GridProps, "zone" | "lifted" | "handlers"> {
  day: number;
  hour: number;
  name: string;
  entries: readonly Entry[];
  isActive: boolean;
  isOver: boolean;
  isClosed: boolean;
}

const Hour = memo(function Hour({ day, hour, name, entries, zone, isActive, isOver, isClosed, lifted, handlers }: HourProps) {
  const { calendar } = useTexts();
  const fits = entries.length <= SHOWN + 1 ? entries.length : SHOWN;
  return (
    <Cell
      role="gridcell"
      tabIndex={isActive ? 0 : -1}
      aria-selected={isActive}
      data-cell={`${day}:${hour * 60}`}
      data-day={dayText(day)}
      data-over={isOver || undefined}
      data-closed={isClosed || undefined}
      onClick={(event) => event.target === event.currentTarget && handlers.onCell(day, hour * 60)}
      onFocus={(event) => event.target === event.currentTarget && handlers.onActive(day, hour * 60)}
    >
      <Spoken>{calendar.day(name, entries.length)}</Spoken>
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
        <More type="button" tabIndex={isActive ? 0 : -1} onClick={() => handlers.onMore(day, hour)}>
          {calendar.more(entries.length - fits)}
          <Spoken>, {calendar.allOf(name)}</Spoken>
        </More>
      )}
    </Cell>
  );
});

/** The same lists of hours for the same list of a day. */
function useHours() {
  const known = useRef(new WeakMap<readonly Entry[], readonly (readonly Entry[])[]>());
  return (entries: readonly Entry[]) => {
    const hours = known.current.get(entries) ?? byHour(entries).map((hour) => (hour.length > 0 ? hour : NO_ENTRIES));
    known.current.set(entries, hours);
    return hours;
  };
}

export function WeekGrid({ days, board, label, zone, active, now, target, lifted, handlers }: GridProps) {
  const format = useFormat();
  const { calendar } = useTexts();
  const scroller = useRef<HTMLDivElement>(null);
  const hoursOf = useHours();
  useEffect(() => {
    scroller.current?.scrollTo({ top: FIRST_HOUR * ROW_PX });
  }, []);
  const week = Array.from({ length: 7 }, (_, index) => days.first + index);
  const clock = useMemo(
    () => Array.from({ length: 24 }, (_, hour) => format.time(new Date(Date.UTC(2000, 0, 1, hour)), "UTC")),
    [format],
  );
  return (
    <Box
      role="grid"
      aria-label={label}
      onKeyDown={(event: KeyboardEvent<HTMLElement>) => handlers.onGridKey(event)}
      sx={{ border: 1, borderColor: "divider", borderRadius: 1, overflow: "hidden" }}
    >
      <Box ref={scroller} role="presentation" data-scroller sx={{ maxHeight: "calc(100dvh - 280px)", minHeight: 320, overflowY: "scroll" }}>
        <Box role="row" sx={{ display: "grid", gridTemplateColumns: COLUMNS, position: "sticky", top: 0, zIndex: 1, bgcolor: "background.paper" }}>
          <Box role="columnheader" sx={{ borderBottom: 1, borderColor: "divider" }}>
            <Spoken>{calendar.hour}</Spoken>
          </Box>
          {week.map((day) => (
            <Box
              key={day}
              role="columnheader"
              aria-current={day === now.day ? "date" : undefined}
              sx={{ p: 0.5, fontSize: 12, textAlign: "center", borderBottom: 1, borderColor: "divider", color: day === now.day ? "primary.main" : "text.secondary", fontWeight: day === now.day ? 700 : 400 }}
            >
              {format.date(dateOf(day), "UTC")}
            </Box>
          ))}
        </Box>
        {clock.map((time, hour) => (
          <Box key={hour} role="row" sx={{ display: "grid", gridTemplateColumns: COLUMNS }}>
            <Box role="rowheader" sx={{ fontSize: 12, color: "text.secondary", p: 0.5, textAlign: "right", whiteSpace: "nowrap" }}>
              {time}
            </Box>
            {week.map((day) => (
              <Hour
                key={day}
                day={day}
                hour={hour}
                name={`${format.date(dateOf(day), "UTC")}, ${time}`}
                entries={hoursOf(board.get(day) ?? NO_ENTRIES)[hour] ?? NO_ENTRIES}
                zone={zone}
                isActive={active.day === day && Math.floor(active.minute / 60) === hour}
                isOver={target?.day === day && Math.floor(target.minute / 60) === hour}
                isClosed={day < now.day || (day === now.day && hour < Math.floor(now.minute / 60))}
                lifted={lifted}
                handlers={handlers}
              />
            ))}
          </Box>
        ))}
      </Box>
    </Box>
  );
}
