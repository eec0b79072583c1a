// The calendar: which days, in which zone, which statuses; the board of their posts; and what a drop does.

import { useMediaQuery } from "@mui/material";
import { useCallback, useMemo, useRef, useState } from "react";
import { useLocation, useSearchParams } from "wouter";

import { toProblem } from "../../api/problem";
import { useTexts } from "../../i18n";
import { posts as cache, usePosts } from "../../live";
import type { PostStatus } from "../../rpc/aurareels/v1/post_pb";
import { Agenda } from "./Agenda";
import { board, type Board, type Entry } from "./board";
import { dayOf, dayText, firstWeekday, instantAt, readDay, shown, startOf, step, type Layout } from "./days";
import { DayDialog } from "./DayDialog";
import { Legend } from "./Legend";
import { MonthGrid } from "./MonthGrid";
import { Toolbar } from "./Toolbar";
import { useMoves } from "./moves";
import { WeekGrid } from "./WeekGrid";

const LAYOUTS: readonly Layout[] = ["month", "week", "agenda"];
