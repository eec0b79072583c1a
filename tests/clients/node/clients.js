// Clients of the core's services over gRPC-web on HTTP/1.1, generated from proto/.

import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";

import { AccountService } from "./generated/aurareels/v1/account_service_pb.js";
import { PlatformService } from "./generated/aurareels/v1/platform_service_pb.js";
import { PostService } from "./generated/aurareels/v1/post_service_pb.js";

export { Platform } from "./generated/aurareels/v1/platform_pb.js";
export { PostStatus, Scheduler } from "./generated/aurareels/v1/post_pb.js";

/** The services at this address, called with this key. */
export function clients(baseUrl, key) {
  const authorize = (next) => (request) => {
    request.header.set("authorization", `Bearer ${key}`);
    return next(request);
  };
  const transport = createGrpcWebTransport({
    baseUrl,
    httpVersion: "1.1",
    interceptors: [authorize],
    defaultTimeoutMs: 30_000,
  });
  return {
    accounts: createClient(AccountService, transport),
    platforms: createClient(PlatformService, transport),
    posts: createClient(PostService, transport),
  };
}
