# SPDX-License-Identifier: MIT
"""MSGin5G-5 over a serial cable, both formats: the firmware on MicroPython against the gateway."""

import argparse
import asyncio
import hashlib

import pytest

from host_tests.gateway.scripted import run
from host_tests.gateway.serial import serial_scene
from host_tests.gateway.serial.serial_device import OWN, SerialDevice
from host_tests.gateway.serial.serial_scene import AS, FORMATS, TARGET, report_on, scene
from tools.gateway.arguments import add_common, add_gateway, add_lines, add_server, gateway_options
from tools.line.cable import Cable
from tools.transport.lines import Line


@pytest.fixture(autouse=True, params=sorted(serial_scene.PLAYED))
def programs(request, monkeypatch):
    """Each test is played with the server in the gateway's process, and with it apart."""
    monkeypatch.setattr(serial_scene, "PROGRAMS", request.param)


def peer(scheme, cable):
    return "%s://%s" % (scheme, cable.ends[0])


# Where nothing is lost nothing is sent again, however late this computer lets an answer come.
PATIENT = {"l3": {"timeout": 10}, "coap": {"ack_timeout": 10}}


@pytest.mark.parametrize("scheme", FORMATS)
def test_register_send_receive_report_deregister(scheme, tmp_path):
    async def main():
        async with scene(timeout=10) as (cable, gateway, server):
            order = {
                "to": TARGET[scheme],
                "payload": "größer als 20",
                "options": {"to_type": "AS", "report": True, "app_id": "7"},
            }
            async with SerialDevice(tmp_path, peer(scheme, cable), [order], **PATIENT) as device:
                got = await server.next()
                # what the server's side sees is an MSGin5G UE like any other
                assert got == {
                    "oriAddr": {"addrType": "UE", "addr": OWN},
                    "destAddr": {"addrType": "AS", "addr": AS},
                    "msgId": got["msgId"],
                    "stoAndFwInd": False,
                    "appId": "7",
                    "delivStReqInd": True,
                    "payload": "größer als 20",
                }
                await report_on(server, got)
                ended = await device.wait(kind="ended")
                assert (ended["id"], ended["state"]) == (got["msgId"], "delivered")

                body = server.message(OWN, "open the valve", delivStReqInd=True)
                await server.deliver(body)
                message = await device.wait(kind="got")
                assert (message["id"], message["payload"], message["sender"]) == (
                    body["msgId"],
                    "open the valve",
                    AS,
                )
                report = await server.next()
                assert (report["msgId"], report["delivSt"]) == (body["msgId"], "REPT_DELY_SUCCESS")
                stats = await device.stop()
                assert stats["link_damaged"] == stats["malformed"] == 0
                await gateway.journal.wait("application-deregistered", application=7)
                assert len(gateway.journal.find("application-registered")) == 1

    run(main())


@pytest.mark.parametrize("scheme", FORMATS)
def test_a_failure_is_reported(scheme, tmp_path):
    async def main():
        async with scene() as (cable, _, server):
            order = {"to": TARGET[scheme], "payload": "x", "options": {"to_type": "AS", "report": True}}
            async with SerialDevice(tmp_path, peer(scheme, cable), [order]) as device:
                await report_on(server, await server.next(), delivered=False)
                assert (await device.wait(kind="ended"))["state"] == "failed"

    run(main())


def test_targets_by_address(tmp_path):
    async def main():
        async with scene() as (cable, _, server):
            orders = [
                {"to": to, "payload": to, "options": {"to_type": "AS"}}
                for to in ("192.0.2.1", "2001:DB8:0::1", "Weather.Example.ORG")
            ]
            async with SerialDevice(tmp_path, peer("l3+uart", cable), orders) as device:
                assert sorted([(await server.next())["payload"] for _ in orders]) == sorted(
                    o["to"] for o in orders
                )
                await device.wait(count=3, kind="ended", state="accepted")

    run(main())


def test_an_unknown_target(tmp_path):
    async def main():
        async with scene() as (cable, _, server):
            orders = [
                {"to": "nobody.example.org", "payload": "x"},
                {"to": "ue:a@example.org", "payload": "y"},
            ]
            async with SerialDevice(tmp_path, peer("l3+uart", cable), orders) as device:
                ended = await device.wait(kind="ended")
                assert (ended["state"], ended["cause"]) == ("failed", "Unknown device")
                refused = await device.wait(kind="error")
                assert refused["type"] == "ValueError" and "FQDN" in refused["text"]
                assert server.inbox.empty()

    run(main())


@pytest.mark.parametrize("scheme", FORMATS)
def test_an_unknown_recipient_with_a_report(scheme, tmp_path):
    """The server finds out after it was accepted: MSGRESP becomes a delivery report."""

    async def main():
        async with scene() as (cable, gateway, _):
            with gateway.store.transaction():
                gateway.store.add_target("gone.example.org", "ue:gone@example.org")
            to = "gone.example.org" if scheme == "l3+uart" else "ue:gone@example.org"
            order = {"to": to, "payload": "x", "options": {"report": True}}
            async with SerialDevice(tmp_path, peer(scheme, cable), [order]) as device:
                ended = await device.wait(kind="ended")
                assert (ended["state"], ended["cause"]) == ("failed", "the recipient reported a failure")

    run(main())


@pytest.mark.parametrize("scheme", FORMATS)
def test_a_wrong_credential_and_an_unknown_application(scheme, tmp_path):
    async def main():
        async with scene() as (cable, _, _):
            wrong = {"app_id": 7, "credential": "c0ffef"}
            async with SerialDevice(tmp_path, peer(scheme, cable), application=wrong) as device:
                state = await device.wait(kind="registration", state="refused")
                assert state["cause"] == "Invalid credentials"
            wrong = {"app_id": 8, "credential": "c0ffee"}
            async with SerialDevice(tmp_path, peer(scheme, cable), application=wrong) as device:
                state = await device.wait(kind="registration", state="refused")
                assert state["cause"] == "Access via a Gateway UE is not allowed"

    run(main())


@pytest.mark.parametrize("scheme", FORMATS)
def test_a_gateway_that_forgot_the_registration(scheme, tmp_path):
    """An unknown Registration ID heals by itself when something is sent, and does no harm when leaving."""

    async def main():
        async with scene() as (cable, gateway, server):
            async with SerialDevice(tmp_path, peer(scheme, cable)) as device:
                await device.wait(kind="registration", state="registered")
                with gateway.store.transaction():
                    gateway.store.deregister_application(7)
                stats = await device.stop()
                assert stats["malformed"] == 0
                assert device.output[-2].startswith("msgin5g: stopped") or "msgin5g: stopped" in device.output
            (tmp_path / "state/stop").unlink()
            order = {"to": TARGET[scheme], "payload": "again", "options": {"to_type": "AS"}}
            async with SerialDevice(tmp_path, peer(scheme, cable), [order]) as device:
                await server.next()
                with gateway.store.transaction():
                    gateway.store.deregister_application(7)
                body = server.message(OWN, "kept")
                await server.deliver(body)  # waits, as nobody is registered
                assert not device.find(kind="got")

    run(main())


def test_the_device_registers_again_when_it_is_told_to(tmp_path):
    async def main():
        async with scene() as (cable, gateway, server):
            forgotten = asyncio.Event()

            def forget(record):  # as soon as it has registered, once
                if record["event"] == "application-registered" and not forgotten.is_set():
                    forgotten.set()
                    with gateway.store.transaction():
                        gateway.store.deregister_application(7)

            gateway.events.callbacks.append(forget)
            order = {"to": TARGET["l3+uart"], "payload": "at last", "options": {"to_type": "AS"}}
            async with SerialDevice(tmp_path, peer("l3+uart", cable), [order]) as device:
                assert (await server.next())["payload"] == "at last"
                assert (await device.wait(kind="ended"))["state"] == "accepted"
                await gateway.journal.wait("application-registered", count=2)

    run(main())


def test_another_line_with_the_same_application(tmp_path):
    """Two devices with one Application ID: the second is refused while the first one's line is there."""

    async def main():
        async with scene() as (cable, gateway, _):
            with gateway.store.transaction():
                gateway.store.register_application(7, "l3:/dev/other", b"abcdef")
            gateway._l3["l3:/dev/other"] = next(iter(gateway._l3.values()))  # a second line that is open
            async with SerialDevice(tmp_path, peer("l3+uart", cable)) as device:
                state = await device.wait(kind="registration", state="refused")
                assert (
                    state["cause"] == "Conflict of transport identifier for unicast communication is detected"
                )
            del gateway._l3["l3:/dev/other"]

    run(main())


@pytest.mark.parametrize("scheme", FORMATS)
def test_a_cut_cable(scheme, tmp_path):
    async def main():
        async with scene() as (cable, _, server):
            cable.cut = True
            order = {"to": TARGET[scheme], "payload": "late", "options": {"to_type": "AS"}}
            expired = {"to": TARGET[scheme], "payload": "stale", "options": {"to_type": "AS", "expires": 0.5}}
            keys = {"l3": {"timeout": 0.02}, "coap": {"ack_timeout": 0.02}}
            async with SerialDevice(tmp_path, peer(scheme, cable), [order, expired], **keys) as device:
                state = await device.wait(kind="registration", state="unreachable")
                assert state["cause"] == "no answer from %s" % peer(scheme, cable)
                ended = await device.wait(kind="ended")
                assert (ended["payload"], ended["state"]) == ("stale", "expired")
                cable.cut = False
                assert (await server.next())["payload"] == "late"
                assert (await device.wait(kind="ended", payload="late"))["state"] == "accepted"

    run(main())


def test_a_line_that_goes_away_and_comes_back(tmp_path):
    """The adapter is unplugged: both ends open the line again."""

    async def main():
        async with scene() as (cable, gateway, server):
            order = {"to": TARGET["l3+uart"], "payload": "first", "options": {"to_type": "AS"}}
            link = tmp_path / "ttyDEVICE"
            link.symlink_to(cable.ends[0])
            async with SerialDevice(tmp_path, "l3+uart://%s" % link, [order]) as device:
                await server.next()
                gateway.lines[0]._transport.abort()
                await gateway.journal.wait("line-lost")
                await gateway.journal.wait("line-open", count=2)
                body = server.message(OWN, "after")
                await server.deliver(body)
                assert (await device.wait(kind="got"))["payload"] == "after"

    run(main())


@pytest.mark.parametrize("rtscts", [True, False])
def test_flow_control_of_a_line(rtscts):
    """The port is told of it, and carries what there is. Which pins move only a real one shows."""

    async def main():
        async with Cable() as cable:
            line = Line(cable.ends[1], 115200, 1152, lambda *event, **more: None, rtscts)
            line.start()
            while not line.open:
                await asyncio.sleep(0.01)
            assert line._transport.serial.rtscts is rtscts
            await line.stop()

    run(main())
    parser = argparse.ArgumentParser()
    for add in (add_common, add_server, add_gateway, add_lines):
        add(parser)
    args = parser.parse_args(["--serial-flow", "rtscts"] if rtscts else [])
    assert gateway_options(args)["rtscts"] is rtscts


@pytest.mark.parametrize("frame", [1152, 65900])
def test_64_kib_less_one_each_way(frame, tmp_path):
    """65,535 octets in one L3 message each way within 192 KB of heap where frames may be that large, and a clear
    error where not."""

    async def main():
        text = "".join("%07d " % number for number in range(8192))[:65535]
        # 20 times 115200, so that both ways take some seconds
        async with scene(timeout=10, max_frame=frame, cable=Cable(2304000)) as (cable, gateway, server):
            order = {"to": TARGET["l3+uart"], "payload": text[:2000], "options": {"to_type": "AS"}}
            keys = PATIENT | {
                "serial": {"max_frame": frame, "baudrate": 1000000},
                "outbox": {"bytes": 262144},
            }
            if frame > 65535:
                (tmp_path / "state").mkdir()
                (tmp_path / "state/large").write_text(text)
                order["payload"] = "file:large"
            async with SerialDevice(tmp_path, peer("l3+uart", cable), [order], **keys) as device:
                await device.wait(kind="registration", state="registered")
                if frame < 65535:
                    error = await device.wait(kind="error")
                    assert error["type"] == "ValueError" and "serial.max_frame allows 1152" in error["text"]
                    await server.deliver(server.message(OWN, text))
                    failed = await gateway.journal.wait("failed", to=OWN)
                    assert "the line takes 1152" in failed["cause"]
                    return
                got = await server.next()
                assert got["payload"] == text
                assert (await device.wait(kind="ended"))["state"] == "accepted"
                body = server.message(OWN, text, delivStReqInd=True)
                await server.deliver(body)
                message = await device.wait(kind="got")
                assert (message["size"], message["digest"]) == (65535, digest(text))
                assert (await server.next())["delivSt"] == "REPT_DELY_SUCCESS"
                stats = await device.stop()
                assert stats["link_long"] == stats["link_damaged"] == 0

    run(main())


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()
