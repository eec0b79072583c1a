import Chip from "@mui/material/Chip";

import { useTexts, type Texts } from "../i18n";
import { PostStatus } from "../rpc/aurareels/v1/post_pb";
import { STATUS_TONE } from "./theme";

const NAMES: Record<PostStatus, keyof Texts["shell"]["status"]> = {
  [PostStatus.UNSPECIFIED]: "unknown",
  [PostStatus.DRAFT]: "draft",
  [PostStatus.SCHEDULED]: "scheduled",
  [PostStatus.PUBLISHING]: "publishing",
  [PostStatus.CONFIRMING]: "confirming",
  [PostStatus.PUBLISHED]: "published",
  [PostStatus.FAILED]: "failed",
  [PostStatus.CANCELLED]: "cancelled",
  [PostStatus.NEEDS_REVIEW]: "needsReview",
  [PostStatus.DELIVERED]: "delivered",
};

/** The name of a status. A status of a newer core is "unknown". */
export const statusName = (status: PostStatus, texts: Texts): string => texts.shell.status[NAMES[status] ?? "unknown"];

export function StatusChip({ status, size = "small" }: { status: PostStatus; size?: "small" | "medium" }) {
  const tone = STATUS_TONE[status] ?? "default";
  return <Chip label={statusName(status, useTexts())} color={tone} variant="outlined" size={size} />;
}
