# SPDX-License-Identifier: MIT
# heap: 256k, the peer and all that was sent to it lie in it too
"""Reports about a message to many: GROUP, TOPIC and BC (TS 23.554 clauses 8.3.4, 8.7.4; docs/wire-profile.md)."""

import coap
from common import equal
from msgin5g import REPORT
from msgin5g_scene import DAY, HOUR, Scene, agree, clean, imdn, msgresp, segconfir

MANY = (("group:all@x", "GROUP"), ("weather", "TOPIC"), ("area:1", "BC"))


def counts(success, failure):
    return {"success": success, "failure": failure}


def test_the_first_success_delivers_and_all_are_counted():
    for to, to_type in MANY:
        scene = Scene().start()
        outgoing = scene.send(to, to_type=to_type, report=True)
        equal(outgoing.reports, counts(0, 0))
        scene.post(imdn(outgoing.message_id, "failure", "ue:b@x", "no room"))
        equal((outgoing.state, outgoing.final, outgoing.reports), ("accepted", False, counts(0, 1)))
        scene.post(imdn(outgoing.message_id, "success", "ue:c@x"))
        equal((outgoing.state, outgoing.final, outgoing.cause), ("delivered", True, None))
        scene.post(imdn(outgoing.message_id, "failure", "ue:d@x"))
        scene.post(imdn(outgoing.message_id, "success", "ue:e@x"))
        equal((outgoing.state, outgoing.reports), ("delivered", counts(2, 2)))
        equal((scene.client.stats["delivered"], scene.client.stats["unexpected"]), (1, 0))
        # what the server says about it now comes too late
        scene.post(msgresp(outgoing.message_id))
        equal(outgoing.state, "delivered")
        scene.run(DAY)
        equal((outgoing.state, outgoing.cause, scene.client.outbox.waiting), ("delivered", None, []))
        clean(scene)


def test_each_reporter_counts_once():
    scene = Scene().start()
    outgoing = scene.send("group:all@x", to_type="GROUP", report=True)
    for _ in range(3):
        scene.post(imdn(outgoing.message_id, "failure", "ue:b@x"))
        scene.post(imdn(outgoing.message_id, "success", "ue:c@x"))
    equal(outgoing.reports, counts(1, 1))


def test_failures_alone_end_it_when_the_time_is_over():
    scene = Scene(report_timeout=3600).start()
    failed = scene.send("group:all@x", to_type="GROUP", report=True)
    silent = scene.send("group:all@x", to_type="GROUP", report=True)
    scene.post(imdn(failed.message_id, "failure", "ue:b@x", "no room"))
    scene.post(imdn(failed.message_id, "failure", "ue:c@x", "no valve"))
    scene.run(HOUR - 1)
    equal((failed.final, silent.final), (False, False))
    scene.run(1)
    equal(
        (failed.state, failed.final, failed.cause, failed.reports), ("failed", True, "no valve", counts(0, 2))
    )
    equal((silent.state, silent.final, silent.cause), ("accepted", True, "no report came"))
    equal((scene.client.stats["failed"], scene.client.stats["delivered"]), (1, 0))


def test_failures_over_a_restart():
    scene = Scene(report_timeout=3600).start()
    outgoing = scene.send("group:all@x", to_type="GROUP", report=True)
    scene.post(imdn(outgoing.message_id, "failure", "ue:b@x", "no room"))
    scene.client.flush()
    scene = Scene(storage=scene.storage, report_timeout=3600).start()
    outgoing = scene.client.outbox.waiting[0]
    equal((outgoing.state, outgoing.reports), ("accepted", counts(0, 1)))
    # its record is written again where the journal cleans, and that knows it as well
    scene.client.journal.SEGMENT = 1024
    for _ in range(40):
        scene.send(payload="x" * 100)
    scene.client.flush()
    scene = Scene(storage=scene.storage, report_timeout=3600).start()
    scene.run(HOUR)
    equal(scene.client.outbox.history()[-1][3:], ("failed", "no room"))


def test_reports_before_the_acceptance():
    """Whose 2.04 was lost; of a large one in segments a member may fail before all are out."""
    scene = Scene(lambda asked: agree(asked) if asked.kind == "REG" else None).start()
    outgoing = scene.send("group:all@x", to_type="GROUP", report=True)
    scene.post(imdn(outgoing.message_id, "success"))
    equal(
        (outgoing.state, outgoing.final, scene.ended[outgoing.message_id]), ("delivered", True, "delivered")
    )
    clean(scene)
    scene = Scene().start()
    outgoing = scene.send("group:all@x", "x" * 2000, to_type="GROUP", report=True)
    scene.post(imdn(outgoing.message_id, "failure"))
    equal((outgoing.final, outgoing.reports), (False, counts(0, 1)))
    scene.post(segconfir(scene.of("MSG")[0].body["segParams"]["segId"]))
    equal(outgoing.state, "accepted")
    scene.post(imdn(outgoing.message_id, "success", "ue:c@x"))
    equal((outgoing.state, outgoing.reports), ("delivered", counts(1, 1)))


def test_each_report_is_an_event_with_its_reporter():
    scene = Scene().start()
    outgoing = scene.send("group:all@x", to_type="GROUP", report=True)
    events = []
    scene.on_event = lambda kind, subject: events.append(subject) if kind == REPORT else None
    scene.post(imdn(outgoing.message_id, "failure", "ue:b@x", "no room"))
    scene.post(imdn(outgoing.message_id, "success", "ue:c@x"))
    equal(events, [(outgoing, "ue:b@x", False, "no room"), (outgoing, "ue:c@x", True, None)])


def test_a_report_that_finds_no_memory_counts_when_it_comes_again():
    for status, state, wanted in (
        ("success", "delivered", counts(1, 0)),
        ("failure", "accepted", counts(0, 1)),
    ):
        for nth in (1, 2):  # of what is told of it
            scene = Scene().start()
            outgoing = scene.send("group:all@x", to_type="GROUP", report=True)
            sender = scene.client.procedure("sender")
            changed, calls, told = sender._changed, [], []

            def starved(*arguments, changed=changed, calls=calls, nth=nth):
                calls.append(arguments)
                if len(calls) == nth:
                    raise MemoryError
                changed(*arguments)

            sender._changed = starved
            scene.on_event = lambda kind, subject, told=told: told.append(subject) if kind == REPORT else None
            for _ in range(3):
                scene.post(imdn(outgoing.message_id, status, "ue:b@x"))
            equal((outgoing.state, outgoing.reports, len(told)), (state, wanted, 1))


def test_a_failure_whose_record_finds_no_memory_is_there_after_a_restart_when_it_came_again():
    scene = Scene(report_timeout=3600).start()
    outgoing = scene.send("group:all@x", to_type="GROUP", report=True)
    outbox = scene.client.outbox
    counted = outbox.counted

    def starved(_):
        raise MemoryError

    outbox.counted = starved
    equal(
        scene.post(imdn(outgoing.message_id, "failure", "ue:b@x", "no room")).code, coap.SERVICE_UNAVAILABLE
    )
    equal((outgoing.reports, outgoing.cause), (counts(0, 0), None))
    outbox.counted = counted
    scene.post(imdn(outgoing.message_id, "failure", "ue:b@x", "no room"))
    scene.client.flush()
    again = Scene(storage=scene.storage, report_timeout=3600).start().client.outbox.waiting[0]
    equal((again.reports, again.cause), (counts(0, 1), "no room"))


def test_what_waits_only_to_be_counted_makes_room():
    """Not more of them than of others: those that wait for reports are 64 at most."""
    scene = Scene().start()
    first = scene.send("group:all@x", to_type="GROUP", report=True)
    scene.post(imdn(first.message_id))
    others = [scene.send(report=True) for _ in range(64)]
    equal((first.state, len(scene.client.outbox.waiting)), ("delivered", 64))
    equal([each.final for each in others], [False] * 64)
    scene.post(imdn(first.message_id, "success", "ue:c@x"))
    equal((first.reports, scene.client.stats["unexpected"]), (counts(1, 0), 1))


def test_other_messages_have_no_counts():
    scene = Scene().start()
    equal(scene.send(report=True).reports, None)
    equal(scene.send("group:all@x", to_type="GROUP").reports, None)
    equal(scene.send("group:all@x", to_type="GROUP").state, "accepted")


def test_stored_is_no_failure():
    # clause 7.3.4.2 has two values; the third belongs to MSGRESP, and is no end either way
    scene = Scene().start()
    outgoing = scene.send(report=True)
    scene.post(imdn(outgoing.message_id, "stored for deferred delivery"))
    equal((outgoing.state, outgoing.final), ("stored", False))
    scene.post(imdn(outgoing.message_id))
    equal((outgoing.state, outgoing.final), ("delivered", True))
