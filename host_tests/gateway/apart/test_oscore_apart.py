# SPDX-License-Identifier: MIT
"""OSCORE on both sides of a Gateway UE: each device's key ends at the gateway, the gateway's at its server."""

import secrets

import aiocoap

from host_tests.conformance.raw import Peer
from host_tests.gateway.apart.raw_server import body, own
from host_tests.gateway.apart.scene import GATEWAY, gateway, server
from tools.gateway.keys import new_section
from tools.programs.patience import run

A, B = "ue:a@example.org", "ue:b@example.org"


def sections():
    """Keys of the gateway, of A and of B."""
    return [new_section(set()) | {"sender_id": "%02x" % number} for number in range(3)]


def msg(**members):
    members = {"destAddr": {"destAddrType": "UE", "addr": B}, "payload": "hello", "sfFlag": False} | members
    return own("MSG", msgId="6d1b1a4e-6d0f-4b9d-8f0e-%s" % secrets.token_hex(6), **members)


def of(ue, whole):
    return whole | {"oriAddr": {"oriAddrType": "UE", "addr": ue}}


def test_a_message_goes_from_device_to_device_and_each_hop_has_its_own_key():
    async def play():
        key, a_key, b_key = sections()
        async with server(key=key, ues=(A, B), open=False) as upper:
            devices = {A: a_key, B: b_key}
            async with gateway(upper.coap_port, key=key, devices=devices, open=False) as lower:
                await upper.journal.wait("registered", ue=GATEWAY)
                async with Peer(lower.coap_port, a_key) as a, Peer(lower.coap_port, b_key) as b:
                    assert body(await a.ask(own("REG")))["result"] is True
                    assert body(await b.ask(of(B, own("REG"))))["result"] is True
                    assert await a.code_of(msg()) == "2.04"
                    got = await b.next()
                    assert (got["payload"], got["oriAddr"]["addr"]) == ("hello", A)
                    await upper.journal.wait("delivered", to=B)
                    # nobody speaks for another: the server believes the gateway
                    assert await a.code_of(of(B, msg())) == "4.03"
                    assert body(await a.ask(of(B, own("REG"))))["result"] is False

    run(play())


def test_numbers_of_the_gateways_key_survive_it_and_the_server(tmp_path):
    """Killed, either one goes on: no number twice, and each asks the other for Echo once (RFC 8613 appendix B.1.2)."""

    async def play():
        key, a_key, b_key = sections()
        above, below = str(tmp_path / "server.db"), str(tmp_path / "gateway.db")
        devices = {A: a_key, B: b_key}
        port, south = 0, 0
        for life in range(4):
            where = ("127.0.0.1", port)
            async with server(above, key=key, ues=(A, B), coap=where, open=False) as upper:
                port = upper.coap_port
                for _ in range(2):
                    place = ("127.0.0.1", south)
                    async with gateway(port, below, place, key=key, devices=devices, open=False) as lower:
                        south = lower.coap_port
                        await lower.journal.wait("upstream-registered")
                        async with Peer(south, a_key) as a, Peer(south, b_key) as b:
                            assert body(await a.ask(own("REG")))["result"] is True
                            assert body(await b.ask(of(B, own("REG"))))["result"] is True
                            assert await a.code_of(msg(payload="life %d" % life)) == "2.04"
                            assert (await b.next())["payload"] == "life %d" % life
                            await upper.journal.wait("delivered", to=B)
                        assert not lower.journal.find("numbers-jumped")
                assert not upper.journal.find("numbers-jumped") and not upper.journal.find("key-reused")

    run(play())


def test_a_gateway_with_another_key_is_told_and_nothing_gets_through():
    async def play():
        key, a_key, _ = sections()
        other = key | {"master_secret": secrets.token_hex(16)}
        async with server(key=key, ues=(A,), open=False) as upper:
            async with gateway(upper.coap_port, key=other, devices={A: a_key}, open=False) as lower:
                told = await lower.journal.wait("upstream-lost")
                assert "4.00" in told["cause"]
                async with Peer(lower.coap_port, a_key) as a:
                    assert (await a.ask(own("REG"))).code is aiocoap.BAD_GATEWAY
                assert not upper.journal.find("registered")

    run(play())
