// Sends what the dialog holds, once: the key of the dialog goes with every try, so that a double click or a try after a
// timeout comes back to the same posts.

import { useRef, useState } from "react";

import { api } from "../../api/clients";
import { toProblem, type Problem } from "../../api/problem";
import { useToast } from "../../app/toasts";
import { readWall } from "../../app/zones";
import { useFormat, useTexts } from "../../i18n";
import { posts as cache } from "../../live";
import { cancelPost, deleteDraft } from "../../live/actions";
import type { Account } from "../../rpc/aurareels/v1/account_pb";
import type { Post } from "../../rpc/aurareels/v1/post_pb";
import { draftRequests, newRequestKey, publishRequest, scheduleRequest, type Form } from "./form";

/** Fetching a copy of a large video, and checking covers, takes its time before the call answers. */
const SEND_TIMEOUT_MS = 180_000;

export interface Submit {
  sending: "post" | "draft" | undefined;
  problem: Problem | undefined;
  post(form: Form, chosen: Account[]): Promise<void>;
  draft(form: Form, chosen: Account[]): Promise<void>;
  again: boolean;
  setAgain(again: boolean): void;
}

export function useSubmit(onDone: () => void): Submit {
  const { publish: texts } = useTexts();
  const format = useFormat();
  const toast = useToast();
  const [requestKey] = useState(newRequestKey);
  const [sending, setSending] = useState<"post" | "draft">();
  const [problem, setProblem] = useState<Problem>();
  const [again, setAgain] = useState(false);
  const busy = useRef(false);

  const once = async (what: "post" | "draft", send: () => Promise<void>) => {
    if (busy.current) {
      return;
    }
    busy.current = true;
    setSending(what);
    setProblem(undefined);
    try {
      await send();
      onDone();
    } catch (failure) {
      setProblem(toProblem(failure));
    }
    busy.current = false;
    setSending(undefined);
  };

  const post = (form: Form, chosen: Account[]) =>
    once("post", async () => {
      const how = { requestKey, allowDuplicate: again };
      const call = { timeoutMs: SEND_TIMEOUT_MS };
      const answer = form.when.at
        ? await api.posts.schedulePosts(scheduleRequest(form, chosen, how), call)
        : await api.posts.publishPosts(publishRequest(form, chosen, how), call);
      cache.put(...answer.posts);
      const made = answer.posts.filter((_, index) => !answer.existed[index]);
      if (made.length === 0) {
        toast({ message: texts.existed, severity: "info" });
      } else if (form.when.at) {
        const reading = readWall(form.when.zone, form.when.local);
        const time = reading.kind === "gap" ? form.when.local : format.dateTime(reading.instant, form.when.zone);
        const undo = () => Promise.all(made.map((one) => cancelPost(one.id)));
        toast({ message: texts.scheduled(made.length, time), undo });
      } else {
        toast({ message: texts.published(made.length) });
      }
    });

  const draft = (form: Form, chosen: Account[]) =>
    once("draft", async () => {
      const made: Post[] = [];
      for (const request of draftRequests(form, chosen, requestKey)) {
        made.push(await api.posts.createDraft(request, { timeoutMs: SEND_TIMEOUT_MS }));
      }
      cache.put(...made);
      toast({ message: texts.drafted(made.length), undo: () => Promise.all(made.map((one) => deleteDraft(one.id))) });
    });

  return { sending, problem, post, draft, again, setAgain };
}
