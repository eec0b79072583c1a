import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { VideoJobSchema } from "../src/rpc/aurareels/v1/video_job_pb";
import { emptyForm, isTouched, type Form } from "../src/views/publish/form";
import { textOf, withJob } from "../src/views/publish/jobs";

const job = (videoJobId: string, description: string, titles: string[] = []) =>
  create(VideoJobSchema, {
    videoJobId,
    videoUrl: `https://videos.example/${videoJobId}.mp4`,
    hasVideo: true,
    aiMetadata: { titles, description, hashtags: ["#reels", "aura"] },
  });

const empty = () => emptyForm({}, "Europe/Berlin", new Date(0));
const take = (form: Form, chosen: ReturnType<typeof job>): Form => ({ ...form, ...withJob(form, chosen) });

describe("a video job", () => {
  it("gives its description, else its best title, and hashtags without their sign", () => {
    expect(textOf(job("a", "Described", ["Title"]))).toEqual({ caption: "Described", hashtags: ["reels", "aura"], mentions: [] });
    expect(textOf(job("a", "", ["Best", "Second"])).caption).toBe("Best");
  });

  it("fills a form in which nothing was written", () => {
    const filled = take(empty(), job("a", "Described", ["Title"]));
    expect(filled.text.caption).toBe("Described");
    expect(filled.youtube.title).toBe("Title");
    expect(filled.video).toMatchObject({ kind: "job", jobId: "a" });
    expect(isTouched(filled, empty())).toBe(true);
  });

  it("gives way to another job's text as long as nobody changed it", () => {
    const first = take(empty(), job("a", "First", ["One"]));
    expect(take(first, job("b", "Second", ["Two"]))).toMatchObject({ text: { caption: "Second" }, youtube: { title: "Two" } });
  });

  it("takes nothing away that a person wrote", () => {
    const written = { ...empty(), text: { caption: "My own", hashtags: [], mentions: [] } };
    expect(take(written, job("a", "Described", ["Title"])).text.caption).toBe("My own");
    const edited = { ...take(empty(), job("a", "First", ["One"])), youtube: { ...empty().youtube, title: "Mine" } };
    expect(take({ ...edited, text: { ...edited.text, caption: "First, edited" } }, job("b", "Second", ["Two"]))).toMatchObject({
      text: { caption: "First, edited" },
      youtube: { title: "Mine" },
    });
  });
});
