// What the grids of months and weeks have in common: cells that can be gone to by arrow keys, posts that can be picked
// up and dropped by keys, and by pointer.

import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent, type RefObject } from "react";

import { useFormat, useTexts } from "../../i18n";
import { posts as cache } from "../../live";
import type { Post } from "../../rpc/aurareels/v1/post_pb";
import type { Board, Entry } from "./board";
import { nameOf } from "./Chip";
import { addMonths, dayOf, instantAt, minuteOf, type Days, type Layout } from "./days";
import { useDrag } from "./drag";
import { canMove } from "./moves";

export interface Place {
  day: number;
  minute: number;
}

export interface GridHandlers {
  onCell(day: number, minute: number): void;
  onActive(day: number, minute: number): void;
  onGridKey(event: KeyboardEvent<HTMLElement>): void;
  onChipKey(event: KeyboardEvent<HTMLElement>, entry: Entry): void;
  onPointerDown(event: PointerEvent<HTMLElement>, id: bigint): void;
  onOpen(entry: Entry): void;
  onMore(day: number, hour?: number): void;
}

export interface GridProps {
  label: string;
  days: Days;
  board: Board;
  compact: boolean;
  zone: string;
  /** The cell that the Tab key goes to. */
  active: Place;
  now: Place;
  /** Where the picked up post would go. */
  target: Place | undefined;
  lifted: bigint | undefined;
  handlers: GridHandlers;
}

interface Wanted {
  layout: Layout;
  days: Days;
  zone: string;
  /** The day in the middle of the view, when nothing has the focus. */
  day: number;
  root: RefObject<HTMLElement | null>;
  onCell(day: number, minute: number): void;
  onOpen(post: Post): void;
  onMore(day: number, hour?: number): void;
  onShow(day: number): void;
  move(post: Post, day: number, minute: number): void;
}

const STEPS: Record<string, Record<"month" | "week", [days: number, minutes: number]>> = {
  ArrowLeft: { month: [-1, 0], week: [-1, 0] },
  ArrowRight: { month: [1, 0], week: [1, 0] },
  ArrowUp: { month: [-7, 0], week: [0, -60] },
  ArrowDown: { month: [7, 0], week: [0, 60] },
};

function go(layout: Layout, from: Place, key: string): Place | undefined {
  const step = STEPS[key]?.[layout === "week" ? "week" : "month"];
  if (!step) {
    return undefined;
  }
  const minute = from.minute + step[1];
  return minute < 0 || minute >= 1440 ? from : { day: from.day + step[0], minute };
}

export function useGrid(wanted: Wanted) {
  const { layout, days, zone } = wanted;
  const texts = useTexts();
  const format = useFormat();
  const [active, setActive] = useState<Place>({ day: wanted.day, minute: 8 * 60 });
  const [lift, setLift] = useState<{ entry: Entry; target: Place }>();
  const [said, setSaid] = useState("");
  const focus = useRef(false);
  const latest = useRef({ ...wanted, active, lift });
  useEffect(() => {
    latest.current = { ...wanted, active, lift };
  });

  const inside = active.day >= days.first && active.day < days.end;
  const tabbed = useMemo(
    () => (inside ? active : { day: Math.min(Math.max(wanted.day, days.first), days.end - 1), minute: active.minute }),
    [inside, active, wanted.day, days.first, days.end],
  );
  // The arrow key that left the range showed another one: its cell takes the focus.
  useEffect(() => {
    if (focus.current && inside) {
      focus.current = false;
      const cell = layout === "week" ? `${active.day}:${Math.floor(active.minute / 60) * 60}` : `${active.day}`;
      wanted.root.current?.querySelector<HTMLElement>(`[data-cell="${cell}"]`)?.focus();
    }
  });

  const drag = useDrag((id, cell) => {
    const post = cache.get(id);
    const [day, minute] = cell.split(":").map(Number);
    if (post && day !== undefined) {
      drop(post, day, minute);
    }
  });

  /** In a month the time of day stays, in a week the minute of the hour. */
  const drop = useCallback((post: Post, day: number, hour?: number) => {
    const time = Number(post.scheduledAt?.seconds ?? 0n) * 1000;
    const minute = minuteOf(latest.current.zone, time);
    latest.current.move(post, day, hour === undefined ? minute : hour + (minute % 60));
  }, []);

  const place = useCallback(
    ({ day, minute }: Place) => format.dateTime(new Date(instantAt(zone, day, minute)), zone),
    [format, zone],
  );

  const handlers = useMemo<GridHandlers>(
    () => ({
      onCell: (day, minute) => latest.current.onCell(day, minute),
      onActive: (day, minute) => setActive({ day, minute }),
      onMore: (day, hour) => latest.current.onMore(day, hour),
      onOpen: (entry) => !drag.isDrop() && !latest.current.lift && latest.current.onOpen(entry.post),
      onPointerDown: drag.onPointerDown,
      onGridKey: (event) => {
        const { layout: form, active: from, lift: lifted, days: range } = latest.current;
        if (lifted || event.altKey || event.ctrlKey || event.metaKey) {
          return;
        }
        const isCell = (event.target as HTMLElement).hasAttribute("data-cell");
        const next =
          go(form, from, event.key) ??
          { PageUp: { ...from, day: addMonths(from.day, -1) }, PageDown: { ...from, day: addMonths(from.day, 1) } }[event.key];
        if (next) {
          event.preventDefault();
          focus.current = true;
          setActive(next);
          if (next.day < range.first || next.day >= range.end) {
            latest.current.onShow(next.day);
          }
        } else if (isCell && (event.key === "Enter" || event.key === " ")) {
          event.preventDefault();
          latest.current.onCell(from.day, from.minute);
        }
      },
      onChipKey: (event, entry) => {
        const { layout: form, lift: lifted, days: range } = latest.current;
        if (!lifted) {
          if (event.key === " " && canMove(entry.post)) {
            event.preventDefault();
            event.stopPropagation();
            setLift({ entry, target: { day: entry.day, minute: entry.minute } });
            setSaid(`${texts.calendar.lifted(nameOf(entry, texts, format, zone))} ${texts.calendar.chipHelp}`);
          }
          return;
        }
        event.stopPropagation();
        const next = go(form, lifted.target, event.key);
        if (next) {
          event.preventDefault();
          if (next.day >= range.first && next.day < range.end) {
            setLift({ ...lifted, target: next });
            setSaid(texts.calendar.over(place(next)));
          }
        } else if (event.key === " " || event.key === "Enter") {
          event.preventDefault();
          setLift(undefined);
          latest.current.move(lifted.entry.post, lifted.target.day, lifted.target.minute);
        } else if (event.key === "Escape" || event.key === "Tab") {
          event.preventDefault();
          setLift(undefined);
          setSaid(texts.calendar.letGo);
        }
      },
    }),
    [drag, texts, format, zone, place],
  );
  // By the hour, so that cells do not render anew with every minute.
  const [today, hour] = [dayOf(zone, Date.now()), Math.floor(minuteOf(zone, Date.now()) / 60) * 60];
  const now = useMemo(() => ({ day: today, minute: hour }), [today, hour]);
  return { handlers, active: tabbed, target: lift?.target, lifted: lift?.entry.post.id, said, now };
}
