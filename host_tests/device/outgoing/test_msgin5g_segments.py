# SPDX-License-Identifier: MIT
"""The Message Sender, and what the receiver says to it. TS 24.538 clauses 6.4.1.1.2 and 6.5."""

from hashlib import sha256

import coap
from common import equal
from msgin5g import MemoryStorage
from msgin5g_scene import MINUTE, SECOND, Scene, agree, answering, clean, imdn, segconfir, segrec


def numbers(scene):
    return [each.body["segParams"]["segNumb"] for each in scene.of("MSG")]


def set_id(scene):
    return scene.of("MSG")[0].body["segParams"]["segId"]


def large(answer=agree, payload="x" * 2000, **options):
    scene = Scene(answer).start()
    outgoing = scene.send(payload=payload, **options)
    return scene, outgoing


def test_segconfir_true_accepts():
    scene, outgoing = large()
    equal((outgoing.state, outgoing.final), ("sent", False))
    equal(scene.post(segconfir(set_id(scene))).code, coap.CHANGED)
    equal((outgoing.state, outgoing.final), ("accepted", True))
    clean(scene)
    equal(scene.post(segconfir(set_id(scene))).code, coap.CHANGED)
    equal(scene.client.stats["unexpected"], 1)


def test_segconfir_as_misspelt_and_as_a_string():
    scene, outgoing = large()
    equal(scene.post(segconfir(set_id(scene), '"true"', "SEGCOFIR")).code, coap.CHANGED)
    equal(outgoing.state, "accepted")


def test_segconfir_without_a_result_is_malformed():
    scene, outgoing = large()
    body = ('{"msgIden":"urn:3gpp:msgin5g","msgType":"SEGCONFIR","segId":"%s"}' % set_id(scene)).encode()
    reply = scene.post(body)
    equal((reply.code, bytes(reply.payload)), (coap.BAD_REQUEST, b"result: missing"))
    equal(outgoing.final, False)


def test_segconfir_false_fails():
    scene, outgoing = large()
    equal(scene.post(segconfir(set_id(scene), "false")).code, coap.CHANGED)
    equal((outgoing.state, outgoing.final), ("failed", True))
    assert "segments" in outgoing.cause, outgoing.cause
    clean(scene)


def test_segconfir_while_segments_are_on_the_air():
    for result, state in (("true", "accepted"), ("false", "failed")):
        scene, outgoing = large(answering(coap.CHANGED, None))
        equal(numbers(scene), [1, 2])
        scene.post(segconfir(set_id(scene), result))
        equal(outgoing.state, state)
        clean(scene)
        scene.answer = agree
        equal(scene.send().state, "accepted")


def test_hold_120_s_after_the_last_acknowledgement():
    scene, outgoing = large()
    following = scene.send(payload="after")
    equal(following.state, "queued")  # order is kept
    scene.run(119999)
    equal(outgoing.final, False)
    scene.run(1)
    equal((outgoing.state, following.state), ("accepted", "accepted"))
    clean(scene)
    equal(scene.post(segrec(set_id(scene), "(1-1)")).code, coap.NOT_FOUND)


def test_segrec_resends_what_it_names_and_no_more():
    scene, outgoing = large(payload="x" * 4000)
    total = len(numbers(scene))
    scene.run(100 * SECOND)
    scene.forget()
    equal(scene.post(segrec(set_id_of(outgoing), "(2-3, 5-5, %d-99)" % total)).code, coap.CHANGED)
    equal(numbers(scene), [2, 3, 5, total])
    # the hold begins anew
    scene.run(119 * SECOND)
    equal(outgoing.final, False)
    scene.run(2 * SECOND)
    equal(outgoing.state, "accepted")


def set_id_of(outgoing):
    return outgoing.segments.set_id


def test_segrec_forms():
    scene, outgoing = large(payload="x" * 4000)
    for text, expected in (
        ("(1-2)", [1, 2]),
        ("3", [3]),
        ("(4)", [4]),
        (" ( 2 - 2 ,4-4 ) ", [2, 4]),
        ("(99-99)", []),
    ):
        scene.forget()
        equal(scene.post(segrec(set_id_of(outgoing), text)).code, coap.CHANGED)
        equal(numbers(scene), expected)
    for text in (
        "",
        "()",
        "(0-1)",
        "(3-2)",
        "(a-b)",
        "(1-)",
        "(-1)",
        "(1-2-3)",
        "(99999999999-99999999999)",
        "1;2",
    ):
        reply = scene.post(segrec(set_id_of(outgoing), text))
        equal(reply.code, coap.BAD_REQUEST)
        assert bytes(reply.payload).startswith(b"segNoList: "), reply.payload


def test_segrec_of_an_unknown_set():
    scene, outgoing = large()
    equal(scene.post(segrec("other", "(1-1)")).code, coap.NOT_FOUND)
    scene.post(segconfir(set_id(scene)))
    equal(scene.post(segrec(set_id(scene), "(1-1)")).code, coap.NOT_FOUND)


def test_a_segment_that_failed_goes_on_where_it_was():
    scene, outgoing = large(answering(coap.CHANGED, coap.SERVICE_UNAVAILABLE, coap.CHANGED))
    scene.run(10 * SECOND)
    equal(numbers(scene)[:3], [1, 2, 2])
    equal(numbers(scene)[2:], list(range(2, len(numbers(scene)))))
    equal(len({each.body["segParams"]["segId"] for each in scene.of("MSG")}), 1)


def test_no_room_at_the_first_segment():
    scene, outgoing = large(answering((coap.REQUEST_ENTITY_TOO_LARGE, b"segParams: no room")))
    equal((outgoing.state, outgoing.cause), ("failed", "4.13 segParams: no room"))
    equal(scene.count["MSG"], 1)
    clean(scene)


def test_a_report_before_segconfir():
    scene, outgoing = large(report=True)
    scene.post(imdn(outgoing.message_id))
    equal((outgoing.state, outgoing.final), ("delivered", True))
    clean(scene)
    equal(scene.post(segconfir(set_id(scene))).code, coap.CHANGED)
    equal(outgoing.state, "delivered")


def test_an_outage_in_the_middle():
    scene, outgoing = large(answering(coap.CHANGED, coap.CHANGED, None))
    scene.run(10 * MINUTE)
    scene.answer = agree
    scene.run(7 * MINUTE)
    scene.post(segconfir(set_id_of(outgoing) if outgoing.segments else "gone"))
    equal(outgoing.state, "accepted")


def told_in_segments(payload, ahead):
    """(bodies of the MSGs, how often the next one was made ahead) of a message whose second segment is refused once,
    and whose first and third are lost behind the server."""
    scene = Scene().start()
    made = []
    refused = []

    def answer(asked):
        if ahead and asked.kind == "MSG":
            scene.client.prepare()
            made.append(scene.client.outbox.queue[0].prefetched is not None)
            equal(scene.client.prepare(), None)  # once is enough
        if asked.kind == "MSG" and asked.body["segParams"]["segNumb"] == 2 and not refused:
            refused.append(True)
            return coap.SERVICE_UNAVAILABLE
        return agree(asked)

    scene.answer = answer
    scene.ahead = ahead
    scene.send(payload=payload)
    scene.run(10 * SECOND)
    scene.post(segrec(set_id(scene), "(1-1, 3-3)"))
    # of each body its segment and a digest: two whole messages twice are more than a board's heap need hold
    told = [
        (each.body["segParams"], sha256(bytes(each.message.payload)).digest()) for each in scene.of("MSG")
    ]
    scene.post(segconfir(set_id(scene)))
    clean(scene)
    return told, made.count(True)


def test_work_ahead_changes_nothing_on_the_air():
    """The runner has the next segment made while one is on the air; what then goes out may have to be another one."""
    for payload in ("x\u00e9" * 1000, bytes(range(256)) * 8):
        plain, _ = told_in_segments(payload, False)
        told, made = told_in_segments(payload, True)
        total = plain[0][0]["totalSegCount"]
        numbers = [parameters["segNumb"] for parameters, _ in plain]
        equal(numbers, [1, 2] + list(range(2, total + 1)) + [1, 3])
        equal(told, plain)
        # With the last one on the air there is nothing ahead. Of the two that were asked for again, 3 was ahead of 1.
        equal(made, len(numbers) - 2)


def test_work_ahead_leaves_a_storage_that_fails_to_its_turn():
    storage = MemoryStorage()
    scene = Scene(storage=storage).start()

    def answer(asked):
        for row in scene.files:
            storage.remove(row)
        equal(scene.client.prepare(), None)
        return agree(asked)

    scene.answer = answer
    outgoing = scene.send(payload=b"x" * 4000)
    equal((outgoing.state, len(scene.of("MSG"))), ("failed", 1))
    assert "storage" in outgoing.cause, outgoing.cause
