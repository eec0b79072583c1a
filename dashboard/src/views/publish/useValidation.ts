// What the core says of the post as it stands in the dialog. Asked a moment after the last change; only the latest answer
// counts.

import { toJsonString } from "@bufbuild/protobuf";
import { useEffect, useState } from "react";

import { api } from "../../api/clients";
import { toProblem, type Problem } from "../../api/problem";
import type { Account } from "../../rpc/aurareels/v1/account_pb";
import {
  ValidatePostsRequestSchema,
  type ValidatePostsResponse,
} from "../../rpc/aurareels/v1/post_service_pb";
import { validateRequest, type Form } from "./form";

export interface Validation {
  /** The latest answer; it may be of a moment ago while `checking`. */
  answer: ValidatePostsResponse | undefined;
  checking: boolean;
  problem: Problem | undefined;
}

const AFTER_MS = 350;

export function useValidation(form: Form, chosen: Account[]): Validation {
  const [answer, setAnswer] = useState<ValidatePostsResponse>();
  const [settled, setSettled] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const request = validateRequest(form, chosen);
  const key = chosen.length > 0 ? toJsonString(ValidatePostsRequestSchema, request) : "";
  useEffect(() => {
    if (!key) {
      setAnswer(undefined);
      setProblem(undefined);
      setSettled("");
      return;
    }
    const asking = new AbortController();
    const timer = setTimeout(() => {
      api.posts
        .validatePosts(request, { signal: asking.signal })
        .then((got) => {
          setAnswer(got);
          setProblem(undefined);
          setSettled(key);
        })
        .catch((failure) => {
          if (!asking.signal.aborted) {
            setProblem(toProblem(failure));
            setSettled(key);
          }
        });
    }, AFTER_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
    // `key` stands for the request's values.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  return { answer, checking: key !== settled, problem };
}
