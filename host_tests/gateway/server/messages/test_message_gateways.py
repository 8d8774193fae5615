# SPDX-License-Identifier: MIT
"""Emulated message gateways (tools/demo) with a server that is a process, as a user starts them; it is killed while
something is under way."""

import asyncio
import contextlib
import sys

import pytest

from host_tests.gateway.scripted import ROOT, Ue, gateway, run
from tools.application.values import Message, Report
from tools.demo import message_gateways
from tools.demo.message_gateways import MessageGateway, line_of
from tools.demo.processes import Gateway, command
from tools.programs.patience import patience

A, B = "ue:a@example.org", "ue:b@example.org"
PHONE, METER, AREA = "ue:phone@sms.example.org", "ue:meter@lwm2m.example.org", "area:town"


@contextlib.asynccontextmanager
async def world(**settings):
    """(server in this process, L3G, N3G, BMG)."""
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        bmg = await enter(MessageGateway("BMG"))
        g = await enter(gateway(broadcast_gateways=((AREA, bmg.uri),), **settings))
        made = []
        for kind, domain in (("L3G", "@sms.example.org"), ("N3G", "@lwm2m.example.org")):
            one = await enter(MessageGateway(kind, ("127.0.0.1", g.http_port)))
            with g.store.transaction():
                g.store.add_message_gateway(kind, "mgw:" + kind, one.uri, [domain])
                one.calls.token, _ = g.store.add_peer_token(kind, "mgw:" + kind)
            made.append(one)
        yield (g, *made, bmg)


def test_there_and_back_through_emulated_gateways():
    async def main():
        async with world() as (g, l3g, n3g, _), Ue(g, A) as a:
            await a.register()
            assert await a.code(a.msg(METER, "read", isDelivStatReq=True)) == "2.04"
            assert (await n3g.message("read")).to == METER
            assert (await a.next("IMDN"))["DelSta"] == "success"
            msg_id = await l3g.send(PHONE, A, "hello")
            message = await a.next("MSG")
            assert (message["payload"], message["oriAddr"]["addr"]) == ("hello", PHONE)
            await a.report(message)
            assert (await l3g.report(msg_id)).delivered
            msg_id = await l3g.send(PHONE, METER, "from one to the other")
            await n3g.message("from one to the other")
            assert (await l3g.report(msg_id)).delivered

    run(main())


def test_a_broadcast_reaches_an_emulated_gateway():
    async def main():
        async with world() as (g, _, _, bmg), Ue(g, A) as a:
            with g.store.transaction():
                g.store.add_broadcaster(A)
            await a.register()
            assert await a.code(a.msg(AREA, "fire", "BC", priority="HIGH")) == "2.04"
            got = await bmg.message("fire")
            assert (got.priority, got.to_type, got.to) == ("HIGH", "BC", AREA)

    run(main())


def test_a_ue_behind_a_gateway_is_a_member_of_groups():
    """As originator and as recipient (TS 24.538 clause 6.4.1.2.6 d 3)."""
    group = {
        "valGroupId": "group:g@example.org",
        "category": "NORMAL",
        "memberDetails": [
            {"memberId": {"valUserId": who}, "membershipType": "IMPLICIT"} for who in (A, PHONE, METER)
        ],
    }

    async def main():
        async with world() as (g, l3g, n3g, _), Ue(g, A) as a:
            await a.register()
            answer = await a.post(group, path="su-gm/v1/group-documents")
            assert answer.code.dotted == "2.01", answer.payload
            assert await a.code(a.msg(group["valGroupId"], "to all", "GROUP")) == "2.04"
            assert (await l3g.message("to all")).to == PHONE
            assert (await n3g.message("to all")).to == METER
            await l3g.send(PHONE, group["valGroupId"], "from the phone", "GROUP", report=False)
            message = await a.next("MSG")
            assert (message["payload"], message["oriAddr"]["addr"]) == ("from the phone", PHONE)
            await n3g.message("from the phone")
            assert [message.payload for message in l3g.messages.items] == ["to all"]  # none of its own

    run(main())


@pytest.mark.slow
def test_what_was_accepted_outlives_a_killed_server_and_comes_once(tmp_path):
    """The messages are acknowledged while the gateways are away; the server is killed and started again."""

    async def main():
        async with contextlib.AsyncExitStack() as stack:
            enter = stack.enter_async_context
            l3g, bmg = MessageGateway("L3G"), MessageGateway("BMG")
            for one in (l3g, bmg):
                async with one:  # so that it has a port
                    port = int(one.uri.rpartition(":")[2])
                one._port = port
            await command(tmp_path, "server", "l3g", "add", "mgw:sms", "--uri", l3g.uri, "@sms.example.org")
            await command(tmp_path, "server", "device", "add", A, "--broadcaster")
            quick = ("--retry-min", "1", "--retry-max", "2")
            server = await enter(Gateway(tmp_path, "--bmg", "%s=%s" % (AREA, bmg.uri), *quick, name="server"))
            server.coap_port = server.coap[1]
            a = await enter(Ue(server, A))
            await a.register()
            for number in range(5):
                assert await a.code(a.msg(PHONE, "sms %d" % number)) == "2.04"
            assert await a.code(a.msg(AREA, "fire", "BC")) == "2.04"
            await server.end(9)
            await enter(l3g)
            await enter(bmg)
            await server.start()
            await bmg.message("fire")
            await l3g.message("sms 4")
            assert [message.payload for message in l3g.messages.items] == [
                "sms %d" % number for number in range(5)
            ]
            assert len(bmg.messages.items) == 1
            assert (l3g.repeated, bmg.repeated) == (0, 0)

    run(main())


@pytest.mark.slow
def test_an_emulated_gateway_on_a_command_line(tmp_path):
    async def main():
        async with gateway() as g, Ue(g, A) as a:
            await a.register()
            words = ["-m", "tools.demo.message_gateways", "l3g", "--server", "127.0.0.1:%d" % g.http_port]
            (tmp_path / "token").write_text("it speaks with this token\nvoid\n")
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *words,
                "--token-file",
                str(tmp_path / "token"),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            try:
                async with patience(30):
                    uri = (await process.stdout.readline()).decode().split()[1]
                    with g.store.transaction():
                        g.store.add_message_gateway("L3G", "mgw:sms", uri, [PHONE])
                    assert await a.code(a.msg(PHONE, "ring")) == "2.04"
                    assert (await process.stdout.readline()).decode() == "message %s -> %s: 'ring'\n" % (
                        A,
                        PHONE,
                    )
                    process.stdin.write(("%s %s a text\n" % (PHONE, A)).encode() + b"\xff\n")
                    process.stdin.write_eof()
                    assert b"the token is not of" in await process.stdout.readline()
                    assert await process.stdout.readline() == b"say: UE RECIPIENT TEXT\n"
                    assert await a.code(a.msg(PHONE, "it still listens")) == "2.04"
                    assert b"it still listens" in await process.stdout.readline()
            finally:
                process.kill()
                await process.wait()

    run(main())


@pytest.mark.parametrize("content", [None, "", b"\xff"])
def test_a_file_without_a_token_is_told(tmp_path, monkeypatch, capsys, content):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.setattr(sys, "argv", ["x", "l3g", "--token-file", str(file)])
    with pytest.raises(SystemExit):
        message_gateways._arguments()
    assert "--token-file %s: " % file in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("port", ["65536", "-1", "x", "9" * 5000, ""])
def test_what_is_no_port_is_told(monkeypatch, capsys, port):
    monkeypatch.setattr(sys, "argv", ["x", "l3g", "--listen=" + port])
    with pytest.raises(SystemExit):
        message_gateways._arguments()
    assert "is no port" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_a_port_that_is_taken_is_told_in_one_line():
    async def main():
        async with MessageGateway("BMG") as taken:
            words = ["-m", "tools.demo.message_gateways", "bmg", "--listen", taken.uri.rpartition(":")[2]]
            process = await asyncio.create_subprocess_exec(
                sys.executable, *words, cwd=ROOT, stderr=asyncio.subprocess.PIPE
            )
            _, err = await process.communicate()
            assert process.returncode != 0
            assert err.decode().startswith("message_gateways: ") and err.count(b"\n") == 1

    run(main())


@pytest.mark.parametrize(
    ("came", "line"),
    [
        (Report("ue:a", "1", True, "", "ue:b"), "report  ue:a -> ue:b: delivered"),
        (Report("ue:a", "1", False, "no", "ue:b"), "report  ue:a -> ue:b: not delivered, 'no'"),
    ],
)
def test_what_it_prints_of_a_report(came, line):
    assert line_of(came) == line


@pytest.mark.parametrize("payload, shown", [({"payload": "x\x1b[2J"}, "'x\\x1b[2J'"), ({}, "''")])
def test_what_it_prints_of_a_message(payload, shown):
    body = {"oriAddr": {"addrType": "UE", "addr": "ue:a"}, "destAddr": {"addrType": "UE", "addr": "ue:b"}}
    assert line_of(Message(body | {"msgId": "1"} | payload)) == "message ue:a -> ue:b: " + shown
