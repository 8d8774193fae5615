# SPDX-License-Identifier: MIT
"""The part of the demo with updates: a device gets a new application, signed; then one that fails, and goes back."""

from tools.demo.feed import Unseen
from tools.demo.processes import APPS, Device, command, device_keys

UE = "ue:garden-1@example.org"
KEY = "updates.key"
LINE = "VERSION = 1\n"
FAILS = "raise ValueError('no such pump')\n"
STARTS = 3  # that a trial has


async def updated(story, folder, gateway, server, side="gateway"):
    """All of it. `side`: what the device speaks with."""
    await command(folder, "keys", "make", KEY, "--signatures", "32", **_here(folder))
    device = Device(folder / "garden")
    source = (APPS / "garden.py").read_text()
    device.put("app.py", source)
    device.configure(
        {
            "role": "client",
            "ue_service_id": UE,
            "peer": "coap://%s:%d" % gateway.coap,
            "update": {"key": (folder / f"{KEY}.pub").read_text().strip()},
            **await device_keys(folder, UE, gateway.store),
        }
    )
    try:
        async with device:
            await _runs(device, server, 1)
            story.step("garden-1 -> weather", "version 1 of its application says that it runs")
            await _good(story, folder, gateway, server, device, _version(source, 2), side)
            await _bad(story, folder, gateway, server, device, _version(source, 3, FAILS), side)
    except Unseen as error:
        raise Unseen("%s. What garden-1 said: %s" % (error, "; ".join(device.lines.items[-20:]))) from None


async def _good(story, folder, gateway, server, device, source, side):
    seen = len(gateway.events.items)
    octets = await _send(folder, gateway.store, 2, source)
    await gateway.event("update", start=seen, ue=UE, state="verified")
    story.step(
        side + " -> garden-1", f"version 2, signed: a bundle of {octets:,} octets; the device finds it whole"
    )
    await _starts(device, 0)
    await _runs(device, server, 2)
    await gateway.event("update", start=seen, ue=UE, state="confirmed")
    story.step("garden-1 -> weather", "version 2 says that it runs; registered, so it stays: confirmed")


async def _bad(story, folder, gateway, server, device, source, side):
    seen = len(gateway.events.items)
    await _send(folder, gateway.store, 3, source)
    await gateway.event("update", start=seen, ue=UE, state="verified")
    await _starts(device, 0)
    for _ in range(STARTS):
        await _starts(device, 1)
    story.step("garden-1", "version 3, signed too, raises at each of its three starts")
    await _runs(device, server, 2, times=2)
    ended = await gateway.event("update", start=seen, ue=UE, state="rolled-back")
    story.step("garden-1 -> " + side, f"goes back to version 2 by itself: {ended['cause']}")


def _here(folder):
    """Where the account's record of the key goes, of which nothing is to be left."""
    return {"XDG_STATE_HOME": str(folder)}


def _version(source, number, more=""):
    if LINE not in source:
        raise Unseen(f"expected a line {LINE!r} in garden.py")
    return source.replace(LINE, f"VERSION = {number}\n{more}")


async def _send(folder, store, number, source):
    """Makes a bundle of this application, and a job of it; the octets of the bundle."""
    app, bundle = folder / f"garden-{number}/app.py", folder / f"garden-{number}.bundle"
    app.parent.mkdir()
    app.write_text(source)
    said = ("--name", "garden", "--version", number, "--number", number, "--board", "any")
    await command(folder, "bundle", app, *said, "--key", KEY, "-o", bundle, **_here(folder))
    await command(folder, "update", "send", bundle, "--ue", UE, "--store", store, "--no-wait")
    return bundle.stat().st_size


async def _starts(device, code):
    """It ends with this exit code, and is started anew, as a board is by its reset."""
    ended = await device.wait()
    if ended != code:
        raise Unseen(f"expected garden-1 to end with {code}, not {ended}")
    await device.start()


async def _runs(device, server, version, times=1):
    """This version says that it runs, for so manieth time of all, to who looks at the device and to the server."""
    await device.told.until(
        lambda item: [each["version"] for each in device.told.items].count(version) >= times,
        f"version {version} to run",
    )
    text = f"garden, version {version}"
    await server.message(lambda message: message.payload == text, text)
