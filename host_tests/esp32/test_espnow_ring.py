# SPDX-License-Identifier: MIT
"""What the ESP-NOW link makes of the ring that the port's C puts frames into (modespnow.c), in virtual time."""

import asyncio
import gc

import espnow

import idf
from common import equal
from test_espnow import GATEWAY, LMK, PMK, opened, peers

STRANGER = b"\x02\0\0\0\0\1"
# Lengths that a sender with ESP-NOW version 2 may choose (esp_now.h, ESP_NOW_MAX_DATA_LEN_V2), and what 8 bits make of
# them: a part that looks whole, a part of nothing.
LONG = (251, 256, 300, 512, 700, 1024)


async def heard(made):
    """What comes in until a second has passed without anything, None for what there was no memory for."""
    messages = []
    while True:
        try:
            message, mac = await asyncio.wait_for_ms(made.receive(), 1000)
        except asyncio.TimeoutError:
            return messages
        except MemoryError:
            messages.append(None)
            continue
        equal(mac, GATEWAY)
        messages.append(message)


def came(*frames, lmk=None):
    for mac, octets in frames:
        idf.now_frame(mac, octets, lmk=lmk)


def test_from_the_peer_alone():
    async def act(made, radio, station):
        came((STRANGER, b"stranger"), (GATEWAY, b"\x02\x01"), (STRANGER, b"stranger"))
        equal(await heard(made), [b"\x02\x01"])
        equal(made.dropped, 0)

    opened(act)


def test_four_whole_frames_while_the_event_loop_is_busy():
    """The port's own ring of 526 octets holds one."""

    async def act(made, radio, station):
        frames = [bytes([number]) * 250 for number in range(6)]
        came(*[(GATEWAY, frame) for frame in frames])
        equal(made.dropped, 2)  # counted at once
        equal(await heard(made), frames[:4])
        came(*[(GATEWAY, frame) for frame in frames[:4]])
        equal((await heard(made), made.dropped), (frames[:4], 2))

    opened(act)


def test_what_the_ring_costs():
    """Octets of heap, beyond those of the port's own size."""
    idf.power_cycle()
    radio = espnow.ESPNow()
    radio.active(True)
    gc.collect()
    before = gc.mem_free()
    size = radio.config("rxbuf")
    radio.active(False)

    async def act(made, radio, station):
        gc.collect()
        cost = made.cost = radio.config("rxbuf") - size
        equal((size, cost < 600), (526, True))
        assert before - gc.mem_free() < 4096

    opened(act)


def test_every_frame_that_is_lost_is_counted_once():
    """Those that found the ring full, and those in a ring that was begun anew, over all that begins it anew."""

    async def act(made, radio, station):
        lost = 0
        for off in (
            lambda: radio.active(False),
            lambda: station.active(False),
            lambda: (made.pause(), made.resume()),
            lambda: (radio.active(False), radio.active(True)),  # without its peer
        ):
            came(*[(GATEWAY, bytes(250))] * 6)
            lost += 2
            equal(made.dropped, lost)
            off()
            await asyncio.sleep(5)  # the link has it as it was
            lost += 4
            equal(made.dropped, lost)
            came((GATEWAY, b"good"))
            equal((await heard(made), made.dropped), ([b"good"], lost))
        came((GATEWAY, b"too late"))
        made.close()
        equal(made.dropped, lost + 1)

    opened(act)


def test_counters_that_begin_anew():
    """Those of 1.25 go on when ESP-NOW is begun anew; a version whose counters do not is counted like it."""

    async def act(made, radio, station):
        stats, active = radio.stats, radio.active
        began = stats()

        def activate(on):
            nonlocal began
            if on:
                began = stats()
            return active(on)

        made._radio.active = activate
        made._radio.stats = lambda: [now - then for now, then in zip(stats(), began)]
        for times in range(1, 4):
            made.pause()
            made.resume()
            came(*[(GATEWAY, bytes(250))] * 6)
            equal(len(await heard(made)), 4)
            equal(made.dropped, 2 * times)

    opened(act)


def test_frames_that_are_too_long():
    """The C keeps 8 bits of their length, and loses its place: ValueError, or any() for good with nothing to take."""
    for length in LONG:

        async def act(made, radio, station, length=length):
            came((GATEWAY, b"before"), (GATEWAY, bytes(length)), lmk=LMK)
            equal(await heard(made), [b"before"])
            came((GATEWAY, b"after"), lmk=LMK)
            equal(await heard(made), [b"after"])
            equal(peers(radio), {GATEWAY: (LMK, 0, 0, True)})
            equal((made.dropped, made.stats), (1, {"reopened": 1}))

        opened(act, pmk=PMK, lmk=LMK)


def test_a_frame_within_a_frame():
    """A stranger's long frame has one of the gateway within it, where the C goes on reading: it is not believed."""
    inner = b"\x99\x06" + bytes(5) + GATEWAY + b"forged"  # espnow_hdr_t, peer, octets
    for length in (256, 300, 350, 512, 700):

        async def act(made, radio, station, length=length):
            octets = bytes(length % 256) + inner
            came((STRANGER, octets + bytes(length - len(octets))))
            equal((await heard(made), made.dropped), ([], 1))

        opened(act, pmk=PMK, lmk=LMK)


def test_the_key_of_the_peer():
    """As the page "ESP-NOW" of ESP-IDF has it: what is encrypted by another key is not from the peer, nor what is not
    encrypted. `plain`: the closed driver might let that pass, which the link can't see."""
    for plain in (0, 1):

        async def act(made, radio, station, plain=plain):
            idf.set(plain=plain)
            came((GATEWAY, b"key"), lmk=LMK)
            came((GATEWAY, b"other key"), lmk=PMK)
            came((GATEWAY, b"no key"))
            equal(await heard(made), [b"key", b"no key"][: 1 + plain])

        opened(act, pmk=PMK, lmk=LMK)


def test_a_flood_of_frames_that_are_too_long():
    """Each has the ring begun anew, what else is in it is lost and counted; none ends the reader."""

    async def act(made, radio, station):
        got = []
        for number in range(200):
            came((GATEWAY, b"%d" % number), (STRANGER, bytes([number % 7]) * (251 + 7 * number % 700)))
            got += await heard(made)
        equal(got, [b"%d" % number for number in range(200)])
        equal((made.dropped, made.stats["reopened"]), (200, 200))
        for number in range(20):
            came((STRANGER, bytes(300)), (GATEWAY, b"%d" % number))
        await heard(made)
        came((GATEWAY, b"end"))
        equal(await heard(made), [b"end"])

    opened(act)


def test_a_ring_that_is_never_read_empty():
    """What is left is less than a header: ioctl() calls it readable, and recv() gives None for good."""

    async def act(made, radio, station):
        # 300 octets: the C takes 44, and 256 stay. Whoever reads on by himself may leave a few.
        came((GATEWAY, bytes(300)))
        while radio.any():
            try:
                if radio.recv(0)[0] is None:
                    break
            except ValueError:
                pass
        equal((radio.any(), radio.recv(0)), (True, (None, None)))
        message = asyncio.create_task(made.receive())
        await asyncio.sleep(1)
        came((GATEWAY, b"good"))
        equal((await message)[0], b"good")

    opened(act)


def test_a_radio_that_is_switched_off_while_it_is_read():
    """Nothing wakes the reader: ioctl() says "not readable" then."""
    for off in (lambda radio, station: radio.active(False), lambda radio, station: station.active(False)):

        async def act(made, radio, station, off=off):
            reader = asyncio.create_task(made.receive())
            await asyncio.sleep(1)
            off(radio, station)
            await asyncio.sleep(5)
            came((GATEWAY, b"good"))
            equal((await reader)[0], b"good")
            equal(made.stats, {"reopened": 1})

        opened(act)


def test_no_memory_for_a_frame():
    async def act(made, radio, station):
        def full(timeout):
            del made._radio.recv
            made._radio.recv(timeout)
            raise MemoryError

        came((GATEWAY, b"lost"), (GATEWAY, b"\x02\x01"))
        made._radio.recv = full
        equal(await heard(made), [None, b"\x02\x01"])  # told, since who reads knows how long it has gone on
        equal(made.dropped, 1)

    opened(act)


def test_no_memory_for_the_counters():
    """stats() makes a tuple. The frame that was taken is lost, the next ones are not, and are not taken for a part of
    one that was too long."""

    async def act(made, radio, station):
        taken = []

        def recv(timeout):
            taken.append(timeout)
            return radio.recv(timeout)

        def stats():
            if len(taken) == 1:  # between the frame and the look at what is behind it
                taken.append(None)
                raise MemoryError
            return radio.stats()

        made._radio.recv, made._radio.stats = recv, stats
        came((GATEWAY, b"lost"), (GATEWAY, b"one"), (GATEWAY, b"two"))
        equal(await heard(made), [None, b"one", b"two"])
        equal((made.dropped, made.stats), (1, {"reopened": 0}))

    opened(act)


def test_no_memory_for_a_while():
    """An application may have all of it for 10 s (docs/health.md): the keeper is there when it gives some back."""

    async def act(made, radio, station):
        def none():
            raise MemoryError

        made._radio.stats = none
        await asyncio.sleep(9)
        equal(made.alive, True)
        del made._radio.stats
        radio.active(False)
        await asyncio.sleep(5)
        equal((made.alive, radio.active(), made.send(b"x", GATEWAY)), (True, True, True))

    opened(act)


def test_frames_that_an_application_takes_by_itself():
    """They are not lost, and leave the link as suspicious as it was."""

    async def act(made, radio, station):
        for _ in range(3):
            came((GATEWAY, b"his"), lmk=LMK)
            equal(radio.recv(0)[1], b"his")
        came((GATEWAY, b"ours"), lmk=LMK)
        equal(await heard(made), [b"ours"])
        forged = bytes(44) + b"\x99\x06" + bytes(5) + GATEWAY + b"forged"
        came((STRANGER, forged + bytes(300 - len(forged))))
        equal((await heard(made), made.dropped), ([], 1))

    opened(act, pmk=PMK, lmk=LMK)


def test_no_memory_for_the_ring():
    """Where active() finds none, its C takes itself for open and the driver is not: only a reset helps, and the client
    ends, for the device's health to see to it. The link does not let it come to that."""

    async def act(made, radio, station):
        radio.active(False)
        kept = []
        size = 1 << 20
        while size > 512:  # all but some pieces of 512 octets
            try:
                kept.append(bytearray(size))
            except MemoryError:
                size //= 2
        await asyncio.sleep(5)
        was = radio.active()
        kept = None
        await asyncio.sleep(5)
        equal((was, radio.active(), made.send(b"x", GATEWAY)), (False, True, True))
        # and now by somebody else
        radio.active(False)
        radio.config(rxbuf=1 << 28)
        try:
            radio.active(True)
        except MemoryError:
            pass
        await asyncio.sleep(5)
        equal(made.alive, False)

    opened(act)
