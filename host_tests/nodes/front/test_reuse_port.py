# SPDX-License-Identifier: MIT
"""Two `msgin5g server` of one machine on one port of UDP and one of TCP: the kernel shares out who comes."""

import contextlib
import json
import signal

import pytest

from host_tests.gateway.scripted import ApplicationServer, Process, Ue, run
from tools import cli
from tools.demo import processes as demo
from tools.programs.ports import free_port

AS = "as:weather@example.org"
DEVICES = 24


def pair(folder, database):
    """Two of them, not started."""
    coap, http = free_port(), free_port()
    shared = ("--store", database, "--reuse-port", "--http", "127.0.0.1:%d" % http)
    made = []
    for name in ("a", "b"):
        (folder / name).mkdir()
        node = Process(folder / name, *shared, "--node", name, program="server")
        node.coap_port = coap
        node.folder = folder / name
        made.append(node)
    return made


def registered(node):
    """The UEs whose registration this node told of."""
    told = map(json.loads, (node.folder / "events.jsonl").read_text().splitlines())
    return {event["ue"] for event in told if event["event"] == "registered"}


def test_two_share_a_port_and_what_comes_to_it(tmp_path, database):
    async def main():
        first, second = pair(tmp_path, database)
        await first.start()
        await second.start()
        assert (first.coap_port, first.http_port) == (second.coap_port, second.http_port)
        async with contextlib.AsyncExitStack() as stack:
            ues = [await stack.enter_async_context(Ue(first, f"ue:{number}")) for number in range(DEVICES)]
            for ue in ues:
                await ue.register()
            here, there = registered(first), registered(second)
            assert here and there and not here & there and len(here | there) == DEVICES
            server = await stack.enter_async_context(ApplicationServer(first, AS))
            await server.register()
            # Wherever it comes in: to devices of both, and from them.
            for ue in ues:
                assert (await server.deliver(server.message(ue.name, f"for {ue.name}")))[0] == 200
                assert (await ue.next("MSG"))["payload"] == f"for {ue.name}"
                await ue.send(AS, f"of {ue.name}", "AS")
                assert (await server.next())["payload"] == f"of {ue.name}"
            # What one had is the other's with the next word.
            assert await first.kill(signal.SIGTERM) == 0
            for ue in ues:
                await ue.register()
            assert registered(second) == {ue.name for ue in ues}
        assert await second.kill(signal.SIGTERM) == 0

    run(main())


@pytest.mark.parametrize("shares", (0, 1))
def test_who_does_not_share_is_alone(tmp_path, database, shares):
    """Neither comes to a port of one that has it alone, nor is let in where it would be alone."""

    async def main():
        nodes = pair(tmp_path, database)
        nodes[1 - shares]._command.remove("--reuse-port")
        await nodes[0].start()
        words = nodes[1]._command
        async with demo.Process(words, folder=nodes[1].folder) as refused:
            assert await refused.wait() != 0
        port = nodes[0].http_port
        assert f"cannot listen on TCP port {port} of 127.0.0.1" in refused.lines.items[-1]
        assert await nodes[0].kill(signal.SIGTERM) == 0

    run(main())


@pytest.mark.parametrize(
    "words, said",
    [
        ((), "--reuse-port is for nodes of one database: give --store postgresql://..."),
        (
            ("--store", "postgresql://here/x"),
            "--reuse-port needs --node NAME: what listens on one port has one name",
        ),
        (
            ("--store", "postgresql://here/x", "--node", "a", "--coap", "127.0.0.1:0"),
            "--reuse-port needs a port to share: give --coap HOST:PORT, other than 0",
        ),
    ],
)
def test_what_nobody_can_share_is_one_line(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["server", "--reuse-port", *words]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_a_file_has_no_nodes(capsys, tmp_path):
    assert cli.main(["server", "--store", str(tmp_path / "server.db"), "--node", "a"]) == 2
    said = "--node is for one of several servers on one database: give --store postgresql://..."
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "server.db").exists()
