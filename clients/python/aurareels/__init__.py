"""Client of an AuraReels core, for backend services.

`connect` answers a core's services; the messages are those of `proto/`, in `aurareels.v1`. A call that timed out is simply made
again: the same request comes back to the same posts.
"""

import grpc

from aurareels.v1 import (
    account_service_pb2_grpc,
    analytics_service_pb2_grpc,
    media_service_pb2_grpc,
    platform_service_pb2_grpc,
    post_service_pb2_grpc,
    webhook_service_pb2_grpc,
)

__all__ = ["Core", "connect"]


class Core:
    """The services of a core, over one connection. Close it, or use it in a `with`."""

    def __init__(self, channel: grpc.Channel):
        self._channel = channel
        self.posts = post_service_pb2_grpc.PostServiceStub(channel)
        self.accounts = account_service_pb2_grpc.AccountServiceStub(channel)
        self.media = media_service_pb2_grpc.MediaServiceStub(channel)
        self.platforms = platform_service_pb2_grpc.PlatformServiceStub(channel)
        self.analytics = analytics_service_pb2_grpc.AnalyticsServiceStub(channel)
        self.webhooks = webhook_service_pb2_grpc.WebhookServiceStub(channel)

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> "Core":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def connect(address: str, key: str, *, user: "int | None" = None, authority: "bytes | None" = None) -> Core:
    """A core at an address such as `http://127.0.0.1:50051`, called with an API key.

    `user` is the user to act for, with a key that serves any user. `authority` is the authority of the core's certificate in
    PEM, in place of the public ones.
    """
    scheme, found, host = address.rpartition("://")
    if found and scheme not in ("http", "https"):
        raise ValueError(f"{address!r} is no address: give one such as http://127.0.0.1:50051")
    host = host.rstrip("/")
    if scheme == "https":
        channel = grpc.secure_channel(host, grpc.ssl_channel_credentials(authority))
    else:
        channel = grpc.insecure_channel(host)
    return Core(grpc.intercept_channel(channel, _Credentials(key, user)))


class _Call(grpc.ClientCallDetails):
    def __init__(self, call: grpc.ClientCallDetails, metadata: list):
        self.method, self.timeout, self.metadata = call.method, call.timeout, metadata
        self.credentials, self.wait_for_ready, self.compression = call.credentials, call.wait_for_ready, call.compression


class _Credentials(
    grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamUnaryClientInterceptor
):
    """Puts the key into every call."""

    def __init__(self, key: str, user: "int | None"):
        self._metadata = [("authorization", f"Bearer {key}")]
        if user is not None:
            self._metadata.append(("x-aurareels-user-id", str(user)))

    def _intercept(self, go_on, call, request):
        return go_on(_Call(call, [*(call.metadata or ()), *self._metadata]), request)

    intercept_unary_unary = intercept_unary_stream = intercept_stream_unary = _intercept
