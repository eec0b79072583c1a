import Box from "@mui/material/Box";
import Chip from "@mui/material/Chip";

import { statusName } from "../../app/StatusChip";
import { StatusIcon } from "../../app/StatusIcon";
import { useTexts } from "../../i18n";
import { PostStatus } from "../../rpc/aurareels/v1/post_pb";
import { toneOf } from "./Chip";

const SHOWN = [
  PostStatus.DRAFT,
  PostStatus.SCHEDULED,
  PostStatus.PUBLISHING,
  PostStatus.CONFIRMING,
  PostStatus.PUBLISHED,
  PostStatus.DELIVERED,
  PostStatus.FAILED,
  PostStatus.NEEDS_REVIEW,
  PostStatus.CANCELLED,
];

/** What the colours and signs mean; a click hides a status or shows it again. */
export function Legend({ hidden, onToggle }: { hidden: ReadonlySet<PostStatus>; onToggle(status: PostStatus): void }) {
  const texts = useTexts();
  return (
    <Box role="group" aria-label={texts.calendar.legend} sx={{ display: "flex", gap: 0.5, flexWrap: { xs: "nowrap", sm: "wrap" }, overflowX: { xs: "auto", sm: "visible" }, mx: { xs: -2, sm: 0 }, px: { xs: 2, sm: 0 }, mb: 1.5, "& > *": { flex: "none" } }}>
      {SHOWN.map((status) => {
        const shown = !hidden.has(status);
        return (
          <Chip
            key={status}
            size="small"
            clickable
            component="button"
            type="button"
            aria-pressed={shown}
            variant={shown ? "filled" : "outlined"}
            icon={<StatusIcon status={status} style={{ color: toneOf(status), fontSize: 16 }} />}
            label={statusName(status, texts)}
            onClick={() => onToggle(status)}
            sx={shown ? {} : { "& .MuiChip-label": { textDecoration: "line-through" } }}
          />
        );
      })}
    </Box>
  );
}
