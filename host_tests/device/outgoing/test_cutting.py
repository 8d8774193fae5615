# SPDX-License-Identifier: MIT
"""How a message is cut, and whether: TS 24.538 clauses 6.4.1.1.2 and 7.3.4.1, docs/wire-profile.md."""

import binascii

from common import equal
from msgin5g_scene import Scene


def test_what_every_segment_says():
    scene = Scene().start()
    outgoing = scene.send(payload="x" * 2000, report=True)
    bodies = [each.body for each in scene.of("MSG")]
    total = len(bodies)
    assert total >= 3, total
    equal(sum([body["payload"].count("x") for body in bodies]), 2000)
    name = bodies[0]["segParams"]["segId"]
    for number, body in enumerate(bodies, 1):
        parameters = body["segParams"]
        equal((body["msgId"], body["isSegmented"]), (outgoing.message_id, True))
        equal((parameters["segNumb"], parameters["totalSegCount"]), (number, total))
        # 7.3.4.1: a string, in the last only; TS 23.554 8.5.2: delivery status required in the first only
        equal(parameters.get("lastSegFlag"), "true" if number == total else None)
        equal(body.get("isDelivStatReq"), True if number == 1 else None)
        equal((len(name), parameters["segId"]), (16, name))
    scene.send("ue:c@x", "x" * 2000)
    assert scene.asked[-1].body["segParams"]["segId"] != name


def test_octets_are_cut_in_threes_with_a_head_each():
    payload = bytearray(1301)
    for position in range(1301):
        payload[position] = position * 7 & 255
    scene = Scene(coap={"max_datagram": 700}).start()
    scene.send(payload=payload)
    start = 0
    asked = scene.of("MSG")
    assert len(asked) >= 3, len(asked)
    for each in asked:
        value = each.body["payload"]
        assert value.startswith("data:;base64,"), value[:20]
        assert (len(value) - 13) % 4 == 0 and "=" not in value[:-2], value[-4:]
        assert each is asked[-1] or not value.endswith("="), value[-4:]
        piece = binascii.a2b_base64(value[13:])
        equal(piece, payload[start : start + len(piece)])
        start += len(piece)
    equal(start, 1301)


def test_text_is_cut_between_characters_and_fits_with_its_escapes():
    # one to four octets, and those that JSON escapes with one or five more
    text = 'a\u00e4\u20ac\U0001f600"\\\n\x01'
    for datagram in (512, 1152):
        scene = Scene(coap={"max_datagram": datagram}).start()
        scene.send(payload=text * 80)
        position = longest = 0
        for each in scene.of("MSG"):
            for character in each.body["payload"]:
                equal(character, text[position % 8])
                position += 1
            longest = max(longest, len(each.datagram))
        equal(position, 640)
        # and they are filled: no more than one escaped character and some digits are left
        assert datagram - 40 < longest <= datagram, longest


def test_segments_size_bounds_the_value():
    scene = Scene(segments={"size": 100}).start()
    scene.send(payload="\u00e4" * 500)
    assert max([len(each.body["payload"].encode()) for each in scene.of("MSG")]) == 100
    scene.forget()
    scene.send("ue:c@x", b"x" * 200)
    # the head counts: 13 + 4 * 21 = 97, one more group would be 101
    equal([len(each.body["payload"]) for each in scene.of("MSG")], [97, 97, 97, 13 + 16])


def test_borders_between_one_and_many():
    # The longest text that goes unsegmented fills the datagram; one octet more is cut.
    for make in (lambda n: "x" * n, lambda n: b"x" * n, lambda n: '"' * n):
        low, high = 1, 2000
        while high - low > 1:
            middle = (low + high) // 2
            scene = Scene().start()
            scene.send(payload=make(middle))
            if "segParams" in scene.asked[-1].body:
                high = middle
            else:
                low = middle
        scene = Scene().start()
        scene.send(payload=make(low))
        size = len(scene.asked[-1].datagram)
        assert 1148 <= size <= 1152, size


def test_text_that_looks_like_octets_travels_as_octets():
    scene = Scene().start()
    scene.send(payload="data:;base64,")
    # 13 octets: "data:;base64," in base64
    equal(scene.asked[-1].body["payload"], "data:;base64,ZGF0YTo7YmFzZTY0LA==")
    scene.send(payload="data:;base64")
    equal(scene.asked[-1].body["payload"], "data:;base64")


def test_empty_payloads():
    scene = Scene().start()
    scene.send(payload="")
    assert "payload" not in scene.asked[-1].body
    scene.send(payload=b"")
    equal(scene.asked[-1].body["payload"], "data:;base64,")
