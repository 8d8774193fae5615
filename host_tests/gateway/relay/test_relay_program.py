# SPDX-License-Identifier: MIT
"""`msgin5g relay` as a user starts it, and a gateway behind it."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys

import pytest

from host_tests.gateway.relay.peers import CON, POST, Peer, message
from host_tests.gateway.scripted import Ue, gateway
from tools.demo.processes import Relay as RelayProgram
from tools.device import ROOT
from tools.gateway.running.relay.lookup import Lookup
from tools.gateway.running.relay.relay import Options, Relay
from tools.page.events import Events
from tools.programs.patience import patience, run

A, B = "ue:a@example.org", "ue:b@example.org"


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--server"),
        (("--server", "x:y"), "'x:y' is not HOST:PORT of the server: 192.0.2.1:65401"),
        (("--server", "192.0.2.1:99999"), "is not HOST:PORT of the server"),
        (("--server", "2001:db8::1:x"), "is not HOST:PORT of the server"),
        (("--server", "a/b"), "is not HOST:PORT of the server"),
        (("--server", ""), "is nowhere to send to: give the address of the server"),
        (("--server", "192.0.2.1:0"), "is nowhere to send to: give the address of the server"),
        (("--server", "0.0.0.0"), "is nowhere to send to: give the address of the server"),
        (("--server", "192.0.2.1", "--listen", "127.0.0.1"), "'127.0.0.1' is not HOST:PORT"),
        (("--server", "192.0.2.1", "--listen", "192.0.2.250:0"), "give another --listen HOST:PORT"),
        (("--server", "192.0.2.1", "--idle", "0"), "'0' is not a number of seconds above 0"),
        (("--server", "192.0.2.1", "--idle", "nan"), "'nan' is not a number of seconds above 0"),
        (("--server", "192.0.2.1", "--clients", "0"), "'0' is not a number of clients from 1 to 65536"),
        (("--server", "192.0.2.1", "--server-name", "a b"), "'a b' is no name of a host"),
        (("--server", "192.0.2.1", "--events", "/no/where"), "cannot write --events /no/where"),
        (("--server", "192.0.2.1", "--metrics", "relay.txt"), "it ends in .prom"),
        (
            ("--server", "192.0.2.1", "--listen", "127.0.0.1:0", "--metrics", "/no/where.prom"),
            "--metrics /no/where.prom: No such file or directory",
        ),
        (("--server", "127.0.0.1:65411", "--listen", "127.0.0.1:65411"), "is this relay itself"),
        (("--server", "127.0.0.1:65412", "--listen", "0.0.0.0:65412"), "is this relay itself"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(arguments, says):
    command = (sys.executable, "-m", "tools.cli", "relay", *arguments)
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert says in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        listen = "127.0.0.1:%d" % taken.getsockname()[1]
        command = (sys.executable, "-m", "tools.cli", "relay", "--server", "192.0.2.1", "--listen", listen)
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "Address already in use" in ended.stderr and "give another --listen" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_relays_until_somebody_ends_it_and_tells_what_it_did(tmp_path, number):
    async def playing():
        server, client = Peer(), Peer()
        async with RelayProgram(tmp_path, server.address) as relay:
            client.send(message(CON, POST, 1), relay.coap)
            octets, way = await server.hear()
            server.send(octets, way)
            assert await client.hear() == (octets, relay.coap)
            told = await relay.event("relayed", port=way[1])
            assert told["peer"] == "%s:%d" % client.address
            client.send(b"\xffGET /", relay.coap)
            client.send(message(CON, POST, 2), relay.coap)
            await server.hear()
            assert await relay.end(number) == 0
            await relay.event("relay-lost", times=1, reason="what came was no CoAP")
            assert relay.lines.items[-1] == "stopped"
        server.close()
        client.close()

    run(playing())


def test_a_name_that_is_not_found_is_told_and_ends_nothing(tmp_path):
    async def playing():
        async with RelayProgram(tmp_path, ("nowhere.invalid", 65401)) as relay:
            await relay.event("lookup-failed", server="nowhere.invalid:65401")
            assert await relay.end(signal.SIGTERM) == 0

    run(playing())


# ---- the name of the server ------------------------------------------------------------------------------------------


class Names(Lookup):
    """Whose pauses are over as soon as somebody looks at them."""

    def __init__(self, answers, found, told):
        self._answers = list(answers)
        self.waited = []
        super().__init__(
            ("msg.example", 65401), found, lambda event, **fields: told.append((event, fields)), self.ask
        )

    async def ask(self, host, port):
        assert (host, port) == ("msg.example", 65401)
        if not self._answers:
            raise asyncio.CancelledError
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (each, port)) for each in answer]

    async def _wait(self, seconds):
        self.waited.append(seconds)


def look(*answers):
    """(addresses that were found, events, pauses)"""
    found, told = [], []

    async def looking():
        names = Names(answers, lambda address, family: found.append(address[0]), told)
        await names.start()
        with contextlib.suppress(asyncio.CancelledError):
            await names._task
        return names.waited

    return found, told, run(looking())


def test_a_name_is_asked_for_again_and_again_until_it_is_found():
    failure = socket.gaierror(-3, "Temporary failure in name resolution")
    found, told, waited = look(*[failure] * 7, ["192.0.2.1"])
    assert found == ["192.0.2.1"]
    assert [event for event, _ in told] == ["lookup-failed", "server-found"]
    assert waited == [2, 4, 8, 16, 32, 60, 60, 60]


def test_what_comes_before_the_server_is_known_is_counted(monkeypatch):
    async def unknown(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("tools.gateway.running.relay.lookup._resolve", unknown)

    async def playing():
        events, client = Events(), Peer()
        async with Relay(Options(("127.0.0.1", 0), ("msg.example", 65401)), events) as relay:
            client.send(message(CON, POST, 1), ("127.0.0.1", relay.port))
            async with patience(20):
                while not relay.counts:
                    await asyncio.sleep(0.01)
        client.close()
        assert [(each["times"], each["reason"]) for each in events.recent if "times" in each] == [
            (1, "the server was not known yet")
        ]

    run(playing())


def test_a_name_that_is_none_to_ask_for_ends_nothing():
    found, told, _ = look(UnicodeError("label too long"), ["192.0.2.1"])
    assert found == ["192.0.2.1"] and told[0][1]["reason"] == "label too long"


def test_an_address_stays_while_it_is_one_of_the_server_s():
    found, told, _ = look(["192.0.2.1", "192.0.2.2"], ["192.0.2.2", "192.0.2.1"], ["192.0.2.2"])
    assert found == ["192.0.2.1", "192.0.2.2"]
    assert [fields["moved"] for event, fields in told if event == "server-found"] == [False, True]


def test_a_name_with_an_address_where_nobody_is_leads_to_the_other(monkeypatch):
    """`localhost` is ::1 too, and a server may listen at 127.0.0.1 alone."""
    server = Peer()

    async def both(host, port):
        nobody = socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("::1", server.address[1], 0, 0)
        return [nobody, (socket.AF_INET, socket.SOCK_DGRAM, 17, "", server.address)]

    monkeypatch.setattr("tools.gateway.running.relay.lookup._resolve", both)

    async def playing():
        client, events = Peer(), Events()
        async with Relay(Options(("127.0.0.1", 0), ("msg.example", 65401)), events) as relay:
            async with patience(20):
                while not relay._server or relay._server[0][0] == "::1":
                    client.send(message(CON, POST, 1), ("127.0.0.1", relay.port))
                    await asyncio.sleep(0.01)
            client.send(message(CON, POST, 2), ("127.0.0.1", relay.port))
            octets, way = await server.hear()
            server.send(octets, way)
            assert (await client.hear())[0] == octets
            assert relay._server[0] == server.address
            relay._server_says(ConnectionRefusedError(111, "Connection refused"))
            await asyncio.sleep(0)
            assert relay._server[0] == server.address  # it was heard here, and will be again
            assert [each["moved"] for each in events.recent if each["event"] == "server-found"] == [
                False,
                True,
            ]
        client.close()
        server.close()

    run(playing())


def test_a_server_that_moves_is_relayed_to_where_it_is_now():
    async def playing():
        old, new, client = Peer(), Peer("127.0.0.2"), Peer()
        async with Relay(Options(("127.0.0.1", 0), old.address), Events()) as relay:
            client.send(message(CON, POST, 1), ("127.0.0.1", relay.port))
            await old.hear()
            relay._found(new.address, socket.AF_INET)
            client.send(message(CON, POST, 2), ("127.0.0.1", relay.port))
            octets, way = await new.hear()
            new.send(octets, way)
            assert (await client.hear())[0] == message(CON, POST, 2)
        for peer in (old, new, client):
            peer.close()

    run(playing())


# ---- a gateway behind it ---------------------------------------------------------------------------------------------


class Through:
    """For a Ue: the relay, in the place of its gateway."""

    def __init__(self, relay):
        self.coap_port = relay.port


def test_devices_register_send_and_receive_through_a_relay_that_is_started_anew():
    """Each of the two has an address of its own at the server; after the restart its next word says where it is."""

    async def playing():
        async with gateway() as behind:
            to = "127.0.0.1", behind.coap_port
            relay = await Relay(Options(("127.0.0.1", 0), to), Events()).__aenter__()
            async with Ue(Through(relay), A) as a, Ue(Through(relay), B) as b:
                await a.register()
                await b.register()
                assert len({event["peer"] for event in behind.journal.find("registered")}) == 2
                await a.send(B, "hello")
                assert (await b.next("MSG"))["payload"] == "hello"
                await b.send(A, "there")
                assert (await a.next("MSG"))["payload"] == "there"
                await behind.journal.wait("delivered", count=2)
                await relay.__aexit__()
                async with Relay(Options(("127.0.0.1", relay.port), to), Events()):
                    await a.send(B, "after")
                    await behind.journal.wait("rebound", ue=A)
                    await b.send(A, "I am here")
                    assert (await b.next("MSG"))["payload"] == "after"
                    assert (await a.next("MSG"))["payload"] == "I am here"
                    assert len(behind.journal.find("rebound")) == 2

    run(playing())


def test_64_kib_each_way_through_a_relay():
    """In segments of MSGin5G and in blocks of CoAP: what is too large for a datagram passes too."""

    async def playing():
        async with gateway() as behind:
            options = Options(("127.0.0.1", 0), ("127.0.0.1", behind.coap_port))
            async with Relay(options, Events()) as relay, Ue(Through(relay), A) as a, Ue(behind, B) as b:
                await a.register()
                await b.register()
                text = "".join(chr(97 + number % 26) for number in range(65536))
                assert (await a.post(a.msg(B, text))).code.dotted == "2.04"
                assert await whole(b) == text
                assert (await b.post(b.msg(A, text[::-1]))).code.dotted == "2.04"
                assert await whole(a) == text[::-1]

    run(playing())


async def whole(ue):
    """The payload of the next message, its segments put together; they are confirmed."""
    parts = {}
    async with patience(20):
        while True:
            body = await ue.next("MSG")
            segment = body["segParams"]
            parts[segment["segNumb"]] = body["payload"]
            if len(parts) == segment.get("totalSegCount"):
                return "".join(parts[number] for number in sorted(parts))
