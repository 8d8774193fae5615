# SPDX-License-Identifier: MIT
"""`msgin5g as listen` and `as send`, as one types them, beside a gateway and a UE."""

import asyncio
import json
import os
import signal
import socket

import pytest

from host_tests.gateway import scripted
from host_tests.gateway.scripted import Ue, gateway, run
from host_tests.tools.application.typing_it import AS, Typed, typed
from tools import cli
from tools.application import Message, program

A = "ue:a@example.org"


def answering(ue):
    """The UE reports each message that asks for it."""

    async def answer():
        while True:
            body = await ue.next("MSG")
            if body.get("isDelivStatReq"):
                await ue.report(body)

    return asyncio.ensure_future(answer())


def test_three_terminals(tmp_path):
    """A listener; a UE that sends to it; `send`, by the listener, with the report to both."""

    async def main():
        async with gateway() as g, Ue(g, A) as ue, Typed(tmp_path, g, "listen", AS, "--count", "2") as listen:
            await ue.register()
            task = answering(ue)
            assert "%s is registered with" % AS in await listen.line()
            await ue.send(AS, "21.5", "AS")
            assert (await listen.line()).endswith("%s: 21.5" % A)
            code, out, err = await typed(tmp_path, g, "send", "--from", AS, "--to", A, "--report", "measure")
            assert (code, err) == (0, "")
            accepted, delivered = out.splitlines()
            assert "accepted " in accepted and "delivered " in delivered and delivered.endswith("to " + A)
            assert (await listen.line()).endswith("to " + A)
            assert len(g.journal.find("as-registered")) == 1
            await ue.send(AS, "data:;base64,AAEC", "AS", isDelivStatReq=True)
            code, out, _ = await listen.end()
            assert (code, out.strip()[9:]) == (0, "%s: 3 octets: 00 01 02" % A)
            await g.journal.wait("reported", to=A)
            await g.journal.wait("as-deregistered")
            task.cancel()

    run(main())


def test_send_by_itself(tmp_path):
    async def main():
        async with gateway() as g, Ue(g, A) as ue:
            await ue.register()
            task = answering(ue)
            send = ("send", "--from", AS, "--to", A, "--json")
            code, out, _ = await typed(tmp_path, g, *send, "--report", "-", given=b"21.5\n")
            accepted, report = map(json.loads, out.splitlines())
            assert (code, accepted["event"], report["event"], report["delivered"]) == (
                0,
                "accepted",
                "report",
                True,
            )
            assert ue.received[-1]["payload"] == "21.5"
            assert len(g.journal.find("as-deregistered")) == 1
            file = tmp_path / "file"
            file.write_bytes(b"\x00\xff")
            code, out, _ = await typed(tmp_path, g, *send, "--file", str(file))
            assert (code, ue.received[-1]["payload"]) == (0, "data:;base64,AP8=")
            task.cancel()
            code, out, _ = await typed(tmp_path, g, *send, "--report", "--wait", "0.2", "x")
            assert (code, json.loads(out.splitlines()[-1])["event"]) == (1, "failed")
            code, _, err = await typed(tmp_path, g, "send", "--from", AS, "--to", "ue:nobody", "x")
            assert code == 1 and "unknown recipient" in err and err.count("\n") == 1

    run(main())


def test_saved(tmp_path):
    async def main():
        folder = tmp_path / "received"
        words = ("listen", AS, "--count", "2", "--save", str(folder))
        async with gateway() as g, Ue(g, A) as ue, Typed(tmp_path, g, *words) as listen:
            await ue.register()
            await listen.line()
            await ue.send(AS, "a text", "AS")
            await ue.send(AS, "data:;base64,AAEC", "AS")
            assert (await listen.end())[0] == 0
        assert sorted(path.read_bytes() for path in folder.iterdir()) == [b"\x00\x01\x02", b"a text"]

    run(main())


def test_what_cannot_be_saved_is_not_taken(tmp_path):
    """It is not reported as delivered, and comes to the next one."""
    folder = tmp_path / "received"
    words = ("listen", AS, "--stay", "--count", "1", "--save", str(folder))

    async def main():
        async with gateway() as g, Ue(g, A) as ue:
            await ue.register()
            async with Typed(tmp_path, g, *words) as listen:
                await listen.line()
                folder.rmdir()
                await ue.send(AS, "21.5", "AS", isDelivStatReq=True, sfFlag=True)
                code, out, err = await listen.end()
                assert (code, out) == (2, "")
                assert err.endswith(
                    f"{folder}/ue_a_example.org-1: No such file or directory: look at the name\n"
                )
            assert not g.journal.find("delivered") and not g.journal.find("reported")
            async with Typed(tmp_path, g, *words) as listen:
                assert (await listen.end())[0] == 0
            await g.journal.wait("reported", status="success")
        assert [path.read_bytes() for path in folder.iterdir()] == [b"21.5"]

    run(main())


def test_whoever_sends_it_a_file_has_a_name(tmp_path, monkeypatch):
    """A service ID has 255 octets at most, as the name of a file, which has a number behind it."""
    address = {"addr": "\N{MATHEMATICAL BOLD SMALL A}" * 63, "addrType": "UE"}
    message = Message({"oriAddr": address, "destAddr": address, "msgId": "1", "payload": "x"})
    assert program._saved(tmp_path, message, 123456).read_bytes() == b"x"
    # A disk that is full leaves nothing behind (fsync says it as well as write).
    monkeypatch.setattr(program.os, "fsync", lambda number: os.write(os.open("/dev/full", os.O_WRONLY), b"x"))
    with pytest.raises(OSError, match=r"No space left on device: .*-123457"):
        program._saved(tmp_path, message, 123456)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_with_a_name_too_long_for_a_socket(tmp_path):
    """It listens all the same; `send` is by itself, and hears that another program has the registration."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir(mode=0o700)

    async def main():
        async with gateway() as g, Ue(g, A) as ue, Typed(folder, g, "listen", AS) as listen:
            await ue.register()
            await listen.line()
            assert "`as send` cannot send by this one" in await listen.trouble()
            task = answering(ue)
            code, out, err = await typed(folder, g, "send", "--from", AS, "--to", A, "--report", "x")
            assert code == 1 and "accepted" in out and "by another program, which gets the report" in err
            assert (await listen.line()).endswith("to " + A)
            task.cancel()

    run(main())


def test_the_second_listener_hears_who_the_first_is(tmp_path):
    async def main():
        async with gateway() as g, Typed(tmp_path, g, "listen", AS) as first:
            await first.line()
            code, _, err = await typed(tmp_path, g, "listen", AS)
            assert code == 2 and err.startswith("msgin5g: %s is listened for already: process" % AS)

    run(main())


def test_a_listener_waits_for_a_server(tmp_path):
    """One that comes later, goes, and comes again; and Ctrl-C ends it before and after."""

    async def main():
        with socket.create_server(("127.0.0.1", 0)) as free:
            uri = "http://127.0.0.1:%d" % free.getsockname()[1]
        g = scripted.Process(tmp_path, "--http", uri.removeprefix("http://"))
        async with Typed(tmp_path, None, "listen", "--server", uri, AS) as listen:
            assert await listen.trouble() == "msgin5g: as: nobody answers at %s: Connection refused" % uri
            assert "make gateway" in await listen.trouble()
            words = ("send", "--server", uri, "--from", AS, "--to", A, "x")
            async with Typed(tmp_path, None, *words) as send:  # by itself
                assert await send.trouble() == "msgin5g: as: nobody answers at %s: Connection refused" % uri
                send.process.send_signal(signal.SIGINT)
                assert await send.end() == (130, "", "")
            await g.start()
            assert await listen.trouble() == "msgin5g: as: %s answers again" % uri
            assert "is registered with" in await listen.line()
            async with Ue(g, A) as ue:
                await ue.register()
                await ue.send(AS, "21.5", "AS")
                assert (await listen.line()).endswith("%s: 21.5" % A)
            await g.kill()
            async with Typed(tmp_path, None, *words) as send:  # by the listener
                assert await listen.trouble() == "msgin5g: as: nobody answers at %s: Connection refused" % uri
                send.process.send_signal(signal.SIGINT)
                assert await send.end() == (130, "", "")
            listen.process.send_signal(signal.SIGINT)
            code, out, err = await listen.end()
            assert (code, out.strip()[9:], err) == (0, AS + " ends", "")
        async with Typed(tmp_path, None, "listen", "--server", uri, AS) as listen:
            await listen.trouble()
            listen.process.send_signal(signal.SIGINT)
            assert (await listen.end())[:2] == (130, "")

    run(main())


def test_what_nobody_can_read_is_not_taken(tmp_path):
    """The listener's reader is gone: the message stays at the server, and comes to the next one."""

    async def main():
        async with gateway() as g, Ue(g, A) as ue:
            await ue.register()
            async with Typed(tmp_path, g, "listen", AS, "--stay") as listen:
                await listen.line()
                listen.process._transport.get_pipe_transport(1).close()
                await ue.send(AS, "21.5", "AS", isDelivStatReq=True, sfFlag=True)
                assert await listen.process.wait() == 141
            assert not g.journal.find("delivered")
            async with Typed(tmp_path, g, "listen", AS, "--count", "1") as listen:
                code, out, _ = await listen.end()
                assert code == 0 and out.splitlines()[1].endswith("%s: 21.5" % A)
            await g.journal.wait("reported", status="success")

    run(main())


def test_tokens(tmp_path):
    """The file holds what `gateway as add` printed. Without one, and with that of another, it is said what to do."""

    async def main():
        async with gateway() as g:
            with g.store.transaction():
                token, _ = g.store.add_token(AS)
            file = tmp_path / "token"
            file.write_text("%s speaks with this token, in the header\n%s\nfrom now on\n" % (AS, token))
            with_token = ("--token-file", str(file))
            async with Typed(tmp_path, g, "listen", AS, *with_token) as listen:
                assert "is registered with" in await listen.line()
            for words, status in (((), "401"), (with_token, "403")):
                code, out, err = await typed(tmp_path, g, "listen", "as:other@example.org", *words)
                assert (code, out) == (1, "") and "says " + status in err and err.count("\n") == 1
                assert "msgin5g gateway as add" in err

    run(main())


@pytest.mark.parametrize(
    "words, says",
    [
        (("send", "--from", AS, "--to", A), "as - for standard input"),
        (("send", "--from", AS, "--to", A, "x", "--file", "y"), "as - for standard input"),
        (("send", "--from", AS, "--to", A, "--file", "/nowhere"), "No such file"),
        (("send", "--from", AS, "--to", A, "--token-file", "/nowhere", "x"), "No such file"),
        (("send", "--from", "", "--to", A, "x"), "1 to 255 octets"),
        (("send", "--from", AS, "--to", "as:b", "x"), "as:b: an Application Server sends to devices"),
        (("send", "--from", AS, "--to", A, "--file", "/dev/zero"), "65536 octets at most"),
        (("send", "--from", AS, "--to", A, "--token-file", os.devnull, "x"), "holds no token"),
        (
            ("listen", AS, "--http", "192.0.2.1:9"),
            "cannot listen at 192.0.2.1:9: Cannot assign requested address",
        ),
        (("send", "--from", AS, "--to", A, "--wait", "0", "x"), "no number of seconds"),
        (("send", "--from", AS, "--to", A, "--expire", "1e12", "x"), "no number of seconds up to a year"),
        (("send", "--from", AS, "--to", A, "--expire", "nan", "x"), "no number of seconds up to a year"),
        (("listen", AS, "--server", "127.0.0.1"), "no URI of a server"),
        (("listen", AS, "--http", "9000"), "no HOST:PORT"),
        (("listen", AS, "--count", "0"), "no number of messages"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tmp_path, words, says, monkeypatch, capsys):
    for name in ("XDG_RUNTIME_DIR", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    try:
        code = cli.main(["as", *words])
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and says in err.splitlines()[-1]
