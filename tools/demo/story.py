# SPDX-License-Identifier: MIT
"""The steps of the demo. A step is told when it was seen on the other side, and only then."""

import asyncio
import hashlib
import random
import signal
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tools.application import ServerError
from tools.demo.application_server import ApplicationServer
from tools.demo.box_story import NAME, out_of_the_box
from tools.demo.feed import Unseen
from tools.demo.many_story import BULK, to_many
from tools.demo.processes import APPS, Device, Gateway, device_keys
from tools.demo.update_story import updated
from tools.device import SMALL_HEAP
from tools.words import counted

UE = "ue:sensor-1@example.org"
AS = "as:weather@example.org"
LARGE = 64 * 1024
LAST_LINES = 40  # of each log, when a step failed

NEXT = """Where to go next
  tools/demo/apps/      the applications that ran on the devices
  examples/             shorter ones, to begin with
  make gateway          the gateway on its own, for boards on the desk, with a web page
  make test             everything that CI runs"""


class Story:
    """Prints one line a step, with the time since the start."""

    def __init__(self, console):
        self.steps = 0
        self._console = console
        self._start = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self._start

    def say(self, text=""):
        self._console.print(escape(text), soft_wrap=True)

    def step(self, who, what):
        self.steps += 1
        self._console.print(
            f"[green]{self.seconds:6.2f} s[/]  [cyan]{who:22}[/]{escape(what)}", soft_wrap=True
        )

    def failed(self, sentence, logs):
        self._console.print(f"[bold red]{self.seconds:6.2f} s  FAILED[/]  {escape(sentence)}", soft_wrap=True)
        for title, lines in logs:
            self._console.print(f"\n[bold]{title}[/]")
            for line in lines[-LAST_LINES:] or ["(nothing)"]:
                self.say("  " + str(line))


def expect(truth, sentence):
    """A sentence that begins with "expected", for what came but is not what it should be."""
    if not truth:
        raise Unseen(sentence)


async def tell_story(heap=SMALL_HEAP):
    """Tells it all; the exit code: 0 only when every step was seen."""
    story = Story(Console(highlight=False))
    with tempfile.TemporaryDirectory(prefix="msgin5g-demo-") as folder:
        folder = Path(folder)
        gateway = Gateway(folder, "--ue", NAME, *BULK, security="oscore", found=True)
        device = Device(folder / "device", app=APPS / "app.py", heap=heap)
        try:
            keys = await device_keys(folder, UE)
            async with gateway, ApplicationServer(AS, gateway.http) as server:
                await _act(story, gateway, server, device, keys)
                device = Device(device.folder, app=APPS / "outage.py", heap=heap)
                await _outage(story, gateway, server, device)
                await out_of_the_box(story, folder, gateway, server, heap)
                await to_many(story, folder, gateway, server)
                await updated(story, folder, gateway, server)
        except (Unseen, ServerError) as error:
            story.failed(
                str(error),
                (
                    ("What the gateway said", gateway.lines.items),
                    ("What the device said", device.lines.items),
                ),
            )
            return 1
    story.say(f"\nAll {story.steps} steps were seen on the other side, in {story.seconds:.1f} s.\n\n{NEXT}")
    return 0


async def _act(story, gateway, server, device, keys):
    story.say(f"gateway    Gateway UE with the MSGin5G Server in it, CoAP {_text(gateway.coap)}/udp")
    story.say(f"           its web page, as long as this runs: http://{_text(gateway.http)}/")
    story.say(f"weather    Application Server {AS}")
    story.say(f"sensor-1   device {UE}: the firmware on MicroPython")
    story.say("security   OSCORE, with a key made for this run by: msgin5g gateway device add --key FILE\n")

    await server.register()
    await gateway.event("as-registered", **{"as": AS})
    story.step("weather -> gateway", "registers, and says where it wants to be posted to")

    device.configure(
        {
            "role": "client",
            "ue_service_id": UE,
            "peer": "coap://" + _text(gateway.coap),
            **keys,
        }
    )
    # The same octets each time, and none that would compress or repeat.
    record = random.Random(1).randbytes(LARGE)
    update = random.Random(2).randbytes(LARGE)
    device.put("record.bin", record)
    async with device:
        heap = await alongside(device, exchange(story, gateway, server, device, record, update))
    story.step("sensor-1 -> gateway", "de-registers, and ends")

    used = {name: heap[name] / 1024 for name in ("idle", "peak", "size")}
    story.say(
        "\nHeap of the device: {idle:.1f} KB in use when registered and idle, {peak:.1f} KB at most, of {size:.0f} KB."
        "\nSampled every 10 ms, garbage collected first. The code is in a ROMFS, as an image has it in flash; but"
        "\na word has 64 bits here, on a board 32.".format(**used)
    )
    story.say(
        "Datagrams of the device: {coap_sent} out, {coap_received} in, {coap_retransmitted} sent again.".format(
            **heap["stats"]
        )
    )


async def alongside(device, steps):
    """What the steps give; they need the device, which ends well after them. Unseen as soon as it ends otherwise."""
    acting = asyncio.create_task(steps)
    ended = asyncio.create_task(device.wait(None))
    try:
        await asyncio.wait((acting, ended), return_when=asyncio.FIRST_COMPLETED)
        if device.returncode:
            raise Unseen(f"expected the device to go on, it ended with exit code {device.returncode}")
        result = await acting
        expect(await device.wait() == 0, f"expected exit code 0 of the device, not {device.returncode}")
        return result
    finally:
        acting.cancel()
        ended.cancel()


async def _outage(story, gateway, server, device):
    """The gateway dies, then the device with messages in its outbox; both come back, and each arrives once."""
    begun = time.monotonic()
    async with device:
        await device.tells("ready")
        await gateway.end(signal.SIGKILL)
        device.folder.joinpath("outage").touch()
        await device.tells("queued")
        story.step("sensor-1", "three alarms into its outbox, while the gateway was killed")
        await device.end(signal.SIGKILL)
        story.step("sensor-1", "loses its power")
        await gateway.start()
        await device.start()
        found = await device.tells("found")
        expect(found["count"] == 3, f"expected three alarms in the outbox, the device found {found['count']}")
        story.step("sensor-1", "starts again, as does the gateway, and finds three alarms in its outbox")
        over = await device.tells("over")
        expect(over["states"] == ["delivered"] * 3, f"expected three deliveries, not {over['states']}")
        alarms = [
            message.payload for message in server.messages.items if str(message.payload).startswith("alarm ")
        ]
        expect(alarms == ["alarm 1", "alarm 2", "alarm 3"], f"expected three alarms in order, not {alarms}")
        story.step(
            "sensor-1 -> weather", f"three alarms, in order, each once, each reported; {_since(begun)}"
        )
        expect(await device.wait() == 0, f"expected exit code 0 of the device, not {device.returncode}")


async def exchange(story, gateway, server, device, record, update, side="gateway"):
    """All that the device has a part in, up to its de-registration; what it told of its heap and its datagrams.
    `side`: what it registers with."""
    registered = await gateway.event("registered", ue=UE)
    story.step(
        "sensor-1 -> " + side,
        "registers for %(lifetime)d s; takes segments of up to %(maxSegSize)d octets" % registered,
    )
    await _reading(story, gateway, server, device)
    await _order(story, server, device)
    await _record(story, gateway, server, device, record)
    await _update(story, server, device, update)
    heap = await device.tells("heap")
    await gateway.event("deregistered", ue=UE)
    return heap


async def _reading(story, gateway, server, device):
    message = await server.message(lambda message: message.payload == "21.5 °C", 'the reading "21.5 °C"')
    expect(message.sender == UE, f"expected the reading from {UE}, not {message.sender}")
    story.step("sensor-1 -> weather", f'"{message.payload}", {_octets(message.payload)}, and wants a report')
    await gateway.event("reported", msgId=message.message_id, status="success")
    told = await device.tells("reading")
    expect(told["state"] == "delivered", f"expected the reading to end as delivered, not {told['state']}")
    story.step("weather -> sensor-1", 'report: delivered; so says the device: "delivered"')


async def _order(story, server, device):
    begun = time.monotonic()
    text = "open the valve"
    message_id = await server.send(UE, text)
    told = await device.tells("order")
    expect(
        (told["payload"], told["sender"]) == (text, AS), f"expected {text!r} from {AS}, the device got {told}"
    )
    story.step(
        "weather -> sensor-1", f'"{text}", {_octets(text)}, and wants a report; there after {_since(begun)}'
    )
    report = await server.report(message_id)
    expect(report.delivered, f"expected success, not {report}")
    story.step("sensor-1 -> weather", "report: delivered")


async def _record(story, gateway, server, device, record):
    begun = time.monotonic()
    message = await server.message(
        lambda message: isinstance(message.payload, bytes), f"a record of {LARGE} octets"
    )
    payload = message.payload
    expect(payload == record, f"expected the octets of record.bin, got {len(payload)} others")
    story.step(
        "sensor-1 -> weather",
        f"{counted(len(payload), 'octet')} from a file, in segments, {_rate(begun)}; "
        f"SHA-256 {_digest(payload)}, as sent",
    )
    await gateway.event("reported", msgId=message.message_id, status="success")
    told = await device.tells("record")
    expect(told["state"] == "delivered", f"expected the record to end as delivered, not {told['state']}")
    story.step("weather -> sensor-1", 'report: delivered; so says the device: "delivered"')


async def _update(story, server, device, update):
    begun = time.monotonic()
    message_id = await server.send(UE, update)
    report = await server.report(message_id)
    expect(report.delivered, f"expected success, not {report}")
    told = await device.tells("update")
    digest = hashlib.sha256(update).hexdigest()
    expect(
        (told["size"], told["digest"]) == (LARGE, digest),
        f"expected {LARGE} octets, SHA-256 {digest}, the device got {told}",
    )
    story.step(
        "weather -> sensor-1",
        f"{counted(told['size'], 'octet')}, in segments, {_rate(begun)}; SHA-256 {_digest(update)}, as sent",
    )
    story.step("sensor-1 -> weather", "report: delivered")
    text = f"{LARGE} octets, SHA-256 {digest}"
    await server.message(lambda message: message.payload == text, "the digest that the device worked out")
    story.step("sensor-1 -> weather", f'"{text[:32]}...": what the device worked out, {_octets(text)}')


def _text(address):
    return "%s:%d" % address


def _octets(text):
    return f"{counted(len(text.encode()), 'octet')}"


def _digest(octets):
    return hashlib.sha256(octets).hexdigest()[:8]


def _since(begun):
    return f"{(time.monotonic() - begun) * 1000:.0f} ms"


def _rate(begun):
    seconds = time.monotonic() - begun
    return f"{seconds:.2f} s, {LARGE / 1024 / seconds:.0f} KB/s"
