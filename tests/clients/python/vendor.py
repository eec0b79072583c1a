"""What the tests with the vendors' own client libraries share: the simulator's addresses, and a browser's way back.

Those libraries know nothing of us. What they send and how they read an answer was written for the real services, so a
simulator that they cannot work with is wrong.
"""

import http.server
import json
import threading
import urllib.request

import browser


class Simulator:
    """The control API of the running simulator."""

    def __init__(self, control):
        self.control = control
        self.settings = self.get("environment")

    def get(self, path):
        return json.loads(browser.get(f"{self.control}/_sim/{path}").text)

    def post(self, path, body):
        request = urllib.request.Request(
            f"{self.control}/_sim/{path}", data=json.dumps(body).encode(), headers={"content-type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            text = response.read()
        return json.loads(text) if text else None

    def cut_once(self, operation, when, after_bytes=0):
        """The next request of this kind loses its connection."""
        action = {"type": "cut", "when": when, "after_bytes": after_bytes}
        self.post("faults", {"match": {"operation": operation}, "action": action})

    def clear_faults(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(urllib.request.Request(f"{self.control}/_sim/faults", method="DELETE"), timeout=30).close()

    def posts(self, platform, words):
        """Visible posts of a platform whose caption holds these words."""
        posts = self.get(f"posts?platform={platform}")["posts"]
        return [post for post in posts if words in post["caption"] and post["removed_at"] is None]


class Callback:
    """The redirect address of an app on this machine: keeps the address that the browser was sent to."""

    def __init__(self, name):
        callback = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                callback.arrived = f"http://127.0.0.1:{callback.port}{self.path}"
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.arrived = None
        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}/oauth/callback/{name}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
