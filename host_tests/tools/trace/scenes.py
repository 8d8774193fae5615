# SPDX-License-Identifier: MIT
"""What docs/tracing.md shows: real devices with a real gateway, where something goes wrong between them, and the
pictures of the traces that they kept. `python -m host_tests.tools.trace.scenes docs` writes those pictures."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from host_tests.gateway.devices import config, gateway_and_server
from tools.cli import main as msgin5g
from tools.demo.processes import Device, Gateway
from tools.impair import Impairment

APP = Path(__file__).with_name("traced.py")
LOST, REFUSED, SEGMENT = "trace-lost.svg", "trace-refused.svg", "trace-segment.svg"
TITLES = {
    LOST: "A message that nothing comes back for",
    REFUSED: "A registration that is refused",
    SEGMENT: "A segment that is lost, and asked for",
}


# RFC 7252 section 4.8: given up after 2.1 to 3.1 s, before the server misses a segment
BRIEF = {"ack_timeout": 0.3, "max_retransmit": 2}


class Losing(Impairment):
    """A network that loses what `loses(datagram)` says, toward the gateway."""

    def __init__(self, upstream, loses):
        super().__init__(upstream, "clean", scale=0.1)
        self._loses = loses

    def pass_on(self, datagram, fates, send):
        if fates.to_device or not self._loses(datagram):
            super().pass_on(datagram, fates, send)


async def trace(folder, port, size, until, **coap):
    """What the device prints."""
    device = Device(folder / "device", APP)
    device.configure(config(port, coap=coap))
    device.put("plan.json", json.dumps({"size": size, "until": until}))
    async with device:
        code = await device.wait(None)
    assert code == 0, device.lines.items
    return "\n".join(device.lines.items) + "\n"


async def lost(folder):
    async with gateway_and_server(folder / "lost") as (gateway, _):
        async with Losing(gateway.coap, lambda datagram: b'"msgType":"MSG"' in datagram) as network:
            return await trace(folder / "lost", network.port, 20, "= time-out", **BRIEF)


async def refused(folder):
    async with Gateway(folder) as gateway:  # which knows no device
        return await trace(folder, gateway.coap[1], 0, ". registration refused")


async def segment(folder):
    """All transmissions of the third one are lost; the server asks for it later."""
    left = [1 + BRIEF["max_retransmit"]]

    def loses(datagram):
        if b'"segNumb":3' in datagram and left[0]:
            left[0] -= 1
            return True
        return False

    async with gateway_and_server(folder / "segment", "--segment-gap", "4") as (gateway, _):
        async with Losing(gateway.coap, loses) as network:
            return await trace(folder / "segment", network.port, 3000, " accepted", **BRIEF)


SCENES = {LOST: lost, REFUSED: refused, SEGMENT: segment}


def draw(name, folder):
    """Plays a scene, and draws its picture as `folder`/`name`; gives the text of the trace."""
    with tempfile.TemporaryDirectory() as scratch:
        text = asyncio.run(SCENES[name](Path(scratch)))
        path = Path(scratch) / "trace.txt"
        path.write_text(text)
        assert (
            msgin5g(["trace", "--from", str(path), "--svg", str(folder / name), "--title", TITLES[name]]) == 0
        )
    return text


if __name__ == "__main__":
    for each in SCENES:
        print(draw(each, Path(sys.argv[1])))
