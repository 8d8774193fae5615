# SPDX-License-Identifier: MIT
"""The Message Receiver: TS 24.538 clauses 6.4.1.1.6 and 6.5.1.2."""

import coap
from common import equal
from msgin5g import MemoryStorage
from msgin5g_scene import MINUTE, PEER, SECOND, Scene, agree, segment


def scene_of(**config):
    return Scene(**config).start()


def missing(scene):
    return [each.body["segNoList"] for each in scene.of("SEGREC")]


def results(scene):
    return [(each.body["segId"], each.body["result"]) for each in scene.of("SEGCONFIR")]


def test_order_and_duplicates_do_not_matter():
    scene = scene_of()
    for number in (3, 1, 3, 2, 1, 5, 4):
        equal(scene.post(segment(number, 5, '"%d"' % number)).code, coap.CHANGED)
    message = scene.take()
    equal((message.payload, message.size, list(message.chunks())), ("12345", 5, ["1", "2", "3", "4", "5"]))
    equal(results(scene), [("s-1", True)])
    equal(scene.client.stats["received"], 1)
    message.close()
    equal(scene.files, [])


def test_segments_of_a_whole_message_again():
    scene = scene_of()
    scene.post(segment(1, 2))
    scene.post(segment(2, 2))
    equal(results(scene), [("s-1", True)])
    equal(scene.post(segment(2, 2)).code, coap.CHANGED)
    equal(results(scene), [("s-1", True)] * 2)
    equal((scene.client.stats["received"], scene.client.stats["repeated"]), (1, 1))
    equal(len(scene.files), 1)
    # a sender that was restarted uses another set
    scene.post(segment(1, 2, set_id="s-2"))
    equal(results(scene)[-1], ("s-2", True))
    scene.run(MINUTE)
    equal(missing(scene), [])


def test_confirmations_that_wait_are_bounded():
    scene = scene_of()
    scene.post(segment(1, 1))
    scene.answer = lambda asked: None
    scene.post(segment(1, 1))
    for number in range(100):
        equal(scene.post(segment(1, 1, set_id="s-%d" % number)).code, coap.CHANGED)
    scene.answer = agree
    scene.forget()
    scene.run(10 * MINUTE)
    assert scene.count["SEGCONFIR"] <= 17, scene.count


def test_the_same_message_in_two_sets_is_delivered_once():
    # the sender was restarted in the middle and cut the message anew
    scene = scene_of()
    scene.post(segment(1, 2, more='"isDelivStatReq":true,'))
    for number in (1, 2):
        scene.post(segment(number, 2, set_id="s-2", more='"isDelivStatReq":true,'))
    equal(scene.client.stats["received"], 1)
    scene.run(MINUTE)
    equal((missing(scene), results(scene)), ([], [("s-2", True)]))
    scene.take()
    equal([each.body["DelSta"] for each in scene.of("IMDN")], ["success"])
    equal((scene.client.stats["received"], scene.client.stats["given_up"]), (1, 0))


def test_sets_interleave():
    scene = scene_of()
    for number in (2, 1):
        for sender in ("ue:b@x", "ue:c@x"):
            for name in ("p", "q"):
                # two senders may use the same set identifier
                scene.post(segment(number, 2, '"%s%d"' % (name, number), name, sender + name, sender))
    got = []
    for _ in range(4):
        message = scene.take()
        got.append((message.sender, message.payload))
    got.sort()
    equal(got, [("ue:b@x", "p1p2"), ("ue:b@x", "q1q2"), ("ue:c@x", "p1p2"), ("ue:c@x", "q1q2")])


def test_total_only_in_the_first_and_a_flag_in_the_last():
    for flag in ('"true"', "true", '"True"'):
        scene = scene_of()
        scene.post(segment(3, last=flag))
        scene.post(segment(2))
        scene.post(segment(1, 3))
        equal(scene.take().payload, "hihihi")
    # without any total the flag says it
    scene = scene_of()
    for number in (1, 2):
        scene.post(segment(number, last='"false"'))
    scene.post(segment(3, last='"true"'))
    equal(scene.take().payload, "hihihi")


def test_numbers_as_strings_and_names_with_spaces():
    scene = scene_of()
    for number in ("1", "2"):
        body = (
            segment(7, 2)
            .replace(b'"segNumb":7', b'"segNumb ":"%s"' % number.encode())
            .replace(b":2,", b':"2",')
        )
        equal(scene.post(body).code, coap.CHANGED)
    equal(scene.take().payload, "hihi")


def test_what_is_missing_is_asked_for_after_5_s():
    # 1-4, 8, 9 of 10 are there
    scene = scene_of()
    for number in (1, 2, 3, 4, 8, 9):
        scene.post(segment(number, 10))
    scene.run(4999)
    equal(missing(scene), [])
    scene.run(1)
    equal(missing(scene), ["(5-7, 10-10)"])
    equal((scene.of("SEGREC")[0].body["segId"], scene.client.stats["recoveries"]), ("s-1", 1))
    for number in (5, 6, 7, 10):
        scene.post(segment(number, 10))
    equal(scene.take().payload, "hi" * 10)
    scene.run(MINUTE)
    equal((scene.count["SEGREC"], results(scene)), (1, [("s-1", True)]))


def test_three_askings_in_vain_and_the_set_is_given_up():
    scene = scene_of()
    scene.post(segment(2, 3, more='"isDelivStatReq":true,'))
    begin = scene.now
    scene.run(19999)
    equal([each.tick - begin for each in scene.of("SEGREC")], [5000, 10000, 15000])
    equal(missing(scene), ["(1-1, 3-3)"] * 3)
    equal(results(scene), [])
    scene.run(1)
    equal(results(scene), [("s-1", False)])
    report = scene.of("IMDN")[0].body
    equal((report["DelSta"], report["msgId"], report["destAddr"]["addr"]), ("failure", "m-1", "ue:b@x"))
    equal((scene.client.stats["given_up"], scene.take(), scene.files), (1, None, []))
    scene.run(MINUTE)
    equal(scene.count["SEGREC"], 3)
    # it may be sent anew, as another set
    for number in (1, 2, 3):
        scene.post(segment(number, 3, set_id="s-2"))
    equal(scene.take().payload, "hihihi")


def test_progress_starts_the_count_again():
    scene = scene_of()
    scene.post(segment(1, 30))
    for number in range(2, 30):
        scene.run(14 * SECOND)
        scene.post(segment(number, 30))
    scene.run(19999)
    equal(scene.client.stats["given_up"], 0)
    scene.post(segment(30, 30))
    equal(scene.take().size, 60)


def test_an_unknown_end_is_asked_for_by_one_number():
    scene = scene_of()
    scene.post(segment(1))
    scene.post(segment(4))
    scene.run(5 * SECOND)
    equal(missing(scene), ["(2-3, 5-5)"])


def test_the_sender_holds_nothing_any_more():
    scene = Scene(lambda asked: coap.NOT_FOUND if asked.kind == "SEGREC" else agree(asked)).start()
    scene.post(segment(1, 3))
    scene.run(5 * SECOND)
    equal((missing(scene), results(scene)), (["(2-3)"], [("s-1", False)]))
    equal(scene.files, [])


def test_an_outage_does_not_use_up_the_askings():
    # The first asking is not answered for 2 minutes; the sender waits as long and then goes on.
    scene = scene_of()
    scene.post(segment(1, 3))
    scene.answer = lambda asked: None
    scene.run(2 * MINUTE)
    scene.answer = agree
    scene.run(2 * SECOND)
    for number in (2, 3):
        scene.post(segment(number, 3))
    equal(scene.take().payload, "hihihi")
    scene.run(MINUTE)
    equal((scene.client.stats["given_up"], results(scene)), (0, [("s-1", True)]))


def test_a_long_list_of_gaps_fits_a_datagram():
    scene = scene_of(coap={"max_datagram": 512}, segments={"bytes": 4000})
    for number in range(301, 0, -2):
        equal(scene.post(segment(number, 302, '"x"')).code, coap.CHANGED)
    scene.run(5 * SECOND)
    text = missing(scene)[0]
    assert text.startswith("(2-2, 4-4, "), text
    assert len(scene.of("SEGREC")[0].datagram) <= 512


def test_numbers_that_contradict_each_other():
    scene = scene_of()
    scene.post(segment(5, 9))
    for body, why in (
        (segment(1, 8), b"totalSegCount: 8 after 9"),
        (segment(10), b"segNumb: not from 1 to 9"),
        (segment(7, last="true"), b"totalSegCount: 7 after 9"),
        (segment(0, 9), b"segNumb: not from 1 to 9"),
        (segment(1, 0), b"totalSegCount: not an integer from 1 to 2147483647"),
    ):
        reply = scene.post(body)
        equal((reply.code, bytes(reply.payload)), (coap.BAD_REQUEST, why))
    scene.post(segment(6, set_id="s-2"))
    reply = scene.post(segment(1, 5, set_id="s-2"))
    equal(bytes(reply.payload), b"totalSegCount: 5 after segment 6")
    equal(scene.client.stats["malformed"], 6)


def test_more_sets_than_there_is_room_for():
    scene = scene_of(segments={"sets": 2})
    for name in ("p", "q"):
        equal(scene.post(segment(1, 2, set_id=name, message_id=name)).code, coap.CHANGED)
    reply = scene.post(segment(1, 2, set_id="r", message_id="r"))
    equal(reply.code, coap.REQUEST_ENTITY_TOO_LARGE)
    scene.post(segment(2, 2, set_id="p", message_id="p"))
    equal(scene.post(segment(1, 2, set_id="r", message_id="r")).code, coap.CHANGED)


def test_more_octets_than_there_is_room_for():
    # 2048 octets in all. Three segments of 1000 cannot fit: refused at the first, whichever comes first.
    scene = scene_of(segments={"bytes": 2048})
    piece = '"%s"' % ("x" * 700)
    equal(scene.post(segment(3, 4, piece)).code, coap.REQUEST_ENTITY_TOO_LARGE)
    equal(scene.files, [])
    # What one set will need is kept free for it, so that it is never refused in the middle.
    equal(scene.post(segment(1, 3, piece)).code, coap.CHANGED)
    equal(
        scene.post(segment(1, 2, piece, set_id="s-2", message_id="m-2")).code, coap.REQUEST_ENTITY_TOO_LARGE
    )
    scene.post(segment(2, 3, piece))
    equal(scene.post(segment(3, 3, '"%s"' % ("x" * 600))).code, coap.CHANGED)
    # A whole one in the inbox: come later, instead of never.
    reply = scene.post(segment(1, 2, piece, set_id="s-2", message_id="m-2"))
    equal((reply.code, reply.uint(coap.MAX_AGE)), (coap.SERVICE_UNAVAILABLE, 10))
    equal(scene.take().size, 2000)
    equal(scene.post(segment(1, 2, piece, set_id="s-2", message_id="m-2")).code, coap.CHANGED)


def test_a_set_without_a_total_is_dropped_when_it_grows_too_large():
    scene = scene_of(segments={"bytes": 2048})
    piece = '"%s"' % ("x" * 700)
    equal(
        [scene.post(segment(n, payload=piece)).code for n in (1, 2, 3)],
        [68, 68, coap.REQUEST_ENTITY_TOO_LARGE],
    )
    equal(scene.files, [])


def test_more_than_1024_segments():
    scene = scene_of()
    equal(scene.post(segment(1, 1025, '""')).code, coap.REQUEST_ENTITY_TOO_LARGE)
    equal(scene.post(segment(1025, payload='""')).code, coap.REQUEST_ENTITY_TOO_LARGE)
    equal(scene.post(segment(1024, 1024, '""')).code, coap.CHANGED)
    equal(len(scene.client._receiver._reassembly), 1)


def test_segment_1_decides_how_all_are_read():
    # "QUJD" is ABC. A later one without the head is bare base64.
    scene = scene_of()
    scene.post(segment(2, 3, '"REVG"'))
    scene.post(segment(3, 3, '"data:;base64,Rw=="'))
    scene.post(segment(1, 3, '"data:;base64,QUJD"'))
    message = scene.take()
    equal((message.payload, message.size, list(message.chunks())), (b"ABCDEFG", 7, [b"ABC", b"DEF", b"G"]))
    # Without a head in the first all is text, heads too, whatever follows them.
    scene.post(segment(2, 2, '"data:;base64,*!"', message_id="m-2"))
    scene.post(segment(1, 2, '"see: "', message_id="m-2"))
    message = scene.take()
    equal((message.payload, message.size), ("see: data:;base64,*!", 20))


def test_bad_base64():
    scene = scene_of()
    for value in ("data:;base64,Q", "data:;base64,QUJD\\n", "data:;base64,QU*D", "data:;base64,\\u00e4QUI"):
        reply = scene.post(segment(1, 2, '"%s"' % value))
        equal((reply.code, bytes(reply.payload)), (coap.BAD_REQUEST, b"payload: not base64"))
    # found when it is whole
    scene.post(segment(2, 2, '"Q"'))
    equal(scene.post(segment(1, 2, '"data:;base64,QUJD"')).code, coap.BAD_REQUEST)
    equal((scene.take(), scene.files), (None, []))


def test_the_window_is_announced_where_it_is_more_than_one():
    for window, said in ((None, None), (1, None), (2, 2), (8, 8)):
        scene = scene_of(segments={} if window is None else {"window": window})
        equal(scene.of("REG")[0].body["cliProfile"].get("segWindow"), said)


def test_two_at_once_are_answered_in_their_order():
    """Each in its own acknowledgement, which is said again to a repeat."""
    scene = scene_of(segments={"window": 2})
    asked = [request(number, segment(number, 4)) for number in (1, 2, 3, 4)]
    for first in (0, 2):
        for datagram in asked[first : first + 2]:
            scene.client.receive(datagram, PEER, scene.tick)
        equal(acknowledged(scene), [(100 + first + 1, coap.CHANGED), (100 + first + 2, coap.CHANGED)])
    scene.client.receive(asked[2], PEER, scene.tick)
    equal(acknowledged(scene), [(103, coap.CHANGED)])
    equal((scene.client.stats["received"], scene.client.stats["repeated"]), (1, 0))
    equal(scene.take().payload, "hihihihi")


def request(number, body):
    return coap.encode(
        coap.Message(coap.POST, body, coap.path_options("/msgin5g"), coap.CON, 100 + number, b"\x01")
    )


def acknowledged(scene):
    """(message ID, code) of what the device says to requests."""
    found = []
    while True:
        item = scene.client.outgoing()
        if item is None:
            return found
        message = coap.decode(bytes(item[0]))
        if message.type == coap.ACK:
            found.append((message.mid, message.code))


class Failing(MemoryStorage):
    """A storage whose n-th call to append fails, and whose remove fails while `stuck`."""

    def __init__(self, fails):
        super().__init__()
        self.fails = fails
        self.stuck = False

    def append(self, name, octets, more=False):
        if name[:4] == "set-":
            self.fails -= 1
            if self.fails == 0:
                super().append(name, octets[: len(octets) // 2])
                raise OSError(28)
        super().append(name, octets, more)

    def remove(self, name):
        if self.stuck:
            raise OSError(5)
        super().remove(name)


def test_the_storage_fails_in_the_middle():
    for piece in (4, 5, 6):  # three a segment
        scene = Scene(storage=Failing(piece)).start()
        equal(scene.post(segment(1, 3)).code, coap.CHANGED)
        equal(scene.post(segment(2, 3)).code, coap.INTERNAL_SERVER_ERROR)
        equal(scene.files, [])
        # the sender tries again; what is gone is asked for
        for number in (2, 3):
            equal(scene.post(segment(number, 3)).code, coap.CHANGED)
        scene.run(5 * SECOND)
        equal(missing(scene), ["(1-1)"])
        scene.post(segment(1, 3))
        equal(scene.take().payload, "hihihi")


class Deep(MemoryStorage):
    """Whose n-th append finds the stack too deep."""

    left = 0

    def append(self, name, octets, more=False):
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("maximum recursion depth exceeded")
        return super().append(name, octets, more)


def test_a_stack_that_is_too_deep_in_the_middle():
    storage = Deep()
    scene = Scene(storage=storage).start()
    equal(scene.post(segment(1, 3)).code, coap.CHANGED)
    storage.left = 2
    equal(scene.post(segment(2, 3)).code, coap.SERVICE_UNAVAILABLE)
    for number in (2, 3):
        equal(scene.post(segment(number, 3)).code, coap.CHANGED)
    scene.run(5 * SECOND)
    scene.post(segment(1, 3))
    equal(scene.take().payload, "hihihi")


def test_bad_base64_among_octets():
    """It is refused as it comes, once segment 1 has told how all are read."""
    scene = scene_of()
    equal(scene.post(segment(1, 3, '"data:;base64,QUJD"')).code, coap.CHANGED)
    reply = scene.post(segment(2, 3, '"Q"'))
    equal((reply.code, bytes(reply.payload)), (coap.BAD_REQUEST, b"payload: not base64"))
    equal((scene.client.stats["given_up"], scene.files), (1, []))


def test_the_storage_fails_when_the_whole_is_made_safe():
    scene = Scene(storage=Failing(7)).start()
    equal(scene.post(segment(1, 2)).code, coap.CHANGED)
    equal(scene.post(segment(2, 2)).code, coap.INTERNAL_SERVER_ERROR)
    equal((scene.take(), results(scene), scene.files), (None, [], []))
    equal(scene.post(segment(2, 2)).code, coap.CHANGED)
    scene.run(5 * SECOND)
    equal(missing(scene), ["(1-1)"])
    scene.post(segment(1, 2))
    equal((scene.take().payload, results(scene)), ("hihi", [("s-1", True)]))


def test_a_storage_that_cannot_remove_stops_nothing():
    scene = Scene(storage=Failing(99)).start()
    scene.post(segment(1, 3))
    scene.storage.stuck = True
    scene.run(MINUTE)
    equal(results(scene), [("s-1", False)])
    scene.storage.stuck = False
    # the note of its end goes with the next write, so a restart finds the set again, and gives it up again
    equal(len(scene.files), 1)
    scene = Scene(storage=scene.storage).start()
    scene.run(MINUTE)
    equal((results(scene), scene.files), ([("s-1", False)], []))


def test_a_taken_message_is_closed_by_the_next():
    scene = scene_of()
    for name in ("p", "q"):
        for number in (1, 2):
            scene.post(segment(number, 2, '"%s"' % name, name, name))
    first = scene.take()
    chunks = first.chunks()
    equal(next(chunks), "p")
    second = scene.take()
    for read in (lambda: first.payload, lambda: list(first.chunks()), lambda: next(chunks)):
        try:
            read()
        except (ValueError, OSError) as error:
            assert "before the next" in str(error), error
        else:
            raise AssertionError("read after its end")
    equal(second.payload, "qq")
    second.close()
    second.close()
    equal(scene.files, [])
