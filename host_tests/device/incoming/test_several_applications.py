# SPDX-License-Identifier: MIT
"""Several applications behind one Client, by Application ID: TS 24.538 clause 6.4.1.1.6 b."""

import coap
from common import equal, raises
from life import AFTER, BEFORE, TORN, CutStorage, PowerCut
from msgin5g import MemoryStorage
from msgin5g.store.message import Message
from msgin5g_scene import MINUTE, SECOND, Scene, agree, msg, segment


def scene(*names, **config):
    made = Scene(**config).start()
    for name in names:
        made.call("receiver", "open", name)
    return made


def named(app_id, number=1, **more):
    """A MSG whose `appId` is this JSON."""
    return msg("m-%d" % number, '"%d"' % number, more='"appId":%s,' % app_id, **more)


def take(scene, name=None):
    """The payload of the next message of an application, None where there is none."""
    message = scene.client.take(scene.tick, name)
    scene._pump()
    return message and message.payload


def all_of(scene, name=None):
    found = []
    while True:
        payload = take(scene, name)
        if payload is None:
            return found
        found.append(payload)


def test_each_has_what_names_it():
    made = scene("meter", "valve")
    for number, app_id in enumerate(('"meter"', '"valve"', '"other"', "null", '"meter"')):
        made.post(named(app_id, number))
    equal(all_of(made, "valve"), ["1"])
    equal(all_of(made), ["2", "3"])
    equal(all_of(made, "meter"), ["0", "4"])
    equal(made.client.inbox, [])


def test_without_any_all_goes_to_the_client():
    made = scene()
    made.post(named('"meter"'))
    equal(all_of(made), ["1"])


def test_what_was_open_before_a_restart_opens_again():
    # the messages wait on flash; whose they are is decided when they are taken
    made = scene("meter")
    made.post(named('"meter"'))
    again = Scene(storage=made.storage, seed=2).start()
    again.call("receiver", "open", "meter")
    equal((all_of(again), all_of(again, "meter")), ([], ["1"]))


def test_a_message_for_several_goes_to_each_once():
    made = scene("meter", "valve")
    made.post(named('["meter","valve","nobody","meter"]'))
    equal((all_of(made), all_of(made, "meter"), all_of(made, "valve"), all_of(made)), ([], ["1"], ["1"], []))
    equal(made.client.inbox, [])
    made.post(named('["meter","valve"]'))  # it comes again
    equal((all_of(made, "meter"), all_of(made, "valve")), ([], []))
    equal(made.client.stats["received"], 1)


def test_it_waits_over_a_restart_for_who_has_not_taken_it():
    for cut in (False, True):
        made = scene("meter", "valve")
        made.post(named('["meter","valve"]'))
        equal(take(made, "meter"), "1")
        if not cut:
            made.client.flush()
        again = Scene(storage=made.storage, seed=2).start()
        for name in ("meter", "valve"):
            again.call("receiver", "open", name)
        equal((all_of(again), all_of(again, "meter"), all_of(again, "valve")), ([], [], ["1"]))
        last = Scene(storage=again.storage, seed=3).start()
        equal(all_of(last), [])


def test_a_full_flash_keeps_nobody_from_its_messages():
    # as it keeps no application that is alone; what could not be written meanwhile is written later
    made = scene("meter", "valve")
    for number in (1, 2):
        made.post(named('["meter","valve"]', number))
    storage = made.storage
    real = storage.append, storage.replace

    def full(*arguments):
        raise OSError(28)

    storage.append = storage.replace = full
    equal((all_of(made, "meter"), all_of(made, "valve")), (["1", "2"], ["1", "2"]))
    storage.append, storage.replace = real
    made.client.flush()
    equal(Scene(storage=storage, seed=2).start().client.inbox, [])


def test_one_report_for_all_of_them():
    made = scene("meter", "valve")
    made.post(
        named('["meter","valve"]', sender="ue:b@x").replace(b'"sfFlag"', b'"isDelivStatReq":true,"sfFlag"')
    )
    equal(len(made.of("IMDN")), 0)
    take(made, "valve")
    (report,) = made.of("IMDN")
    equal((report.body["msgId"], report.body["DelSta"]), ("m-1", "success"))
    take(made, "meter")
    again = Scene(storage=made.storage, seed=2).start()
    again.run(MINUTE)
    equal((len(made.of("IMDN")), len(again.of("IMDN"))), (1, 0))


def test_a_report_that_was_not_out_yet_outlives_a_restart():
    made = scene("meter", "valve")
    made.answer = lambda asked: None if asked.kind == "IMDN" else agree(asked)
    made.post(named('["meter","valve"]').replace(b'"sfFlag"', b'"isDelivStatReq":true,"sfFlag"'))
    take(made, "valve")
    again = Scene(storage=made.storage, seed=2).start()
    again.call("receiver", "open", "meter")
    equal(len(again.of("IMDN")), 1)
    equal(take(again, "meter"), "1")
    again.run(MINUTE)
    equal(len(again.of("IMDN")), 1)


def test_a_large_message_is_there_until_all_have_let_go():
    # it lies in the storage: what one has read and closed, another one may still read
    made = scene("meter", "valve")
    for number in (1, 2):
        made.post(segment(number, 2, more='"appId":["meter","valve"],'))
    mine = made.client.take(made.tick, "meter")
    equal(mine.payload, "hihi")
    mine.close()
    raises(ValueError, lambda: mine.payload)
    other = made.client.take(made.tick, "valve")
    equal(other.payload, "hihi")
    made.post(named('"meter"', 7))
    equal(take(made, "meter"), "7")
    equal(other.payload, "hihi")
    made.post(named('"valve"', 8))
    equal(take(made, "valve"), "8")
    equal(made.files, [])


def test_what_one_reads_is_not_closed_by_the_other():
    made = scene("meter")
    for number in (1, 2):
        made.post(segment(number, 2, more='"appId":"meter",'))
    mine = made.client.take(made.tick, "meter")
    made.post(named("null", 9))
    equal(take(made), "9")
    equal(mine.payload, "hihi")


def codes(scene, *bodies):
    return [scene.post(body).code for body in bodies]


LATER, NEVER, TAKEN = coap.SERVICE_UNAVAILABLE, coap.REQUEST_ENTITY_TOO_LARGE, coap.CHANGED


def test_one_that_does_not_take_its_messages_has_its_share_alone():
    # 4 in all, two applications and the client: one each
    made = scene("meter", "valve", inbox={"messages": 4})
    equal(codes(made, named('"meter"', 1), named('"meter"', 2)), [TAKEN, LATER])
    equal(made._reply.uint(coap.MAX_AGE), 10)
    equal(codes(made, named('"valve"', 3), named("null", 4)), [TAKEN, TAKEN])
    equal(take(made, "meter"), "1")
    equal(codes(made, named('"meter"', 2)), [TAKEN])
    equal(made.client.stats["refused"], 1)


def test_a_sender_does_not_wait_for_it_for_ever():
    # A minute without a message taken: from then on what is for it is refused for good, and what is behind that goes on
    made = scene("meter", inbox={"messages": 2})
    made.post(named('"meter"', 1))
    equal(codes(made, named('"meter"', 2)), [LATER])
    made.run(59 * SECOND)
    equal(codes(made, named('"meter"', 2)), [LATER])
    made.run(2 * SECOND)
    equal(codes(made, named('"meter"', 2), named("null", 3)), [NEVER, TAKEN])
    equal(bytes(made.post(named('"meter"', 2)).payload), b"application meter does not take its messages")
    equal(take(made, "meter"), "1")
    equal(codes(made, named('"meter"', 4), named('"meter"', 5)), [TAKEN, LATER])


def test_so_with_segments_and_aggregates():
    made = scene("meter", inbox={"messages": 2})
    made.post(named('"meter"', 1))
    equal(codes(made, segment(1, 2, message_id="m-9", more='"appId":"meter",')), [LATER])
    made.run(61 * SECOND)
    equal(codes(made, segment(1, 2, message_id="m-9", more='"appId":"meter",')), [NEVER])
    both = b'"totalMsgCount":1,"msgList":[{"msgId":"e-1","payload":"x"}],"sfFlag"'
    equal(codes(made, named('"meter"', 5).replace(b'"sfFlag"', both)), [NEVER])
    equal(made.files, [])


def test_what_can_be_no_application():
    made = scene()
    for name in ("", None, 7, "x" * 256, b"meter"):
        raises(ValueError, made.client.call, "receiver", "open", name, made.tick)
    for number in range(8):
        made.call("receiver", "open", "a%d" % number)
    made.call("receiver", "open", "a0")
    raises(ValueError, made.client.call, "receiver", "open", "a8", made.tick)


def test_who_has_a_message_is_noted_without_memory():
    # It is noted once the message counts as taken: who found no memory then would have lost it.
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:

        def heap_lock():
            pass

        heap_unlock = heap_lock
    made = scene("meter", "valve")
    applications = made.client._receiver.applications
    message = Message("ue:b@x", "UE", "ue:a@x", "UE", "m-1", None, "NORMAL", False)
    for name in (None, "meter", "valve"):
        heap_lock()
        try:
            applications.hold(name, message)
        finally:
            heap_unlock()


class Twice:
    """Two applications that take the message which is for both, with the power cut at one write: it ends with every
    write that there is. `had` are the applications that had it."""

    NAMES = ("meter", "valve")

    def __init__(self, at, how, body):
        self.storage = CutStorage(MemoryStorage())
        self.storage.plan(at, how)
        self.had = []
        self.body = body
        self.acknowledged = False
        while True:
            try:
                self._live()
                return
            except PowerCut:
                self.storage.restore_power()

    def _live(self):
        made = Scene(storage=self.storage, seed=len(self.had) + 1).start()
        for name in self.NAMES:
            made.call("receiver", "open", name)
        if not self.acknowledged:  # the server repeats it until then
            equal(made.post(self.body).code, TAKEN)
            self.acknowledged = True
        for name in self.NAMES:
            while True:
                message = made.client.take(made.tick, name)
                if message is None:
                    break
                equal(message.payload, "1")
                self.had.append(name)
        made.client.flush()


def test_the_power_goes_at_each_write():
    body = named('["meter","valve"]').replace(b'"sfFlag"', b'"isDelivStatReq":true,"sfFlag"')
    writes = Twice(None, BEFORE, body).storage.writes
    assert writes >= 3, writes  # R, R for who has not taken it, T
    for at in range(writes):
        for how in (BEFORE, TORN, AFTER):
            found = Twice(at, how, body)
            # Once to each. The take that the cut interrupted may have been kept, and then nobody had it.
            for name in Twice.NAMES:
                assert found.had.count(name) <= 1, (at, how, found.had)
            assert len(found.had) >= 1, (at, how, found.had)
            last = Scene(storage=found.storage, seed=9).start()
            equal(last.client.inbox, [])
