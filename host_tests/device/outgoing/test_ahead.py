# SPDX-License-Identifier: MIT
# heap: 256k, the peer, the storage and all that was sent lie in it too
"""The segment after the one on the air is made meanwhile, and goes out the moment that one is answered. With NSTART 1
not before (RFC 7252 section 4.7)."""

import coap
from coap.message import empty
from common import Skip, equal
from msgin5g_scene import MINUTE, PEER, Scene, agree, always, segconfir

try:
    from micropython import heap_lock as lock
    from micropython import heap_unlock as unlock
except ImportError:
    lock = None


def open_air(size=1800, **options):
    """A Scene whose MSGs get no answer by themselves, with the first segment of a message on the air."""
    scene = Scene(always(None), coap={"max_datagram": 600})
    scene.answer = lambda asked: agree(asked) if asked.kind != "MSG" else None
    scene.start()
    outgoing = scene.send(payload=b"x" * size, **options)
    return scene, outgoing


def answer(scene, code=coap.CHANGED, urgent=None):
    """Answers the last request."""
    message = scene.asked[-1].message
    reply = coap.Message(code, b"", type=coap.ACK, mid=message.mid, token=message.token)
    scene.client.receive(coap.encode(reply), PEER, scene.tick, urgent)


def numbers(scene):
    return [each.body["segParams"]["segNumb"] for each in scene.of("MSG")]


def test_the_next_segment_goes_out_before_all_that_follows_from_the_answer():
    scene, outgoing = open_air()
    datagram = scene.client.prepare()
    equal(datagram, None)  # it is made already
    equal(scene.client.outgoing(), None)
    seen = []

    def urgent():
        seen.append(scene.client.outgoing())
        seen.append(outgoing.segments.missing)

    total = outgoing.segments.total
    answer(scene, urgent=urgent)
    (datagram, peer), missing = seen
    equal((peer, missing), (PEER, total))
    equal(coap.decode(datagram).payload[:1], b"{")
    equal((outgoing.segments.missing, outgoing.segment), (total - 1, 2))


def test_no_memory_for_what_goes_out_first():
    """What came in counts all the same, at once."""
    scene, outgoing = open_air()

    def urgent():
        raise MemoryError

    total = outgoing.segments.total
    answer(scene, urgent=urgent)
    equal((outgoing.segments.missing, outgoing.segment), (total - 1, 2))
    equal(scene.client.stats["starved"], 1)


def test_no_memory_behind_what_was_made():
    """It is there, and counted."""
    if lock is None:
        raise Skip("CPython has no such call")
    scene, outgoing = open_air()
    client = scene.client
    client.sender._forget_next(outgoing, scene.tick)
    make = client.endpoint.request

    def request(*arguments):
        exchange = make(*arguments)
        lock()
        return exchange

    client.endpoint.request = request
    try:
        client.prepare()
    finally:
        unlock()
        client.endpoint.request = make
    equal((client.on_air, outgoing.prefetched[2] in client.endpoint._exchanges), (2, True))
    answer(scene)
    scene._pump()
    equal((outgoing.segment, numbers(scene)), (2, [1, 2]))


def test_one_request_at_a_time():
    scene, outgoing = open_air()
    total = outgoing.segments.total
    for number in range(1, total + 1):
        equal(numbers(scene)[-1], number)
        equal(scene.count["MSG"], number)
        scene.client.prepare()
        scene._pump()
        equal(scene.count["MSG"], number)
        answer(scene)
        scene._pump()
    scene.post(segconfir(outgoing.segments.set_id))
    equal(outgoing.state, "accepted")
    equal(scene.client.on_air, 0)


def test_what_was_made_ahead_stays_here_where_the_answer_is_no_success():
    for code, then in ((coap.SERVICE_UNAVAILABLE, [1, 1]), (coap.REQUEST_ENTITY_TOO_LARGE, [1])):
        scene, outgoing = open_air()
        answer(scene, code)
        scene._pump()
        equal(numbers(scene), [1])
        equal(scene.client.on_air, 0)
        scene.run(3 * MINUTE)
        equal(numbers(scene)[:2], then)


def test_and_where_none_comes():
    scene, outgoing = open_air()
    scene.run(4 * MINUTE)
    assert set(numbers(scene)) == {1}, numbers(scene)
    assert len({each.message.mid for each in scene.of("MSG")}) > 1  # it was given up, and sent anew


def test_an_acknowledgement_alone_lets_nothing_go():
    scene, outgoing = open_air()
    scene.client.receive(empty(coap.ACK, scene.asked[-1].message.mid), PEER, scene.tick)
    scene._pump()
    equal(numbers(scene), [1])
    message = scene.asked[-1].message
    late = coap.Message(coap.CHANGED, b"", type=coap.NON, mid=7, token=message.token)
    scene.client.receive(coap.encode(late), PEER, scene.tick)
    scene._pump()
    equal(numbers(scene), [1, 2])


def test_a_stop_lets_no_other_segment_go():
    scene, outgoing = open_air()
    scene.stop()
    answer(scene)
    scene._pump()
    equal(numbers(scene), [1])
    equal(scene.asked[-1].kind, "DEREG")


def test_one_that_ends_takes_what_was_made_ahead_with_it():
    scene, outgoing = open_air()
    scene.post(segconfir(outgoing.segments.set_id, "false"))
    equal((outgoing.state, scene.client.on_air), ("failed", 0))
    scene.answer = agree
    equal(scene.send().state, "accepted")
    equal(["segParams" in each.body for each in scene.of("MSG")], [True, False])


def test_messages_to_others_have_their_turn():
    """After one more segment at most where they wait already, after 32 where they come later."""
    scene, outgoing = open_air(12000)
    scene.client.send("ue:c@x", "hi", scene.tick)
    for _ in range(3):
        answer(scene)
        scene._pump()
    equal([each.body["destAddr"]["addr"] for each in scene.of("MSG")].count("ue:c@x"), 1)


def test_a_report_has_its_turn():
    scene, outgoing = open_air(12000)
    body = (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"MSG","oriAddr":{"oriAddrType":"AS","addr":"as:x"},'
        '"destAddr":{"destAddrType":"UE","addr":"ue:a@x"},"msgId":"1","isDelivStatReq":true,"payload":"hi"}'
    )
    scene.post(body.encode())
    scene.take()
    for _ in range(2):
        answer(scene)
        scene._pump()
    equal(scene.count["IMDN"], 1)


def test_any_procedure_has_its_turn():
    scene, outgoing = open_air(12000)
    scene.client.subscribe("a topic", scene.tick)
    for _ in range(33):
        answer(scene)
        scene._pump()
    equal(scene.count["TOPIC"], 1)
    assert scene.count["MSG"] > 30
