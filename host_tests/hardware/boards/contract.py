# SPDX-License-Identifier: MIT
# What docs/board.md promises of each Board, looked at on the board itself. Prints "kept" with what a board may have of
# its own, as JSON; ends with a traceback where a promise is broken.
import json
import select
import time

from board import Board
from device.links import Unsupported
from msgin5g import Config

PEERS = ("coap://192.0.2.1", "coap+uart://1", "l3+uart://1", "l3+espnow://a0b1c2d3e4f5", "discover:")
MISSING = ("coap://192.0.2.1", "l3+espnow://a0b1c2d3e4f5", "coap+uart://9")  # each board lacks one of these
LINK = ("open", "peer", "receive", "send", "close", "dropped")
CAUSES = ("power-on", "hard", "watchdog", "deep-sleep", "soft", "unknown")


def config(peer):
    more = {"role": "client", "ue_service_id": "ue:a@x", "security": {"mode": "none"}}
    return Config(dict(more, peer=peer, wifi={"ssid": "home", "password": "correct horse"}))


def supported(function, *arguments):
    """Whether the board has it. What it lacks is said in a sentence."""
    try:
        return True, function(*arguments)
    except Unsupported as error:
        text = str(error)
        assert len(text) > 20 and " " in text and not text.endswith("\n"), text
        return False, text


def check_line(link):
    """The stream that a serial link reads and writes (docs/board.md, "A serial line"), with nobody at its other end."""
    try:
        line = link._open_line()
    except OSError:
        return  # a file of this name, which is not there
    halves = line if isinstance(line, tuple) else (line, line)  # what is read from, what is written to
    look = select.poll()
    look.register(halves[0], select.POLLIN)
    assert not look.poll(0), "nothing to read"
    look = select.poll()
    look.register(halves[1], select.POLLOUT)
    assert look.poll(0)[0][1] == select.POLLOUT, "to be written to"
    assert halves[0].read(64) is None, "nothing has come, so read() gives None"
    assert halves[1].write(b"\xc0") in (1, None)
    for half in (line,) if line is halves[0] else halves:
        half.close() if hasattr(half, "close") else half.deinit()
    assert link._open_line() is not None, "it opens again"


def check(board):
    found = {"name": board.name, "id": len(board.unique_id()), "peers": []}
    assert isinstance(board.unique_id(), bytes) and 6 <= found["id"] <= 8
    assert board.unique_id() == Board().unique_id()

    storage = board.storage
    for name in storage.names():
        storage.remove(name)
    storage.append("file", b"one ")
    storage.append("file", b"two")
    assert storage.read("file", 4, 99) == b"two" and storage.read("file", 99, 1) == b""
    storage.replace("file", b"three")
    assert storage.read("file", 0, 99) == b"three" and storage.names() == ["file"]
    assert Board().storage.read("file", 0, 99) == b"three"
    storage.remove("file")
    assert storage.names() == [] and storage.read("file", 0, 1) == b""

    for peer in PEERS:
        there, link = supported(board.links, config(peer))
        if there:
            found["peers"].append(peer.partition(":")[0])
            for member in LINK:
                assert hasattr(link, member), (peer, member)
            assert link.dropped == 0
            assert peer != "discover:" or link.use
            if "uart" in peer:
                check_line(link)
        else:
            assert link.startswith("peer: "), link

    assert board.sleep(0) is None
    kept = bytes(range(99))
    before = time.ticks_ms()
    assert board.sleep(60) is None
    assert time.ticks_diff(time.ticks_ms(), before) >= 60 and kept == bytes(range(99))

    # Health has number 0, the console number 1, both at once.
    timers = [supported(board.every, number, 1000, print) for number in (0, 1)]
    found["timer"] = timers[0][0] and timers[1][0]
    for there, timer in timers:
        if there:
            timer.deinit()

    found["led"] = supported(board.led, True)[0]
    assert supported(board.led, False)[0] == found["led"]

    found["cause"] = board.reset_cause()
    assert found["cause"] in CAUSES and board.reset_cause() == found["cause"]
    return found


print("kept", json.dumps(check(Board())))
