// All posts: found by filters and search, acted on together, and taken away as CSV.

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Link from "@mui/material/Link";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { lazy, memo, Suspense, useCallback, useRef, useState } from "react";
import { Link as Route } from "wouter";

import { api } from "../../api/clients";
import { isAbort, toProblem } from "../../api/problem";
import { SkeletonRows } from "../../app/Loading";
import { useParams } from "../../app/params";
import { PlatformMark, platformName } from "../../app/platforms";
import { ProblemAlert, problemText } from "../../app/ProblemAlert";
import { routes } from "../../app/routes";
import { StatusChip } from "../../app/StatusChip";
import { StatusIcon } from "../../app/StatusIcon";
import { useToast } from "../../app/toasts";
import { useZone } from "../../app/zone";
import { useFormat, useTexts } from "../../i18n";
import { listRequest, postTime, usePosts } from "../../live";
import { PostStatus, type Post } from "../../rpc/aurareels/v1/post_pb";
import { beginning, toneOf } from "../calendar/Chip";
import type { BulkAction } from "./BulkDialog";
import { save, toCsv } from "./exporting";
import { FilterBar } from "./FilterBar";
import { fileName, isEmptyFilter, queryOf, readFilter, writeFilter, type Filter } from "./filters";

const BulkDialog = lazy(() => import("./BulkDialog"));

const ROW_PX = 68;

interface RowProps {
  post: Post;
  zone: string;
  selected: boolean;
  onSelect(id: bigint, selected: boolean): void;
}

const Row = memo(function Row({ post, zone, selected, onSelect }: RowProps) {
  const texts = useTexts();
  const format = useFormat();
  const name = beginning(post, texts);
  return (
    <Box
      component="li"
      data-post={String(post.id)}
      data-status={PostStatus[post.status]?.toLowerCase()}
      sx={{
        display: "flex",
        alignItems: "center",
        gap: 1,
        minHeight: ROW_PX,
        px: 1,
        borderBottom: 1,
        borderColor: "divider",
        contentVisibility: "auto",
        containIntrinsicSize: `auto ${ROW_PX}px`,
      }}
    >
      <Checkbox
        checked={selected}
        onChange={(event) => onSelect(post.id, event.target.checked)}
        slotProps={{ input: { "aria-label": texts.history.select(name) } }}
      />
      <PlatformMark platform={post.platform} named />
      <Box sx={{ minWidth: 0, flex: 1 }}>
        <Link component={Route} href={routes.post(post.id)} color="inherit" underline="hover" noWrap dir="auto" sx={{ display: "block", textAlign: "left" }}>
          {name}
        </Link>
        <Typography variant="caption" color="textSecondary" noWrap component="div">
          {format.dateTime(new Date(postTime(post)), zone)} · {post.account?.accountName || platformName(post.platform)}
        </Typography>
        {post.error && post.status !== PostStatus.PUBLISHED && (
          <Typography variant="caption" color={post.status === PostStatus.FAILED ? "error" : "warning"} noWrap component="div">
            {post.error.message}
          </Typography>
        )}
      </Box>
      {/^https?:\/\//.test(post.platformPostUrl) && (
        <Link
          href={post.platformPostUrl}
          target="_blank"
          rel="noopener noreferrer"
          variant="body2"
          sx={{ display: { xs: "none", sm: "block" } }}
          aria-label={`${texts.post.open(platformName(post.platform))}: ${name}`}
        >
          {texts.post.open(platformName(post.platform))}
        </Link>
      )}
      <Box sx={{ display: "flex", alignItems: "center", gap: 0.5 }}>
        <StatusIcon status={post.status} style={{ color: toneOf(post.status), fontSize: 18 }} />
        <StatusChip status={post.status} />
      </Box>
    </Box>
  );
});

function useExport(filter: Filter, zone: string) {
  const texts = useTexts();
  const toast = useToast();
  const [rows, setRows] = useState<number>();
  const running = useRef<AbortController>(undefined);
  const start = async () => {
    const reading = new AbortController();
    running.current = reading;
    setRows(0);
    try {
      const query = queryOf(filter, zone);
      const read = (token: string) => api.posts.listPosts(listRequest(query, 500, token), { signal: reading.signal });
      const made = await toCsv(read, texts, setRows);
      save(made.parts, fileName(zone));
      toast({ message: texts.history.exported(made.rows) });
    } catch (failure) {
      if (!isAbort(failure)) {
        toast({ message: `${texts.history.notExported} ${problemText(toProblem(failure), texts)}`, severity: "error" });
      }
    }
    setRows(undefined);
  };
  return { rows, start: () => void start(), stop: () => running.current?.abort() };
}

export default function PostsView() {
  const texts = useTexts();
  const { history } = texts;
  const format = useFormat();
  const [zone] = useZone();
  const [params, setParams] = useParams("posts");
  const filter = readFilter(params);
  const setFilter = useCallback((next: Filter) => setParams(writeFilter(next)), [setParams]);
  const list = usePosts(queryOf(filter, zone), { pageSize: 50, includeTotal: true });
  const [selected, setSelected] = useState<ReadonlySet<bigint>>(new Set());
  const [action, setAction] = useState<{ action: BulkAction; posts: Post[] }>();
  const exporting = useExport(filter, zone);

  const chosen = list.posts.filter(({ id }) => selected.has(id));
  const select = useCallback(
    (id: bigint, on: boolean) =>
      setSelected((before) => {
        const after = new Set(before);
        if (on) {
          after.add(id);
        } else {
          after.delete(id);
        }
        return after;
      }),
    [],
  );
  const all = chosen.length > 0 && chosen.length === list.posts.length;
  const bulk = (name: BulkAction, label: string) => (
    <Button size="small" disabled={chosen.length === 0} onClick={() => setAction({ action: name, posts: chosen })}>
      {label}
    </Button>
  );
  const isEmpty = list.state === "ready" && list.posts.length === 0;
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, mb: 2 }}>
        <Typography variant="h1" sx={{ mr: "auto" }}>
          {history.title}
        </Typography>
        {exporting.rows === undefined ? (
          <Button variant="outlined" onClick={exporting.start}>
            {history.export}
          </Button>
        ) : (
          <>
            <span role="status">{history.exporting(exporting.rows)}</span>
            <Button onClick={exporting.stop}>{history.stopExport}</Button>
          </>
        )}
      </Box>
      <FilterBar key={isEmptyFilter(filter) ? "none" : "some"} filter={filter} onChange={setFilter} />
      {list.problem && <ProblemAlert problem={list.problem} onRetry={list.reload} />}
      <Paper variant="outlined">
        <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, px: 1, minHeight: 52, borderBottom: 1, borderColor: "divider" }}>
          <Checkbox
            checked={all}
            indeterminate={chosen.length > 0 && !all}
            disabled={list.posts.length === 0}
            onChange={() => setSelected(new Set(all ? [] : list.posts.map(({ id }) => id)))}
            slotProps={{ input: { "aria-label": history.selectAll } }}
          />
          <Typography role="status" sx={{ mr: "auto" }}>
            {chosen.length > 0 ? history.selected(chosen.length) : list.total !== undefined && history.found(list.total)}
          </Typography>
          {bulk("reschedule", history.reschedule)}
          {bulk("retry", history.retry)}
          {bulk("cancel", history.cancel)}
        </Box>
        {list.state === "loading" ? (
          <Box sx={{ p: 1 }}>
            <SkeletonRows rows={8} height={ROW_PX - 12} />
          </Box>
        ) : (
          <Box component="ul" aria-label={history.title} sx={{ m: 0, p: 0, listStyle: "none" }}>
            {list.posts.map((post) => (
              <Row key={String(post.id)} post={post} zone={zone} selected={selected.has(post.id)} onSelect={select} />
            ))}
          </Box>
        )}
        {isEmpty && (
          <Box sx={{ textAlign: "center", p: 6 }}>
            <Typography>{isEmptyFilter(filter) ? history.empty : history.emptyFiltered}</Typography>
            {isEmptyFilter(filter) && <Typography color="textSecondary">{history.emptyHelp}</Typography>}
          </Box>
        )}
        {list.hasMore && (
          <Box sx={{ p: 1, textAlign: "center" }}>
            <Button disabled={list.loadingMore} onClick={list.loadMore}>
              {history.showMore} ({format.number(list.posts.length)}
              {list.total !== undefined && ` / ${format.number(list.total)}`})
            </Button>
          </Box>
        )}
      </Paper>
      <Suspense fallback={null}>
        {action && (
          <BulkDialog
            action={action.action}
            posts={action.posts}
            onClose={() => {
              setAction(undefined);
              setSelected(new Set());
            }}
          />
        )}
      </Suspense>
    </>
  );
}
