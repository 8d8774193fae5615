# SPDX-License-Identifier: MIT
"""examples/server: the systemd unit and the compose file say what runs. Their commands are run here as they stand, with
addresses and a database of the test."""

import asyncio
import configparser
import os
import re
import shlex
import shutil
import string
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from host_tests.gateway.scripted import run
from tools.demo.processes import Process
from tools.programs.patience import finish, patience
from tools.programs.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "examples" / "server"
UNIT = FOLDER / "msgin5g@.service"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
NODES = ("a", "b", "c")
CLI = [sys.executable, "-m", "tools.cli"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
# What is said of a service, as the Compose Specification has it: a word that it does not know is refused there.
KNOWN = set(
    "image build environment depends_on healthcheck restart stop_grace_period read_only tmpfs cap_drop security_opt"
    " volumes networks command user ports".split()
)


def unit():
    read = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    read.optionxform = str
    read.read(UNIT)
    return read


def healthy(port):
    """The command by which compose finds a node healthy, of one at this port."""
    test = SERVICES["a"]["healthcheck"]["test"]
    assert test[:2] == ["CMD", "python"]
    return [sys.executable, *(word.replace("127.0.0.1:8065", f"127.0.0.1:{port}") for word in test[2:])]


async def becomes_healthy(words, folder):
    """The server of these words, until the health check finds it so; how it ends by SIGTERM."""
    port = int(words[words.index("--http") + 1].rpartition(":")[2])
    assert finish(healthy(port), 30, capture_output=True).returncode != 0
    async with Process([*CLI, *words], ENVIRONMENT, folder) as node:
        async with patience(30):
            while subprocess.run(healthy(port), capture_output=True).returncode != 0:
                assert node._process.returncode is None, node.lines.items
                await asyncio.sleep(0.1)
        return await node.end(15)


def here(words, database):
    """The same command with ports and a database of this test."""
    places = {
        "0.0.0.0:65401": "127.0.0.1:%d",
        "0.0.0.0:8065": "127.0.0.1:%d",
        "127.0.0.1:8065": "127.0.0.1:%d",
    }
    words = [places[word] % free_port() if word in places else word for word in words]
    return [database if word.startswith("postgresql://") else word for word in words]


@pytest.mark.parametrize("name", NODES)
def test_each_node_of_compose_runs_and_is_found_healthy(name, tmp_path, database):
    program, *words = SERVICES[name]["command"]
    assert program == "msgin5g" and words[:3] == ["server", "--node", name]
    assert words[words.index("--store") + 1] == SERVICES[name]["environment"]["STORE"]
    assert run(becomes_healthy(here(words, database), tmp_path)) == 0


def test_nginx_of_compose_is_told_of_each_node(nginx):
    """`nginx -t` says so, with the addresses of this machine, which are others."""
    (_, _, command) = SERVICES["configuration"]["command"]
    words, path = command.split(" > ")
    assert path == SERVICES["nginx"]["command"][2]
    at = {name: SERVICES[name]["networks"]["inside"]["ipv4_address"] for name in NODES}
    for address in at.values():
        assert f"--node-at {address}:65401,{address}:8065" in words
    words = words.replace("0.0.0.0:65401", f"127.0.0.1:{free_port()}").replace(
        "0.0.0.0:8065", f"127.0.0.1:{free_port()}"
    )

    def configuration(folder):
        command = [*CLI, *shlex.split(words)[1:], "--nginx-folder", folder]
        done = finish(command, 60, env=ENVIRONMENT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "test is successful" in nginx(configuration).check()


def test_compose_names_what_is_there():
    assert not [(name, each.keys() - KNOWN) for name, each in SERVICES.items() if each.keys() - KNOWN]
    for each in SERVICES.values():
        for other, how in each.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]
            assert other in SERVICES
        for volume in each.get("volumes", ()):
            assert volume.split(":")[0] in COMPOSE["volumes"]
    assert set(SERVICES["nginx"]["depends_on"]) == {*NODES, "configuration"}
    addresses = [
        each["networks"]["inside"]["ipv4_address"] for each in SERVICES.values() if "networks" in each
    ]
    assert len(set(addresses)) == len(addresses)
    for name in NODES:
        assert seconds(SERVICES[name]["stop_grace_period"]) > drain(SERVICES[name]["command"])


def seconds(text):
    return float(text.removesuffix("s"))


def drain(words):
    return float(words[words.index("--drain") + 1])


def test_the_node_of_the_unit_runs(tmp_path, database):
    """With the files that its comment shows, and what systemd makes of ${STORE} and $OPTIONS."""
    service = unit()["Service"]
    given = dict(re.findall(r"^# +([A-Z]+)=(.*)$", UNIT.read_text(), re.MULTILINE))
    assert set(given) == {"STORE", "OPTIONS"}
    words = []
    for word in service["ExecStart"].replace("%i", "a").split():
        words += given["OPTIONS"].split() if word == "$OPTIONS" else [string.Template(word).substitute(given)]
    assert words[0] == "/opt/msgin5g/bin/msgin5g"
    assert seconds(service["TimeoutStopSec"]) > drain(words)
    assert run(becomes_healthy(here(words[1:], database), tmp_path)) == 0


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze: apt install systemd")
def test_systemd_takes_the_unit(tmp_path):
    """It complains of what it does not know; our program has to be where the unit says, which it is not here."""
    text = UNIT.read_text().replace("/opt/msgin5g/bin/msgin5g", "/bin/true")
    path = tmp_path / "msgin5g@a.service"
    path.write_text(text)
    done = finish(["systemd-analyze", "verify", path], 60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    path.write_text(text.replace("TimeoutStopSec=40", "TimeoutStopSecs=40"))
    done = finish(["systemd-analyze", "verify", path], 60, capture_output=True, text=True)
    assert "TimeoutStopSecs" in done.stderr
