// What the dialog holds, and the requests it becomes.

import { create, type MessageInitShape } from "@bufbuild/protobuf";

import type { Prefill } from "../../app/prefill";
import { toWall } from "../../app/zones";
import type { Account } from "../../rpc/aurareels/v1/account_pb";
import type { VideoFacts } from "../../rpc/aurareels/v1/media_pb";
import { Platform } from "../../rpc/aurareels/v1/platform_pb";
import {
  CreateDraftRequestSchema,
  PublishPostsRequestSchema,
  SchedulePostsRequestSchema,
  ValidatePostsRequestSchema,
  type PostContentSchema,
  type ScheduleTimeSchema,
  type VariationSchema,
} from "../../rpc/aurareels/v1/post_service_pb";
import { OnLongCaption } from "../../rpc/aurareels/v1/post_pb";
import type { TextParts } from "./text";

export type Video =
  | { kind: "none" }
  | { kind: "link"; url: string; keepCopy: boolean; facts?: VideoFacts }
  /** `file` is there when it was chosen in this dialog: only then it can be shown. */
  | { kind: "media"; mediaId: string; name: string; facts?: VideoFacts; file?: File }
  /** The core takes the job's video; where it lies is known to look at it. */
  | { kind: "job"; jobId: string; name: string; videoUrl: string; mediaId: string; facts?: VideoFacts };

/** TikTok's choices are made per account, because each creator has others. All are off and nothing is preset. */
export interface TikTokChoice {
  privacy: string;
  comment: boolean;
  duet: boolean;
  stitch: boolean;
  disclose: boolean;
  ownBrand: boolean;
  branded: boolean;
  aigc: boolean;
}

export const TIKTOK_UNCHOSEN: TikTokChoice = {
  privacy: "",
  comment: false,
  duet: false,
  stitch: false,
  disclose: false,
  ownBrand: false,
  branded: false,
  aigc: false,
};

export interface Form {
  video: Video;
  accounts: bigint[];
  text: TextParts;
  /** Texts of single networks. */
  own: Partial<Record<Platform, TextParts>>;
  cutLong: boolean;
  tiktok: Record<string, TikTokChoice>;
  tiktokConsent: boolean;
  instagram: {
    firstComment: string;
    shareToFeed: boolean;
    comments: boolean;
    collaborators: string[];
    audioName: string;
    aigc: boolean;
  };
  facebook: { title: string; firstComment: string };
  youtube: {
    privacy: string;
    title: string;
    firstComment: string;
    tags: string[];
    categoryId: string;
    madeForKids: boolean | undefined;
    synthetic: boolean;
    notify: boolean;
    embeddable: boolean;
    creativeCommons: boolean;
  };
  location: string;
  thumbnailUrl: string;
  /** Frame for the cover; the platform's choice when absent. */
  coverMs: number | undefined;
  when: { at: boolean; local: string; zone: string };
  videoJobId: string;
  /** What the chosen job put into the form; it gives way to another job's as long as nobody changed it. */
  filled?: { text: TextParts; title: string };
}

/** A form of the same user in the same zone, an hour from now on the full hour, where a time is wanted. */
export function emptyForm(prefill: Prefill, zone: string, now: Date): Form {
  const nextHour = new Date(Math.ceil((now.getTime() + 3_600_000) / 3_600_000) * 3_600_000);
  const video: Video = prefill.mediaId
    ? { kind: "media", mediaId: prefill.mediaId, name: "" }
    : prefill.videoUrl
      ? { kind: "link", url: prefill.videoUrl, keepCopy: false }
      : { kind: "none" };
  return {
    video,
    accounts: prefill.accounts ?? [],
    text: { caption: prefill.caption ?? "", hashtags: prefill.hashtags ?? [], mentions: prefill.mentions ?? [] },
    own: {},
    cutLong: false,
    tiktok: {},
    tiktokConsent: false,
    instagram: { firstComment: "", shareToFeed: true, comments: true, collaborators: [], audioName: "", aigc: false },
    facebook: { title: "", firstComment: "" },
    youtube: {
      privacy: "PUBLIC",
      title: "",
      firstComment: "",
      tags: [],
      categoryId: "",
      madeForKids: undefined,
      synthetic: false,
      notify: true,
      embeddable: true,
      creativeCommons: false,
    },
    location: "",
    thumbnailUrl: "",
    coverMs: undefined,
    when: { at: prefill.scheduledAt !== undefined, local: toWall(zone, prefill.scheduledAt ?? nextHour), zone },
    videoJobId: prefill.videoJobId ?? "",
  };
}

export const textFor = (form: Form, platform: Platform): TextParts => form.own[platform] ?? form.text;
export const tiktokFor = (form: Form, account: bigint): TikTokChoice => form.tiktok[String(account)] ?? TIKTOK_UNCHOSEN;

/** True when something was entered that closing would lose. */
export function isTouched(form: Form, begun: Form): boolean {
  const plain = (value: Form) => JSON.stringify({ ...value, video: { ...value.video, file: undefined, facts: undefined } }, asText);
  return plain(form) !== plain(begun);
}

const asText = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

type Content = MessageInitShape<typeof PostContentSchema>;
type Time = MessageInitShape<typeof ScheduleTimeSchema>;
type Variation = MessageInitShape<typeof VariationSchema>;

function videoOf({ video, videoJobId }: Form): Content {
  switch (video.kind) {
    case "link":
      return { videoUrl: video.url.trim(), keepCopy: video.keepCopy, videoJobId };
    case "media":
      return { mediaId: video.mediaId, videoJobId };
    case "job":
      return { videoJobId: video.jobId };
    case "none":
      return { videoJobId };
  }
}

/** Fields that each account's variation says for itself. */
const VARYING = [
  "caption",
  "hashtags",
  "mentions",
  "privacy_level",
  "allow_comments",
  "allow_duet",
  "allow_stitch",
  "location",
  "thumbnail_url",
  "platform_options",
  "on_long_caption",
];

/** What one account's post says, without the video. */
function saying(form: Form, account: Account): Content {
  const { platform } = account;
  const common: Content = {
    ...textFor(form, platform),
    onLongCaption: form.cutLong ? OnLongCaption.CUT : OnLongCaption.REFUSE,
  };
  switch (platform) {
    case Platform.TIKTOK: {
      const choice = tiktokFor(form, account.id);
      const tiktok = {
        videoCoverTimestampMs: form.coverMs,
        brandOrganicToggle: choice.disclose && choice.ownBrand,
        brandContentToggle: choice.disclose && choice.branded,
        isAigc: choice.aigc,
      };
      const allowed = { allowComments: choice.comment, allowDuet: choice.duet, allowStitch: choice.stitch };
      return { ...common, ...allowed, privacyLevel: choice.privacy, platformOptions: { tiktok } };
    }
    case Platform.INSTAGRAM: {
      const { firstComment, shareToFeed, comments, collaborators, audioName, aigc } = form.instagram;
      const instagram = {
        firstComment: firstComment.trim(),
        shareToFeed,
        collaborators,
        audioName: audioName.trim(),
        isAiGenerated: aigc,
        thumbOffsetMs: form.coverMs,
      };
      const { location, thumbnailUrl } = { location: form.location.trim(), thumbnailUrl: form.thumbnailUrl.trim() };
      const closed = comments ? {} : { allowComments: false };
      return { ...common, ...closed, privacyLevel: "PUBLIC", location, thumbnailUrl, platformOptions: { instagram } };
    }
    case Platform.FACEBOOK: {
      const facebook = { title: form.facebook.title.trim(), firstComment: form.facebook.firstComment.trim() };
      return { ...common, privacyLevel: "PUBLIC", location: form.location.trim(), platformOptions: { facebook } };
    }
    case Platform.YOUTUBE: {
      const { privacy, title, firstComment, tags, categoryId, madeForKids, synthetic, notify, embeddable, creativeCommons } =
        form.youtube;
      const youtube = {
        title: title.trim(),
        firstComment: firstComment.trim(),
        tags,
        categoryId: categoryId.trim(),
        madeForKids,
        containsSyntheticMedia: synthetic,
        notifySubscribers: notify,
        embeddable,
        creativeCommons,
      };
      return { ...common, privacyLevel: privacy, thumbnailUrl: form.thumbnailUrl.trim(), platformOptions: { youtube } };
    }
    default:
      return common;
  }
}

function timeOf({ when }: Form): Time | undefined {
  return when.at && when.local
    ? { form: { case: "wallTime", value: { local: when.local, timeZone: when.zone } } }
    : undefined;
}

function variations(form: Form, chosen: Account[]): Variation[] {
  return chosen.map((account) => ({ accountId: account.id, content: saying(form, account), fields: { paths: VARYING } }));
}

export function validateRequest(form: Form, chosen: Account[]) {
  return create(ValidatePostsRequestSchema, {
    accounts: chosen.map((account) => account.id),
    content: { ...videoOf(form), ...form.text },
    scheduledAt: timeOf(form),
    variations: variations(form, chosen),
  });
}

export interface Sending {
  requestKey: string;
  allowDuplicate: boolean;
}

export function publishRequest(form: Form, chosen: Account[], sending: Sending) {
  return create(PublishPostsRequestSchema, {
    accounts: chosen.map((account) => account.id),
    content: { ...videoOf(form), ...form.text },
    variations: variations(form, chosen),
    ...sending,
  });
}

export function scheduleRequest(form: Form, chosen: Account[], sending: Sending) {
  return create(SchedulePostsRequestSchema, {
    accounts: chosen.map((account) => account.id),
    content: { ...videoOf(form), ...form.text },
    variations: variations(form, chosen),
    scheduledAt: timeOf(form),
    ...sending,
  });
}

/** One draft per account; each has a key of its own under the dialog's. */
export function draftRequests(form: Form, chosen: Account[], requestKey: string) {
  return chosen.map((account) =>
    create(CreateDraftRequestSchema, {
      accountId: account.id,
      content: { ...videoOf(form), ...saying(form, account) } as MessageInitShape<typeof PostContentSchema>,
      scheduledAt: timeOf(form),
      requestKey: `${requestKey}/${account.id}`,
    }),
  );
}

/** Made once per dialog: a double click, or a call that is made again, comes back to the same posts. */
export function newRequestKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return `dashboard-${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")}`;
}
