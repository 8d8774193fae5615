# SPDX-License-Identifier: MIT
"""MSGUPD: a message that waits is updated or discarded by its sender (docs/wire-profile.md; TS 23.554 V19 8.3.6.1)."""

import coap
import msgin5g
from common import equal, raises
from msgin5g.wire.bodies import message
from msgin5g_scene import HOUR, MINUTE, SECOND, UE, Scene, agree, clean, imdn, max_age, msgresp

CLOCK = 1767225600  # 2026-01-01T00:00:00Z


class _Server:
    """Answers MSGs and MSGUPDs as it is told to."""

    def __init__(self, upd=coap.CHANGED, msg=coap.CHANGED):
        self.upd = upd
        self.msg = msg

    def __call__(self, asked):
        if asked.kind == "MSGUPD":
            return self.upd
        return self.msg if asked.kind == "MSG" else agree(asked)


def scene(upd=coap.CHANGED, msg=coap.CHANGED, **more):
    return Scene(_Server(upd, msg), **more).start()


def end(change):
    return change.state, change.result


def test_an_accepted_message_is_discarded():
    made = scene()
    outgoing = made.send(report=True, store_forward=True)
    change = made.call("stored", "discard", outgoing)
    equal(end(change), ("done", True))
    equal((outgoing.state, outgoing.cause, outgoing.final), ("failed", "discarded", True))
    (asked,) = made.of("MSGUPD")
    equal(
        asked.body,
        {
            "msgIden": "urn:3gpp:msgin5g",
            "msgType": "MSGUPD",
            "oriAddr": {"oriAddrType": "UE", "addr": "ue:a@x"},
            "msgId": outgoing.message_id,
        },
    )
    equal((asked.message.type, asked.message.code, asked.message.path), (coap.CON, coap.POST, "/msgin5g"))
    equal(made.client.outbox.history()[-1][3:], ("failed", "discarded"))
    clean(made)


def test_a_stored_one_without_a_report_is_discarded_too():
    made = scene()
    outgoing = made.send(store_forward=True)
    equal(outgoing.final, True)
    equal(end(made.call("stored", "discard", outgoing)), ("done", True))
    equal((outgoing.state, outgoing.cause), ("failed", "discarded"))
    equal([each[3:] for each in made.client.outbox.history()], [("failed", "discarded")])


def test_a_stored_one_of_an_earlier_run():
    made = scene()
    outgoing = made.send(report=True, store_forward=True)
    made.post(msgresp(outgoing.message_id, '"DelSta":"stored for deferred delivery"'))
    equal(outgoing.state, "stored")
    again = scene(storage=made.storage, seed=2)
    (found,) = again.client.outbox.waiting
    equal(end(again.call("stored", "discard", found)), ("done", True))
    equal((found.state, found.cause), ("failed", "discarded"))
    last = scene(storage=made.storage, seed=3)
    equal((last.client.outbox.waiting, last.client.outbox.history()[-1][3]), ([], "failed"))
    ended = msgin5g.FinishedMessage("00000000-0000-4000-8000-000000000001", "ue:b@x", "UE", "stored", None)
    equal(end(last.call("stored", "discard", ended)), ("done", True))
    equal((ended.state, ended.cause), ("failed", "discarded"))


def test_one_that_never_went_out_leaves_the_outbox_and_nobody_is_asked():
    made = scene(msg=None)
    first, second = made.send(), made.send(payload="second")
    equal((first.state, second.state), ("sent", "queued"))
    equal(end(made.call("stored", "discard", second)), ("done", True))
    equal((second.state, second.cause), ("failed", "discarded"))
    equal((made.ended[second.message_id], made.of("MSGUPD")), ("failed", []))


def test_before_the_registration_too():
    made = Scene(_Server())
    outgoing = made.send()
    equal(end(made.call("stored", "discard", outgoing)), ("done", True))
    made.start()
    equal((made.of("MSG"), made.of("MSGUPD")), ([], []))
    clean(made)


def test_one_that_was_on_the_air_is_not_sent_again_and_the_server_told():
    for upd in (coap.CHANGED, coap.NOT_FOUND):
        made = scene(upd, None)
        outgoing = made.send()
        made.run(10 * SECOND)
        change = made.call("stored", "discard", outgoing)
        equal((outgoing.state, outgoing.cause), ("failed", "discarded"))
        made.run(2 * MINUTE)
        equal(end(change), ("done", True))
        made.forget()
        made.run(HOUR // 2)
        equal((made.of("MSG"), made.of("MSGUPD")), ([], []))
        clean(made)


def test_what_arrived_is_not_held_any_more():
    made = scene(coap.NOT_FOUND)
    outgoing = made.send(report=True)
    equal(end(made.call("stored", "discard", outgoing)), ("done", False))
    equal((outgoing.state, outgoing.cause), ("accepted", None))
    made.post(imdn(outgoing.message_id))
    equal(outgoing.state, "delivered")
    made.forget()
    equal(end(made.call("stored", "discard", outgoing)), ("done", False))
    equal(end(made.call("stored", "update", outgoing, 60)), ("done", False))
    equal(made.of("MSGUPD"), [])


def test_copies_of_a_message_to_many_that_still_wait_are_discarded():
    made = scene()
    outgoing = made.send("group:all@x", to_type="GROUP", report=True)
    made.post(imdn(outgoing.message_id, sender="ue:c@x"))
    equal(end(made.call("stored", "discard", outgoing)), ("done", True))
    equal(outgoing.state, "delivered")
    equal(len(made.of("MSGUPD")), 1)


def test_a_refusal_has_the_servers_words():
    for code in (coap.FORBIDDEN, coap.BAD_REQUEST):
        made = scene((code, b"msgType: MSGUPD is nothing that this server takes"))
        outgoing = made.send(report=True)
        change = made.call("stored", "discard", outgoing)
        equal(end(change), ("refused", False))
        assert "nothing that this server takes" in change.cause, change.cause
        equal(outgoing.state, "accepted")


def test_it_is_asked_again_after_max_age_and_after_silence():
    made = scene((coap.SERVICE_UNAVAILABLE, b"on its way", max_age(7)))
    outgoing = made.send(report=True)
    change = made.call("stored", "discard", outgoing)
    made.answer.upd = None
    made.run(8 * SECOND)
    equal((len(made.of("MSGUPD")), change.state), (2, "waiting"))
    made.answer.upd = coap.CHANGED
    made.run(5 * MINUTE)
    equal(end(change), ("done", True))


def test_after_a_registration_that_was_lost():
    made = scene(coap.UNAUTHORIZED)
    outgoing = made.send(report=True)
    change = made.call("stored", "discard", outgoing)
    made.answer.upd = coap.CHANGED
    made.run(MINUTE)
    equal((len(made.of("REG")), end(change)), (2, ("done", True)))


def test_an_update_says_when_it_shall_end():
    made = scene(clock=lambda: CLOCK)
    outgoing = made.send(report=True, store_forward=True)
    equal(end(made.call("stored", "update", outgoing, 3600)), ("done", True))
    equal(made.of("MSGUPD")[0].body["sfParam"], {"expireTime": "2026-01-01T01:00:00Z"})
    equal(outgoing.state, "accepted")


def test_without_a_clock_it_says_seconds_that_are_left():
    made = scene((coap.SERVICE_UNAVAILABLE, b"", max_age(20)))
    outgoing = made.send(report=True, store_forward=True)
    made.call("stored", "update", outgoing, 3600)
    made.run(21 * SECOND)
    said = [each.body["sfParam"]["expireTime"] for each in made.of("MSGUPD")]
    equal((said[0], 3570 <= said[1] <= 3581), (3600, True))


def test_one_in_the_outbox_gets_its_new_end_there_and_keeps_it():
    made = scene(msg=None)
    made.send(payload="first")
    outgoing = made.send(payload="second", expires=HOUR // 1000)
    equal(end(made.call("stored", "update", outgoing, 100)), ("done", True))
    equal(made.of("MSGUPD"), [])
    again = Scene(_Server(msg=None), storage=made.storage, seed=2)
    found = again.client.outbox.find(outgoing.message_id)
    again.client.poll(again.tick)
    equal(found.expires.left(again.tick), 100000)
    made.run(101 * SECOND)
    equal((outgoing.state, outgoing.cause), ("expired", "not accepted in time"))


def test_its_date_goes_with_the_message():
    made = Scene(_Server(), clock=lambda: CLOCK)
    outgoing = made.send(store_forward=True)
    made.call("stored", "update", outgoing, 60)
    made.start()
    equal(made.of("MSG")[0].body["sfParam"], {"expireTime": "2026-01-01T00:01:00Z"})
    equal(outgoing.state, "accepted")


def test_a_date_that_leaves_no_room_for_the_payload_has_it_cut():
    made = Scene(_Server(), clock=lambda: CLOCK, coap={"max_datagram": 512})
    outgoing = made.send(payload="x" * 230, store_forward=True)
    equal(outgoing.segmentation, None)
    # RFC 7252: head 4, token 4, Uri-Path 1 + 7, Content-Format 1 + 1, marker 1
    fits = 512 - (4 + 4 + 8 + 2 + 1) - len(message("urn:3gpp:msgin5g", UE, outgoing, b'""'))
    more = made.send(payload="y" * fits, store_forward=True)
    equal(more.segmentation, None)
    made.call("stored", "update", more, 60)
    equal(more.segmentation is None, False)
    made.start()
    made.run(SECOND)
    for asked in made.of("MSG"):
        assert len(asked.datagram) <= 512, len(asked.datagram)


def test_what_is_no_time_is_refused():
    made = scene(msg=None)
    outgoing = made.send()
    for wrong in (0, -1, "60", None, True, 1e9, []):
        raises(ValueError, made.client.call, "stored", "update", outgoing, wrong, made.tick)
    equal((outgoing.expires, made.of("MSGUPD")), (None, []))


def test_so_many_wait_and_no_more():
    made = scene(None)
    waiting = [made.send(report=True) for _ in range(9)]
    for each in waiting[:8]:
        made.call("stored", "discard", each)
    raises(msgin5g.UpdateError, made.client.call, "stored", "discard", waiting[8], made.tick)
    equal(waiting[8].state, "accepted")


def test_a_change_that_nobody_waits_for_is_not_asked_again():
    made = scene(None)
    outgoing = made.send(report=True)
    change = made.call("stored", "discard", outgoing)
    made.call("stored", "withdraw", change)
    made.answer.upd = coap.CHANGED
    made.forget()
    made.run(10 * MINUTE)
    equal((made.of("MSGUPD"), outgoing.state), ([], "accepted"))
    following = made.send()
    equal(following.state, "accepted")  # the slot on the air is free


def test_a_message_that_ends_while_it_is_discarded():
    made = scene(None)
    outgoing = made.send(report=True)
    change = made.call("stored", "discard", outgoing)
    made.post(imdn(outgoing.message_id))
    equal(outgoing.state, "delivered")
    made.answer.upd = coap.NOT_FOUND
    made.run(5 * MINUTE)
    equal((end(change), outgoing.state), (("done", False), "delivered"))


def test_an_update_of_one_that_the_server_never_had_goes_with_it():
    """Alone, and with another. The server is told as well, once it has it: it may have had it before, and then knows it
    again by its ID, whatever date that says."""
    for aggregation in ({"wait": 0}, {"wait": 1}):
        made = scene(coap.NOT_FOUND, clock=lambda: CLOCK, coap={"max_retransmit": 0}, aggregation=aggregation)
        made.answer.msg = None
        outgoing = made.send(payload="1", store_forward=True, expires=600)
        other = made.send(payload="2", store_forward=True, expires=600)
        made.run(MINUTE)
        change = made.call("stored", "update", outgoing, 7200)
        made.forget()
        made.answer.msg, made.answer.upd = coap.CHANGED, coap.CHANGED
        made.run(10 * MINUTE)
        ends = {}
        for asked in made.of("MSG"):
            for each in asked.body.get("msgList", (asked.body,)):
                ends[each["payload"]] = asked.body["sfParam"]["expireTime"]
        equal(ends, {"1": "2026-01-01T02:00:00Z", "2": "2026-01-01T00:10:00Z"})
        equal((outgoing.state, other.state, end(change)), ("accepted", "accepted", ("done", True)))
        kinds = made.kinds()
        assert kinds.index("MSGUPD") > kinds.index("MSG"), kinds


def test_an_update_that_comes_after_the_message_has_arrived():
    made = scene(coap.NOT_FOUND, coap={"max_retransmit": 0})
    made.answer.msg = None
    outgoing = made.send()
    change = made.call("stored", "update", outgoing, 7200)
    made.run(SECOND)
    made.answer.msg = coap.CHANGED
    made.run(5 * MINUTE)
    equal((outgoing.state, end(change)), ("accepted", ("done", False)))


def test_an_update_that_the_message_does_not_outlive():
    made = scene(coap.NOT_FOUND, coap={"max_retransmit": 0})
    made.answer.msg = None
    outgoing = made.send()
    made.run(SECOND)
    change = made.call("stored", "update", outgoing, 60)
    made.run(5 * MINUTE)
    equal((outgoing.state, end(change)), ("expired", ("done", True)))
    clean(made)


def test_a_later_change_is_not_undone_by_an_earlier_one():
    made = scene((coap.SERVICE_UNAVAILABLE, b"", max_age(20)))
    outgoing = made.send(report=True, store_forward=True)
    first = made.call("stored", "update", outgoing, 1000)
    made.answer.upd = coap.CHANGED
    second = made.call("stored", "update", outgoing, 5000)
    other = made.send(payload="other", report=True)
    equal(end(made.call("stored", "discard", other)), ("done", True))  # which waits for neither
    made.run(21 * SECOND)
    said = [each.body["sfParam"]["expireTime"] for each in made.of("MSGUPD") if "sfParam" in each.body]
    equal([each > 4000 for each in said], [False, False, True])
    equal((end(first), end(second)), (("done", True), ("done", True)))


def test_an_update_that_the_storage_refuses_changes_nothing():
    made = scene(msg=None, clock=lambda: CLOCK)
    made.send(payload="first")
    outgoing = made.send(payload="second", store_forward=True, expires=600)
    before = outgoing.expire_time, outgoing.expires
    append = made.storage.append

    def refuse(name, octets):
        raise OSError(28)

    made.storage.append = refuse
    raises(msgin5g.StorageError, made.client.call, "stored", "update", outgoing, 60, made.tick)
    made.storage.append = append
    equal((outgoing.expire_time, outgoing.expires), before)
    made.run(2 * MINUTE)
    equal(outgoing.final, False)


def test_what_was_discarded_here_can_be_discarded_again_after_a_restart():
    """The server was not told yet, and may have it."""
    made = scene(None, None)
    outgoing = made.send()
    made.run(10 * SECOND)
    made.call("stored", "discard", outgoing)
    again = scene(storage=made.storage, seed=2)
    found = msgin5g.FinishedMessage(*again.client.outbox.history()[-1])
    equal((found.message_id, found.state, found.cause), (outgoing.message_id, "failed", "discarded"))
    equal(end(again.call("stored", "discard", found)), ("done", True))
    equal([each.body["msgId"] for each in again.of("MSGUPD")], [outgoing.message_id])


def test_one_of_an_earlier_run_may_have_gone_out():
    """Nobody knows whether it has: it is not sent again, and the server is told."""
    first = scene(msg=None)
    first.send()
    made = Scene(_Server(), storage=first.storage, seed=2)
    (outgoing,) = made.client.outbox.queue
    change = made.call("stored", "discard", outgoing)
    equal((outgoing.state, change.state), ("failed", "waiting"))
    made.start()
    equal(end(change), ("done", True))
    equal(([each.body["msgId"] for each in made.of("MSGUPD")], made.of("MSG")), ([outgoing.message_id], []))


def test_what_is_discarded_goes_out_with_no_others_any_more():
    """Where several requests may be on the air, what was lost of the whole could come behind the word that nothing is
    held of it."""
    made = scene(coap.NOT_FOUND, None, aggregation={"wait": 1}, coap={"nstart": 4})
    first, second = made.send(payload="1"), made.send(payload="2")
    made.run(2 * SECOND)
    equal([each["payload"] for each in made.of("MSG")[0].body["msgList"]], ["1", "2"])
    made.answer.msg = coap.CHANGED
    made.forget()
    change = made.call("stored", "discard", first)
    made.run(5 * MINUTE)
    equal((first.state, second.state, end(change)), ("failed", "accepted", ("done", True)))
    equal([asked.body.get("payload") for asked in made.of("MSG")], ["2"])


def test_one_of_several_that_went_out_together():
    made = scene(msg=None, aggregation={"wait": 1})
    first, second = made.send(payload="1"), made.send(payload="2")
    made.run(2 * SECOND)
    equal([each["payload"] for each in made.of("MSG")[0].body["msgList"]], ["1", "2"])
    made.answer.msg = coap.CHANGED
    made.call("stored", "discard", first)
    made.run(5 * MINUTE)
    equal((first.state, first.cause, second.state), ("failed", "discarded", "accepted"))
    equal([each.body["msgId"] for each in made.of("MSGUPD")], [first.message_id])
    clean(made)


def test_one_that_waits_for_others_goes_without_it():
    made = scene(aggregation={"wait": 10})
    first, second, third = [made.send(payload=text) for text in "123"]
    made.call("stored", "discard", second)
    made.run(11 * SECOND)
    equal([each["payload"] for each in made.of("MSG")[0].body["msgList"]], ["1", "3"])
    equal((second.state, made.of("MSGUPD")), ("failed", []))
