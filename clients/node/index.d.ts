import type { Client } from "@connectrpc/connect";
import type { GrpcTransportOptions } from "@connectrpc/connect-node";

import type { AccountService } from "./generated/aurareels/v1/account_service_pb.js";
import type { AnalyticsService } from "./generated/aurareels/v1/analytics_service_pb.js";
import type { MediaService } from "./generated/aurareels/v1/media_service_pb.js";
import type { PlatformService } from "./generated/aurareels/v1/platform_service_pb.js";
import type { PostService } from "./generated/aurareels/v1/post_service_pb.js";
import type { WebhookService } from "./generated/aurareels/v1/webhook_service_pb.js";

/** Which core to call, and how. */
export interface Connection {
  /** Such as `http://127.0.0.1:50051`. */
  address: string;
  /** An API key. */
  key: string;
  /** The user to act for, with a key that serves any user. */
  user?: number | bigint;
  /** Options of Node's TLS, such as `ca`. */
  nodeOptions?: GrpcTransportOptions["nodeOptions"];
}

/** The services of a core, over one connection. */
export interface Core {
  posts: Client<typeof PostService>;
  accounts: Client<typeof AccountService>;
  media: Client<typeof MediaService>;
  platforms: Client<typeof PlatformService>;
  analytics: Client<typeof AnalyticsService>;
  webhooks: Client<typeof WebhookService>;
}

/** A core's services. A call that timed out is simply made again: the same request comes back to the same posts. */
export function connect(connection: Connection): Core;
