# SPDX-License-Identifier: MIT
"""TS 23.554 clause 8.9, reachability and device triggering, at the MSGin5G Client: the firmware's core, and a server
made by hand. Nothing of 8.9.2 is on a device: the core network watches it."""

import json

import pytest

from host_tests.conformance.device.core import SERVICE, Core, body, granted, registered

MODULES = (
    "firmware/msgin5g/procedures/triggers.py",
    "firmware/msgin5g/procedures/availability.py",
    "firmware/device/trigger_port.py",
)
ALSO = (
    "host_tests/device/procedures/test_triggers.py",
    "host_tests/device/procedures/test_availability.py",
    "host_tests/esp32/test_sleeping.py",
    "host_tests/gateway/reach/test_trigger_port.py",
)

UE_ID = "urn:imei:35-209900-176148-1"
WOKEN = {"ue_id": UE_ID, "triggers": {"port": 5005}}


def trigger(core, purpose, **more):
    """The payload that the core network brings: docs/wire-profile.md has its form, which the standard leaves open."""
    said = {"msgIden": SERVICE, "purpose": purpose} | more
    done = core.client.call("triggers", "triggered", json.dumps(said).encode(), core.tick)
    core._drain()
    return done


# ---- 8.9.3.2: pre-conditions -----------------------------------------------------------------------------------------


def test_8_9_3_the_client_gives_its_ue_id_and_ports_when_it_registers():
    """Table 8.2.1-2; clauses 6.3.1.1.1 i and 7.3.3.1 of TS 24.538: one of cliPort and cliPorts."""
    said = body(Core(**WOKEN).next("REG"))["cliProfile"]["triInfo"]
    assert said == {"ueId": UE_ID, "cliPorts": [{"portNum": 5005, "Protocol": "OTHER"}]}
    assert "triInfo" not in body(Core(ue_id=UE_ID).next("REG"))["cliProfile"]


def test_8_9_3_each_registration_gives_them_again():
    core = registered(**WOKEN)
    core.run(3600 * 0.86)
    assert body(core.next("REG"))["cliProfile"]["triInfo"]["ueId"] == UE_ID


# ---- 8.9.3.3: the trigger --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["receive", "register"])
def test_8_9_3_a_triggered_client_registers(purpose):
    core = registered(**WOKEN)
    core.run(100)
    assert trigger(core, purpose)
    core.answer(core.next("REG"), granted())
    assert core.client.registered


def test_8_9_3_a_triggered_client_whose_registration_is_over_registers():
    core = registered(**WOKEN)
    core.run(3700)  # nobody answered its refresh
    core.requests.clear()
    assert not core.client.registered
    while core.client.on_air:
        core.run(1)
    core.requests.clear()
    assert trigger(core, "receive")
    core.answer(core.next("REG"), granted())
    assert core.client.registered


def test_8_9_3_a_triggered_client_asks_for_its_configuration():
    """TS 24.538 clause 6.2.1, TS 23.554 clause 8.1."""
    core = registered(**WOKEN)
    assert trigger(core, "configure")
    request = core.requests.pop(0)
    assert request.code.name == "GET" and request.opt.uri_query == (f"ue-uri={UE_ID}",)


def test_8_9_3_a_triggered_client_contacts_whom_it_is_told_to():
    from msgin5g import TRIGGER

    core = registered(**WOKEN)
    while core.client.next_event():
        pass
    assert trigger(core, "contact", addr="as:alarm@example.org")
    assert core.client.next_event() == (TRIGGER, "as:alarm@example.org")


def test_8_9_3_what_is_no_trigger_of_this_service_does_nothing():
    core = registered(**WOKEN)
    assert not trigger(core, "receive", msgIden="urn:3gpp:mcptt")
    assert not trigger(core, "dance")
    assert core.requests == [] and core.client.stats["triggers_ignored"] == 2


# ---- 6.3.1.1.1 ii of TS 24.538: when the client can be reached -------------------------------------------------------


def test_8_9_a_client_with_windows_answers_in_them_and_asks_for_nothing():
    core = registered(availability={"interval": 600, "duration": 20})
    core.run(20)
    for _ in range(3):
        core.run(580)
        assert core.client.procedure("availability").listens
        core.run(20)
        assert not core.client.procedure("availability").listens
    assert core.requests == []
