# SPDX-License-Identifier: MIT
"""Whole exchanges over UDP and HTTP: a UE played by aiocoap, an Application Server played by aiohttp."""

import asyncio

import aiocoap

from host_tests.gateway.scripted import SERVICE, ApplicationServer, Ue, code_of, gateway, run

A, B = "ue:sensor-1@example.org", "ue:display-2@example.org"
AS = "as:weather@example.org"


def test_register_send_report_deregister():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Ue(g, B) as b:
            # Clause 6.3.1.2.1: oriAddr, result, and the lifetime, the smaller of asked for and granted.
            answer = await a.post(a.own("REG", regExpTime=600, cliProfile={"maxSegSize": 500}))
            assert code_of(answer) == "2.04"
            assert answer.opt.content_format == 50
            assert answer.payload == (
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:sensor-1@example.org"},"result":true,"regExpTime":600}'
            )
            assert (await b.register())["regExpTime"] == 3600

            # Clause 6.4.1.2.6: priority, sfFlag and sfParam end at the server, the rest is copied in table order.
            sent = await a.post(
                {
                    "payload": 'größer "als" 20\n',
                    "msgIden": SERVICE,
                    "sfFlag": True,
                    "sfParam": {"expireTime": "2100-01-01T00:00:00Z"},
                    "priority": "HIGH",
                    "isDelivStatReq": True,
                    "msgId": "5f0c3b1e-7d43-4c8e-9a55-0d8b1f2c3e4d",
                    "appId": "42",
                    "destAddr": {"destAddrType": "UE", "addr": B},
                    "oriAddr": {"oriAddrType": "UE", "addr": A},
                    "msgType": "MSG",
                }
            )
            assert code_of(sent) == "2.04" and sent.payload == b""
            message = await b.next("MSG")
            assert b.datagrams[-1].decode() == (
                '{"msgIden":"urn:3gpp:msgin5g","msgType":"MSG",'
                '"oriAddr":{"oriAddrType":"UE","addr":"ue:sensor-1@example.org"},'
                '"destAddr":{"destAddrType":"UE","addr":"ue:display-2@example.org"},'
                '"appId":"42","msgId":"5f0c3b1e-7d43-4c8e-9a55-0d8b1f2c3e4d","isDelivStatReq":true,'
                '"payload":"größer \\"als\\" 20\\n"}'
            )
            assert await b.report(message) == "2.04"
            await a.next("IMDN")
            assert a.datagrams[-1] == (
                b'{"msgIden":"urn:3gpp:msgin5g","msgType":"IMDN",'
                b'"oriAddr":{"oriAddrType":"UE","addr":"ue:display-2@example.org"},'
                b'"destAddr":{"destAddrType":"UE","addr":"ue:sensor-1@example.org"},'
                b'"msgId":"5f0c3b1e-7d43-4c8e-9a55-0d8b1f2c3e4d","DelSta":"success"}'
            )
            assert await b.report(message) == "2.04"  # a repeat is acknowledged and goes no further
            answer = await a.post(a.own("DEREG"))
            assert (
                answer.payload
                == b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:sensor-1@example.org"},"result":true}'
            )
            assert await a.code(a.msg(B, "late")) == "4.01"
            assert len(g.journal.find("reported")) == 1

    run(main())


def test_ue_to_application_server_and_back():
    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as server:
            ack, location = await server.register()
            assert ack["asSvcId"] == AS
            assert "/msgs-asregistration/v1/registrations/" in location
            await a.register()
            msg_id = await a.send(AS, "21.5", "AS", isDelivStatReq=True, appId="7")
            assert await server.next() == {
                "oriAddr": {"addrType": "UE", "addr": A},
                "destAddr": {"addrType": "AS", "addr": AS},
                "msgId": msg_id,
                "stoAndFwInd": False,
                "appId": "7",
                "delivStReqInd": True,
                "payload": "21.5",
            }
            report = {
                "oriAddr": {"addrType": "AS", "addr": AS},
                "destAddr": {"addrType": "UE", "addr": A},
                "msgId": msg_id,
                "delivSt": "REPT_DELY_SUCCESS",
            }
            status, ack, _ = await server.call("/msgs-msgdelivery/v1/deliver-report", report)
            assert (status, ack) == (200, {"oriAddr": {"addrType": "AS", "addr": AS}, "msgId": msg_id})
            imdn = await a.next("IMDN")
            assert (imdn["msgId"], imdn["DelSta"], imdn["oriAddr"]["oriAddrType"]) == (
                msg_id,
                "success",
                "AS",
            )

            body = server.message(A, "open the valve", delivStReqInd=True, priority="MIDDLE", latency=100)
            assert await server.deliver(body) == (
                200,
                {"oriAddr": {"addrType": "AS", "addr": AS}, "msgId": body["msgId"]},
            )
            message = await a.next("MSG")
            assert message == {
                "msgIden": SERVICE,
                "msgType": "MSG",
                "oriAddr": {"oriAddrType": "AS", "addr": AS},
                "destAddr": {"destAddrType": "UE", "addr": A},
                "msgId": body["msgId"],
                "isDelivStatReq": True,
                "payload": "open the valve",
            }
            assert await a.report(message, False, "valve is stuck") == "2.04"
            assert await server.next() == {
                "oriAddr": {"addrType": "UE", "addr": A},
                "destAddr": {"addrType": "AS", "addr": AS},
                "msgId": body["msgId"],
                "delivSt": "REPT_DELY_FAILED",
                "failureCause": "valve is stuck",
            }

    run(main())


def test_segments_to_the_server_with_one_lost():
    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as server:
            await server.register()
            await a.register()
            parts = a.segments(AS, ["alpha ", "beta ", "gamma ", "delta ", "ende"], "AS", isDelivStatReq=None)
            for number in (1, 2, 5):
                assert await a.code(parts[number - 1]) == "2.04"
            request = await a.next("SEGREC")
            assert request == {
                "msgIden": SERVICE,
                "msgType": "SEGREC",
                "segId": "00112233aabbccdd",
                "segNoList": "(3-4)",
            }
            for number in (4, 3):
                assert await a.code(parts[number - 1]) == "2.04"
            assert await a.next("SEGCONFIR") == {
                "msgIden": SERVICE,
                "msgType": "SEGCONFIR",
                "segId": "00112233aabbccdd",
                "result": True,
            }
            got = await server.next()
            assert got["payload"] == "alpha beta gamma delta ende"
            # A segment of a message that is through: acknowledged, confirmed again, not delivered again.
            assert await a.code(parts[1]) == "2.04"
            assert (await a.next("SEGCONFIR"))["result"] is True
            assert server.inbox.empty()

    run(main())


def test_segments_from_the_server_with_two_lost():
    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as server:
            await server.register()
            await a.register(cliProfile={"maxSegSize": 100})
            text = "".join("%03d " % number for number in range(150))  # 600 octets: six segments
            lost = {3, 4}

            def answer(body):
                # The exchange is acknowledged and the segment is lost behind it, as after a restart of the device.
                return aiocoap.CHANGED

            a.answer = answer
            status, ack = await server.deliver(server.message(A, text))
            assert status == 200 and "status" not in ack
            pieces = {}
            for _ in range(6):
                message = await a.next("MSG")
                params = message["segParams"]
                assert len(message["payload"].encode()) <= 100
                assert params["totalSegCount"] == 6
                assert params.get("lastSegFlag") == ("true" if params["segNumb"] == 6 else None)
                if params["segNumb"] not in lost:
                    pieces[params["segNumb"]] = message["payload"]
            set_id = params["segId"]
            assert len(set_id) == 16
            assert await a.about_set("SEGREC", set_id, segNoList="(3-4)") == "2.04"
            for _ in lost:
                message = await a.next("MSG")
                assert message["segParams"]["segId"] == set_id
                pieces[message["segParams"]["segNumb"]] = message["payload"]
            assert "".join(pieces[number] for number in range(1, 7)) == text
            assert await a.about_set("SEGCONFIR", set_id, result=True) == "2.04"
            assert (await g.journal.wait("delivered"))["confirmed"] is True
            assert await a.about_set("SEGREC", set_id, segNoList="(1-1)") == "4.04"

    run(main())


def test_a_report_proves_a_delivery_whose_answer_was_lost():
    """Else the originator would hear of success and of failure, where the recipient goes before it is asked again."""

    async def main():
        async with gateway() as g, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register()
            b.answer = lambda body: None if body["msgType"] == "MSG" else aiocoap.CHANGED
            sent = await a.send(B, "taken", isDelivStatReq=True)
            while not b.received:
                await asyncio.sleep(0.01)
            (message,) = b.received
            assert not g.journal.find("delivered", msgId=sent)
            assert await b.report(message) == "2.04"
            await a.next("IMDN")
            assert len(g.journal.find("delivered", msgId=sent, reported=True)) == 1
            await b.post(b.own("DEREG"))
            assert [g.journal.find(event) for event in ("failed", "stored", "retry")] == [[], [], []]

    run(main())


def test_store_and_forward():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register()
            await b.post(b.own("DEREG"))
            kept = await a.send(B, "kept", sfFlag=True)
            response = await a.next("MSGRESP")
            assert response == {
                "msgIden": SERVICE,
                "msgType": "MSGRESP",
                "oriAddr": {"oriAddrType": "UE", "addr": A},
                "msgId": kept,
                "DelSta": "stored for deferred delivery",
            }
            lost = await a.send(B, "not kept")
            response = await a.next("MSGRESP")
            assert (response["msgId"], response["DelSta"]) == (lost, "failure")
            assert response["Cause"] == "the recipient is not registered"
            await b.register()
            assert (await b.next("MSG"))["msgId"] == kept

    run(main())
