# SPDX-License-Identifier: MIT
"""A server that is silent, away, full or forgetful: what devices behind a Gateway UE hear (docs/gateway.md)."""

import asyncio
import contextlib
import json
import socket

import aiocoap

from host_tests.conformance.raw import Peer
from host_tests.gateway.apart.raw_server import Server, json_of, own
from host_tests.gateway.apart.scene import GATEWAY, gateway, server
from host_tests.gateway.scripted import Ue, code_of, run

A, B = "ue:a@example.org", "ue:b@example.org"
FAST = 0.02  # s, ACK_TIMEOUT: MAX_TRANSMIT_WAIT is 0.93 s


@contextlib.contextmanager
def nobody():
    """A UDP port that takes everything, and nothing comes back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        yield hole.getsockname()[1]


def closed_port():
    with nobody() as port:
        return port


@contextlib.asynccontextmanager
async def device(lower):
    async with Peer(lower.coap_port) as made:
        assert (await made.ask(own("GWREG"))).code is aiocoap.CHANGED  # whether there is a server or not
        yield made


def test_silence_is_5_04():
    async def play():
        with nobody() as port:
            async with gateway(port, ack_timeout=FAST) as lower, device(lower) as ue:
                answer = await ue.ask(own("REG"))
                assert answer.code is aiocoap.GATEWAY_TIMEOUT
                await lower.journal.wait("upstream-lost")
                assert lower.snapshot()["upstream"]["state"] == "unreachable"

    run(play())


def test_a_server_that_acknowledges_and_says_nothing_is_5_04():
    async def play():
        async with Server() as above, gateway(above.port, ack_timeout=FAST) as lower, device(lower) as ue:
            await lower.journal.wait("upstream-registered")
            above.answer = lambda request: aiocoap.Message(code=aiocoap.CHANGED, no_response=26)
            assert (await ue.ask(own("REG"))).code is aiocoap.GATEWAY_TIMEOUT

    run(play())


def test_nobody_at_the_address_is_5_02():
    async def play():
        async with gateway(closed_port(), ack_timeout=5) as lower, device(lower) as ue:
            answer = await ue.ask(own("REG"))
            assert answer.code is aiocoap.BAD_GATEWAY
            assert b"refused" in answer.payload

    run(play())


def test_a_device_has_four_open_and_others_theirs():
    async def play():
        async with Server() as above, gateway(above.port, ack_timeout=0.5) as lower, device(lower) as ue:
            await lower.journal.wait("upstream-registered")
            above.answer = lambda request: aiocoap.Message(code=aiocoap.CHANGED, no_response=26)
            asked = [asyncio.create_task(ue.ask(own("REG", n=n))) for n in range(4)]
            while lower.upstream.state["open"] < 4:
                await asyncio.sleep(0.01)
            refused = await ue.ask(own("REG", n=5))
            assert (refused.code, refused.opt.max_age) == (aiocoap.SERVICE_UNAVAILABLE, 2)
            above.answer = lambda request: json_of(aiocoap.CHANGED, result=True)
            async with device(lower) as other:
                assert (await other.ask(own("REG"))).code is aiocoap.CHANGED
            for each in asked:
                each.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    run(play())


def test_strangers_of_one_host_share_what_one_device_has():
    """Mode none: addresses cost nothing, so nobody takes all room with them."""

    async def play():
        async with Server() as above, gateway(above.port, ack_timeout=0.5) as lower, device(lower) as known:
            await lower.journal.wait("upstream-registered")
            above.answer = lambda request: aiocoap.Message(code=aiocoap.CHANGED, no_response=26)
            async with contextlib.AsyncExitStack() as stack:
                strangers = [await stack.enter_async_context(Peer(lower.coap_port)) for _ in range(5)]
                asked = [asyncio.create_task(each.ask(own("REG"))) for each in strangers[:4]]
                while lower.upstream.state["open"] < 4:
                    await asyncio.sleep(0.01)
                assert (await strangers[4].ask(own("REG"))).code is aiocoap.SERVICE_UNAVAILABLE
                above.answer = lambda request: json_of(aiocoap.CHANGED, result=True)
                assert (await known.ask(own("REG"))).code is aiocoap.CHANGED
                for each in asked:
                    each.cancel()
                await asyncio.gather(*asked, return_exceptions=True)

    run(play())


def test_an_observation_that_the_server_begins_all_the_same_is_ended():
    async def play():
        async with Server() as above, gateway(above.port) as lower, device(lower) as ue:
            await lower.journal.wait("upstream-registered")
            above.answer = lambda request: json_of(aiocoap.CHANGED, result=True)
            await ue.ask(own("REG"))

            def observed(request):
                answer = json_of(aiocoap.CONTENT, subStatus=True)
                answer.opt.observe = 1
                return answer

            above.answer = observed
            answer = await ue.ask(own(""), ("msgin5g", "alerts"), aiocoap.GET, observe=0)
            assert above.heard[-1].opt.observe == 0
            assert (answer.code, answer.opt.observe) == (aiocoap.CONTENT, None)
            (interface,) = lower.north.coap._context.request_interfaces
            while interface.outgoing_requests:
                await asyncio.sleep(0.01)

    run(play())


def test_requests_do_not_wait_for_each_others_answers():
    """NSTART of aiocoap is 1 for each address; devices are many, and the server is one."""

    async def play():
        async with Server() as above, gateway(above.port, ack_timeout=5) as lower, device(lower) as ue:
            await lower.journal.wait("upstream-registered")
            manager = above.context.request_interfaces[0].token_interface
            dispatch, lost = manager.dispatch_message, []

            def losing(message):  # the first one never arrives, and comes again after 5 s
                if not lost and message.code is aiocoap.POST:
                    lost.append(message)
                elif not lost or message.mid != lost[0].mid:
                    dispatch(message)

            manager.dispatch_message = losing
            above.answer = lambda request: json_of(aiocoap.CHANGED, result=True)
            first = asyncio.create_task(ue.ask(own("REG")))
            while not lost:
                await asyncio.sleep(0.01)
            async with device(lower) as other:
                assert (await other.ask(own("REG"))).code is aiocoap.CHANGED
            assert not first.done()
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    run(play())


def test_a_server_that_has_forgotten_the_gateway_is_registered_at_again():
    async def play():
        async with server(ues=(A, B)) as upper, gateway(upper.coap_port) as lower:
            lower.upstream.membership.doubted = lambda now: True  # not only after 10 s
            await upper.journal.wait("registered", ue=GATEWAY)
            async with Ue(lower, A) as a, Ue(lower, B) as b:
                await a.register()
                await b.register()
                with upper.store.transaction():
                    upper.store.end_registration(GATEWAY)
                # the device notices nothing
                msg_id = await a.send(B, "hello")
                assert (await b.next("MSG"))["msgId"] == msg_id
                assert len(upper.journal.find("registered", ue=GATEWAY)) == 2

    run(play())


def test_a_server_that_is_away_for_a_while(tmp_path):
    async def play():
        store = str(tmp_path / "server.db")
        async with server(store, ues=(A, B)) as upper:
            port = upper.coap_port
            async with gateway(port, ack_timeout=0.1) as lower, Ue(lower, A) as a, Ue(lower, B) as b:
                await lower.journal.wait("upstream-registered")
                await a.register()
                await b.register()
                await upper.stop()
                answer = await a.post(a.msg(B, "while it is away"))
                assert code_of(answer) in ("5.02", "5.04")
                await lower.journal.wait("upstream-lost")
                async with server(store, coap=("127.0.0.1", port)) as upper:
                    body = a.msg(B, "it is back")
                    while await a.code(body) != "2.04":
                        await asyncio.sleep(0.1)
                    # asked twice or not, it comes once
                    assert await a.code(body) == "2.04"
                    got = await b.next("MSG")
                    assert got["payload"] == "it is back"
                    await upper.journal.wait("delivered", to=B)
                    assert b.inbox.empty()
                await lower.journal.wait("upstream-back")

    run(play())


def test_what_is_no_answer_is_5_02_and_what_is_no_json_goes_through():
    async def play():
        async with Server() as above, gateway(above.port, ack_timeout=0.5) as lower, device(lower) as ue:
            await lower.journal.wait("upstream-registered")
            odd = aiocoap.Message(code=aiocoap.CHANGED, payload=b"\xff\xfe no json")
            odd.opt.content_format = 50
            above.answer = lambda request: odd
            answer = await ue.ask(own("REG"))
            assert (answer.code, answer.payload) == (aiocoap.CHANGED, odd.payload)
            # a Reset
            above.context.serversite = None
            manager = above.context.request_interfaces[0].token_interface
            manager.dispatch_message = lambda message: manager._process_ping(message)
            assert (await ue.ask(own("REG", n=2))).code is aiocoap.BAD_GATEWAY
            assert json.dumps(lower.snapshot())

    run(play())
