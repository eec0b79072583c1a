// The core's services, as typed clients. Every call of the page goes through this file's transport.

import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { coreUrl, wordpress } from "../boot/host";
import { AccountService } from "../rpc/aurareels/v1/account_service_pb";
import { MediaService } from "../rpc/aurareels/v1/media_service_pb";
import { PlatformService } from "../rpc/aurareels/v1/platform_service_pb";
import { PostService } from "../rpc/aurareels/v1/post_service_pb";
import { CoreAway } from "./problem";
import { session } from "./session";
import { SiteTokens } from "./token";

const CALL_TIMEOUT_MS = 30_000;

export const siteTokens = wordpress ? new SiteTokens(wordpress) : undefined;

/** Tells "nobody answered" apart from an answer. A cookie goes to the core's own origin only. */
async function reach(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    const answer = await fetch(input, { ...init, credentials: siteTokens ? "omit" : "same-origin" });
    if ([502, 503, 504].includes(answer.status) && !answer.headers.get("content-type")?.startsWith("application/grpc")) {
      throw new CoreAway(new Error(`the proxy answered ${answer.status}`));
    }
    return answer;
  } catch (failure) {
    if (failure instanceof TypeError) {
      throw new CoreAway(failure);
    }
    throw failure;
  }
}

/** Puts the site's token on each call. A call that was refused for its token had no effect, so it is made again once. */
const authorize: Interceptor = (next) => async (request) => {
  if (siteTokens) {
    request.header.set("authorization", `Bearer ${await siteTokens.current()}`);
  }
  try {
    return await next(request);
  } catch (failure) {
    if (ConnectError.from(failure).code !== Code.Unauthenticated) {
      throw failure;
    }
    if (!siteTokens) {
      session.ended();
      throw failure;
    }
    siteTokens.forget();
    request.header.set("authorization", `Bearer ${await siteTokens.current()}`);
    return next(request);
  }
};

/** For clients that only one view needs; the others stand below. */
export const transport = createGrpcWebTransport({
  baseUrl: coreUrl,
  fetch: reach,
  interceptors: [authorize],
  defaultTimeoutMs: CALL_TIMEOUT_MS,
});

export const api = {
  posts: createClient(PostService, transport),
  accounts: createClient(AccountService, transport),
  media: createClient(MediaService, transport),
  platforms: createClient(PlatformService, transport),
};
