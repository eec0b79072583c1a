// The calendar: which days, in which zone, which statuses; the board of their posts; and what a drop does.

import Box from "@mui/material/Box";
import LinearProgress from "@mui/material/LinearProgress";
import Typography from "@mui/material/Typography";
import { useTheme } from "@mui/material/styles";
import useMediaQuery from "@mui/material/useMediaQuery";
import { visuallyHidden } from "@mui/utils";
import { lazy, Suspense, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";

import { useParams } from "../../app/params";
import { ProblemAlert } from "../../app/ProblemAlert";
import { usePublishDialog } from "../../app/publish";
import { routes } from "../../app/routes";
import { useZone } from "../../app/zone";
import { useLanguage, useTexts } from "../../i18n";
import { usePosts } from "../../live";
import type { Post, PostStatus } from "../../rpc/aurareels/v1/post_pb";
import { board, NO_ENTRIES, type Board } from "./board";
import { dateOf, dayOf, dayText, firstWeekday, instantAt, monthOf, readDay, shown, startOf, step, type Layout } from "./days";
import { EntryList } from "./EntryList";
import { useGrid } from "./grid";
import { Legend } from "./Legend";
import { MonthGrid } from "./MonthGrid";
import { useMoves } from "./moves";
import { Toolbar } from "./Toolbar";
import { WeekGrid } from "./WeekGrid";

const DayDialog = lazy(() => import("./DayDialog"));
const RescheduleDialog = lazy(() => import("../../app/RescheduleDialog"));

const LAYOUTS: readonly string[] = ["month", "week", "agenda"] satisfies Layout[];
/** The time of a new post on a day that has only been clicked. */
const NOON = 12 * 60;

function useTitle(layout: Layout, days: { first: number; end: number }, day: number): string {
  const { region } = useLanguage();
  return useMemo(() => {
    const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(region, { ...options, timeZone: "UTC" });
    return layout === "week"
      ? format({ day: "numeric", month: "short", year: "numeric" }).formatRange(dateOf(days.first), dateOf(days.end - 1))
      : format({ month: "long", year: "numeric" }).format(dateOf(day));
  }, [region, layout, days.first, days.end, day]);
}

/** The board of before is the next one's start, so that days that did not change are recognised. */
function useBoard(...[posts, moves, zone, hidden]: Parameters<typeof board>): Board {
  const before = useRef<Board>(undefined);
  return useMemo(() => {
    before.current = board(posts, moves, zone, hidden, before.current);
    return before.current;
  }, [posts, moves, zone, hidden]);
}

export default function CalendarView() {
  const texts = useTexts();
  const { region } = useLanguage();
  const [zone] = useZone();
  const [params, setParams] = useParams("calendar");
  const [, navigate] = useLocation();
  const publish = usePublishDialog();
  const phone = useMediaQuery(useTheme().breakpoints.down("sm"));
  const [hidden, setHidden] = useState<ReadonlySet<PostStatus>>(new Set());
  const [opened, setOpened] = useState<{ day: number; hour: number | undefined }>();
  const [rescheduled, setRescheduled] = useState<Post>();
  const root = useRef<HTMLDivElement>(null);

  const named = params.get("layout") ?? "";
  const layout = (LAYOUTS.includes(named) ? named : "month") as Layout;
  const today = dayOf(zone, Date.now());
  const day = readDay(params.get("day") ?? "") ?? today;
  const first = firstWeekday(region);
  const days = useMemo(() => shown(layout, day, first), [layout, day, first]);
  const title = useTitle(layout, days, day);
  const show = (next: number) => setParams({ day: next === today ? "" : dayText(next) });

  const query = { from: new Date(startOf(zone, days.first)), until: new Date(startOf(zone, days.end)) };
  const list = usePosts(query, { whole: true, pageSize: 500 });
  const { moves, move } = useMoves(zone);
  const all = useBoard(list.posts, moves, zone, hidden);
  const inOrder = useMemo(() => [...all.entries()].sort(([a], [b]) => a - b).map(([, entries]) => entries), [all]);

  const newPost = (on: number, minute: number) => {
    // A day's click means a time that is still to come.
    const soon = Math.ceil((Date.now() + 600_000) / 300_000) * 300_000;
    publish({ scheduledAt: new Date(Math.max(instantAt(zone, on, minute), soon)) });
  };
  const asList = layout === "agenda" || (phone && layout === "week");
  const grid = useGrid({
    layout,
    days,
    zone,
    day,
    root,
    move,
    onShow: show,
    onOpen: (post) => navigate(routes.post(post.id)),
    onMore: (on, hour) => setOpened({ day: on, hour }),
    onCell: (on, minute) => {
      if (phone && layout === "month" && (all.get(on)?.length ?? 0) > 0) {
        setOpened({ day: on, hour: undefined });
      } else {
        newPost(on, layout === "month" ? NOON : minute);
      }
    },
  });
  const common = { label: texts.calendar.grid(title), days, board: all, compact: phone, zone, ...grid };
  const ofOpened = useMemo(() => {
    const entries = opened ? (all.get(opened.day) ?? NO_ENTRIES) : NO_ENTRIES;
    const { hour } = opened ?? {};
    return hour === undefined ? entries : entries.filter(({ minute }) => Math.floor(minute / 60) === hour);
  }, [all, opened]);
  const isEmpty = list.state === "ready" && list.posts.length === 0;

  return (
    <Box ref={root}>
      <Toolbar
        title={title}
        layout={layout}
        onLayout={(next) => setParams({ layout: next === "month" ? "" : next })}
        onStep={(by) => show(step(layout, day, by))}
        onToday={() => show(today)}
      />
      <Legend
        hidden={hidden}
        onToggle={(status) =>
          setHidden((before) => {
            const after = new Set(before);
            if (!after.delete(status)) {
              after.add(status);
            }
            return after;
          })
        }
      />
      <Box sx={{ height: 4, mb: 0.5 }}>
        {list.state === "loading" && <LinearProgress aria-label={texts.calendar.loadingRange} />}
      </Box>
      {list.problem && <ProblemAlert problem={list.problem} onRetry={list.reload} />}
      <div id="calendar-chip-help" hidden>
        {texts.calendar.chipHelp}
      </div>
      <div aria-live="assertive" style={visuallyHidden}>
        {grid.said}
      </div>
      {asList ? (
        <EntryList label={texts.calendar.postsOf(title)} entries={inOrder} zone={zone} height="calc(100dvh - 260px)" onReschedule={setRescheduled} />
      ) : layout === "month" ? (
        <MonthGrid {...common} month={monthOf(day)} />
      ) : (
        <WeekGrid {...common} />
      )}
      <Typography color="textSecondary" sx={{ mt: 1, minHeight: 24 }}>
        {isEmpty && `${texts.calendar.noPosts} ${texts.calendar.noPostsHelp}`}
      </Typography>
      <Suspense fallback={null}>
        {opened && (
          <DayDialog
            day={opened.day}
            entries={ofOpened}
            zone={zone}
            onNewPost={() => newPost(opened.day, opened.hour === undefined ? NOON : opened.hour * 60)}
            onReschedule={setRescheduled}
            onClose={() => setOpened(undefined)}
          />
        )}
        {rescheduled && <RescheduleDialog post={rescheduled} onClose={() => setRescheduled(undefined)} />}
      </Suspense>
    </Box>
  );
}
