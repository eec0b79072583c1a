"""The commands of README.md, run as they are printed.

A person who follows the README has the demo running in one terminal and a clone in the other. Here the demo is started on a
free port, and the blocks are run by bash in an empty folder in which `proto/`, `target/release/aurareels` and the files that
the README calls one's own lie as they do for that person. What a block prints is judged: a command that ends well and says
nothing is no proof. What cannot be run is named by `NOT_RUN`, and a block that is neither run nor named fails the test.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"

# Blocks that are tried elsewhere, or not at all, by a line of theirs.
NOT_RUN = {
    "cargo run --release -- demo": "the demo is what the other blocks speak to, and a test of its own runs it to its end",
    "grpcurl -plaintext": "grpcurl is in no registry of packages; the port's tests use reflection as it does",
    "npm run build:native": "the n8n stages build and install the package",
    "X-API-Key": "a request of the core, not a command",
    "reels.example.org": "a core of one's own",
    "dashboard-link": "needs the demo's own database; the dashboard's tests log in by such links",
}


class Block:
    """A fenced block of the README."""

    def __init__(self, heading, language, text):
        self.heading, self.language, self.text = heading, language, text

    def why_not_run(self):
        return next((why for line, why in NOT_RUN.items() if line in self.text), None)


def blocks():
    """Every block with a language, or with a command in it, and the heading that it stands under."""
    heading, found, language, lines, indent = "", [], None, [], ""
    for line in README.read_text(encoding="utf-8").splitlines():
        fence = re.match(r"^(\s*)```(\w*)$", line)
        if fence and language is None:
            indent, language, lines = fence[1], fence[2] or "text", []
        elif fence:
            found.append(Block(heading, language, "\n".join(lines) + "\n"))
            language = None
        elif language is not None:
            lines.append(line.removeprefix(indent))
        elif line.startswith("## "):
            heading = line[3:]
    return found


def block(language, *words):
    """The one block of a language that has all of these words."""
    fits = [one for one in blocks() if one.language == language and all(word in one.text for word in words)]
    assert len(fits) == 1, f"{len(fits)} blocks of {language} have {words}"
    return fits[0].text


def run(demo, script, timeout=240):
    """Runs a block after those that set variables for it, and gives what it prints."""
    folder, environment = demo
    names = block("sh", 'KEY="authorization').split("\n\n")[0]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{names}\n{script}"],
        cwd=folder,
        env=environment,
        timeout=timeout,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def documents(text):
    """The JSON documents of a text, one after the other."""
    found, rest, decoder = [], text.lstrip(), json.JSONDecoder()
    while rest:
        document, end = decoder.raw_decode(rest)
        found.append(document)
        rest = rest[end:].lstrip()
    return found


def test_every_block_is_run_or_named():
    tried = ['-H "$JSON"', "pip install grpcio", "post publish", "npm install @connectrpc"]
    for one in blocks():
        if one.language in ("sh", "text") and re.search(r"^\s*\S*(aurareels|npm|pip|curl|cargo|grpcurl)\b", one.text, re.M):
            is_tried = any(words in one.text for words in tried)
            assert is_tried or one.why_not_run(), f"nobody tries this block of `{one.heading}`:\n{one.text}"


def test_curl(demo):
    accounts, published, scheduled, post = documents(run(demo, block("sh", '-H "$JSON"').split("\n\n", 1)[1]))
    assert len(accounts["accounts"]) == 8
    assert [one["social_account_id"] for one in published["posts"]] == [1, 3]
    assert scheduled["posts"][0]["scheduled_at"].startswith("2027-12-25T17:00:00")
    assert post["id"] == 1 and post["attempts"]


def test_python(demo):
    folder, _ = demo
    (folder / "publish.py").write_text(block("python", "# publish.py"), encoding="utf-8")
    # As printed, but in an environment of its own: the machine's Python is not ours to change.
    environment = f"{sys.executable} -m venv python && . python/bin/activate\n"
    script = environment + block("sh", "pip install grpcio")
    first = run(demo, script)
    assert first.count("POST_STATUS_PUBLISHED") == 2, first
    again = run(demo, ". python/bin/activate\nPYTHONPATH=generated python publish.py")
    assert again.count("POST_STATUS_PUBLISHED") == 2, again


def test_command_line(demo):
    printed = run(demo, block("sh", "post publish"))
    assert "scheduled" in printed and "published" in printed, printed
    assert "From this disk" in run(demo, "target/release/aurareels post list --json")


def test_javascript(demo):
    folder, environment = demo
    (folder / "dashboard.mjs").write_text(block("js", "// dashboard.mjs"), encoding="utf-8")
    run(demo, block("sh", "npm install @connectrpc"))
    running = subprocess.Popen(["node", "dashboard.mjs"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 60
        seen = ""
        while "PUBLISHED" not in seen or not re.search(r"^\d+n \d+n \w+$", seen, re.M):
            assert time.monotonic() < until, seen
            line = running.stdout.readline()
            assert line, f"it ended by itself: {seen}"
            seen += line
    finally:
        running.kill()
        running.wait()
