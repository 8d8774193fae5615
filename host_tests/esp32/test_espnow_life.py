# SPDX-License-Identifier: MIT
"""Hours of an ESP-NOW link whose surroundings do what they like: it is never left in a state that it does not leave."""

import asyncio

import idf
import virtual
from common import Random, equal
from device.links.espnow import ESPNowLink
from test_espnow import GATEWAY, LMK, PMK, peers

SEEDS = 25
EVENTS = 60
QUIET = 30  # s after which it must be well, the pause of 5 s and a look each 2 s included
CHANNEL = 6


def frame(made, octets):
    idf.now_frame(GATEWAY, octets, channel=CHANNEL, lmk=LMK)


def long_frame(made, random):
    idf.now_frame(b"\2\0\0\0\0\1", bytes(random.below(1220) + 251), channel=CHANNEL)


# What others do to it, each with the link and a Random
EVENTS_THERE_ARE = (
    lambda made, random: made._radio.active(False),
    lambda made, random: made._radio.active(False) or made._radio.active(True),
    lambda made, random: made._station.active(False),
    lambda made, random: made._station.active(False) or made._station.active(True),
    lambda made, random: GATEWAY in peers(made._radio) and made._radio.del_peer(GATEWAY),
    lambda made, random: made._station.active() and made._station.config(channel=1 + random.below(13)),
    lambda made, random: made._station.active() and made._station.connect("home", "password"),
    lambda made, random: made._station.active() and made._station.disconnect(),
    lambda made, random: idf.ap_up("home", "password", 1 + random.below(13)),
    lambda made, random: idf.ap_down("home"),
    lambda made, random: idf.disconnect(2 + random.below(200)),
    lambda made, random: idf.set(nomem_ms=1 + random.below(20000)),
    lambda made, random: idf.set(tx=1 + random.below(9000)),
    lambda made, random: idf.set(ack=random.below(2)),
    lambda made, random: made.pause() or made.resume(),
    long_frame,
    long_frame,
)


async def act(random):
    made = ESPNowLink(GATEWAY, CHANNEL, PMK, LMK)
    await made.open()
    heard = []

    async def read():
        while True:
            heard.append((await made.receive())[0])

    reader = asyncio.create_task(read())
    for _ in range(EVENTS):
        try:
            EVENTS_THERE_ARE[random.below(len(EVENTS_THERE_ARE))](made, random)
        except (OSError, RuntimeError):
            pass  # the driver was about something else
        for _ in range(random.below(4)):
            frame(made, b"%d" % random.below(1000))
            try:
                made.send(b"out", GATEWAY)
            except OSError:
                pass  # lost, as any
            await asyncio.sleep_ms(random.below(3000))
    # all is well again
    idf.ap_down("home")
    made._station.active() and made._station.disconnect()
    idf.set(nomem_ms=0, tx=2, ack=1)
    await asyncio.sleep(QUIET)
    frame(made, b"in")
    await asyncio.sleep(1)
    idf.now_sent()
    equal((heard[-1:], made.alive, reader.done()), ([b"in"], True, False))
    equal((made.send(b"out", GATEWAY), idf.now_sent()), (True, [(GATEWAY, b"out")]))
    equal(made._station.config("channel"), CHANNEL)
    equal([octets for octets in heard if octets != b"in" and not octets.isdigit()], [])
    reader.cancel()
    made.close()


def test_an_hour_of_whatever_happens():
    for seed in range(SEEDS):
        idf.power_cycle()
        idf.set(peer_channel=CHANNEL)
        try:
            virtual.run(act(Random(seed)))
        except BaseException:
            print("seed", seed, "at", idf.now(), "ms")
            raise
