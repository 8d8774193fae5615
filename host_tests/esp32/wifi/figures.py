# SPDX-License-Identifier: MIT
"""The table of docs/bench.md, "Wi-Fi": each scene with each kind of driver, and what came of it."""

import asyncio

import machine
from scene import DRIVERS, PASSWORD, SSID, Scene

import idf

HOUR = 3600
# What a line of the link says, by words in it
STATES = (
    ("joined", "joined"),
    ("no access point", "absent"),
    ("vanished", "vanished"),
    ("refuses the password", "password"),
    ("is lost", "lost"),
    ("gives no address", "no address"),
    ("does not answer", "no answer"),
    ("driver refuses", "refused"),
    ("nothing came", "silent"),
)
HEAD = "| scene | tries | joined after | states |\n| --- | --- | --- | --- |"


async def there(scene):
    idf.ap_up(SSID, PASSWORD)


def late(seconds):
    async def act(scene):
        await asyncio.sleep(seconds)
        idf.ap_up(SSID, PASSWORD)

    return act


def password(reason):
    async def act(scene):
        idf.set(wrong_password=reason)
        idf.ap_up(SSID, "another one")
        await asyncio.sleep(60)
        idf.ap_up(SSID, PASSWORD)

    return act


def vanishes(seconds):
    async def act(scene):
        await begin(scene)
        idf.ap_down(SSID)
        await asyncio.sleep(seconds)
        idf.ap_up(SSID, PASSWORD)

    return act


def thrown_out(reason):
    async def act(scene):
        await begin(scene)
        idf.disconnect(reason)
        await noticed(scene)

    return act


async def no_dhcp(scene):
    idf.set(dhcp=0)
    idf.ap_up(SSID, PASSWORD)
    await asyncio.sleep(100)
    idf.set(dhcp=1)


async def new_address(scene):
    await begin(scene)
    idf.lease("192.0.2.9")
    await noticed(scene)


async def no_lease(scene):
    await begin(scene)
    idf.set(dhcp=0)
    idf.lease(None)
    await asyncio.sleep(100)
    idf.set(dhcp=1)


def channel(csa):
    async def act(scene):
        await begin(scene)
        idf.set(csa=csa)
        idf.ap_up(SSID, PASSWORD, 11)
        if not csa:
            await noticed(scene)

    return act


async def sleep(scene):
    await begin(scene)
    scene.link.pause()
    machine.lightsleep(60000)
    scene.link.resume()
    await asyncio.sleep_ms(100)


async def sleep_with_radio(scene):
    await begin(scene)
    idf.set(sleep_told=-1)
    machine.lightsleep(60000)
    await noticed(scene)


def driver(**knobs):
    async def act(scene):
        idf.set(**knobs)
        idf.ap_up(SSID, PASSWORD)
        await asyncio.sleep(100)
        for name in knobs:
            idf.set(**{name: 0})

    return act


async def switched_off(scene):
    await begin(scene)
    scene.station.active(False)
    await noticed(scene)


async def silent(scene):
    await begin(scene)
    scene.link._asked = 0  # the peer owes an answer, and goes on owing it
    await noticed(scene)


SCENES = (
    ("access point there from the start", (there,)),
    ("late by 1 s", (late(1),)),
    ("late by 5 s", (late(5),)),
    ("late by a minute", (late(60),)),
    ("late by an hour", (late(HOUR),)),
    (
        "wrong password, told by 15, 202, 204 or 205, right after a minute",
        [password(r) for r in (15, 202, 204, 205)],
    ),
    ("vanishes for 10 s", (vanishes(10),)),
    ("vanishes for an hour", (vanishes(HOUR),)),
    (
        "thrown out by reason 2, 8, 15, 200 to 212",
        [thrown_out(r) for r in (2, 8, 15) + tuple(range(200, 213))],
    ),
    ("no DHCP for 100 s", (no_dhcp,)),
    ("another address while it is up", (new_address,)),
    ("lease ends, no DHCP for 100 s", (no_lease,)),
    ("another channel, announced", (channel(1),)),
    ("another channel, not announced", (channel(0),)),
    ("light sleep of a minute", (sleep,)),
    ("light sleep with the radio on, the loss never told", (sleep_with_radio,)),
    ("an application switches the radio off", (switched_off,)),
    ("driver refuses for 100 s", (driver(refusals=1000),)),
    ("driver comes to no end for 100 s", (driver(hang=1),)),
    ("nothing from the peer for 15 min", (silent,)),
)


async def begin(scene):
    idf.ap_up(SSID, PASSWORD)
    await scene.joined()


async def noticed(scene):
    """Until the link has taken note: it says something."""
    said = len(scene.said)
    while len(scene.said) == said:
        await asyncio.sleep_ms(100)


def play(act, knobs):
    """(tries, ms to joining from when all was good, states)"""
    scene = Scene(**knobs)
    took = 0

    async def whole(scene):
        nonlocal took
        await act(scene)
        took = await scene.joined()
        scene.tries = scene.joins()

    scene.play(whole)
    return scene.tries, took, [next(state for word, state in STATES if word in line) for line in scene.lines]


def rows():
    """Yield the lines of the table."""
    for name, acts in SCENES:
        usual = play(acts[0], DRIVERS[0])
        all_of_it = [play(act, knobs) for act in acts for knobs in DRIVERS]
        tries = [one[0] for one in all_of_it]
        took = [one[1] for one in all_of_it]
        yield "| %s | %s | %s s | %s |" % (
            name,
            between(usual[0], max(tries)),
            between("%.1f" % (usual[1] / 1000), "%.1f" % (max(took) / 1000)),
            ", ".join(usual[2]),
        )


def between(usual, worst):
    return "%s" % usual if usual == worst else "%s; %s" % (usual, worst)


def show():
    """Print the table."""
    print(HEAD)
    for row in rows():
        print(row)
