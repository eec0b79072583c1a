// How published posts do: what they gained in a window of time, as figures and a curve, and the numbers of each post. Reads
// only what the core knows; one post's numbers are read at the platform from its own page.

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import Paper from "@mui/material/Paper";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useState } from "react";

import { api } from "../../api/clients";
import { AccountField, PlatformField, PLATFORMS } from "../../app/filterFields";
import { SkeletonRows } from "../../app/Loading";
import { useParams } from "../../app/params";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useZone } from "../../app/zone";
import { useFormat, useTexts } from "../../i18n";
import { listRequest, useAccounts, useLoad } from "../../live";
import type { AnalyticsGains, PostAnalytics } from "../../rpc/aurareels/v1/analytics_pb";
import { Platform } from "../../rpc/aurareels/v1/platform_pb";
import { PostStatus, type Post } from "../../rpc/aurareels/v1/post_pb";
import { analyticsApi, COUNTS, shown, shownRate, type Count } from "./calls";
import { Curve } from "./Curve";
import { PostsTable } from "./PostsTable";

const DAY_MS = 86_400_000;
const WINDOWS = [7, 30, 90, 365] as const;
const PAGE = 50;

interface Read {
  posts: PostAnalytics[];
  captions: Map<bigint, Post>;
  gains: AnalyticsGains | undefined;
  hasMore: boolean;
}

function Gains({ gains }: { gains: AnalyticsGains }) {
  const { analytics: texts } = useTexts();
  const format = useFormat();
  const [zone] = useZone();
  const [count, setCount] = useState<Count>("views");
  const points = gains.steps.flatMap(({ at, numbers }) => (at ? [{ at, value: Number(numbers?.[count] ?? 0n) }] : []));
  const { total } = gains;
  return (
    <Paper variant="outlined" sx={{ p: 2, display: "grid", gap: 2 }}>
      <Typography variant="h2">{texts.gained}</Typography>
      <Box component="dl" sx={{ m: 0, display: "grid", gap: 2, gridTemplateColumns: "repeat(auto-fill, minmax(110px, 1fr))" }}>
        {COUNTS.map((one) => (
          <div key={one}>
            <Typography component="dt" variant="body2" color="textSecondary">
              {texts.counts[one]}
            </Typography>
            <Typography component="dd" variant="h2" sx={{ m: 0, fontVariantNumeric: "tabular-nums" }} data-gained={one}>
              {shown(total?.[one], format)}
            </Typography>
          </div>
        ))}
        <div>
          <Typography component="dt" variant="body2" color="textSecondary">
            {texts.rate}
          </Typography>
          <Typography component="dd" variant="h2" sx={{ m: 0 }}>
            {shownRate(total, format)}
          </Typography>
        </div>
      </Box>
      {points.length === 0 && <Typography color="textSecondary">{texts.noReadings}</Typography>}
      {points.length > 1 && (
        <>
          <TextField
            select
            size="small"
            label={texts.curveOf}
            value={count}
            onChange={(event) => setCount(event.target.value as Count)}
            sx={{ maxWidth: 220 }}
          >
            {COUNTS.map((one) => (
              <MenuItem key={one} value={one}>
                {texts.counts[one]}
              </MenuItem>
            ))}
          </TextField>
          <Curve label={`${texts.gained}: ${texts.counts[count]}`} points={points} zone={zone} />
        </>
      )}
    </Paper>
  );
}

export default function AnalyticsView() {
  const { analytics: texts, history } = useTexts();
  const [params, setParams] = useParams("analytics");
  const accounts = useAccounts().value ?? [];
  const days = WINDOWS.find((one) => one === Number(params.get("days"))) ?? 30;
  const platform = PLATFORMS.find((one) => one === Number(params.get("platform"))) ?? Platform.UNSPECIFIED;
  const account = accounts.find((one) => String(one.id) === params.get("account"));
  const [pages, setPages] = useState(1);
  const { value, problem, reload } = useLoad<Read>(`analytics ${days} ${platform} ${account?.id}`, async (signal) => {
    const until = new Date();
    const since = new Date(until.getTime() - days * DAY_MS);
    const window = { since: timestampFromDate(since), until: timestampFromDate(until) };
    const query = { statuses: [PostStatus.PUBLISHED], platform, from: since, until, ...(account ? { accountId: account.id } : {}) };
    const read: Read = { posts: [], captions: new Map(), gains: undefined, hasMore: false };
    let [pageToken, postsToken] = ["", ""];
    for (let page = 0; page < pages && (page === 0 || pageToken); page += 1) {
      const [numbers, posts] = await Promise.all([
        analyticsApi.listAnalytics({ ...window, platform, socialAccountId: account?.id ?? 0n, pageSize: PAGE, pageToken }, { signal }),
        // Numbers carry no caption: the same posts are listed beside them.
        page === 0 || postsToken ? api.posts.listPosts(listRequest(query, PAGE, postsToken), { signal }) : undefined,
      ]);
      read.posts.push(...numbers.posts);
      posts?.posts.forEach((post) => read.captions.set(post.id, post));
      read.gains ??= numbers.gains;
      pageToken = numbers.nextPageToken;
      postsToken = posts?.nextPageToken ?? "";
    }
    return { ...read, hasMore: pageToken !== "" };
  });
  const choose = (changes: Record<string, string>) => {
    setPages(1);
    setParams(changes);
  };
  return (
    <Box sx={{ display: "grid", gap: 2, maxWidth: 1200 }}>
      <Box>
        <Typography variant="h1">{texts.title}</Typography>
        <Typography color="textSecondary">{texts.intro}</Typography>
      </Box>
      <Box role="search" aria-label={history.filters} sx={{ display: "grid", gap: 1.5, gridTemplateColumns: { xs: "repeat(2, minmax(0, 1fr))", sm: "repeat(auto-fill, minmax(190px, 1fr))" } }}>
        <TextField select size="small" label={texts.window} value={days} onChange={(event) => choose({ days: event.target.value })}>
          {WINDOWS.map((one) => (
            <MenuItem key={one} value={one}>
              {texts.lastDays(one)}
            </MenuItem>
          ))}
        </TextField>
        <PlatformField value={platform} onChange={(chosen) => choose({ platform: chosen ? String(chosen) : "" })} />
        <AccountField value={account?.id ?? 0n} onChange={(chosen) => choose({ account: chosen ? String(chosen) : "" })} />
      </Box>
      {problem && <ProblemAlert problem={problem} onRetry={reload} severity={value ? "warning" : "error"} />}
      {!value && !problem && <SkeletonRows rows={3} height={160} />}
      {value?.posts.length === 0 && (
        <Paper variant="outlined" sx={{ p: 4, textAlign: "center" }}>
          <Typography variant="h2">{texts.empty}</Typography>
          <Typography color="textSecondary">{texts.emptyHelp}</Typography>
        </Paper>
      )}
      {value?.gains && value.posts.length > 0 && <Gains gains={value.gains} />}
      {value && value.posts.length > 0 && <PostsTable posts={value.posts} captions={value.captions} />}
      {value?.hasMore && (
        <Button
          sx={{ justifySelf: "start" }}
          onClick={() => {
            setPages((count) => count + 1);
            reload();
          }}
        >
          {history.showMore}
        </Button>
      )}
    </Box>
  );
}
