// What a video job gives a new post: its video, and a text to begin with.

import type { VideoJob } from "../../rpc/aurareels/v1/video_job_pb";
import type { Form } from "./form";
import { entriesOf, type TextParts } from "./text";

export const jobTitle = (job: VideoJob): string => job.aiMetadata?.titles[0] || job.videoJobId;

/** The text that a language model wrote, for the person to edit: the description, else the best title. */
export function textOf({ aiMetadata }: VideoJob): TextParts {
  const caption = aiMetadata?.description || aiMetadata?.titles[0] || "";
  const hashtags = entriesOf((aiMetadata?.hashtags ?? []).join(" "), "#");
  return { caption, hashtags, mentions: [] };
}

const isSame = (one: TextParts, other: TextParts | undefined): boolean => JSON.stringify(one) === JSON.stringify(other);

/** The form with the job's video. Its text comes along where nobody has written one: what a person typed stays. */
export function withJob(form: Form, job: VideoJob): Partial<Form> {
  const given = textOf(job);
  const { caption, hashtags, mentions } = form.text;
  const untouched = (!caption.trim() && hashtags.length === 0 && mentions.length === 0) || isSame(form.text, form.filled?.text);
  const title = job.aiMetadata?.titles[0] ?? "";
  const untitled = !form.youtube.title.trim() || form.youtube.title === form.filled?.title;
  return {
    video: { kind: "job", jobId: job.videoJobId, name: jobTitle(job), videoUrl: job.videoUrl, mediaId: job.mediaId },
    filled: { text: given, title },
    ...(untouched ? { text: given } : {}),
    ...(untitled ? { youtube: { ...form.youtube, title } } : {}),
  };
}
