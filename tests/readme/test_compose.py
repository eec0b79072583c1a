"""docker-compose.yml, without Docker: its shape, and its core and simulator as plain processes with its own settings.

What cannot be shown here is that the images build; `docker compose build` in a clone does.
"""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICE_KEYS = {
    "image", "build", "command", "ports", "networks", "restart", "network_mode", "depends_on", "environment", "volumes",
    "stop_grace_period", "read_only", "cap_drop", "security_opt",
}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def test_it_names_only_what_is_there(compose):
    assert set(compose) == {"services", "volumes"}
    services = compose["services"]
    for name, service in services.items():
        assert set(service) <= SERVICE_KEYS, f"{name}: {set(service) - SERVICE_KEYS} is not known to this test"
        build = service.get("build")
        assert build is None or (ROOT / build["context"] / build["dockerfile"]).is_file(), name
        built = {other["image"] for other in services.values() if "build" in other}
        assert service["image"] in built, f"{name}: nobody builds {service['image']}"
        for needed in service.get("depends_on", []):
            assert needed in services, f"{name} depends on {needed}"
        mode = service.get("network_mode")
        assert mode is None or mode.removeprefix("service:") in services, name
        # Docker refuses both together.
        assert mode is None or not {"ports", "networks"} & set(service), name
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"], f"{name}: {volume}"
        for port in service.get("ports", []):
            host, outside, inside = port.rsplit(":", 2)
            assert host == "127.0.0.1" and outside == inside and re.fullmatch(r"\d+(-\d+)?", inside), port
    for dockerfile in (ROOT / "docker").iterdir():
        copied = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile.read_text(encoding="utf-8"), re.M)
        assert all((ROOT / path).exists() for path in copied), dockerfile


def free_ports():
    """The first of 42 ports in a row that nobody uses."""
    for base in range(21000, 60000, 97):
        try:
            for port in range(base, base + 42):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
    raise AssertionError("no free ports")


def test_core_and_simulator_start_by_its_settings(compose, binary, tmp_path):
    services = compose["services"]
    base, listen = free_ports(), free_ports() + 39
    moved = lambda text: re.sub(r"\b86(\d\d)\b", lambda m: str(base + int(m[1])), text)
    simulate = [moved(word) for word in services["simulator"]["command"]]
    simulate[simulate.index("--ip") + 1] = "127.0.0.1"
    settings = {name: moved(str(value)) for name, value in services["core"]["environment"].items()}
    assert settings["AURAREELS_SOCIAL_ENCRYPTION_KEY"].startswith("${AURAREELS_SOCIAL_ENCRYPTION_KEY:?")
    settings |= {
        "AURAREELS_SOCIAL_ENCRYPTION_KEY": "0123456789abcdef" * 4,
        "AURAREELS_LISTEN": f"127.0.0.1:{listen}",
        "AURAREELS_DATA_DIR": str(tmp_path / "data"),
    }
    bare = {name: value for name, value in os.environ.items() if not name.startswith("AURAREELS_")}
    simulator = subprocess.Popen([binary, *simulate, "--json"], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=bare)
    core = None
    try:
        wanted = json.loads(simulator.stdout.readline())["environment"]
        assert {name: settings.get(name) for name in wanted} == wanted, "what the simulator asks for"
        # Unknown settings are refused at the start.
        core = subprocess.Popen([binary, *services["core"]["command"]], cwd=tmp_path, env=bare | settings)
        until = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{listen}/healthz", timeout=5) as answer:
                    assert answer.status == 200
                    break
            except urllib.error.URLError:
                assert core.poll() is None and time.monotonic() < until, "the core did not start"
                time.sleep(0.1)
    finally:
        for process in filter(None, (core, simulator)):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
