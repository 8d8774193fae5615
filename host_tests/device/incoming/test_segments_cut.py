# SPDX-License-Identifier: MIT
# heap: 512k, the flash of the board and the server lie in it too
"""Segments are acknowledged before they are safe: what a power cut takes of them is asked for again."""

import coap
from common import equal
from life import AFTER, BEFORE, TORN, CutStorage, Life, PowerCut, cut_each
from msgin5g import FAILED, MemoryStorage
from msgin5g_scene import MINUTE, SECOND, Scene, agree, segment

REPORT = '"isDelivStatReq":true,'


def missing(scene):
    return [each.body["segNoList"] for each in scene.of("SEGREC")]


def results(scene):
    return [(each.body["segId"], each.body["result"]) for each in scene.of("SEGCONFIR")]


def part(number, total, last=None, more=""):
    """One segment. Its value is not so short that a cut before it counts for none (life.py)."""
    return segment(number, total, '"segment %d;"' % number, last=last, more=more)


def taking(count, total, **more):
    """A device that has acknowledged segments 1 to `count`."""
    scene = Scene(storage=CutStorage(MemoryStorage())).start()
    for number in range(1, count + 1):
        equal(scene.post(part(number, total, **more)).code, coap.CHANGED)
    return scene


def cut(scene, body, how=BEFORE):
    """The power goes at the next write, which this segment causes; the same device after it, started again."""
    storage = scene.storage
    storage.plan(storage.writes, how)
    try:
        scene.post(body)
    except PowerCut:
        storage.restore_power()
        return Scene(storage=storage).start()
    raise AssertionError("no write")


def complete(scene, numbers, total):
    for number in numbers:
        equal(scene.post(part(number, total)).code, coap.CHANGED)
    equal(results(scene), [("s-1", True)])
    equal(scene.take().payload, "".join(["segment %d;" % number for number in range(1, total + 1)]))
    scene.run(MINUTE)
    equal(scene.client.stats["given_up"], 0)


def test_a_cut_before_any_is_safe():
    """Nothing lies in the file, and still the device knows how many there are."""
    scene = cut(taking(3, 10), part(4, 10))
    scene.run(4999)
    equal(missing(scene), [])
    scene.run(1)
    equal(missing(scene), ["(1-10)"])
    complete(scene, range(1, 11), 10)


def test_the_total_is_known_by_the_last_segment_alone():
    scene = taking(3, None)
    scene.post(part(5, None, last="true"))
    scene = cut(scene, part(4, None))
    scene.run(5 * SECOND)
    equal(missing(scene), ["(1-5)"])
    complete(scene, range(1, 6), 5)


def test_a_cut_takes_fewer_than_16():
    scene = cut(taking(31, 40), part(32, 40))
    scene.run(5 * SECOND)
    equal(missing(scene), ["(17-40)"])
    complete(scene, range(17, 41), 40)


def test_the_last_ones_are_lost():
    scene = cut(taking(19, 20), part(20, 20))
    scene.run(5 * SECOND)
    equal(missing(scene), ["(17-20)"])
    complete(scene, (20, 17, 19, 18), 20)


def test_a_cut_with_all_of_them_received():
    """The one that makes it whole is not acknowledged before all are safe: its sender has all of them still."""
    for how, left in ((BEFORE, "(1-3)"), (TORN, "(2-3)")):
        scene = cut(taking(2, 3), part(3, 3), how)
        scene.run(5 * SECOND)
        equal(missing(scene), [left])
        equal(results(scene), [])
        complete(scene, range(int(left[1]), 4), 3)
    # the octets were kept by chance
    scene = cut(taking(2, 3), part(3, 3), AFTER)
    equal(scene.post(part(3, 3)).code, coap.CHANGED)
    equal((results(scene), scene.take().payload), ([("s-1", True)], "segment 1;segment 2;segment 3;"))


def test_the_confirmation_comes_when_all_is_safe():
    storage = CutStorage(MemoryStorage())
    scene = Scene(storage=storage).start()
    equal([scene.post(segment(number, 2)).code for number in (1, 2)], [coap.CHANGED] * 2)
    equal((results(scene), storage._loose), ([("s-1", True)], {}))


def test_a_gap_makes_safe_what_came():
    scene = taking(3, 10)
    scene.run(5 * SECOND)
    scene = cut(scene, part(4, 10))
    scene.run(5 * SECOND)
    equal(missing(scene), ["(4-10)"])


def test_a_planned_end_makes_safe_what_came():
    """An application sleeps or switches the board off after it. Two at once: the file of one is not open any more."""
    scene = taking(3, 10)
    for number in (1, 2):
        equal(scene.post(segment(number, 9, set_id="s-2", message_id="m-2")).code, coap.CHANGED)
    scene.client.flush()
    scene = cut(scene, part(4, 10))
    scene.run(5 * SECOND)
    equal(sorted(missing(scene)), ["(3-9)", "(4-10)"])


def test_the_sender_has_gone_away():
    """What it believes delivered is given up, counted and told."""
    for said in (coap.NOT_FOUND, None):
        scene = cut(taking(4, 5, more=REPORT), part(5, 5))
        events = []
        scene.on_event = lambda kind, subject, events=events: events.append((kind, subject))
        scene.answer = lambda asked, said=said: said if asked.kind == "SEGREC" else agree(asked)
        scene.run(20 * MINUTE)
        equal(scene.client.stats["given_up"], 1)
        equal([subject[:2] for kind, subject in events if kind == FAILED], [("ue:b@x", "m-1")])
        equal(results(scene), [("s-1", False)])
        equal([each.body["DelSta"] for each in scene.of("IMDN")], ["failure"])
        equal((scene.take(), scene.files), (None, []))


def test_what_the_set_will_need_stays_free_for_it():
    """Also after a cut that left nothing of it: else it were refused in the middle."""
    scene = Scene(storage=CutStorage(MemoryStorage()), segments={"bytes": 2048}).start()
    piece = '"%s"' % ("x" * 700)
    scene.post(segment(1, 3, piece))
    storage = scene.storage
    storage.plan(storage.writes, BEFORE)
    try:
        scene.post(segment(2, 3, piece))
    except PowerCut:
        storage.restore_power()
    scene = Scene(storage=storage, segments={"bytes": 2048}).start()
    other = segment(1, 2, piece, set_id="s-2", message_id="m-2")
    equal(scene.post(other).code, coap.REQUEST_ENTITY_TOO_LARGE)
    equal([scene.post(segment(number, 3, piece)).code for number in (1, 2)], [coap.CHANGED] * 2)
    equal(scene.post(segment(3, 3, '"%s"' % ("x" * 600))).code, coap.CHANGED)


def test_two_sets_never_share_a_file():
    """A cut may leave no file where the record of a set names one: no other gets that name."""
    scene = cut(taking(1, 3), part(2, 3))
    equal(scene.files, [])
    for number in (1, 2):
        scene.post(segment(number, 2, '"b%d"' % number, set_id="s-2", message_id="m-2"))
    for number in (1, 2, 3):
        scene.post(part(number, 3))
    equal([scene.take().payload for _ in range(2)], ["b1b2", "segment 1;segment 2;segment 3;"])


class Interleaved(Life):
    """Each message in has 17 segments, more than are safe at once, and comes amid those of another."""

    def _step(self, step):
        if step % 2 == 0:
            super()._step(step)
            return
        for which in (0, 1):
            message_id = "in-%d-%d" % (step, which)
            parts = ["%d of %s;" % (number, message_id) for number in range(17)]
            self.pushed[message_id] = "".join(parts)
            if which:
                self.wanted.append(message_id)
            self.server.message(message_id, parts, bool(which))
        pushes = self.server.pushes
        early = len(pushes) - 34
        pushes[early:] = [pushes[early + 17 * (at % 2) + at // 2] for at in range(34)]

    def check(self):
        super().check()
        assert self.device.stats["given_up"] == 0


def test_each_cut_of_sets_that_come_at_once():
    life = Interleaved(2)
    life.run()
    writes = life.storage.writes
    life.check()
    equal(len(life.taken), 2)
    for how in (BEFORE, TORN, AFTER):
        cut_each(how, Interleaved, 2, writes)
