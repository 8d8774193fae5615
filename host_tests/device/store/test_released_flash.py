# SPDX-License-Identifier: MIT
# heap: 512k, the flash of the board lies in it too
"""Storages of the released firmware, made by host_tests/released/make.py: everything in them goes on."""

import application_scene
import coap
import released_storage
from common import Random, equal
from msgin5g import Client, MemoryStorage
from msgin5g_scene import Scene, agree, configuration, imdn, msg, segment

REPORT = '"isDelivStatReq":true,'


def storage_of(rows):
    storage = MemoryStorage()
    for name, octets in rows.items():
        storage.append(name, octets)
    return storage


def client(**more):
    return Scene(storage=storage_of(released_storage.CLIENT), coap={"max_datagram": 640}, **more)


def test_its_outbox_goes_out():
    """In its order and with all that was said of each; of the segments only those that were not acknowledged."""
    ids = released_storage.CLIENT_IDS
    scene = client()
    outbox = scene.client.outbox
    equal(
        [each.message_id for each in outbox.queue],
        [ids[name] for name in ("segmented", "short", "octets", "large")],
    )
    equal([each.message_id for each in outbox.waiting], [ids["waiting"]])
    equal(scene.client.journal.unknown, 0)
    sent = []
    scene.answer = lambda asked: sent.append(asked.body) or agree(asked)
    scene.start()
    scene.run(200000)
    whole = {}
    for body in sent:
        if body.get("msgType") == "MSG":
            whole.setdefault(body["msgId"], []).append(body)
    segments = whole[ids["segmented"]]
    equal([body["segParams"]["segNumb"] for body in segments], list(range(4, 20)))
    equal({body["segParams"]["segId"] for body in segments}, {"5441afbb7a7765f9"})
    equal({body["segParams"]["totalSegCount"] for body in segments}, {19})
    (short,) = whole[ids["short"]]
    equal((short["payload"], short["appId"], short["priority"]), ("short", "thermo", "HIGH"))
    equal(short["sfParam"], {"expireTime": "2026-01-02T00:00:00Z"})
    (octets,) = whole[ids["octets"]]
    assert octets["isDelivStatReq"] and octets["destAddr"] == {"destAddrType": "AS", "addr": "as:e@x"}, octets
    equal(len(whole[ids["large"]]) > 8, True)
    # the reports that were waited for are still taken
    scene.post(imdn(ids["waiting"]))
    equal(scene.ended[ids["waiting"]], "delivered")
    equal(scene.client.outbox.history()[0], (ids["delivered"], "ue:b@x", "UE", "delivered", None))
    equal(scene.client.outbox.history()[1][3:], ("failed", "4.00 no"))


def test_its_inbox_is_there():
    reports = []

    def answer(asked):
        if asked.kind == "IMDN":
            reports.extend([each["msgId"] for each in asked.body.get("msgList", (asked.body,))])
        return agree(asked)

    scene = client(answer=answer).start()
    equal([message.message_id for message in scene.client.inbox], ["in-inbox", "large-in-inbox"])
    first = scene.take()
    equal((first.payload, first.app_id, first.report_requested), ("nobody took it", "thermo", True))
    equal(scene.take().payload, "hello w" + "o" * 200)
    equal(scene.take(), None)
    scene.run(1000)
    # one was owed before, and that of the first is since it was taken
    equal(sorted(reports), ["in-inbox", "report-owed"])


def test_its_set_of_segments_goes_on():
    scene = client().start()
    scene.post(segment(2, 3, '"two "', "open", "open-set"))
    scene.take()
    scene.take()
    equal(scene.take().payload, "one two three")


def test_what_it_has_seen_is_not_taken_twice():
    """Its memory has no senders; 64 newer messages later it may be forgotten, not before."""
    names = ["seen-%d" % number for number in range(6)] + ["reported", "report-owed", "in-inbox"]
    scene = client().start()
    while scene.take():
        pass
    storage = scene.storage
    for start in range(3):
        for name in names:
            equal(scene.post(msg(name, more=REPORT)).code, coap.CHANGED)
        equal((scene.take(), scene.client.stats["repeated"]), (None, len(names)))
        scene.post(msg("new-%d" % start))
        equal(scene.take().message_id, "new-%d" % start)
        # over restarts, and over the files that this firmware writes
        scene = Scene(storage=storage, seed=start + 2, coap={"max_datagram": 640})
        scene.client.journal.SEGMENT = 600
        scene.start()
        for number in range(4):
            scene.post(msg("more-%d-%d" % (start, number)))
            assert scene.take() is not None


def test_its_topics_are_subscribed_again():
    asked = []

    def answer(each):
        if each.kind != "TOPIC":
            return agree(each)
        asked.append((each.message.uint(coap.OBSERVE), str(each.message.options[2][1], "utf-8")))
        return coap.CONTENT, b'{"subStatus":true}', [(coap.OBSERVE, b"\x01"), (coap.MAX_AGE, b"\x0e\x10")]

    client(answer=answer).start()
    equal(sorted(asked), [(0, "alerts"), (1, "weather")])


def test_its_numbers_of_oscore_are_not_used_again():
    """64 were reserved: the first one now is 64 (0x40)."""
    storage = storage_of(released_storage.OSCORE)
    keys = {
        "mode": "oscore",
        "master_secret": "73697874656e206f6374657473212121",
        "sender_id": "01",
        "recipient_id": "",
    }
    device = Client(configuration(security=keys), storage, Random(1).bytes)
    equal([each.message_id for each in device.outbox.queue], [released_storage.OSCORE_IDS["queued"]])
    device.start(0)
    octets, _ = device.outgoing()
    (option,) = [value for number, value in coap.decode(bytes(octets)).options if number == 9]
    equal(option[:2], b"\x09\x40")  # kid is there, a Partial IV of one octet: 0x40


def test_its_application_client_goes_on_over_l3():
    scene = application_scene.Scene(
        storage=storage_of(released_storage.L3), serial={"max_frame": 4096}, report_timeout=3600
    )
    ids = released_storage.L3_IDS
    equal([each.message_id for each in scene.client.outbox.queue], [ids["short"], ids["large"]])
    equal([each.message_id for each in scene.client.outbox.waiting], [ids["waiting"]])
    scene.client.start(0)
    scene.sent()
    scene.receive(b"\x08" + application_scene.REGISTRATION_ID)
    frames = []
    for _ in range(10):
        waiting = scene.sent()
        while waiting:
            frames += waiting
            for frame in waiting:
                if frame[0] == 1:
                    scene.receive("02 01")
            waiting = scene.sent()
        scene.pass_time(3000)
    sent = [frame for frame in frames if frame[0] == 1]
    equal([b"short" in sent[0], b"\x80" * 3000 in sent[1], len(sent)], [True, True, 2])
    # A1 was taken with a report owed
    assert any(frame[0] == 5 and bytes.fromhex("%032x" % 0xA1) in frame for frame in frames), frames
    equal(scene.client.take(scene.now).payload, b"abc")
    equal(scene.client.take(scene.now).payload, b"*" * 300)
    equal(scene.client.take(scene.now), None)
    scene.receive("03" + "%032x" % 0xA2 + "0003 616263 0f0475653a61 b1")
    equal((scene.client.take(scene.now), scene.client.stats["repeated"]), (None, 1))


def test_its_application_client_goes_on_over_coap():
    scene = application_scene.Scene("coap", storage_of(released_storage.JSON))
    equal([each.message_id for each in scene.client.outbox.queue], [released_storage.JSON_IDS["queued"]])
    scene.client.start(0)
    assert scene.sent()
