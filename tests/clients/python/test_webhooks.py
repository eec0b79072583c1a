"""Webhooks of a running core, verified by the standard's own library."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from aurareels.v1 import webhook_service_pb2


@pytest.fixture
def receiver():
    """Its address, and a queue of the requests it got: headers and body."""
    received = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", received
    server.shutdown()
    server.server_close()


@pytest.fixture
def endpoint(core, receiver):
    url, _ = receiver
    request = webhook_service_pb2.CreateWebhookEndpointRequest(url=url, event_types=["post.published"])
    created = core.call(core.webhooks.CreateWebhookEndpoint, request)
    yield created
    delete = webhook_service_pb2.DeleteWebhookEndpointRequest(id=created.endpoint.id)
    core.call(core.webhooks.DeleteWebhookEndpoint, delete)


def send_test(core, endpoint, received):
    request = webhook_service_pb2.SendTestEventRequest(id=endpoint.endpoint.id)
    sent = core.call(core.webhooks.SendTestEvent, request)
    headers, body = received.get(timeout=60)
    assert headers["webhook-id"] == sent.webhook_id
    return headers, body


def test_a_library_of_the_standard_verifies_what_is_sent(core, receiver, endpoint):
    headers, body = send_test(core, endpoint, receiver[1])
    event = Webhook(endpoint.secret).verify(body, headers)
    assert event["type"] == "webhook.test"
    assert event["data"]["endpoint_id"] == endpoint.endpoint.id
    assert json.loads(body) == event
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(body + b" ", headers)


def test_both_secrets_verify_while_they_rotate(core, receiver, endpoint):
    request = webhook_service_pb2.RotateWebhookSecretRequest(id=endpoint.endpoint.id)
    rotated = core.call(core.webhooks.RotateWebhookSecret, request)
    headers, body = send_test(core, endpoint, receiver[1])
    for secret in (endpoint.secret, rotated.secret):
        assert Webhook(secret).verify(body, headers)["type"] == "webhook.test"
    again = core.call(core.webhooks.RotateWebhookSecret, request)
    headers, body = send_test(core, endpoint, receiver[1])
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(body, headers)
    for secret in (rotated.secret, again.secret):
        Webhook(secret).verify(body, headers)
