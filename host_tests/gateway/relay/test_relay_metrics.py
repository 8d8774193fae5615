# SPDX-License-Identifier: MIT
"""What a relay tells Prometheus, in a file."""

import re
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from host_tests.gateway.relay.peers import CHANGED, CON, NON, POST, Scene, message
from tools.errors import UsageError
from tools.gateway.running.relay import program
from tools.gateway.running.relay.figures import Figures
from tools.programs.patience import run
from tools.programs.peers import peer

DOCS = Path(__file__).resolve().parents[3] / "docs"


def samples(path):
    """{(name, label values): value}"""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_what_passes_and_what_does_not(tmp_path):
    path = tmp_path / "msgin5g.prom"

    async def main():
        async with Scene() as scene:
            with program._told(scene.relay, scene.events, str(path)):
                first = samples(path)
                assert first["msgin5g_relay_clients",] == 0
                assert first["msgin5g_relay_datagrams_total", "down"] == 0
                client = scene.client()
                way = await scene.up(client, message(CON, POST, 1))
                await scene.up(client, message(CON, POST, 2))
                await scene.down(client, way, message(NON, CHANGED, 3))
                scene.relay.uplink(b"\xff" * 4, [], client.address)  # version 3
                Figures(scene.relay, scene.events, str(path)).write()
                told = samples(path)
                assert told["msgin5g_relay_clients",] == told["msgin5g_relay_server_known",] == 1
                assert told["msgin5g_relay_datagrams_total", "up"] == 2
                assert told["msgin5g_relay_datagrams_total", "down"] == 1
                assert told["msgin5g_relay_lost_total", "what came was no CoAP"] == 1
                assert told["msgin5g_events_total", "relayed"] == 1
                check = [peer("promtool"), "check", "metrics"]
                done = subprocess.run(check, input=path.read_text(), capture_output=True, text=True)
                assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
                own = {name for name, *_ in told if name.startswith("msgin5g_relay_")}
        listed = re.findall(r"^\| `(msgin5g_relay_\w+)`", (DOCS / "metrics.md").read_text(), re.MULTILINE)
        assert set(listed) == own
        assert list(tmp_path.iterdir()) == []  # with its end

    run(main())


def test_a_file_that_cannot_be_written_any_more_is_told_once(tmp_path):
    async def main():
        async with Scene() as scene:
            folder = tmp_path / "gone"
            figures = Figures(scene.relay, scene.events, str(folder / "a.prom"))
            for _ in range(3):
                figures.look()
            assert scene.events.counts["figures-failed"] == 1
            folder.mkdir()
            figures.look()
            assert samples(folder / "a.prom")["msgin5g_events_total", "figures-failed"] == 1
            (folder / "a.prom").unlink()
            folder.rmdir()
            figures.look()
            assert scene.events.counts["figures-failed"] == 2

    run(main())


def test_one_that_never_could_be_is_a_mistake(tmp_path):
    async def main():
        async with Scene() as scene:
            with (
                pytest.raises(UsageError, match="--metrics .*/no/a.prom: No such file"),
                program._told(scene.relay, scene.events, str(tmp_path / "no/a.prom")),
            ):
                pass

    run(main())
