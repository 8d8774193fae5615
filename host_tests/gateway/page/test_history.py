# SPDX-License-Identifier: MIT
"""The life of a message, as it happened: each way that it can go, on a gateway that runs."""

import contextlib
import io
import json
import sqlite3

import pytest

from host_tests.gateway.apart import scene
from host_tests.gateway.page.asked import Bare, Page, steps
from host_tests.gateway.scripted import ApplicationServer, Ue, gateway, new_id, run
from tools.wire.bodies import Address

A, B, AWAY = "ue:a@example.org", "ue:b@example.org", "ue:away@example.org"
WEATHER = "as:weather@example.org"


@contextlib.asynccontextmanager
async def two(**settings):
    """(gateway, page, A, B), both registered."""
    async with gateway(**settings) as g, Page(g) as page, Ue(g, A) as a, Ue(g, B) as b:
        await a.register()
        await b.register()
        yield g, page, a, b


def test_a_message_with_its_report():
    async def main():
        async with two() as (g, page, a, b):
            msg_id = await a.send(B, "hello", isDelivStatReq=True)
            await b.report(await b.next("MSG"))
            await a.next("IMDN")
            await g.journal.wait("reported")
            life = await page.life(A, msg_id.upper())
            assert steps(life) == [
                ("device", "server", "MSG", "accepted"),
                ("server", "device", "MSG", "answered"),
                ("device", "server", "IMDN", "success"),
                ("server", "device", "IMDN", "answered"),
            ]
            assert (life["state"], life["report"], life["size"], life["to"]) == ("delivered", "success", 5, B)
            assert [step["count"] for step in life["steps"]] == [1, 1, 1, 1]
            assert life["steps"][3]["peer"] == A  # not whom the message was for
            times = [step["time"] for step in life["steps"]]
            assert times[0] <= times[1] and times[2] >= times[1]
            for ue, direction in ((A, "out"), (B, "in")):
                (mine,) = (await page.device(ue))["messages"]
                assert (mine["msgId"], mine["direction"], mine["state"]) == (msg_id, direction, "delivered")
            assert (await page.device(A))["stats"] == {"registered": 1, "sent": 1}
            assert (await page.device(B))["stats"] == {"registered": 1, "received": 1}

    run(main())


def test_a_failure_says_why():
    async def main():
        async with two() as (g, page, a, _):
            msg_id = await a.send("ue:nobody@example.org", "x")
            await a.next("MSGRESP")
            await g.journal.wait("failed")
            life = await page.life(A, msg_id)
            assert steps(life)[:2] == [
                ("device", "server", "MSG", "accepted"),
                ("server", "server", "end", "failed"),
            ]
            assert life["state"] == "failed" and life["steps"][1]["detail"] == "unknown recipient"

    run(main())


def test_one_that_waits_for_who_is_away():
    async def main():
        async with two() as (g, page, a, b):
            assert await b.code(b.own("DEREG")) == "2.04"
            assert (await page.device(B))["state"] == "away"
            msg_id = await a.send(B, "later", sfFlag=True)
            assert (await page.life(A, msg_id))["state"] == "stored"
            assert (await page.device(B))["waits"] == 1
            await b.register()
            await b.next("MSG")
            await g.journal.wait("delivered")
            life = await page.life(A, msg_id)
            assert life["state"] == "delivered"
            assert ("server", "server", "store", "stored") in steps(life)
            assert ("server", "device", "MSG", "answered") in steps(life)

    run(main())


def test_what_is_sent_again_is_counted_and_an_answer_that_comes_separately_is_seen():
    async def main():
        async with gateway() as g, Page(g) as page, Ue(g, A) as a:
            bare = Bare(g, B)
            await bare.register()
            await a.register()
            msg_id = await a.send(B, "x")
            first = await bare.hear()  # lost
            again = await bare.hear()
            assert (again.mid, again.token) == (first.mid, first.token)
            bare.acknowledge(again)
            await g.journal.wait("delivered")
            step = (await page.life(A, msg_id))["steps"][1]
            assert (step["what"], step["state"], step["detail"], step["count"]) == (
                "MSG",
                "answered",
                "2.04",
                2,
            )
            assert "separate" not in step
            msg_id = await a.send(B, "y")
            request = await bare.hear()
            bare.acknowledge(request, 0)
            bare.respond(request)
            await g.journal.wait("delivered", 2)
            step = (await page.life(A, msg_id))["steps"][1]
            assert (step["state"], step["count"], step["separate"]) == ("answered", 1, True)
            bare.close()

    run(main())


def test_what_a_device_sends_again_is_counted_where_it_was_said():
    async def main():
        async with gateway() as g, Page(g) as page, Ue(g, A) as a, Ue(g, B) as b:
            await b.register()
            bare = Bare(g, A)
            await bare.register()
            octets = await bare.post(a.msg(B, "x"))
            for _ in range(2):
                bare.say(octets)
                await bare.read()  # its answer, once more
            msg_id = (await page.device(A))["messages"][0]["msgId"]
            assert (await page.life(A, msg_id))["steps"][0]["count"] == 3
            assert (await page.device(A))["stats"]["repeated"] == 2
            bare.close()

    run(main())


def test_all_segments_are_one_step_in_and_out():
    async def main():
        async with two() as (g, page, a, b):
            pieces = ["a" * 500, "b" * 500, "c" * 500]
            segments = a.segments(B, pieces)
            for number, segment in enumerate(segments, 1):
                assert await a.code(segment) == "2.04"
                if number < 3:
                    life = await page.life(A, segment["msgId"])
                    assert life["state"] == "arriving"
                    assert life["steps"][0]["segments"] == {"done": number, "of": 3}
            came = [await b.next("MSG") for _ in pieces]  # 1500 octets do not fit one datagram
            assert await b.about_set("SEGCONFIR", came[0]["segParams"]["segId"], result=True) == "2.04"
            await g.journal.wait("delivered")
            await a.next("SEGCONFIR")
            life = await page.life(A, segments[0]["msgId"])
            msgs = [step for step in life["steps"] if step["what"] == "MSG"]
            assert [step["segments"] for step in msgs] == [{"done": 3, "of": 3}] * 2
            assert ("device", "server", "SEGCONFIR", "whole") in steps(life)
            assert ("server", "device", "SEGCONFIR", "answered") in steps(life)
            assert (life["state"], life["size"]) == ("delivered", 1500)

    run(main())


def test_a_missing_segment_is_seen_as_asked_for():
    async def main():
        async with two() as (g, page, a, b):
            first, second, third = a.segments(B, ["a" * 500, "b" * 500, "c" * 500])
            for segment in (first, third):
                assert await a.code(segment) == "2.04"
            await a.next("SEGREC")
            await g.journal.wait("segment-recovery")
            life = await page.life(A, first["msgId"])
            asked = [step for step in life["steps"] if step["what"] == "SEGREC"]
            assert [(step["who"], step["to"], step["detail"]) for step in asked] == [
                ("server", "device", "segment 2")
            ]

    run(main())


def test_one_that_comes_again_is_counted():
    async def main():
        async with two() as (_, page, a, b):
            body = a.msg(B, "x")
            for _ in range(3):
                assert await a.code(body) == "2.04"
            life = await page.life(A, body["msgId"])
            assert (life["steps"][0]["what"], life["steps"][0]["count"]) == ("MSG", 3)

    run(main())


def test_elements_of_an_aggregated_message_have_lives_of_their_own():
    async def main():
        async with two() as (g, page, a, b):
            ids = [new_id() for _ in range(2)]
            listed = [{"msgId": each, "payload": "x%d" % number} for number, each in enumerate(ids)]
            whole = await a.send(B, None, totalMsgCount=2, msgList=listed)
            await b.next("MSG")
            await g.journal.wait("delivered")
            assert ("server", "device", "MSG", "answered") in steps(await page.life(A, whole))
            for number, each in enumerate(ids):
                life = await page.life(A, each)
                assert life["steps"][0]["detail"] == "one of 2 in %s" % whole
                assert ("server", "device", "MSG", "answered") in steps(life)
                assert await page.payload(A, each) == (200, b"x%d" % number)

    run(main())


def test_one_of_before_a_restart_goes_on(tmp_path):
    path = str(tmp_path / "store.db")

    async def main():
        async with gateway(path) as g, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register()
            assert await b.code(b.own("DEREG")) == "2.04"
            msg_id = await a.send(B, "later", sfFlag=True)
        async with gateway(path) as g, Page(g) as page, Ue(g, B) as b:
            await page.get("/api/messages/%s/%s" % (A, msg_id), 404)
            await b.register()
            await b.next("MSG")
            await g.journal.wait("delivered")
            life = await page.life(A, msg_id)
            assert steps(life) == [("server", "device", "MSG", "answered")]
            assert (life["state"], life["size"], life["to"]) == ("delivered", 5, B)

    run(main())


def test_one_that_was_set_aside_is_seen_so():
    async def main():
        async with two() as (g, page, a, b):
            assert await b.code(b.own("DEREG")) == "2.04"
            msg_id = await a.send(B, "later", sfFlag=True)
            (id_,) = g.store.waiting_of(Address("UE", A), msg_id)
            await g._event(lambda now: g.server.isolation.set_aside("message", id_, KeyError("x"), now))
            life = await page.life(A, msg_id)
            assert life["state"] == "quarantined"
            (end,) = (step for step in life["steps"] if step["what"] == "end")
            assert end["state"] == "quarantined" and "KeyError" in end["detail"]
            overview = await page.get("/api/overview")
            assert [each["msgId"] for each in overview["quarantine"]] == [msg_id]
            assert overview["counts"]["quarantine"] == 1

    run(main())


def test_who_speaks_for_others_may_not_send_as_the_server():
    async def main():
        async with two() as (g, page, _, _):
            with g.store.transaction():
                g.store.add_message_gateway("L3G", "mgw:sms@example.org", "http://127.0.0.1:1", ["ue:phone"])
                token, _ = g.store.add_peer_token("L3G", "mgw:sms@example.org")
            headers = {"Authorization": "Bearer " + token}
            async with page.http.post(
                "/api/send", json={"to": A, "payload": "x"}, headers=headers
            ) as response:
                assert response.status == 403

    run(main())


def test_copies_for_a_topic_are_one_life():
    async def main():
        async with two() as (g, page, a, b):
            for ue in (a, b):
                with g.store.transaction():
                    g.store.subscribe("news", ue.name, 4e9)
            async with ApplicationServer(g) as as_:
                await as_.register()
                body = as_.message("news", "x", "TOPIC")
                await as_.deliver(body)
                await g.journal.wait("delivered", 2)
            life = await page.life(WEATHER, body["msgId"])
            assert life["to"] == "news" and life["state"] == "delivered"
            out = [step for step in life["steps"] if step["who"] == "server"]
            assert {step["peer"] for step in out} == {A, B}
            for ue in (A, B):
                assert [each["msgId"] for each in (await page.device(ue))["messages"]] == [body["msgId"]]
                assert (await page.device(ue))["topics"] == [{"topic": "news", "expires": 4e9}]

    run(main())


def test_what_was_refused_is_said_to_whom_it_was():
    async def main():
        async with two() as (_, page, a, b):
            body = a.msg(B, "x")
            del body["msgId"]
            assert await a.code(body) == "4.00"
            (refusal,) = (await page.device(A))["refusals"]
            assert refusal["text"].startswith("MSG: 4.00 msgId: missing (from 127.0.0.1:")
            assert (await page.device(B))["refusals"] == []

    run(main())


def test_one_that_was_never_registered_hears_why_it_is_refused():
    async def main():
        async with gateway(open=False) as g, Page(g) as page, Ue(g, A) as a:
            with g.store.transaction():
                g.store.add_device(A)
            assert await a.code(a.own("REG", regExpTime="soon")) == "4.00"
            device = await page.device(A)
            assert (device["state"], device["lastHeard"]) == ("never", None)
            assert device["refusals"][0]["text"].startswith("REG: 4.00 ")

    run(main())


# ---- payloads --------------------------------------------------------------------------------------------------------


def test_what_a_message_carries_is_shown_where_it_is_asked_for_and_nowhere_else(tmp_path):
    secret = "open-sesame"

    async def main():
        written = io.StringIO()
        async with two() as (g, page, a, b):
            g.events.callbacks.append(lambda record: written.write(json.dumps(record)))
            seen = g.history.at
            msg_id = await a.send(B, secret)
            await b.next("MSG")
            await g.journal.wait("delivered")
            paths = ("/api/overview", "/api/devices", "/api/devices/" + A, "/status.json", "/metrics", "/")
            for path in (*paths, "/api/messages/%s/%s" % (A, msg_id)):
                async with page.http.get(path) as response:
                    assert response.status == 200 and secret not in await response.text()
            async with page.live(after=seen) as frames:
                async for event, data, _ in frames:
                    assert secret not in json.dumps(data)
                    if event == "count":
                        break
            assert secret not in written.getvalue()
            assert (await page.life(A, msg_id))["payload"] is True
            assert await page.payload(A, msg_id) == (200, secret.encode())

    run(main())


def test_octets_are_octets_and_a_large_one_is_there_as_long_as_it_waits():
    async def main():
        async with two() as (g, page, a, b):
            assert await b.code(b.own("DEREG")) == "2.04"
            octets = await a.send(B, "data:;base64,AP8Q", sfFlag=True)
            assert await page.payload(A, octets) == (200, b"\x00\xff\x10")
            large = await a.send(B, "y" * 1025, sfFlag=True)
            assert await page.payload(A, large) == (200, b"y" * 1025)
            await b.register()
            while not (message := await b.next("MSG")).get("segParams", {}).get("lastSegFlag"):
                pass  # it does not fit one datagram
            assert await b.about_set("SEGCONFIR", message["segParams"]["segId"], result=True) == "2.04"
            await g.journal.wait("delivered", 2)
            assert (await page.payload(A, large))[0] == 404
            assert (await page.life(A, large))["payload"] is False
            assert await page.payload(A, octets) == (200, b"\x00\xff\x10")

    run(main())


# ---- what the page sends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding, payload, came", [("text", "measure", "measure"), ("hex", "00fF", "data:;base64,AP8=")]
)
def test_the_page_sends_and_its_report_is_in_the_life_of_the_message(encoding, payload, came):
    async def main():
        async with two() as (g, page, a, _):
            sent = await page.send(to=A, toType="UE", payload=payload, encoding=encoding, report=True)
            message = await a.next("MSG")
            assert (message["payload"], message["oriAddr"]["addr"]) == (came, "as:page@localhost")
            await a.report(message)
            await g.journal.wait("reported")
            life = await page.life(sent["from"], sent["msgId"])
            assert (life["state"], life["report"]) == ("delivered", "success")
            assert steps(life) == [
                ("as", "server", "MSG", "accepted"),
                ("server", "device", "MSG", "answered"),
                ("device", "server", "IMDN", "success"),
            ]
            assert g.store.load(0) == (0, 0)  # nothing waits for a server that nobody is

    run(main())


def test_a_device_may_answer_the_page_and_nobody_else_can_be_it():
    async def main():
        async with two() as (g, page, a, _), ApplicationServer(g, "as:page@localhost") as as_:
            msg_id = await a.send("as:page@localhost", "21.5", "AS")
            assert (await page.life(A, msg_id))["state"] == "delivered"
            assert await page.payload(A, msg_id) == (200, b"21.5")
            body = {"asSvcId": as_.name, "targetUri": as_.target}
            status, said, _ = await as_.call("/msgs-asregistration/v1/registrations", body)
            assert status == 403 and "as:page@localhost is the server's own" in said["detail"]
            status, said, _ = await as_.call("/msgs-msgdelivery/v1/deliver-as-message", as_.message(A, "x"))
            assert status == 403

    run(main())


def test_what_the_page_sends_to_nobody_has_failed_and_asks_nobody_to_hear_of_it():
    async def main():
        async with two() as (g, page, _, _):
            sent = await page.send(to="ue:nobody@example.org", payload="x")
            assert (await page.life(sent["from"], sent["msgId"]))["state"] == "failed"
            assert g.store.load(0) == (0, 0)
            sent = await page.send(to=AWAY, toType="AS", payload="x")
            assert (await page.life(sent["from"], sent["msgId"]))["state"] == "failed"

    run(main())


def test_what_is_sent_for_who_is_away_waits():
    async def main():
        async with two() as (_, page, _, b):
            assert await b.code(b.own("DEREG")) == "2.04"
            sent = await page.send(to=B, payload="x")
            assert (await page.life(sent["from"], sent["msgId"]))["state"] == "stored"
            await b.register()
            assert (await b.next("MSG"))["payload"] == "x"

    run(main())


# ---- programs apart --------------------------------------------------------------------------------------------------


def test_a_gateway_by_itself_says_what_it_knows():
    async def main():
        async with (
            scene.server(ues=(A, B)) as server,
            scene.gateway(server.coap_port) as g,
            Page(g) as page,
            Page(server) as above,
        ):
            await g.journal.wait("upstream-registered")
            async with Ue(g, A) as a, Ue(g, B) as b:
                await a.register()
                await b.register()
                msg_id = await a.send(B, "x", isDelivStatReq=True)
                await b.report(await b.next("MSG"))
                await a.next("IMDN")
                await server.journal.wait("reported")
                life = await page.life(A, msg_id)
                assert steps(life)[:4] == [
                    ("device", "gateway", "MSG", "accepted"),
                    ("gateway", "server", "MSG", "answered"),
                    ("server", "gateway", "MSG", "accepted"),
                    ("gateway", "device", "MSG", "answered"),
                ]
                assert life["report"] == "success" and life["state"] == "passed on"
                assert ("server", "gateway", "MSG", "answered") in steps(await above.life(A, msg_id))
                device = await page.device(A)
                assert (device["state"], device["link"]) == ("registered", "udp")
                assert device["lastHeard"] and device["peer"].startswith("127.0.0.1:")
                device = await above.device(A)
                assert (device["via"], device["link"]) == (scene.GATEWAY, "gateway")
                overview = await page.get("/api/overview")
                assert overview["gateway"]["mode"] == "gateway" and overview["gateway"]["unknown"]
                assert overview["gateway"]["sendsAs"] is None
                assert (await above.get("/api/overview"))["gateway"]["mode"] == "server"
                async with page.http.post("/api/send", json={"to": A, "payload": "x"}) as response:
                    assert response.status == 404

    run(main())


def test_when_one_was_heard_is_written_once_the_store_takes_something_again(monkeypatch):
    async def main():
        async with gateway() as g, Ue(g, A) as a:
            await a.register()

            def note():
                g._noted = 0  # a minute goes by
                g._keep_time()

            with monkeypatch.context() as patch:

                def fails(heard):
                    raise sqlite3.OperationalError("disk I/O error")

                patch.setattr(g.store, "note_heard", fails)
                note()
                await g.journal.wait("store-error")
            assert g.store.heard_at(A) is None
            note()
            await g._commits.empty()
            assert g.store.heard_at(A) == g.history.known.heard_at[A]

    run(main())
