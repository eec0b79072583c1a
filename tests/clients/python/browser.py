"""The owner's browser, as far as connecting an account needs one.

It opens the link's page and then the platform's consent page, leaves every box ticked, presses "Allow" on each and follows
the redirects. Only what the pages themselves offer is sent, so a page that a person could not use fails the test.
"""

import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Page:
    """Where the browser ended, and what it saw."""

    url: str
    status: int
    text: str


@dataclass
class Form:
    """The one form of a page: where it goes, what it would send, and its buttons."""

    action: str = ""
    method: str = "get"
    fields: list = field(default_factory=list)
    buttons: list = field(default_factory=list)


class _FormReader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms = []
        self._select = None
        self._options = []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append(Form(attributes.get("action") or "", (attributes.get("method") or "get").lower()))
        if not self.forms:
            return
        form = self.forms[-1]
        name, value = attributes.get("name"), attributes.get("value") or ""
        if tag == "select":
            self._select, self._options = name, []
        elif tag == "option" and self._select:
            self._options.append((value, "selected" in attributes))
        elif tag == "button" and name:
            form.buttons.append((name, value))
        elif tag == "input" and name:
            kind = attributes.get("type", "text")
            if kind == "submit":
                form.buttons.append((name, value))
            elif kind not in ("checkbox", "radio") or "checked" in attributes:
                form.fields.append((name, value))

    def handle_endtag(self, tag):
        if tag == "select" and self._select and self._options:
            chosen = [value for value, selected in self._options if selected]
            self.forms[-1].fields.append((self._select, (chosen or [self._options[0][0]])[0]))
            self._select = None


class _Shown(urllib.request.HTTPErrorProcessor):
    """Shows a page with an error status like any other; redirects are still followed."""

    def http_response(self, request, response):
        return response if response.status >= 400 else super().http_response(request, response)

    https_response = http_response


def _open(opener, request):
    with opener.open(request, timeout=30) as response:
        return Page(response.geturl(), response.status, response.read().decode("utf-8", "replace"))


def _opener():
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(), _Shown())


def get(url):
    """Reads one page."""
    return _open(_opener(), url)


def _press(opener, page, form, button):
    """Presses the button of a page's form and follows the redirects."""
    pressed = [(name, value) for name, value in form.buttons if value == button]
    assert pressed, f"no button `{button}` at {page.url}, only {form.buttons}"
    target = urllib.parse.urljoin(page.url, form.action) if form.action else page.url
    data = urllib.parse.urlencode(form.fields + pressed[:1]).encode()
    assert form.method == "post", f"the form is sent by {form.method}"
    return _open(opener, urllib.request.Request(target, data=data, method="POST"))


def allow(auth_url, button="allow"):
    """Opens the link, goes on from the core's page, presses the button on the platform's and follows the redirects."""
    opener = _opener()
    page = _open(opener, auth_url)
    pressed = 0
    while True:
        reader = _FormReader()
        reader.feed(page.text)
        if not reader.forms:
            assert pressed, f"no form at {page.url} ({page.status}): {page.text[:500]}"
            return page
        is_of_the_core = urllib.parse.urlparse(page.url).path.startswith("/oauth/connect/")
        page = _press(opener, page, reader.forms[0], "allow" if is_of_the_core else button)
        pressed += 1
