# SPDX-License-Identifier: MIT
"""A whole device on an ESP32 whose driver and radio are imitated: the files of its image, real MicroPython with the
port's own C, real sockets, the real gateway. Its access point is missing, wrong, vanishes and comes back; the messages
all arrive.
"""

import asyncio
import functools
import re
import signal

import pytest

from host_tests.esp32.chip import BROWN_OUT, DEEP_SLEEP, PANIC, POWER_ON, RESTART, ChipDevice
from host_tests.esp32.idf.build import build
from host_tests.esp32.idf.compiler import No32Bits
from host_tests.gateway.devices import APPS, UE, Traffic, config, gateway_and_server, run
from host_tests.tools.update import corpus
from tools.demo.feed import Unseen
from tools.demo.processes import command
from tools.image.boards import ROOT
from tools.programs.patience import doze

SECRET = "correct horse"
QUICK = {"coap": {"ack_timeout": 0.1}, "wifi": {"ssid": "home", "password": SECRET}}
QUICK_GATEWAY = ("--coap-ack-timeout", "0.1", "--retry-min", "0.2")
# Milliseconds, so that no test waits for a driver that looks around
FAST = {"scan": 30, "join": 10, "refuse": 10, "dhcp_ms": 20, "beacons": 100}
HOME = {**FAST, "networks": {"home": SECRET}}
HOUR = 3600000


def chip_device(bits, folder, app, port, heap=None, **more):
    made = ChipDevice(folder / "esp32", APPS / app if isinstance(app, str) else app, bits, heap)
    made.configure(config(port, **QUICK, **more))
    return made


@pytest.fixture(params=(64, 32), ids=("esp32", "esp32-32bit"))
def chip(request):
    """Makes a device whose words have so many bits; skipped where nothing compiles for 32."""
    try:
        build(request.param)
    except No32Bits as error:
        pytest.skip(str(error))
    return functools.partial(chip_device, request.param)


def lines_about_wifi(device):
    return [line.partition("Wi-Fi: ")[2] for line in device.lines.items if "Wi-Fi: " in line]


async def line(device, words, start=0):
    return await device.lines.until(lambda said: words in said, f"the device to say {words!r}", 30, start)


def test_from_nothing_to_registered_and_through_outages(tmp_path, chip):
    async def main():
        async with gateway_and_server(tmp_path / "gateway", *QUICK_GATEWAY) as (gateway, server):
            traffic = Traffic(tmp_path, gateway, server, gateway.coap[1], 60, make=chip)
            device = traffic.device
            device.air(**FAST, networks={"elsewhere": ""}, refusals=1)

            async def come_up():
                await line(device, 'no access point "home" in range (wifi.ssid)')
                device.air(**FAST, networks={"home": "another one"})
                await line(device, '"home" refuses the password (wifi.password)')
                device.air(**HOME, send_gap=2)  # and a driver that has no memory for more

            async def disturb():
                for outage in (1, 2):
                    await server.reports.reach(10 * outage, "reports", seconds=None)
                    # With nothing let out it has something to send by then, whatever was on its way: a message to it
                    # that it must answer comes again, or it has one to repeat.
                    device.air(**HOME, send_gap=HOUR)
                    await doze(0.3, gateway.pid)
                    await doze(0.3, device.pid)
                    seen = len(device.lines.items)
                    device.air(**FAST, networks={})
                    await line(device, '"home" vanished; waiting for it', seen)
                    device.air(**HOME, send_gap=2)
                    await line(device, 'joined "home"', seen)

            async with asyncio.TaskGroup() as group:
                group.create_task(come_up())
                await traffic.play(meanwhile=disturb())
            traffic.check()
            stats = traffic.stats
            assert stats["link_outages"] == 2 and stats["link_lost"] > 0
            said = lines_about_wifi(device)
            assert said[0] == "the radio's driver refuses (Wifi Internal Error); trying again"
            assert said[1:] == [
                'no access point "home" in range (wifi.ssid)',
                '"home" refuses the password (wifi.password)',
                'joined "home" as 192.0.2.7',
                *['"home" vanished; waiting for it', 'joined "home" as 192.0.2.7'] * 2,
            ]
            assert not [text for text in device.lines.items if SECRET in text]

    run(main(), 120)


def code_of_the_readme(first):
    """The block of code whose first statement after the imports is of this kind."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "boards/esp32/README.md").read_text(), re.DOTALL)
    (code,) = (block for block in blocks if first in block)
    return code


def test_light_sleep_as_in_the_readme(tmp_path, chip):
    """The sleeps are shortened; what comes meanwhile is lost, and the link comes up by itself."""

    async def main():
        async with gateway_and_server(tmp_path / "gateway", *QUICK_GATEWAY) as (gateway, server):
            app = tmp_path / "app.py"
            app.write_text(code_of_the_readme("board.sleep").replace("60000", "250"))
            device = chip(tmp_path, app, gateway.coap[1])
            device.air(**HOME)
            async with device:
                for reading in range(3):
                    await server.message(
                        lambda message, n=reading: message.payload == f"reading {n}", "a reading"
                    )
                assert await device.wait(30) == 0, device.lines.items
            assert gateway.count("registered", ue=UE) == 1
            assert lines_about_wifi(device) == ['joined "home" as 192.0.2.7']

    run(main(), 90)


GARDEN = """
import asyncio
from device import start
async def main():
    client = await start()
    await client.send("as:weather@example.org", "version %d", to_type="AS")
    async for message in client.messages():
        pass
asyncio.run(main())
"""


def test_an_update(tmp_path):
    """By littlefs on its flash, and by the port's own reset. With words of 32 bits it passed in a heap of 232 KB
    (boards/esp32/README.md)."""

    async def main():
        async with gateway_and_server(tmp_path / "gateway", *QUICK_GATEWAY) as (gateway, server):
            app, bundle = tmp_path / "app.py", tmp_path / "garden.bundle"
            app.write_text(GARDEN % 1)
            new = {"app/app.py": (GARDEN % 2).encode()}
            bundle.write_bytes(corpus.good(contents=new, boards=("esp32",)).octets)
            key = {"key": corpus.public().hex()}
            device = chip_device(64, tmp_path, app, gateway.coap[1], heap="512k", update=key)
            device.air(**HOME)
            async with device:
                await server.message(lambda message: message.payload == "version 1", "the first")
                await command(gateway.folder, "update", "send", bundle, "--ue", UE, "--no-wait")
                await device.wait(30)
                assert device.cause == RESTART, device.lines.items
                await device.start()
                await server.message(lambda message: message.payload == "version 2", "the second")
                await gateway.event("update", state="confirmed")
            files = device.files()
            assert {path: files[f"slots/a/{path}"] for path in new} == new

    run(main(), 120)


def test_deep_sleep_as_in_the_readme(tmp_path, chip):
    async def main():
        async with gateway_and_server(tmp_path / "gateway", *QUICK_GATEWAY) as (gateway, server):
            app = tmp_path / "app.py"
            cause = "from board import Board\nprint('woken by', Board().reset_cause())\n"
            app.write_text(cause + code_of_the_readme("machine.deepsleep"))
            device = chip(tmp_path, app, gateway.coap[1])
            device.air(**HOME)
            for life, woken_by in enumerate(("power-on", "deep-sleep", "deep-sleep"), 1):
                await device.start()
                await device.wait(30)
                assert device.cause == DEEP_SLEEP, device.lines.items
                assert f"woken by {woken_by}" in device.lines.items
                assert gateway.count("registered", ue=UE) == life
                await server.messages.reach(life, "messages")
                assert [message.payload for message in server.messages.items] == ["awake"] * life
                device.lines.items.clear()

    run(main(), 90)


def test_the_power_goes(tmp_path, chip):
    """Amid traffic: the file system of the image is whole, and what was in the outbox goes out."""

    async def main():
        async with gateway_and_server(tmp_path / "gateway", *QUICK_GATEWAY) as (gateway, server):
            device = chip(tmp_path, "durable.py", gateway.coap[1])
            device.put("limit.txt", "40")
            device.air(**HOME)
            for reports in (4, 12):
                await device.start()
                await server.messages.reach(reports, "messages", 60)
                await device.end(signal.SIGKILL)
                assert device.cause == POWER_ON
            # Where the power went amid send() of the last one, that one never comes.
            kept = device.files()
            sent, meant = (kept[name].split() for name in ("sent.txt", "intent.txt"))
            last = "up 39" if len(meant) < 40 else f"up {int(sent[-1])}"
            async with device:
                try:
                    await server.message(lambda message: message.payload == last, "the last message")
                except Unseen as unseen:
                    came = [message.payload for message in server.messages.items]
                    unseen.add_note(f"It said {device.lines.items}, and sent {came}.")
                    raise
            came = [int(message.payload.removeprefix("up ")) for message in server.messages.items]
            assert came == sorted(set(came)), came
            # One that was to be given to send() when the power went may be missing, and none else.
            kept = device.files()
            assert (
                set(map(int, kept["sent.txt"].split()))
                <= set(came)
                <= set(map(int, kept["intent.txt"].split()))
            )
            assert len(came) >= 38

    run(main(), 120)


def test_a_loop_of_panics_ends_in_a_safe_boot(tmp_path, chip):
    """And one of brown-outs, which are the supply's, does not. No gateway is needed for that."""

    async def main():
        for call, cause, safe in (("panic", PANIC, True), ("brown_out", BROWN_OUT, False)):
            app = tmp_path / f"{call}.py"
            app.write_text(f"import idf\nprint('the application runs')\nidf.{call}()\n")
            (tmp_path / call).mkdir()
            device = chip(tmp_path / call, app, 9)
            for _ in range(3):
                await device.start()
                await device.wait(30)
                assert device.cause == cause, device.lines.items
            await device.start()
            if safe:
                await line(device, "safe boot: 3 starts in a row failed within 60 s, so app.py is not run")
                await device.end(signal.SIGKILL)
            else:
                await device.wait(30)
            assert device.lines.items.count("the application runs") == 4 - safe, device.lines.items

    run(main(), 90)
