# SPDX-License-Identifier: MIT
"""Times and texts that somebody else chose: capped and cleaned where they come in, so that no body of ours, no row and
no status fails by them."""

import asyncio
import json

import pytest

from host_tests.gateway.scripted import ApplicationServer, Ue, gateway, run
from host_tests.gateway.server.test_decisions import HERE, A, B, Bench, both, msg, own
from tools.server.delivery.pushes import Outcome
from tools.wire import bodies, rest
from tools.wire.answers import Answer

AS = "as:weather@example.org"
LAST = "9999-12-31T23:59:59Z"  # the last moment that RFC 3339 can write

MOMENTS = [
    "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59.999999-23:59",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00-14:00",
    "1969-12-31T23:59:59Z",
]


@pytest.mark.parametrize("text", MOMENTS)
def test_every_moment_can_be_written_again(text):
    value = bodies.moment(text, "expireTime")
    assert 0 <= value <= bodies.moment(LAST, "expireTime") == 253402300799
    assert rest.date_time(value) == (LAST if text.startswith("9999") else "1970-01-01T00:00:00Z")


@pytest.mark.parametrize("seconds", [-1e300, -62135596801, 1e12, 1e300, float("inf")])
def test_every_number_of_an_older_store_can_be_written(seconds):
    assert rest.date_time(seconds) in (LAST, "1970-01-01T00:00:00Z")


@pytest.mark.parametrize("text", MOMENTS)
def test_a_far_expiry_stops_nobody(text):
    bench = both()
    bench.server.application_servers.register({"asSvcId": AS, "targetUri": "http://192.0.2.9/"}, bench.now)
    odd = msg(A, AS, "odd", "AS", sfFlag=True, sfParam={"expireTime": text})
    assert bench.code(HERE, odd) == "2.04"
    assert bench.code(HERE, msg(A, B, "for another")) == "2.04"
    sent = {push.target.id: push.body for push in bench.work()}
    assert sent[B]["payload"] == "for another"
    if text.startswith("9999"):
        assert sent[AS]["payload"] == "odd"
    else:
        assert sent[A]["Cause"] == "message expired"


def test_numbers_that_json_cannot_write_are_refused():
    for number in (b"1e400", b"-1e400", b"NaN", b"Infinity"):
        with pytest.raises(bodies.Malformed, match="not JSON"):
            bodies.parse(b'{"msgList": [%s]}' % number)


# ---- texts -----------------------------------------------------------------------------------------------------------

ODD = "Ung\udcfcltig \ud800\x00\n\x1b[2J\x9b \u202e"


def test_what_is_clean():
    assert bodies.clean("Ung\u00fcltig, \u4e2d \U0001f600") == "Ung\u00fcltig, \u4e2d \U0001f600"
    cleaned = bodies.clean(ODD)
    assert cleaned.isprintable() and cleaned.encode().decode() == cleaned
    assert len(bodies.clean("\u00fc" * 5000, 200).encode()) <= 200
    assert bodies.clean(bodies.clean(ODD)) == cleaned


def test_a_reason_from_outside_does_not_stop_the_reports_to_a_ue():
    bench = both()
    bench.server.application_servers.register({"asSvcId": AS, "targetUri": "http://192.0.2.9/"}, bench.now)
    bench.ask(HERE, msg(A, AS, "x", "AS"))
    bench.server.outcome(bench.one(), Outcome("refused", "400 " + ODD), bench.now)
    push = bench.one()
    bodies.encode(push.body)
    assert (push.body["msgType"], push.body["DelSta"]) == ("MSGRESP", "failure")
    assert push.body["Cause"].startswith("400 Ung") and push.body["Cause"].isprintable()
    for _, fields in bench.told:
        fields.pop("item", None)  # which `Events` passes to nobody outside
        json.dumps(fields, ensure_ascii=False).encode()


def test_a_cause_of_a_ue_is_cleaned_on_its_way():
    bench = both()
    bench.ask(HERE, msg(A, B, "x", isDelivStatReq=True))
    got = bench.take()
    answer = own("IMDN", B, destAddr={"destAddrType": "UE", "addr": A}, msgId=got["msgId"], DelSta="failure")
    assert bench.code(HERE._replace(host="192.0.2.2"), answer | {"Cause": "no\x00\x1b[1m"}) == "2.04"
    assert bench.one().body["Cause"] == "no??[1m"


async def _raw(port, octets):
    """What the HTTP side answers to these octets."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head


def test_an_application_server_with_a_latin_1_reason():
    async def main():
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 400 Ung\xfcltig\x07\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()

        other = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as server:
            await server.register(targetUri="http://127.0.0.1:%d/" % other.sockets[0].getsockname()[1])
            await a.register()
            await a.send(AS, "x", "AS")
            assert (await a.next("MSGRESP"))["Cause"].startswith("400 ")
            assert (await server.call("/status.json", None, "GET"))[0] == 200
            assert b" 200 " in await _raw(g.http_port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        other.close()

    run(main())


def test_http_texts_that_are_no_utf_8():
    async def main():
        async with gateway() as g:
            path = b"/msgs-asregistration/v1/registrations/"
            for name in (b"\xff", b"%ED%A0%80", b"%00", b"a" * 4000):
                request = b"DELETE " + path + name + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
                assert (await _raw(g.http_port, request)).split()[1] in (b"404", b"400")
            head = b"POST %sdeliver-report HTTP/1.1\r\nHost: 127.0.0.1\r\n" % b"/msgs-msgdelivery/v1/"
            odd = head + b"Content-Type: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}"
            assert (await _raw(g.http_port, odd)).split()[1] in (b"415", b"400")

    run(main())


# ---- what can fail is done before anything is kept ------------------------------------------------------------------


def test_a_registration_with_an_odd_host_is_kept_or_refused_but_not_both():
    async def main():
        async with gateway() as g:
            body = json.dumps({"asSvcId": AS, "targetUri": "http://192.0.2.9/"}).encode()
            for host in (b"[", b"[::1", b"a b", b":", b"\xff", b"a:99999", b"a/b@c", b""):
                head = b"POST /msgs-asregistration/v1/registrations HTTP/1.1\r\nHost: %s\r\n" % host
                head += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                status = int((await _raw(g.http_port, head + body)).split()[1])
                there = [server.id for server in g.store.application_servers()]
                assert (status, there) == (201, [AS]) or (400 <= status < 500 and there == []), (host, status)
                for each in g.store.application_servers():
                    g.store.deregister_as(each.registration)

    run(main())


def test_an_answer_that_cannot_be_written_leaves_nothing():
    async def main():
        async with gateway() as g, ApplicationServer(g) as server, Ue(g, A) as a:
            await a.register()
            servers = g.server.application_servers
            register = servers.register
            servers.register = lambda *arguments, **more: (
                register(*arguments, **more)[0],
                {"odd": b"octets"},
            )
            body = {"asSvcId": AS, "targetUri": server.target}
            status, problem, _ = await server.call("/msgs-asregistration/v1/registrations", body)
            assert (status, problem["status"]) == (500, 500)
            assert g.store.application_servers() == []
            assert not g.journal.find("as-registered")
            assert "bytes" in g.journal.find("error")[0]["reason"]
            servers.register = register
            await server.register()
            await a.send(AS, "well", "AS")
            assert (await server.next())["payload"] == "well"

    run(main())


@pytest.mark.parametrize(
    "uri",
    ["http://[", "http://", "http://:80/", "http://a:99999/", "http://a b/", "http://a/\n", "http://\ud800/"],
)
def test_a_target_that_no_request_can_name_is_refused(uri):
    bench = Bench()
    with pytest.raises(bodies.Malformed, match="targetUri"):
        bench.server.application_servers.register({"asSvcId": AS, "targetUri": uri}, bench.now)
    assert bench.store.application_servers() == []


def test_a_diagnostic_that_cannot_be_written_is_still_an_answer():
    async def main():
        async with gateway() as g, Ue(g, A) as a:
            await a.register()
            g.server.request = lambda *arguments: Answer("4.00", None, "odd \ud800")
            answer = await a.post(a.own("REG"))
            assert answer.code.dotted == "4.00" and answer.payload.decode().startswith("odd ")

    run(main())
