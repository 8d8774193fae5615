# SPDX-License-Identifier: MIT
"""Writes host_tests/device/helpers/released_storage.py: what the released firmware (commit 598cfdc) left on flash.

    mkdir /tmp/released && git archive 598cfdc firmware host_tests/device | tar x -C /tmp/released
    python host_tests/released/make.py /tmp/released > host_tests/device/helpers/released_storage.py

Runs on CPython with that firmware and its own scenes; nothing of today's firmware is imported.
"""

import sys
from pathlib import Path

released = Path(sys.argv[1])
sys.path[:0] = [str(released / "firmware"), str(released / "host_tests/device")]

from msgin5g.row import Row  # noqa: E402

import application_scene  # noqa: E402
import coap  # noqa: E402
from msgin5g import Client, Config, MemoryStorage  # noqa: E402
from msgin5g_scene import Scene, agree, imdn, msg, segment  # noqa: E402

REPORT = '"isDelivStatReq":true,'
SECRET = "73697874656e206f6374657473212121"


def client():
    """Role client: messages on their way out and in, at each stage that a record of the journal is about."""
    said = {"MSG": coap.CHANGED, "IMDN": coap.CHANGED}
    left = [None]  # segments that are answered before the peer falls silent

    def answer(asked):
        if asked.kind == "TOPIC":
            return coap.CONTENT, b'{"subStatus":true}', [(coap.OBSERVE, b"\x01"), (coap.MAX_AGE, b"\x0e\x10")]
        if asked.kind == "MSG" and left[0] is not None:
            left[0] -= 1
            return coap.CHANGED if left[0] >= 0 else None
        return said.get(asked.kind, agree(asked))

    scene = Scene(answer, clock=lambda: 1767225600, coap={"max_datagram": 640})
    scene.client.journal.ROW = 1500  # several rows: checkpoints, and records that were written again
    scene.start()
    for topic in ("alerts", "weather"):
        scene.client.subscribe(topic, scene.tick)
        scene._pump()
    delivered = scene.send("ue:b@x", "delivered", report=True)
    waiting = scene.send("ue:b@x", "waits for a report", report=True, app_id="thermo")
    scene.post(imdn(delivered.message_id))
    for number in range(6):
        scene.post(msg("seen-%d" % number, '"value %d"' % number))
        scene.take()
    scene.post(msg("reported", more=REPORT))
    scene.take()
    scene.post(msg("report-owed", '"taken, and its report is owed"', more=REPORT))
    scene.post(msg("in-inbox", '"nobody took it"', more=REPORT + '"appId":"thermo",'))
    scene.post(segment(2, 2, '"w%s"' % ("o" * 200), "large", "large-in-inbox"))
    scene.post(segment(1, 2, '"hello "', "large", "large-in-inbox"))
    scene.post(segment(1, 3, '"one "', "open", "open-set"))
    scene.post(segment(3, 3, '"three"', "open", "open-set"))
    said["MSG"] = (coap.BAD_REQUEST, b"no")
    scene.send("ue:b@x", "refused")
    left[0] = 17  # then one is on the air that nobody answers, and all else waits
    segmented = scene.send("ue:c@x", "s" * 5300)  # 16 of its segments are written down as acknowledged
    queued = [
        scene.send("ue:d@x", "short", priority="HIGH", app_id="thermo", expires=86400, store_forward=True),
        scene.send("as:e@x", b"\x00\xff\x10 octets", to_type="AS", report=True),
        scene.send("group:f@x", b"\x80" * 2560, to_type="GROUP"),
    ]
    assert scene.take().message_id == "report-owed"
    scene.client.unsubscribe("weather", scene.tick)  # nobody hears it
    scene.client.settle()
    names = {"delivered": delivered, "waiting": waiting, "segmented": segmented}
    names.update(zip(("short", "octets", "large"), queued, strict=True))
    return scene.storage, {name: outgoing.message_id for name, outgoing in names.items()}


def oscore():
    """Role client with OSCORE and a silent peer: numbers that were given."""
    config = {
        "role": "client",
        "ue_service_id": "ue:a@x",
        "peer": "coap://192.0.2.1:65401",
        "security": {"mode": "oscore", "master_secret": SECRET, "sender_id": "01", "recipient_id": ""},
    }
    storage = MemoryStorage()
    device = Client(Config(config), storage, random=lambda size: bytes(size))
    device.start(0)
    outgoing = device.send("ue:b@x", "under a key", 0)
    assert device.outgoing() is not None
    return storage, {"queued": outgoing.message_id}


def application(scheme):
    """Role application client: over L3 its large messages lie in rows."""
    scene = application_scene.Scene(scheme, serial={"max_frame": 4096})
    if scheme == "coap":
        # an application client over CoAP that never registered: what it sends waits
        scene.client.start(0)
        sent = {"queued": scene.send("b.example.org", "waits", report=True)}
        scene.client.settle()
        return scene.storage, {name: each.message_id for name, each in sent.items()}
    scene.start()
    sent = {"delivered": scene.send("b.example.org", "delivered", report=True)}
    scene.sent()
    scene.receive("02 01")
    sent["waiting"] = sent.pop("delivered")
    scene.receive("03" + "%032x" % 0xA1 + "0005 7461 6b656e 0f0475653a61 b1")  # "taken", with a report
    message = scene.client.take(scene.now)
    assert message.report_requested
    scene.receive("03" + "%032x" % 0xA2 + "0003 616263 0f0475653a61 b1")
    row = Row(scene.storage, "in-1")
    row.append(bytes.fromhex("03" + "%032x" % 0xA3 + "012c") + b"*" * 300)
    scene.receive(row)
    scene.sent()
    sent["short"] = scene.send("b.example.org", "short", report=True)
    sent["large"] = scene.send("c.example.org", b"\x80" * 3000, app_id=258)
    scene.client.settle()
    return scene.storage, {name: each.message_id for name, each in sent.items()}


def literal(octet):
    return chr(octet) if 32 <= octet < 127 and octet not in b'"\\' else "\\x%02x" % octet


def write(name, made):
    storage, ids = made
    print(f"\n{name} = {{")
    for row in sorted(storage.names()):
        octets = storage.read(row, 0, 1 << 20)
        if len(set(octets)) == 1:
            print(f'    "{row}": b"{literal(octets[0])}" * {len(octets)},')
            continue
        print(f'    "{row}": (')
        for start in range(0, len(octets), 40):
            print(f'        b"{"".join(map(literal, octets[start : start + 40]))}"')
        print("    ),")
    print("}")
    print(f"{name}_IDS = {{")
    for key, value in ids.items():
        print(f'    "{key}": "{value}",')
    print("}")


print("# SPDX-License-Identifier: MIT")
print('"""What the released firmware (commit 598cfdc) left on flash. Made by host_tests/released/make.py.')
print()
print("Rows by name, and the message IDs that it chose, of a device in each role.")
print('"""')
print("\n# fmt: off")
write("CLIENT", client())
write("OSCORE", oscore())
write("L3", application("l3+uart"))
write("JSON", application("coap"))
