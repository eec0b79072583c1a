// A sign for each status, so that none is told by its colour alone.

import BlockIcon from "@mui/icons-material/Block";
import CheckCircleIcon from "@mui/icons-material/CheckCircle";
import EditNoteIcon from "@mui/icons-material/EditNote";
import ErrorIcon from "@mui/icons-material/Error";
import HelpIcon from "@mui/icons-material/Help";
import InboxIcon from "@mui/icons-material/Inbox";
import ManageSearchIcon from "@mui/icons-material/ManageSearch";
import PersonSearchIcon from "@mui/icons-material/PersonSearch";
import ScheduleIcon from "@mui/icons-material/Schedule";
import UploadIcon from "@mui/icons-material/Upload";
import type { SvgIconProps } from "@mui/material/SvgIcon";
import type { ComponentType } from "react";

import { PostStatus } from "../rpc/aurareels/v1/post_pb";

const ICONS: Record<PostStatus, ComponentType<SvgIconProps>> = {
  [PostStatus.UNSPECIFIED]: HelpIcon,
  [PostStatus.DRAFT]: EditNoteIcon,
  [PostStatus.SCHEDULED]: ScheduleIcon,
  [PostStatus.PUBLISHING]: UploadIcon,
  [PostStatus.CONFIRMING]: ManageSearchIcon,
  [PostStatus.PUBLISHED]: CheckCircleIcon,
  [PostStatus.FAILED]: ErrorIcon,
  [PostStatus.CANCELLED]: BlockIcon,
  [PostStatus.NEEDS_REVIEW]: PersonSearchIcon,
  [PostStatus.DELIVERED]: InboxIcon,
};

/** Decoration beside the status's name. */
export function StatusIcon({ status, ...props }: SvgIconProps & { status: PostStatus }) {
  const Icon = ICONS[status] ?? HelpIcon;
  return <Icon aria-hidden fontSize="inherit" {...props} />;
}
