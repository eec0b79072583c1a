// Posts with their newest numbers.

import Box from "@mui/material/Box";
import Link from "@mui/material/Link";
import Paper from "@mui/material/Paper";
import Table from "@mui/material/Table";
import TableBody from "@mui/material/TableBody";
import TableCell from "@mui/material/TableCell";
import TableContainer from "@mui/material/TableContainer";
import TableHead from "@mui/material/TableHead";
import TableRow from "@mui/material/TableRow";
import Typography from "@mui/material/Typography";
import { Link as RouterLink } from "wouter";

import { PlatformMark } from "../../app/platforms";
import { routes } from "../../app/routes";
import { useZone } from "../../app/zone";
import { useFormat, useTexts } from "../../i18n";
import type { PostAnalytics } from "../../rpc/aurareels/v1/analytics_pb";
import type { Post } from "../../rpc/aurareels/v1/post_pb";
import { COUNTS, shown, shownRate } from "./calls";

export function PostsTable({ posts, captions }: { posts: PostAnalytics[]; captions: ReadonlyMap<bigint, Post> }) {
  const { analytics: texts, calendar } = useTexts();
  const format = useFormat();
  const [zone] = useZone();
  return (
    <TableContainer component={Paper} variant="outlined" tabIndex={0} role="region" aria-label={texts.postsTable}>
      <Table size="small">
        <caption style={{ captionSide: "top" }}>{texts.postsTable}</caption>
        <TableHead>
          <TableRow>
            <TableCell>{texts.post}</TableCell>
            {COUNTS.map((count) => (
              <TableCell key={count} align="right">
                {texts.counts[count]}
              </TableCell>
            ))}
            <TableCell align="right">{texts.rate}</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {posts.map((one) => (
            <TableRow key={String(one.postId)} data-analytics={String(one.postId)}>
              <TableCell component="th" scope="row" sx={{ minWidth: 220, maxWidth: 360 }}>
                <Box sx={{ display: "flex", gap: 1, alignItems: "center", minWidth: 0 }}>
                  <PlatformMark platform={one.platform} named />
                  <Box sx={{ minWidth: 0 }}>
                    <Link component={RouterLink} to={routes.post(one.postId)} noWrap dir="auto" sx={{ display: "block", textAlign: "left" }}>
                      {captions.get(one.postId)?.caption || `${calendar.noCaption} #${one.postId}`}
                    </Link>
                    <Typography variant="caption" color="textSecondary" component="div">
                      {one.publishedAt && format.dateTime(one.publishedAt, zone)}
                    </Typography>
                  </Box>
                </Box>
              </TableCell>
              {COUNTS.map((count) => (
                <TableCell key={count} align="right" sx={{ fontVariantNumeric: "tabular-nums" }}>
                  {shown(one.numbers?.[count], format)}
                </TableCell>
              ))}
              <TableCell align="right" sx={{ fontVariantNumeric: "tabular-nums" }}>
                {shownRate(one.numbers, format)}
              </TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableContainer>
  );
}
