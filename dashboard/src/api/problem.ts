// An error as people need it: what is wrong, with which field, by which rule, and what to do.

import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../rpc/google/rpc/error_details_pb";

export interface FieldProblem {
  /** Path in the request: "content.caption". */
  field: string;
  /** Stable name: "CAPTION_TOO_LONG". */
  rule: string;
  message: string;
  measured: string;
  limit: string;
  remedy: string;
  /** The account it holds for, where it holds for one. */
  accountId?: bigint;
}

export interface Problem {
  /** "away": nobody answered. "signedOut": the login has ended. "refused": the core said no, and why. */
  kind: "away" | "signedOut" | "refused";
  code: Code;
  /** Stable word of the core; empty when nobody answered. */
  reason: string;
  message: string;
  remedy: string;
  fields: FieldProblem[];
  retryAfterMs?: number;
}

/** Nobody answered: the core is down, or the network is. Known by its mark: Connect takes all its errors for one class. */
export class CoreAway extends ConnectError {
  readonly isAway = true;

  constructor(cause: unknown) {
    super("the core does not answer", Code.Unavailable, undefined, undefined, cause);
  }
}

/** The core writes "message (rule: X; measured: M; limit: L; remedy: R; account: 3)". */
export function readViolation(field: string, description: string, reason: string): FieldProblem {
  const match = /^(.*?) \((rule: .*)\)$/s.exec(description);
  const plain = { field, rule: reason, message: description, measured: "", limit: "", remedy: "" };
  if (!match) {
    return plain;
  }
  const parts: Record<string, string> = {};
  for (const part of (match[2] ?? "").split(/; (?=(?:measured|limit|remedy|account): )/)) {
    const colon = part.indexOf(": ");
    parts[part.slice(0, colon)] = part.slice(colon + 2);
  }
  const account = /^\d+$/.test(parts.account ?? "") ? { accountId: BigInt(parts.account ?? "0") } : {};
  return {
    ...plain,
    message: match[1] ?? "",
    rule: parts.rule ?? reason,
    measured: parts.measured ?? "",
    limit: parts.limit ?? "",
    remedy: parts.remedy ?? "",
    ...account,
  };
}

/** A refusal that did not come by gRPC: `{reason, message, remedy}`. */
export class Refused extends Error {
  constructor(readonly refusal: { reason: string; message: string; remedy: string }) {
    super(refusal.message);
  }
}

export function toProblem(failure: unknown): Problem {
  if (failure instanceof Refused) {
    const { reason, message, remedy } = failure.refusal;
    return { kind: "refused", code: Code.FailedPrecondition, reason, message: [message, remedy].filter(Boolean).join(" "), remedy, fields: [] };
  }
  const error = ConnectError.from(failure);
  const [info] = error.findDetails(ErrorInfoSchema);
  const [request] = error.findDetails(BadRequestSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const away = "isAway" in error || (!info && [Code.Unavailable, Code.DeadlineExceeded].includes(error.code));
  const delay = retry?.retryDelay;
  return {
    kind: away ? "away" : error.code === Code.Unauthenticated ? "signedOut" : "refused",
    code: error.code,
    reason: info?.reason ?? "",
    message: error.rawMessage,
    remedy: info?.metadata.remedy ?? "",
    fields: (request?.fieldViolations ?? []).map((one) => readViolation(one.field, one.description, one.reason)),
    ...(delay ? { retryAfterMs: Number(delay.seconds) * 1000 + delay.nanos / 1e6 } : {}),
  };
}

/** True for a call that this page gave up itself. */
export function isAbort(failure: unknown): boolean {
  return (
    (failure instanceof DOMException && failure.name === "AbortError") ||
    (failure instanceof ConnectError && failure.code === Code.Canceled)
  );
}
