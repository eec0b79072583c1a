"""The client packages, installed as a user does it, and the example of each.

The packages are those that `cargo xtask client-packages` builds and a release publishes. Each example publishes a video of its
own caption on account 1; the core is asked afterwards whether the post is there.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

CLIENTS = Path(__file__).resolve().parents[2] / "clients"


def start(command, demo, folder, **more):
    """Runs a command beside the demo; gives what it prints."""
    _, environment = demo
    video = f"http://127.0.0.1:{environment['MEDIA_PORT']}/v/{folder.name}.mp4"
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**environment, "VIDEO": video, **more},
        timeout=240,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def published(demo, folder, binary, printed, caption):
    """Demands that an example said which post it made, and that the core has it with its caption."""
    made = re.fullmatch(r"post (\d+) is (?:POST_STATUS_)?\w+", printed.strip())
    assert made, printed
    post = json.loads(start([binary, "post", "show", made[1], "--json"], demo, folder))
    assert post["caption"] == caption, post


def ten_lines(example):
    """Demands that an example is short: lines that are neither empty nor comments nor imports."""
    lines = [line for line in example.read_text(encoding="utf-8").splitlines() if line.strip()]
    code = [line for line in lines if not re.match(r"\s*(//|#|\"\"\"|import |from |use )", line)]
    assert len(code) <= 10, f"{example} has {len(code)} lines of code"


def test_python(demo, binary, tmp_path):
    example = CLIENTS / "python" / "examples" / "publish.py"
    ten_lines(example)
    start([sys.executable, "-m", "venv", "of-a-user"], demo, tmp_path)
    python = tmp_path / "of-a-user" / "bin" / "python"
    start([python, "-m", "pip", "install", "--quiet", os.environ["AURAREELS_WHEEL"]], demo, tmp_path)
    published(demo, tmp_path, binary, start([python, example], demo, tmp_path), "Hello from Python")
    # A key that is none is refused by the core, so the key is what was sent; a user for a key of one user is refused too.
    wrong = "from aurareels import connect; from aurareels.v1.account_service_pb2 import *; import os, grpc\n" \
        "core = connect(os.environ['AURAREELS_ADDRESS'], 'ar_none')\n" \
        "try: core.accounts.ListAccounts(ListAccountsRequest())\n" \
        "except grpc.RpcError as error: print(error.code().name)"
    assert start([python, "-c", wrong], demo, tmp_path).strip() == "UNAUTHENTICATED"
    stream = "from aurareels import connect; from aurareels.v1.post_service_pb2 import *; import os\n" \
        "core = connect(os.environ['AURAREELS_ADDRESS'], os.environ['AURAREELS_API_KEY'])\n" \
        "print(next(core.posts.WatchPosts(WatchPostsRequest(after_sequence=0), timeout=30)).position >= 0)"
    assert start([python, "-c", stream], demo, tmp_path).strip() == "True"


def test_node(demo, binary, tmp_path):
    example = CLIENTS / "node" / "examples" / "publish.mjs"
    ten_lines(example)
    (tmp_path / "package.json").write_text('{"private": true}', encoding="utf-8")
    package = os.environ["AURAREELS_NPM_PACKAGE"]
    start(["npm", "install", "--silent", "--no-audit", "--no-fund", package], demo, tmp_path)
    (tmp_path / "publish.mjs").write_bytes(example.read_bytes())
    published(demo, tmp_path, binary, start(["node", "publish.mjs"], demo, tmp_path), "Hello from Node")
    installed = tmp_path / "node_modules" / "aurareels"
    assert (installed / "index.d.ts").is_file() and (installed / "generated/aurareels/v1/post_pb.d.ts").is_file()


def test_rust(demo, binary, tmp_path):
    ten_lines(CLIENTS / "rust" / "examples" / "publish.rs")
    published(demo, tmp_path, binary, start([os.environ["AURAREELS_EXAMPLE"]], demo, tmp_path), "Hello from Rust")
