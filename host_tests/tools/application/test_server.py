# SPDX-License-Identifier: MIT
"""tools.application.ApplicationServer against the gateway, with UEs played by aiocoap."""

import asyncio
import contextlib

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from host_tests.gateway.scripted import Ue, gateway, run
from tools.application import ApplicationServer, NotReachable, Refused
from tools.application import server as application
from tools.page.events import sentence

A, B = "ue:a@example.org", "ue:b@example.org"
AS = "as:weather@example.org"


@contextlib.asynccontextmanager
async def world(**more):
    """(gateway, registered UE, ApplicationServer)"""
    async with gateway() as g, Ue(g, A) as ue:
        await ue.register()
        async with ApplicationServer(AS, "http://127.0.0.1:%d" % g.http_port, **more) as server:
            yield g, ue, server


async def first(server, count=1):
    """So many messages."""
    found = []
    async for message in server.messages():
        found.append(message)
        if len(found) == count:
            return found


def test_it_is_registered_as_long_as_it_is_open():
    async def main():
        async with world() as (g, ue, server):
            assert server.target.startswith("http://127.0.0.1:")
            await g.journal.wait("as-registered", **{"as": AS})
            assert await ue.send(AS, "21.5", "AS")
            await first(server)
        await g.journal.wait("as-deregistered", **{"as": AS})

    run(main())


def test_one_that_stays_gets_later_what_was_sent_meanwhile():
    async def main():
        async with gateway() as g, Ue(g, A) as ue:
            await ue.register()
            uri = "http://127.0.0.1:%d" % g.http_port
            async with ApplicationServer(AS, uri, stay=True):
                pass
            await ue.send(AS, "meanwhile", "AS", sfFlag=True)
            assert not g.journal.find("as-deregistered")
            async with ApplicationServer(AS, uri) as server:
                (message,) = await first(server)
            assert message.payload == "meanwhile"

    run(main())


def test_what_the_gateway_tells_of_it():
    """No key of its target, nothing of what it says each minute and is known, and of a topic without end a sentence."""

    async def main():
        async with world() as (g, _, server):
            await server.subscribe("alerts")
            await server.subscribe("weather", seconds=600)
            await server.register()
            await server.subscribe("alerts")
            await server.subscribe("alerts", "news")
            told = [
                sentence(record)
                for record in g.journal.all
                if record["event"] in ("as-registered", "subscribed")
            ]
            assert told[0] == "registered Application Server %s at %s?key=***" % (
                AS,
                server.target.partition("?")[0],
            )
            assert told[1] == AS + " is subscribed to alerts as long as it is registered"
            assert told[2] in (AS + " is subscribed to weather for %d s" % left for left in (600, 599, 598))
            assert told[3:] == [AS + " is subscribed to news as long as it is registered"]

    run(main())


def test_what_comes():
    async def main():
        async with world() as (_, ue, server):
            ids = [
                await ue.send(AS, "21.5 °C", "AS", isDelivStatReq=True, appId="thermometer"),
                await ue.send(AS, "data:;base64,AAEC/w==", "AS"),
                await ue.send(AS, None, "AS"),
            ]
            text, octets, nothing = await first(server, 3)
            assert [each.message_id for each in (text, octets, nothing)] == ids
            assert (text.sender, text.sender_type, text.to, text.to_type) == (A, "UE", AS, "AS")
            assert (text.payload, octets.payload, nothing.payload) == ("21.5 °C", b"\x00\x01\x02\xff", "")
            assert text.application_id == "thermometer"
            assert (text.wants_report, octets.wants_report) == (True, False)
            report = await ue.next("IMDN")
            assert (report["msgId"], report["DelSta"]) == (ids[0], "success")

    run(main())


def test_nothing_is_reported_before_the_loop_goes_on():
    async def main():
        async with world() as (g, ue, server):
            for text in ("21.5", "22"):
                await ue.send(AS, text, "AS", isDelivStatReq=True)
            async for message in server.messages():
                if message.payload == "22":
                    break
                await g.journal.wait("accepted", 2)
                assert not g.journal.find("delivered") and not g.journal.find("reported")
            await g.journal.wait("reported", 2, status="success")

    run(main())


def test_what_a_program_was_busy_with_comes_again():
    """Its loop ended by an error; the one after it ends in order."""

    async def main():
        async with gateway() as g, Ue(g, A) as ue:
            uri = "http://127.0.0.1:%d" % g.http_port
            await ue.register()
            with pytest.raises(ZeroDivisionError):
                async with ApplicationServer(AS, uri, stay=True) as server:
                    await ue.send(AS, "21.5", "AS", isDelivStatReq=True, sfFlag=True)
                    async for _ in server.messages():
                        raise ZeroDivisionError
            assert not g.journal.find("delivered") and not g.journal.find("reported")
            async with ApplicationServer(AS, uri) as server:
                assert (await first(server))[0].payload == "21.5"
            assert len(g.journal.find("reported", status="success")) == 1

    run(main())


async def one_waits(server):
    async with asyncio.timeout(20):
        while not server._posted._places:
            await asyncio.sleep(0)


@pytest.mark.parametrize("taken", (False, True))
def test_one_may_be_entered_again(monkeypatch, taken):
    """As by who begins anew after an error: what was not taken comes once more, and it stays known to the server."""
    monkeypatch.setattr(application, "AGAIN", 0.05)

    async def main():
        async with gateway() as g, Ue(g, A) as ue:
            await ue.register()
            server = ApplicationServer(AS, "http://127.0.0.1:%d" % g.http_port, stay=True)
            with pytest.raises(ZeroDivisionError):
                async with server:
                    await ue.send(AS, "one", "AS", sfFlag=True)
                    messages = server.messages()
                    if taken:
                        await anext(messages)
                    await one_waits(server)
                    raise ZeroDivisionError
            async with server:
                await one_waits(server)
                await messages.aclose()  # a loop that is gone takes nothing of what came after it
                assert not g.journal.find("delivered")
                assert [message.payload for message in await first(server)] == ["one"]
                await ue.send(AS, "two", "AS")
                assert [message.payload for message in await first(server)] == ["two"]
                before = len(g.journal.find("as-registered"))
                async with aiohttp.ClientSession() as http, http.delete(server._registration) as response:
                    assert response.status == 204
                await g.journal.wait("as-registered", before + 1)

    run(main())


def test_a_registration_that_is_under_way_is_taken_back_too(monkeypatch):
    """One that is left while its registration is renewed, of which the server made a new one."""
    monkeypatch.setattr(application, "AGAIN", 0.05)

    async def main():
        made, taken_back = [], []
        renewing, goes_on = asyncio.Event(), asyncio.Event()

        async def register(request):
            number = len(made)
            made.append(number)
            if number:
                renewing.set()
                await goes_on.wait()
            return web.Response(status=201, headers={"Location": str(request.url / str(number))})

        async def take_back(request):
            taken_back.append(request.path.rsplit("/", 1)[1])
            return web.Response(status=204)

        app = web.Application()
        app.router.add_post("/{any:.*}", register)
        app.router.add_delete("/{any:.*}", take_back)
        async with TestServer(app) as there:
            async with ApplicationServer(AS, str(there.make_url("")).rstrip("/")):
                await renewing.wait()
                asyncio.get_running_loop().call_later(0.05, goes_on.set)
        assert taken_back == ["1"]

    run(main())


@pytest.mark.parametrize("answer", ["[" * 60000, '{"detail": "' + "x" * 100 + '"}' * 2, "[]", "\xff"])
def test_an_answer_that_is_no_json_is_an_answer(answer):
    """Of a proxy, say: what counts is its status."""

    async def main():
        async def answered(request):
            return web.Response(status=502, text=answer)

        app = web.Application()
        app.router.add_route("*", "/{any:.*}", answered)
        async with TestServer(app) as proxy:
            with pytest.raises(Refused, match="says 502: it says no more"):
                async with ApplicationServer(AS, str(proxy.make_url(""))):
                    pass

    run(main())


def test_a_report_of_ones_own():
    async def main():
        async with world(reports=False) as (_, ue, server):
            await ue.send(AS, "21.5", "AS", isDelivStatReq=True)
            (message,) = await first(server)
            await message.report(False, "out of range")
            report = await ue.next("IMDN")
            assert (report["DelSta"], report["Cause"]) == ("failure", "out of range")

    run(main())


def test_a_message_that_comes_again_is_taken_once():
    async def main():
        async with world() as (_, ue, server):
            body = {
                "oriAddr": {"addrType": "UE", "addr": A},
                "destAddr": {"addrType": "AS", "addr": AS},
                "msgId": "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6d",
                "stoAndFwInd": False,
                "payload": "once",
            }
            async with aiohttp.ClientSession() as http:

                async def post():
                    async with http.post(server.target, json=body) as response:
                        return response.status

                both = asyncio.gather(post(), post())
                (message,) = await first(server)
                assert message.payload == "once"
                assert await both == [204, 204]
                assert await post() == 204
            assert server.repeated == 2
            await ue.send(AS, "next", "AS")
            assert (await first(server))[0].payload == "next"

    run(main())


@pytest.mark.parametrize("octets", [b"", b"{", b"[]", b'{"msgId": "x"}', b'{"delivSt": 1}'])
def test_what_is_no_message_is_refused_and_harms_nothing(octets):
    async def main():
        async with world() as (_, ue, server):
            async with aiohttp.ClientSession() as http:
                async with http.post(server.target, data=octets) as response:
                    assert response.status == 400
                for key in ("", "?key=", "?key=x"):
                    async with http.post(server.target.partition("?")[0] + key, data=octets) as response:
                        assert response.status == 403
            await ue.send(AS, "next", "AS")
            assert (await first(server))[0].payload == "next"

    run(main())


def test_what_is_no_http_is_told_to_who_sent_it_alone(caplog):
    async def main():
        async with world() as (_, ue, server):
            port = int(server.target.rpartition(":")[2].partition("/")[0])
            for octets in (b"GET / HTTP/9.9\r\n\r\n", b"POST /in HTTP/1.1\r\nX Y: 1\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(octets)
                assert b" 400 " in await reader.readline()
                writer.close()
            assert [record.getMessage() for record in caplog.records] == []

    run(main())


def test_sent_and_reported():
    async def main():
        async with world() as (_, ue, server):
            sent = await server.send(A, "measure", report=True)
            message = await ue.next("MSG")
            assert (message["payload"], message["msgId"]) == ("measure", sent.message_id)
            assert message["oriAddr"] == {"oriAddrType": "AS", "addr": AS}
            await ue.report(message, False, "no such sensor")
            report = await sent.report(20)
            assert (report.sender, report.delivered, report.cause) == (A, False, "no such sensor")
            with pytest.raises(TimeoutError):
                await sent.report(0.01)

    run(main())


def test_a_report_that_comes_again_is_heard_once():
    """Each member of a group has its own; what is said anew, and is another, is heard."""
    heard = []

    async def main():
        async with world(on_report=heard.append) as (_, _, server):
            async with aiohttp.ClientSession() as http:
                for who, state in (
                    (A, "FAILED"),
                    (A, "FAILED"),
                    (A, "SUCCESS"),
                    (B, "SUCCESS"),
                    (A, "SUCCESS"),
                ):
                    body = {
                        "oriAddr": {"addrType": "UE", "addr": who},
                        "destAddr": {"addrType": "AS", "addr": AS},
                        "msgId": "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6d",
                        "delivSt": "REPT_DELY_" + state,
                    }
                    async with http.post(server.target, json=body) as response:
                        assert response.status == 204
            assert server.repeated == 2

    run(main())
    assert [(report.sender, report.delivered) for report in heard] == [(A, False), (A, True), (B, True)]


def test_octets_and_text_that_looks_like_them():
    async def main():
        async with world() as (_, ue, server):
            await server.send(A, b"\x00\x01\xff")
            assert (await ue.next("MSG"))["payload"] == "data:;base64,AAH/"
            await server.send(A, "data:;base64,AAH/")
            assert (await ue.next("MSG"))["payload"] == "data:;base64,ZGF0YTo7YmFzZTY0LEFBSC8="

    run(main())


def test_one_that_is_away_gets_it_when_it_comes():
    async def main():
        async with gateway() as g, Ue(g, A) as ue:
            await ue.register()
            assert await ue.code(ue.own("DEREG")) == "2.04"
            async with ApplicationServer(AS, "http://127.0.0.1:%d" % g.http_port) as server:
                sent = await server.send(A, "later", seconds=600)
                assert sent.stored
                await ue.register()
                assert (await ue.next("MSG"))["payload"] == "later"

    run(main())


def test_a_recipient_that_nobody_knows_is_refused_in_words():
    async def main():
        async with world() as (_, _, server):
            with pytest.raises(Refused, match="unknown recipient") as refused:
                await server.send(B, "x")
            assert refused.value.status == 200
            with pytest.raises(Refused, match="says 400 .*destAddr.*"):
                await server.send("", "x")

    run(main())


def test_topics():
    async def main():
        async with world() as (_, ue, server):
            await server.subscribe("alerts", "weather")
            await ue.send("alerts", "storm", "TOPIC")
            (message,) = await first(server)
            assert (message.to, message.to_type, message.payload) == ("alerts", "TOPIC", "storm")
            await server.unsubscribe("alerts")
            await ue.send("weather", "rain", "TOPIC")
            assert (await first(server))[0].payload == "rain"

    run(main())


@pytest.mark.parametrize(
    ("payload", "more", "error", "says"),
    [
        (5, {}, TypeError, "a payload is text or octets, not int"),
        (None, {}, TypeError, "not NoneType"),
        ("\ud800", {}, ValueError, "half a surrogate pair"),
        ("x", {"seconds": float("inf")}, ValueError, "later than any calendar has"),
        ("x", {"seconds": 1e12}, ValueError, "later than any calendar has"),
    ],
)
def test_what_cannot_be_sent_is_said_before_it_is(payload, more, error, says):
    async def main():
        async with ApplicationServer(AS, "http://127.0.0.1:1", register=False) as server:
            with pytest.raises(error, match=says):
                await server.send(A, payload, **more)

    run(main())


def test_one_that_is_not_open_says_what_opens_it():
    async def main():
        server = ApplicationServer(AS, "http://127.0.0.1:1", register=False)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="it is not open: `async with` opens it"):
                await server.send(A, "x")
            async with server:
                pass

    run(main())


def test_a_server_that_is_not_there():
    async def main():
        with pytest.raises(NotReachable, match="nobody answers at http://127.0.0.1:1"):
            async with ApplicationServer(AS, "http://127.0.0.1:1"):
                pass

    run(main())


@pytest.mark.parametrize("uri", ["", "127.0.0.1:8065", "coap://127.0.0.1", "http://", "http://a/?b=c"])
def test_a_uri_that_is_none(uri):
    with pytest.raises(ValueError, match="no http:// or https:// URI"):
        ApplicationServer(AS, uri)
