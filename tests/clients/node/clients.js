// Clients of the core's services on HTTP/1.1, generated from proto/: over gRPC-web, or over Connect for calls without a stream.

import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";

import { AccountService } from "./generated/aurareels/v1/account_service_pb.js";
import { MediaService } from "./generated/aurareels/v1/media_service_pb.js";
import { PlatformService } from "./generated/aurareels/v1/platform_service_pb.js";
import { PostService } from "./generated/aurareels/v1/post_service_pb.js";

export { Platform } from "./generated/aurareels/v1/platform_pb.js";
export { PostStatus, Scheduler } from "./generated/aurareels/v1/post_pb.js";

/** The services at this address, called with this key; by gRPC-web, or as Connect calls them, in JSON or protobuf. */
export function clients(baseUrl, key, form = "grpc-web") {
  const authorize = (next) => (request) => {
    request.header.set("authorization", `Bearer ${key}`);
    return next(request);
  };
  const options = { baseUrl, httpVersion: "1.1", interceptors: [authorize], defaultTimeoutMs: 30_000 };
  const transport =
    form === "grpc-web"
      ? createGrpcWebTransport(options)
      : createConnectTransport({ ...options, useBinaryFormat: form === "protobuf" });
  return {
    accounts: createClient(AccountService, transport),
    media: createClient(MediaService, transport),
    platforms: createClient(PlatformService, transport),
    posts: createClient(PostService, transport),
  };
}
