# SPDX-License-Identifier: MIT
"""The part of the demo with many: three meters register in one request, are sent one message as a group, by a topic and
by broadcast; one of them joins its small messages, another one sleeps."""

import asyncio
import contextlib
import time

from tools.demo.feed import Unseen
from tools.demo.processes import APPS, Device, command, device_keys

METERS = ["ue:meter-%d@example.org" % number for number in (1, 2, 3)]
SLEEPER = METERS[2]
GROUP, TOPIC, AREA = "group:meters@example.org", "tariff", "area:street"
INTERVAL, WINDOW = 6, 1  # s, of the meter that sleeps
BULK = ("--bulk-max", "3", "--bulk-interval", "20")  # of the gateway: a list of three goes at once


async def to_many(story, folder, gateway, server):
    """All of it. `gateway` was started with BULK."""
    meters = {}
    for ue in METERS:
        made = meters[ue] = Device(folder / ue[3:10], app=APPS / "many.py")
        made.configure(
            {
                "role": "client",
                "ue_service_id": ue,
                "peer": "coap://%s:%d" % gateway.coap,
                "gateway_service": True,
                "registration": {"urgent": False},
                "aggregation": {"wait": 1},
                **({"availability": {"interval": INTERVAL, "duration": WINDOW}} if ue == SLEEPER else {}),
                **await device_keys(folder, ue),
            }
        )
    try:
        async with contextlib.AsyncExitStack() as stack:
            seen = len(gateway.events.items)
            await asyncio.gather(*(stack.enter_async_context(each) for each in meters.values()))
            await _act(story, folder, gateway, server, meters, seen)
    except Unseen as error:
        said = [line for each in meters.values() for line in each.lines.items[-10:]]
        raise Unseen("%s. What the meters said: %s" % (error, "; ".join(said))) from None


async def _act(story, folder, gateway, server, meters, seen):
    await gateway.event("bulk-asked", start=seen, count=3)
    for ue in meters:
        await gateway.event("registered", start=seen, ue=ue)
    for each in meters.values():
        await each.tells("registered")
    story.step("gateway -> server", "one request registers meter-1, -2 and -3, which may wait for it")

    await command(folder, "gateway", "group", "add", GROUP, *METERS, server.service_id)
    await server.send(GROUP, "read at noon", report=False, kind="GROUP")
    await _got(meters, METERS, "read at noon", GROUP)
    story.step("weather -> group", '"read at noon": meter-1 and -2 have it, and meter-3, which slept')

    for ue in METERS[:2]:
        await server.send(ue, "subscribe", report=False)
        await meters[ue].tells("subscribed")
    await server.send(TOPIC, "night", report=False, kind="TOPIC")
    await _got(meters, METERS[:2], "night", TOPIC)
    story.step("weather -> topic", '"night" to "%s": the two that are subscribed have it' % TOPIC)

    await command(folder, "gateway", "area", "add", AREA, *METERS[:2])
    await server.send(AREA, "stay inside", report=False, kind="BC")
    await _got(meters, METERS[:2], "stay inside", AREA)
    story.step("weather -> area", '"stay inside": the two that live there have it')

    await _aggregate(story, server, meters[METERS[0]])
    await _sleep(story, gateway, server, meters[SLEEPER])
    for ue, each in meters.items():
        await server.send(ue, "end", report=False)
        if await each.wait() != 0:
            raise Unseen(f"expected exit code 0 of {ue}, not {each.returncode}")
    story.step("meters -> gateway", "de-register, and end")


async def _got(meters, ues, payload, to):
    for ue in ues:
        await meters[ue].told.until(
            lambda told: (told["step"], told.get("payload"), told.get("to")) == ("got", payload, to),
            f'{ue} to have "{payload}" for {to}',
        )


async def _aggregate(story, server, meter):
    await server.send(METERS[0], "read", report=False)
    told = await meter.tells("read")
    await server.message(lambda message: message.payload == "reading 7", "the last of eight readings")
    came = [
        message.payload for message in server.messages.items if str(message.payload).startswith("reading ")
    ]
    wanted = ["reading %d" % number for number in range(8)]
    if came != wanted or set(told["states"]) != {"accepted"}:
        raise Unseen(f"expected {wanted}, the Application Server has {came}, the meter {told['states']}")
    requests = "one request" if told["datagrams"] == 1 else "%(datagrams)d requests" % told
    story.step("meter-1 -> weather", "eight readings, each a message of its own, in " + requests)


async def _sleep(story, gateway, server, meter):
    await asyncio.sleep(WINDOW + 0.5)  # every request of it opens a window of that length
    begun, seen = time.monotonic(), len(gateway.events.items)
    await server.send(SLEEPER, "good morning", report=False)
    await gateway.event("delivered", start=seen, to=SLEEPER)
    await _got({SLEEPER: meter}, [SLEEPER], "good morning", SLEEPER)
    story.step(
        "weather -> meter-3",
        "it listens for %d s in %d: has its message after %.1f s"
        % (WINDOW, INTERVAL, time.monotonic() - begun),
    )
