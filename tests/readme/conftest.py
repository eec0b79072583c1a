"""A running demo, and a folder as its reader has it."""

import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def binary():
    """The core."""
    path = os.environ.get("AURAREELS_BINARY")
    assert path, "AURAREELS_BINARY is not set: start this test with `cargo xtask test --only readme`"
    return path


@pytest.fixture(scope="session")
def demo(binary, tmp_path_factory):
    """A running demo, and a folder as its reader has it. Gives the folder and the environment of a second terminal."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "proto").symlink_to(ROOT / "proto")
    (folder / "target" / "release").mkdir(parents=True)
    (folder / "target" / "release" / "aurareels").symlink_to(binary)
    running = subprocess.Popen(
        [binary, "demo", "--ahead", "5", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True, cwd=folder
    )
    printed = ""
    for line in running.stdout:
        printed += line
        if line.startswith("Serving until"):
            break
    exported = dict(re.findall(r"\b(AURAREELS_\w+|VIDEO)=(\S+)", printed))
    media = re.search(r"(http://127\.0\.0\.1:\d+)/v/", printed)
    assert media and {"AURAREELS_ADDRESS", "AURAREELS_API_KEY", "VIDEO"} <= exported.keys(), printed
    urllib.request.urlretrieve(f"{media[1]}/v/holiday.mp4", folder / "holiday.mp4")
    environment = {**os.environ, **exported, "MEDIA_PORT": media[1].rsplit(":", 1)[1]}
    yield folder, environment
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=30) == 0
