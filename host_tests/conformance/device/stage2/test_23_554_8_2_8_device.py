# SPDX-License-Identifier: MIT
"""TS 23.554 clause 8.2.8, MSGin5G Gateway UE selection, at the constrained UE: the firmware on MicroPython, a multicast
group, and gateways that are sockets with aiocoap's codec. The standard has no stage 3 of it: the datagrams are those of
docs/wire-profile.md.
"""

import json

import aiocoap

from host_tests.gateway.devices import UE, run
from host_tests.gateway.found.beacons import Gateway, device, group, link

MODULES = (
    "firmware/msgin5g/procedures/discovery.py",
    "firmware/msgin5g/wire/link_format.py",
)
ALSO = (
    "host_tests/device/procedures/test_msgin5g_discovery.py",
    "host_tests/device/procedures/test_discovery_next.py",
    "host_tests/device/procedures/test_discovery_flooded.py",
    "host_tests/device/procedures/test_discovery_kept.py",
    "host_tests/device/wire/test_link_format.py",
)

WELL_KNOWN_CORE = b"\xbb.well-known\x04core"
FOR_A_GATEWAY = WELL_KNOWN_CORE + b"\x4d\x00rt=msgin5g.gw"


def test_a_constrained_ue_asks_the_ues_around_it_which_of_them_is_a_gateway(tmp_path):
    async def main():
        async with group() as found, device(tmp_path, found.peer):
            await found.wait()
            octets = found.octets[0]
            assert octets[:2] == b"\x54\x01"  # version 1, Non-confirmable, a Token of 4; GET
            assert octets[8:] == FOR_A_GATEWAY
            assert UE.encode() not in octets  # it is read by all

    run(main())


def test_it_selects_a_gateway_whose_allowed_packet_size_is_at_or_above_the_required_one(tmp_path):
    async def main():
        small, equal, large = Gateway(link(1151)), Gateway(link(1152)), Gateway(link(4096))
        async with group(small, equal, large) as found, device(tmp_path, found.peer):
            await equal.wait(kind="REG")
            assert small.requests == large.requests == []

    run(main())


def test_where_none_is_it_selects_the_largest_and_lowers_its_maximum_packet_size(tmp_path):
    async def main():
        small, larger = Gateway(link(512)), Gateway(link(600))
        async with group(small, larger) as found, device(tmp_path, found.peer) as sensor:
            await larger.wait(kind="REG")
            assert small.requests == []
            sensor.put("say.txt", "x" * 900)
            await larger.wait(3, kind="MSG")  # segments: each has some 300 octets beside its payload
            assert max(map(len, larger.octets)) <= 600

    run(main())


def test_it_selects_none_of_another_service_domain(tmp_path):
    async def main():
        other, same = Gateway(link(4096, "ue:gw@example.com")), Gateway(link(600, "ue:gw@Example.ORG"))
        async with group(other, same) as found, device(tmp_path, found.peer):
            await same.wait(kind="REG")
            assert other.requests == []

    run(main())


def test_it_registers_to_the_gateway_service_of_the_one_that_it_selected(tmp_path):
    class Service(Gateway):
        def said(self, message, kind):
            if kind != "GWREG":
                return super().said(message, kind)
            address = json.loads(message.payload)["oriAddr"]
            granted = {"oriAddr": address, "result": True, "acceptedTime": 3600}
            return aiocoap.CHANGED, json.dumps(granted).encode()

    async def main():
        gateway = Service()
        more = {"gateway_service": True, "ue_id": "urn:imei:350000000000001"}
        async with group(gateway) as found, device(tmp_path, found.peer, **more):
            body = json.loads((await gateway.wait(kind="GWREG")).payload)
            # UE service ID (M), MSGin5G UE ID (O), Time till (O)
            assert body["oriAddr"] == {"oriAddrType": "UE", "addr": UE}
            assert body["oriUEAddr"]["addr"] == "urn:imei:350000000000001"
            assert body["expiredTime"] == 10
            await gateway.wait(kind="REG")

    run(main())


def test_a_gateway_that_fails_the_registration_is_not_the_last_word(tmp_path):
    """Registration result (M): where it is a failure the UE selects another one."""

    async def main():
        first, second = Gateway(), Gateway()

        def refused(message, kind):
            address = json.loads(message.payload)["oriAddr"]
            return aiocoap.CHANGED, json.dumps(
                {"oriAddr": address, "result": False, "cause": "full"}
            ).encode()

        first.said = refused
        async with group(first, second) as found, device(tmp_path, found.peer):
            await second.wait(kind="REG")
            assert len(first.of("REG")) == 1

    run(main())
