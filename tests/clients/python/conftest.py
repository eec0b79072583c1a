"""What every test of the Python client needs: a channel to the running core and its simulator's addresses."""

import os

import grpc
import pytest

from aurareels.v1 import (
    account_service_pb2_grpc,
    platform_service_pb2_grpc,
    post_service_pb2_grpc,
    webhook_service_pb2_grpc,
)


class Core:
    """A client of the core: one stub per service, and the caller's key as metadata."""

    def __init__(self, channel, key):
        self.channel = channel
        self.metadata = (("authorization", f"Bearer {key}"),)
        self.accounts = account_service_pb2_grpc.AccountServiceStub(channel)
        self.platforms = platform_service_pb2_grpc.PlatformServiceStub(channel)
        self.posts = post_service_pb2_grpc.PostServiceStub(channel)
        self.webhooks = webhook_service_pb2_grpc.WebhookServiceStub(channel)

    def call(self, method, request, timeout=30):
        """One call with the caller's key and a deadline."""
        return method(request, metadata=self.metadata, timeout=timeout)


def setting(name):
    """A setting that `cargo xtask test` gives; without it there is nothing to test against."""
    value = os.environ.get(name)
    assert value, f"{name} is not set: start this test with `cargo xtask test --only python`"
    return value


@pytest.fixture(scope="session")
def core():
    address = setting("AURAREELS_ADDRESS").removeprefix("http://")
    # Addresses on this machine never go through a proxy.
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
        yield Core(channel, setting("AURAREELS_API_KEY"))


@pytest.fixture(scope="session")
def simulator():
    return setting("AURAREELS_SIMULATOR_CONTROL")


@pytest.fixture(scope="session")
def video_url():
    return setting("AURAREELS_SIMULATOR_MEDIA") + "/v/python-client.mp4"
