# SPDX-License-Identifier: MIT
"""Tries what docs/flash-format.md says of a downgrade: storages that today's firmware wrote, read by the released one.

    mkdir /tmp/released && git archive 598cfdc firmware host_tests/device | tar x -C /tmp/released
    python host_tests/released/downgrade.py /tmp/released

Prints what the released firmware made of each, and fails where that is not what the page says. Each side runs in a
process of its own, on CPython, with scenes of its own.
"""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]


def silent(asked):
    """Registered, and no answer to anything else."""
    from msgin5g_scene import agree

    return agree(asked) if asked.kind == "REG" else None


def written():
    """{what it is about: {file: octets in hexadecimal}} of today's firmware."""
    from msgin5g import MemoryStorage
    from msgin5g_scene import Scene, agree, imdn, msg, segment

    def octets(scene):
        storage = scene.storage
        return {name: storage.read(name, 0, 1 << 20).hex() for name in storage.names()}

    def begun(answer=silent):
        return Scene(answer, MemoryStorage()).start()

    def filled(scene):
        """The scene, after the segments of its journal were written anew some times."""
        scene.client.journal.SEGMENT = 512
        for _ in range(60):
            scene.send("ue:z@x", payload="x" * 200)
        return scene

    made = {}
    scene = begun()
    scene.send(payload="short")
    scene.send(payload="x" * 3000)
    for number in (1, 2, 3):
        scene.post(msg("m-%d" % number))
    scene.take()
    scene.client.flush()
    scene.post(segment(1, 3, set_id="s-2", message_id="m-4"))
    made["in progress"] = octets(scene)

    scene = Scene(silent, MemoryStorage(), aggregation={"wait": 1}).start()
    for number in (1, 22, 333):
        scene.send(payload=str(number))
    scene.run(2000)
    assert "msgList" in scene.of("MSG")[0].body
    made["joined"] = octets(scene)

    scene = begun(agree)
    scene.post(msg("m-1"))
    scene.take()
    made["seen"] = octets(filled(scene))

    scene = begun(agree)
    outgoing = scene.send("group:all@x", to_type="GROUP", report=True)
    scene.post(imdn(outgoing.message_id, "failure", sender="ue:c@x", cause="no"))
    made["failed for some"] = octets(filled(scene))

    scene = begun()
    for number in (1, 2):
        scene.post(segment(number, 2, message_id="m-%d" % number))
    made["segments with IDs of their own"] = octets(scene)

    scene = begun()
    scene.client.subscribe("news", scene.tick)
    made["topics"] = octets(scene)
    return made


def read(made):
    """{what it is about: what the released firmware makes of it}"""
    from msgin5g import MemoryStorage
    from msgin5g_scene import Scene, msg

    found = {}
    for about, rows in made.items():
        storage = MemoryStorage()
        for name, octets in rows.items():
            storage.append(name, bytes.fromhex(octets))
        try:
            scene = Scene(silent, storage, seed=5).start()
        except ValueError:
            found[about] = "no start"
            continue
        client = scene.client
        scene.post(msg("m-1"))
        found[about] = [
            [outgoing.size for outgoing in client.outbox.queue],
            [message.message_id for message in client.inbox],
            scene.kinds().count("TOPIC"),
        ]
    return found | small_files()


def small_files():
    """The same of `oscore-X` and `boot`."""
    import asyncio

    from coap.oscore import StateError
    from coap.oscore.state import Sequence
    from msgin5g import MemoryStorage

    asyncio.core = None  # of MicroPython
    from device import health

    class Board:
        storage = MemoryStorage()

        def reset_cause(self):
            return "power-on"

    found = {}
    Board.storage.append("boot", b"7 2 1 1\nwords")
    starts = health.Starts(Board())
    found["boot"] = [starts.boots, starts.bad, starts.words]
    row = (100).to_bytes(5, "big") + (7).to_bytes(5, "big")
    Board.storage.append("oscore-01", row + sha256(row).digest()[:3])
    try:
        Sequence(Board.storage, "oscore-01")
        found["oscore-X"] = "taken"
    except StateError:
        found["oscore-X"] = "refused"
    return found


# Octets of what waits to be sent, what is in the inbox once m-1 came again, topics that are asked for.
SAID = {
    "in progress": [[5, 3000], ["m-1", "m-2", "m-3"], 0],
    "joined": [[1, 2, 3], ["m-1"], 0],
    "seen": [[], ["m-1"], 0],
    "failed for some": "no start",
    "segments with IDs of their own": "no start",
    "topics": [[], ["m-1"], 0],
    "boot": [0, 0, ""],
    "oscore-X": "refused",
}


def main(released):
    sides = (
        ("write", HERE / "firmware", HERE / "host_tests/device/helpers"),
        ("read", Path(released) / "firmware", Path(released) / "host_tests/device"),
    )
    text = ""
    for side, *path in sides:
        command = [sys.executable, __file__, side, *map(str, path)]
        text = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = json.loads(text)
    for about, what in found.items():
        print(f"{about}: {what}")
    if found != SAID:
        sys.exit(f"docs/flash-format.md says: {SAID}")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        sys.path[:0] = sys.argv[2:]
        print(json.dumps(written() if sys.argv[1] == "write" else read(json.load(sys.stdin))))
    else:
        main(*sys.argv[1:])
