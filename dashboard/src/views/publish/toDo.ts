// What is still missing before a post may be sent. The core checks the rules; this is about choices that only the person in
// front of the dialog can make.

import { accountName } from "../../app/names";
import { readWall } from "../../app/zones";
import type { Texts } from "../../i18n";
import type { Account } from "../../rpc/aurareels/v1/account_pb";
import { Platform } from "../../rpc/aurareels/v1/platform_pb";
import type { ValidatePostsResponse, Violation } from "../../rpc/aurareels/v1/post_service_pb";
import { tiktokFor, type Form } from "./form";
import type { AccountOptions } from "./options";

export interface Situation {
  form: Form;
  chosen: Account[];
  optionsOf(account: bigint): AccountOptions;
  uploading: boolean;
  seconds: number | undefined;
}

function tiktokToDo(account: Account, { form, optionsOf, seconds }: Situation, { publish }: Texts): string[] {
  const choice = tiktokFor(form, account.id);
  const { value } = optionsOf(account.id);
  const name = value?.creatorNickname || accountName(account);
  if (!value) {
    return [publish.toDoOptions(name)];
  }
  const longest = value.maxVideoPostDurationSec;
  const all: string[] = [];
  if (!value.canPost) {
    all.push(publish.cannotPost(name));
  }
  if (!value.privacyLevelOptions.includes(choice.privacy)) {
    all.push(publish.toDoPrivacy(name));
  }
  if (choice.disclose && !choice.ownBrand && !choice.branded) {
    all.push(publish.toDoDisclosure(name));
  }
  if (longest > 0 && seconds !== undefined && seconds > longest) {
    all.push(publish.tooLongFor(name, `${longest} s`));
  }
  return all;
}

/** For a post; a draft needs less: see `missingForDraft`. */
export function missing(situation: Situation, texts: Texts, now: Date): string[] {
  const { form, chosen } = situation;
  const { publish } = texts;
  const all = missingForDraft(situation, texts);
  const onTikTok = chosen.filter((account) => account.platform === Platform.TIKTOK);
  all.push(...onTikTok.flatMap((account) => tiktokToDo(account, situation, texts)));
  if (onTikTok.length > 0 && !form.tiktokConsent) {
    all.push(publish.toDoConsent);
  }
  if (form.when.at) {
    const reading = form.when.local ? readWall(form.when.zone, form.when.local) : undefined;
    if (!reading || reading.kind === "gap" || reading.instant.getTime() < now.getTime() - 60_000) {
      all.push(publish.toDoTime);
    }
  }
  return all;
}

export function missingForDraft({ form, chosen, uploading }: Situation, { publish }: Texts): string[] {
  const all: string[] = [];
  if (form.video.kind === "none" || (form.video.kind === "link" && !form.video.url.trim())) {
    all.push(uploading ? publish.toDoUpload : publish.toDoVideo);
  }
  if (chosen.length === 0) {
    all.push(publish.toDoAccounts);
  }
  return all;
}

/** The broken rules to show: what `missing` says already is not said twice. */
export function toShow(answer: ValidatePostsResponse | undefined, form: Form): Violation[] {
  const noVideo = form.video.kind === "none" || (form.video.kind === "link" && !form.video.url.trim());
  const said = (one: Violation) =>
    one.rule === "PRIVACY_REQUIRED" ||
    (noVideo && ["content.video_url", "content.media_id"].includes(one.field)) ||
    (form.when.at && ["TIME_IN_DST_GAP", "TIME_IN_PAST"].includes(one.rule));
  return (answer?.violations ?? []).filter((one) => !said(one));
}
