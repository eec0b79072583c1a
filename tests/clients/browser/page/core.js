// The page's side of the core: its clients, and its errors in words.

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { AccountService } from "../generated/aurareels/v1/account_service_pb.js";
import { PostService } from "../generated/aurareels/v1/post_service_pb.js";
import { BadRequestSchema, ErrorInfoSchema } from "../generated/google/rpc/error_details_pb.js";

/** Clients of the core at this address. `token` is asked before every call. */
export function connectTo(address, token) {
  const authorize = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token()}`);
    return next(request);
  };
  const transport = createGrpcWebTransport({ baseUrl: address, interceptors: [authorize], defaultTimeoutMs: 30_000 });
  return { accounts: createClient(AccountService, transport), posts: createClient(PostService, transport) };
}

/** What an error says: its code, and the details that the core adds to every status. */
export function explain(failure) {
  const error = ConnectError.from(failure);
  const [info] = error.findDetails(ErrorInfoSchema);
  const [request] = error.findDetails(BadRequestSchema);
  const broken = request?.fieldViolations ?? [];
  return {
    code: Code[error.code],
    message: error.rawMessage,
    reason: info?.reason ?? "",
    remedy: info?.metadata.remedy ?? "",
    fields: broken.map(({ field, description }) => (field ? `${field}: ${description}` : description)),
  };
}
