// Client of an AuraReels core, for backend services: over gRPC, by Connect.

import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";

import { AccountService } from "./generated/aurareels/v1/account_service_pb.js";
import { AnalyticsService } from "./generated/aurareels/v1/analytics_service_pb.js";
import { MediaService } from "./generated/aurareels/v1/media_service_pb.js";
import { PlatformService } from "./generated/aurareels/v1/platform_service_pb.js";
import { PostService } from "./generated/aurareels/v1/post_service_pb.js";
import { WebhookService } from "./generated/aurareels/v1/webhook_service_pb.js";

export function connect({ address, key, user, nodeOptions }) {
  const authorize = (next) => (request) => {
    request.header.set("authorization", `Bearer ${key}`);
    if (user !== undefined) request.header.set("x-aurareels-user-id", String(user));
    return next(request);
  };
  const transport = createGrpcTransport({ baseUrl: address, interceptors: [authorize], nodeOptions });
  return {
    posts: createClient(PostService, transport),
    accounts: createClient(AccountService, transport),
    media: createClient(MediaService, transport),
    platforms: createClient(PlatformService, transport),
    analytics: createClient(AnalyticsService, transport),
    webhooks: createClient(WebhookService, transport),
  };
}
