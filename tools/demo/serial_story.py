# SPDX-License-Identifier: MIT
"""The demo over a serial line: an Application Client, wired to the gateway by three wires, with L3 messages."""

import hashlib
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tools.application import ServerError
from tools.demo.application_server import ApplicationServer
from tools.demo.feed import Unseen
from tools.demo.processes import APPS, Device, Gateway
from tools.demo.story import AS, Story, expect
from tools.device import ROOT, SMALL_HEAP
from tools.line.cable import Cable

UE = "ue:meter-7@example.org"
BAUDRATE = 1000000
LARGE = 65535
FRAME = 65900


async def tell_serial_story(heap=SMALL_HEAP):
    """As story.tell_story."""
    story = Story(Console(highlight=False))
    with tempfile.TemporaryDirectory(prefix="msgin5g-demo-") as folder:
        folder = Path(folder)
        async with Cable(BAUDRATE) as cable:
            arguments = ("--serial", cable.ends[1], "--baudrate", str(BAUDRATE))
            gateway = Gateway(folder, *arguments, "--serial-max-frame", str(FRAME))
            device = Device(folder / "device", app=APPS / "serial.py", heap=heap)
            try:
                _provision(story, folder)
                async with gateway, ApplicationServer(AS, gateway.http) as server:
                    await _act(story, cable, gateway, server, device)
            except (Unseen, ServerError, subprocess.CalledProcessError) as error:
                story.failed(
                    str(error),
                    (
                        ("What the gateway said", gateway.lines.items),
                        ("What the device said", device.lines.items),
                    ),
                )
                return 1
    story.say(f"\nAll {story.steps} steps were seen on the other side, in {story.seconds:.1f} s.")
    story.say("docs/serial.md has the wiring for real boards.")
    return 0


def _provision(story, folder):
    """What a person types once, before the gateway runs."""
    (folder / "credential").write_text("c0ffee")
    commands = (
        ("application", "add", "7", "--ue", UE, "--credential-file", "credential"),
        ("target", "add", "weather.example.org", AS),
    )
    for command in commands:
        subprocess.run(
            [sys.executable, "-m", "tools.cli", "gateway", *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        story.say("msgin5g gateway " + " ".join(command))


async def _act(story, cable, gateway, server, device):
    story.say(f"\ncable      {cable.ends[0]} to {cable.ends[1]}, {BAUDRATE} baud: stands for three wires")
    story.say("meter-7    an Application Client: the firmware on MicroPython, without IP, with L3 messages")
    story.say(f"weather    Application Server {AS}")
    story.say("security   the cable is all there is; the credential goes over it as it is\n")
    await server.register()
    record, update = random.Random(3).randbytes(LARGE), random.Random(4).randbytes(LARGE)
    device.put("record.bin", record)
    device.configure(
        {
            "role": "application client",
            "ue_service_id": UE,
            "peer": "l3+uart://" + cable.ends[0],
            "security": {"mode": "none"},
            "serial": {"baudrate": BAUDRATE, "max_frame": FRAME},
            "application": {"app_id": 7, "credential": "c0ffee"},
        }
    )
    async with device:
        await gateway.event("application-registered", application=7)
        story.step("meter-7 -> gateway", "registers with its credential, and gets a Registration ID")

        message = await server.message(lambda message: message.payload == "21.5 °C", 'the reading "21.5 °C"')
        expect(message.sender == UE, f"expected the reading from {UE}, not {message.sender}")
        told = await device.tells("reading")
        expect(told["state"] == "delivered", f"expected the reading as delivered, not {told['state']}")
        story.step("meter-7 -> weather", '"21.5 °C" with a delivery report; the device says "delivered"')

        message_id = await server.send(UE, "open the valve")
        told = await device.tells("order")
        expect((told["payload"], told["sender"]) == ("open the valve", AS), f"expected the order, not {told}")
        report = await server.report(message_id)
        expect(report.delivered, f"expected success, not {report}")
        story.step("weather -> meter-7", '"open the valve", reported as delivered')

        message = await server.message(
            lambda message: isinstance(message.payload, bytes), f"a record of {LARGE} octets"
        )
        got = message.payload
        expect(got == record, f"expected the octets of record.bin, got {len(got)} others")
        expect((await device.tells("record"))["state"] == "delivered", "expected the record as delivered")
        story.step("meter-7 -> weather", f"{LARGE} octets from a file in one L3 message, as sent")

        message_id = await server.send(UE, update)
        told = await device.tells("update")
        digest = hashlib.sha256(update).hexdigest()
        expect((told["size"], told["digest"]) == (LARGE, digest), f"expected {LARGE} octets, got {told}")
        await server.report(message_id)
        story.step("weather -> meter-7", f"{LARGE} octets in one L3 message, as sent, reported")

        told = await device.tells("nobody")
        expect(
            (told["state"], told["cause"]) == ("failed", "Unknown device"), f"expected a failure, not {told}"
        )
        story.step("meter-7 -> gateway", 'to a target that nobody knows: "failed", "Unknown device"')

        end = await device.tells("end")
        expect(await device.wait() == 0, f"expected exit code 0 of the device, not {device.returncode}")
        await gateway.event("application-deregistered", application=7)
        story.step("meter-7 -> gateway", "de-registers, and ends")
    story.say(
        "\nHeap of the device at the end: %.0f KB. Frames it got: %d good, %d damaged; requests repeated: %d."
        % (
            end["heap"] / 1024,
            end["stats"]["link_frames"],
            end["stats"]["link_damaged"],
            end["stats"]["repeats"],
        )
    )
