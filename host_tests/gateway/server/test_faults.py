# SPDX-License-Identifier: MIT
"""Over the wire: refusals, blocks, large messages, answers that ask for patience, a failing Application Server."""

import asyncio
import base64
import random

import aiocoap
import aiohttp
from aiocoap import Code

from host_tests.gateway.scripted import SERVICE, ApplicationServer, Ue, code_of, gateway, new_id, run

A, B = "ue:a", "ue:b"
AS = "as:weather@example.org"
REGISTRATIONS = "/msgs-asregistration/v1/registrations"
DELIVER = "/msgs-msgdelivery/v1/deliver-as-message"
REPORT = "/msgs-msgdelivery/v1/deliver-report"


def test_refusals_on_the_wire():
    async def main():
        async with gateway(max_message=5000) as g, Ue(g, A) as a, Ue(g, B) as b:
            hello = a.msg(B, "hi")
            assert await a.code(hello) == "4.01"
            await a.register()
            assert await b.code(b.msg(A, "hi")) == "4.01"
            await b.register()
            assert await b.code(a.msg(B, "hi")) == "4.03"
            assert await a.code(hello, path="other") == "4.04"
            assert await a.code(hello, path="msgin5g/topic") == "4.05"
            for code in (Code.GET, Code.PUT, Code.DELETE, Code.FETCH):
                assert await a.code(hello, code=code) == "4.05"
            assert await a.code(hello, content_format=60) == "4.15"
            answer = await a.post(b"{}")
            assert (code_of(answer), answer.payload) == ("4.00", b"msgIden: missing")
            answer = await a.post(a.msg(B, "x" * 5001))
            assert (code_of(answer), answer.opt.size1) == ("4.13", 5000)
            assert await a.code(b"x" * 20000) == "4.13"  # refused while the blocks still come
            assert await a.code(a.msg(B, "x" * 5000)) == "2.04"
            answer = await a.post(a.own("GWREG", expiredTime=100))
            assert (
                answer.payload
                == b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:a"},"result":true,"acceptedTime":100}'
            )

    run(main())


def test_unknown_critical_options_and_accept():
    async def main():
        async with gateway() as g, Ue(g, A) as a:
            uri = "coap://127.0.0.1:%d/msgin5g" % g.coap_port
            message = aiocoap.Message(code=aiocoap.POST, uri=uri, payload=b"{}")
            message.opt.add_option(aiocoap.optiontypes.OpaqueOption(aiocoap.OptionNumber(65001), b"x"))
            assert code_of(await a._context.request(message).response) == "4.02"
            message = aiocoap.Message(code=aiocoap.POST, uri=uri, payload=b"{}", accept=60)
            assert code_of(await a._context.request(message).response) == "4.06"

    run(main())


def test_a_body_in_blocks_is_taken_and_goes_on_in_segments():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register()
            text = "".join(random.Random(7).choices('ab"\\ö€😀\n', k=3000))
            await a.send(B, text)  # aiocoap's client cuts it into blocks of 1024
            pieces, last = [], False
            while not last:
                message = await b.next("MSG")
                pieces.append(message["payload"])
                last = "lastSegFlag" in message["segParams"]
            assert "".join(pieces) == text
            assert max(map(len, b.datagrams)) + 23 <= 1152
            assert len(pieces) == message["segParams"]["totalSegCount"] > 5

    run(main())


def test_64_kib_of_octets_each_way():
    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as server:
            await server.register()
            await a.register()
            octets = random.Random(8).randbytes(65536)
            whole = "data:;base64," + base64.b64encode(octets).decode()
            pieces = [
                "data:;base64," + base64.b64encode(octets[at : at + 600]).decode()
                for at in range(0, 65536, 600)
            ]
            for body in a.segments(AS, pieces, "AS"):
                assert await a.code(body) == "2.04"
            assert (await a.next("SEGCONFIR"))["result"] is True
            assert (await server.next())["payload"] == whole
            assert (await g.journal.wait("delivered", to=AS))["octets"] == 65536

            body = server.message(A, whole)
            assert (await server.deliver(body))[0] == 200
            got = b""
            while len(got) < 65536:
                message = await a.next("MSG")
                got += base64.b64decode(message["payload"].removeprefix("data:;base64,"))
            assert got == octets
            set_id = message["segParams"]["segId"]
            assert await a.about_set("SEGCONFIR", set_id, result=True) == "2.04"
            assert (await g.journal.wait("delivered", to=A))["confirmed"] is True

    run(main())


def test_the_device_asks_for_patience_and_forgets_its_registration():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register()
            answers = [
                aiocoap.Message(code=Code.SERVICE_UNAVAILABLE, max_age=0),
                aiocoap.Message(code=Code.UNAUTHORIZED),
                aiocoap.Message(code=Code.CHANGED),
            ]
            b.answer = lambda body: answers.pop(0)
            msg_id = await a.send(B, "patience")
            await g.journal.wait("delivered", msgId=msg_id)
            assert [body["msgId"] for body in b.received] == [msg_id] * 3
            assert [record["reason"] for record in g.journal.find("retry")] == ["5.03", "4.01"]

    run(main())


def test_a_pause_that_ends_while_the_work_is_done_is_not_forgotten():
    class SlowWork:
        """Each look at the clock is 10 ms later: pauses of 11 to 19 ms end between two looks of one round of work."""

        now = 1_000_000.0

        def __call__(self):
            self.now += 0.01
            return self.now

    async def main():
        pause = {"retry_min": 0.015, "retry_max": 0.015}
        async with gateway(clock=SlowWork(), **pause) as g, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register()
            answers = [Code.INTERNAL_SERVER_ERROR] * 5 + [Code.CHANGED]
            b.answer = lambda body: answers.pop(0)
            msg_id = await a.send(B, "again and again")
            await g.journal.wait("delivered", msgId=msg_id)
            assert len(g.journal.find("retry")) == 5

    run(main())


def test_a_device_that_comes_back_on_another_port():
    async def main():
        async with gateway() as g, Ue(g, A) as a:
            await a.register()
            async with Ue(g, B) as b:
                await b.register()
            kept = await a.send(B, "wait for me")
            await g.journal.wait("retry", to=B)  # nobody listens on B's old port
            async with Ue(g, B) as b:
                assert await b.code(b.msg(A, "I moved")) == "2.04"  # same host: no registration is needed
                assert (await b.next("MSG"))["msgId"] == kept

    run(main())


def test_a_pushed_aggregate():
    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as server:
            await a.register()
            body = {
                "msgIden": SERVICE,
                "msgType": "MSG",
                "totalMsgCount": 1,
                "msgList": [{"msgId": new_id()}],
            }
            status, _, _ = await server.call("/admin/push", {"to": A, "body": body})
            assert (status, await a.next()) == (202, body)
            assert (await server.call("/admin/push", {"to": B, "body": body}))[0] == 404

    run(main())


# ---- Application Servers ---------------------------------------------------------------------------------------------


def test_an_application_server_that_is_down_for_a_while():
    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as server:
            await server.register()
            await a.register()
            server.status = [500, 429, 503, 204, 204]
            ids = [await a.send(AS, "first", "AS"), await a.send(AS, "second", "AS")]
            got = [(await server.next())["msgId"] for _ in range(5)]
            assert got == [ids[0]] * 4 + ids[1:]
            server.status = 422
            refused = await a.send(AS, "bad", "AS")
            response = await a.next("MSGRESP")
            assert (response["msgId"], response["DelSta"]) == (refused, "failure")
            assert response["Cause"].startswith("422")

            await server.register(targetUri="http://127.0.0.1:1/nobody")
            waits = await a.send(AS, "nobody listens", "AS")
            await g.journal.wait("retry", to=AS, count=4)
            server.status = 204
            while not server.inbox.empty():
                server.inbox.get_nowait()
            await server.register()  # a new target is tried at once
            assert (await server.next())["msgId"] == waits

            _, location = await server.register(targetUri=None)
            await a.send(AS, "no target", "AS")
            assert "targetUri" in (await a.next("MSGRESP"))["Cause"]
            assert (await server.call(location, None, "DELETE"))[0] == 204
            assert (await server.call(location, None, "DELETE"))[0] == 404
            await a.send(AS, "gone", "AS")
            assert (await a.next("MSGRESP"))["Cause"] == "unknown recipient"

    run(main())


def test_delivery_acknowledgements():
    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as server:
            first = server.message(A, "x")
            status, answer, headers = await server.call(DELIVER, first)
            assert (status, answer["status"]) == (403, 403)  # the AS is not registered
            assert headers["Content-Type"].startswith("application/problem+json")
            await server.register()
            ori = {"addrType": "AS", "addr": AS}
            assert await server.deliver(first) == (
                200,
                {
                    "oriAddr": ori,
                    "msgId": first["msgId"],
                    "status": "DELY_FAILED",
                    "failureCause": "unknown recipient",
                },
            )
            await a.register()
            await a.post(a.own("DEREG"))
            stored = server.message(
                A, "later", stoAndFwInd=True, stoAndFwParams={"exprTime": "2100-01-01T00:00:00Z"}
            )
            assert await server.deliver(stored) == (
                200,
                {"oriAddr": ori, "msgId": stored["msgId"], "status": "DELY_STORED"},
            )
            assert (await server.deliver(server.message(A, "now")))[1]["status"] == "DELY_FAILED"
            other = server.message("as:other", "x", "AS")
            assert "may not send" in (await server.deliver(other))[1]["failureCause"]
            await a.register()
            assert (await a.next("MSG"))["payload"] == "later"
            a.answer = lambda body: Code.FORBIDDEN
            refused = server.message(A, "no")
            assert (await server.deliver(refused))[1] == {"oriAddr": ori, "msgId": refused["msgId"]}
            report = await server.next()  # what would be a MSGRESP to a UE
            assert (report["msgId"], report["delivSt"]) == (refused["msgId"], "REPT_DELY_FAILED")
            assert report["failureCause"] == "4.03"

    run(main())


def test_http_refusals_are_problem_details():
    async def main():
        async with gateway(max_message=1000) as g, ApplicationServer(g) as server:
            await server.register()
            good = server.message(A, "x")
            for change, member in (
                ({"oriAddr": None}, "oriAddr"),
                ({"oriAddr": {"addrType": "UE", "addr": "x"}}, "oriAddr.addrType"),
                ({"msgId": "1"}, "msgId"),
                ({"segInd": True}, "segInd"),
                ({"latency": "soon"}, "latency"),
                ({"payload": "data:;base64,?"}, "payload"),
                ({"stoAndFwInd": True, "stoAndFwParams": {"exprTime": "x"}}, "stoAndFwParams.exprTime"),
            ):
                status, problem, _ = await server.call(DELIVER, good | change)
                assert (status, problem["invalidParams"][0]["param"]) == (400, member)
            for path, body, member in (
                (REGISTRATIONS, {}, "asSvcId"),
                (REGISTRATIONS, {"asSvcId": "a", "targetUri": "ftp://x"}, "targetUri"),
                (REPORT, {"delivSt": "FINE"}, "delivSt"),
            ):
                status, problem, _ = await server.call(path, body)
                assert (status, problem["invalidParams"][0]["param"]) == (400, member)
            assert (await server.call(DELIVER, good | {"payload": "x" * 1001}))[0] == 413
            assert (await server.call(DELIVER, good | {"payload": "x" * 10000}))[0] == 413
            assert (await server.call("/elsewhere", {}))[0] == 404
            assert (await server.call(DELIVER, {}, "PUT"))[0] == 405
            async with server.http.post(
                DELIVER, data=b"<x/>", headers={"Content-Type": "text/xml"}
            ) as response:
                assert (response.status, (await response.json())["status"]) == (415, 415)
            unknown = {
                "oriAddr": {"addrType": "AS", "addr": AS},
                "destAddr": {"addrType": "UE", "addr": "ue:none"},
                "msgId": new_id(),
                "delivSt": "REPT_DELY_FAILED",
            }
            assert (await server.call(REPORT, unknown))[1]["status"] == "DELY_FAILED"

    run(main())


def test_the_page_is_a_file_that_holds_nothing_of_a_device():
    async def main():
        async with (
            gateway() as g,
            Ue(g, "ue:<script>alert(1)</script>") as a,
            aiohttp.ClientSession() as http,
        ):
            await a.register()
            base = "http://127.0.0.1:%d" % g.http_port
            async with http.get(base) as response:
                text = await response.text()
                policy = response.headers["Content-Security-Policy"].split("; ")
            assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
            assert "unsafe" not in str(policy) and "alert(1)" not in text
            async with http.get(base + "/status.json") as response:
                status = await response.json()
            assert status["registered"][0]["ue"] == a.name
            assert status["counts"] == {"listening": 1, "registered": 1}

    run(main())


def test_many_ues_at_once():
    async def main():
        async with gateway() as g, ApplicationServer(g) as server:
            await server.register()
            names = ["ue:%d" % number for number in range(20)]

            async def one(name):
                async with Ue(g, name) as ue:
                    await ue.register()
                    for number in range(5):
                        await ue.send(AS, "%s %d" % (name, number), "AS")

            await asyncio.gather(*map(one, names))
            got = [(await server.next())["payload"].split() for _ in range(100)]
            for name in names:
                assert [number for ue, number in got if ue == name] == list("01234")

    run(main())
