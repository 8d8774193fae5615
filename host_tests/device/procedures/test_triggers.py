# SPDX-License-Identifier: MIT
"""Device triggering (TS 23.554 clause 8.9.3): what a trigger makes the device do, and how little a forged one can."""

import gc
import json

import coap
from common import equal
from msgin5g import TRIGGER
from msgin5g_scene import HOUR, SECOND, Scene, agree

UE_ID = "urn:imei:35-209900-176148-1"
DAY = 24 * HOUR


def woken(answer=agree, **more):
    """A Scene with `contacts`, the addresses that it was told to contact."""
    scene = Scene(answer, ue_id=UE_ID, triggers={"port": 5005}, **more)
    scene.contacts = []
    scene.on_event = lambda kind, subject: scene.contacts.append(subject) if kind == TRIGGER else None
    return scene.start()


def payload(purpose="receive", **more):
    members = {"msgIden": "urn:3gpp:msgin5g", "purpose": purpose}
    members.update(more)
    return json.dumps(members).encode()


def trigger(scene, octets):
    """Whether it was one."""
    return scene.call("triggers", "triggered", octets)


def counted(scene):
    stats = scene.client.stats
    return stats["triggered"], stats["triggers_ignored"]


def test_the_registration_says_how_to_wake_the_device():
    info = woken().of("REG")[0].body["cliProfile"]["triInfo"]
    equal(info, {"ueId": UE_ID, "cliPorts": [{"portNum": 5005, "Protocol": "OTHER"}]})
    assert "triInfo" not in Scene().start().of("REG")[0].body["cliProfile"]


def test_a_trigger_to_receive_or_register_refreshes_the_registration():
    for purpose in ("receive", "register"):
        scene = woken()
        scene.run(60 * SECOND)
        equal(scene.count["REG"], 1)
        equal(trigger(scene, payload(purpose)), True)
        equal((scene.count["REG"], scene.client.registered, counted(scene)), (2, True, (1, 0)))
        scene.run(3600 * SECOND * 3 // 4)  # the refresh of the newer one is what is due
        equal(scene.count["REG"], 2)


def test_a_trigger_ends_a_back_off():
    scene = woken(lambda asked: None)
    scene.run(HOUR)  # every 300 s by now
    while scene.client.registration.state != "unreachable":
        scene.run(SECOND)
    scene.answer = agree
    assert not scene.client.registered
    trigger(scene, payload("receive"))
    assert scene.client.registered


def test_a_trigger_while_the_registration_is_on_the_air_is_what_happens_already():
    scene = woken(lambda asked: None)
    trigger(scene, payload())
    scene.run(SECOND)
    equal((scene.count["REG"], counted(scene)), (1, (1, 0)))


def test_a_trigger_to_configure_asks_for_the_configuration():
    scene = woken(lambda asked: coap.NOT_FOUND if asked.kind == "CONFIG" else agree(asked))
    equal(trigger(scene, payload("configure")), True)
    equal((scene.count["CONFIG"], scene.count["REG"]), (1, 1))
    scene.run(10 * SECOND)
    assert scene.client.registered


def test_a_trigger_to_contact_somebody_is_told_to_the_application():
    scene = woken()
    equal(trigger(scene, payload("contact", addr="as:alarm@x")), True)
    equal((scene.contacts, scene.count["REG"]), (["as:alarm@x"], 1))
    scene.run(31 * SECOND)
    equal(trigger(scene, payload("contact")), True)  # it may name nobody
    equal(scene.contacts, ["as:alarm@x", None])


def test_what_is_no_trigger_is_ignored_and_counted():
    wrong = (
        b"",
        b"hi",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 140,
        payload("sleep"),
        payload("Receive"),
        payload(None),
        payload(["receive"]),
        payload(msgIden="urn:3gpp:other"),
        payload(msgIden=None),
        payload("contact", addr=5),
        payload("contact", addr=""),
        payload("contact", addr="\x1b[2J"),
        payload("receive", more="x" * 140),  # 140 octets at most
        json.dumps({"purpose": "receive"}).encode(),
    )
    scene = woken()
    for octets in wrong:
        equal((trigger(scene, octets), octets), (False, octets))
    equal((counted(scene), scene.count["REG"], scene.contacts), ((0, len(wrong)), 1, []))
    equal(trigger(scene, payload()), True)  # none of them keeps a real one from its work


def test_a_trigger_of_140_octets_is_one():
    long = payload("register", more="")
    long = payload("register", more="x" * (140 - len(long)))
    equal(len(long), 140)
    equal(trigger(woken(), long), True)
    equal(trigger(woken(), bytearray(long)), True)


def test_a_flood_registers_once_in_30_s():
    scene = woken()
    for _ in range(1200):  # two minutes, ten a second
        trigger(scene, payload("receive"))
        trigger(scene, payload("register"))
        scene.run(SECOND // 10)
    equal(scene.count["REG"], 1 + 4)
    equal(counted(scene), (4, 2396))
    times = [asked.tick for asked in scene.of("REG")]
    for before, after in zip(times[1:], times[2:]):
        assert after - before >= 30 * SECOND, times


def test_a_flood_of_one_purpose_holds_up_no_other():
    scene = woken(lambda asked: coap.NOT_FOUND if asked.kind == "CONFIG" else agree(asked))
    for _ in range(100):
        trigger(scene, payload("contact", addr="as:x"))
    equal((scene.contacts, counted(scene)), (["as:x"], (1, 99)))
    equal(trigger(scene, payload("configure")), True)
    equal(trigger(scene, payload("receive")), True)


def test_a_flood_takes_no_memory():
    scene = woken()
    trigger(scene, payload("receive"))
    kept = None
    for round in range(4):
        for number in range(300):
            trigger(scene, payload("contact", addr="as:%d-%d" % (round, number)))
        scene.contacts.clear()
        if hasattr(gc, "mem_alloc"):
            gc.collect()
            before, kept = kept, gc.mem_alloc()
            assert round < 2 or kept - before < 512, (before, kept)
    equal(counted(scene)[0], 2)


def test_a_pause_is_over_after_days():
    """The tick comes round after 6.2 days."""
    scene = woken()
    trigger(scene, payload())
    scene.run(7 * DAY)
    equal(trigger(scene, payload()), True)


def test_a_device_that_was_stopped_stays_so():
    scene = woken()
    scene.stop()
    scene.forget()
    for purpose in ("receive", "register", "configure", "contact"):
        equal(trigger(scene, payload(purpose, addr="as:x")), False)
    equal((scene.asked, scene.contacts), ([], []))


def test_the_modem_of_a_device_that_names_no_port_may_hand_over_triggers_too():
    scene = Scene().start()
    equal(trigger(scene, payload()), True)
    equal(scene.count["REG"], 2)
    equal(trigger(scene, payload("configure")), False)  # by which ID should it ask?
    assert "triInfo" not in scene.of("REG")[1].body["cliProfile"]


def test_a_window_opens_with_a_trigger():
    scene = woken(availability={"interval": 3600, "duration": 20})
    scene.run(100 * SECOND)
    schedule = scene.client.procedure("availability")
    assert not schedule.listens
    trigger(scene, payload())
    assert schedule.listens
