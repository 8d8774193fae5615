# SPDX-License-Identifier: MIT
"""What a peer writes leaves nothing in the heap. MicroPython keeps each character that a program looks at singly, for
ever, in its table of names: there are a million of them, and a peer chooses."""

import gc

import coap
from coap.compat import json_value, printable
from common import Folder, equal
from configuration_scene import content, document, scene
from msgin5g_scene import Scene, imdn, msg, msgresp, segrec

CHARACTERS = 8  # new ones in each message
BEFORE = 60
ROUNDS = 500


def characters(number):
    """A text of ideographs that no other number gives, made of octets: chr() keeps what it makes."""
    octets = bytearray()
    for code in range(0x4E00 + number * CHARACTERS, 0x4E00 + (number + 1) * CHARACTERS):
        octets += bytes((0xE0 | code >> 12, 0x80 | code >> 6 & 63, 0x80 | code & 63))
    return str(bytes(octets), "utf-8")


def alloc():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def growth(act):
    """Octets that stay of ROUNDS calls, after some that load what they need and fill what is bounded."""
    for number in range(BEFORE):
        act(characters(number))
    before = alloc()
    for number in range(BEFORE, BEFORE + ROUNDS):
        act(characters(number))
    return alloc() - before


def test_of_messages():
    with Folder() as storage:  # the heap is what is looked at, and the journal is not in it on a board
        scene = Scene(storage=storage).start()
        scene.MAX_ASKED = 1
        grown = growth(lambda text: send(scene, text))
        assert grown < 2048, grown


def send(scene, text):
    """Sends the device a message, and what it takes for wrong or does not know, with this text wherever one may be."""
    more = '"isDelivStatReq":true,'
    equal(scene.post(msg("m-" + text, '"%s"' % text, "ue:" + text, more)).code, coap.CHANGED)
    scene.take()
    for body in (
        msgresp("m-" + text, '"DelSta":"failure","cause":"%s"' % text),
        imdn("m-" + text, sender="ue:" + text),
        segrec("s-" + text, text),
        msg(text).replace(b'"MSG"', b'"%s"' % text.encode()),
    ):
        scene.post(body)
    scene.asked = []


def test_of_refusals():
    refusal = ["no"]
    scene = Scene(lambda asked: (coap.BAD_REQUEST, refusal[0].encode())).start()

    def act(text):
        refusal[0] = text
        scene.run(3600000)
        assert text in scene.client.registration.cause, scene.client.registration.cause
        scene.asked = []

    grown = growth(act)
    assert grown < 2048, grown


def test_of_configurations():
    with Folder() as storage:
        made = scene(content(document()), storage).start()
        made.MAX_ASKED = 1

        def act(text):
            # of all members that a server may choose, in both forms
            server = "coap://%s:5000" % text
            for answer in (
                content(document("ue:" + text, size=512)),
                content(document("ue:" + text, form="xml")),
                content(document("ue:a@x", server)),
                content(b'{"ueServiceId":5,"%s":"%s"}' % (text.encode(), text.encode())),
                content(b"<a%s>&%s;</a>" % (text.encode(), text.encode())),
            ):
                made.answer.config = answer
                made.call("configuration", "fetch")

        grown = growth(act)
        assert grown < 2048, grown


def test_of_what_is_printed_and_read():
    grown = growth(lambda text: printable(text + "\n"))
    assert grown < 2048, grown

    pairs = [0]

    def escaped(text):
        for _ in range(CHARACTERS):
            pairs[0] += 1
            value = '"\\u%04x\\u%04x"' % (0xD83C + pairs[0] // 0x400, 0xDC00 + pairs[0] % 0x400)
            equal(len(json_value(value.encode())), 1)

    grown = growth(escaped)
    assert grown < 2048, grown


def test_control_characters_are_shown_as_question_marks():
    """Those of ASCII, DEL, and those of ISO 8859-1 (U+0080 to U+009F), which are two octets in UTF-8."""
    for text, shown in (
        ("", ""),
        ("a b~", "a b~"),
        ("a\nb\x00\x1f\x7f", "a?b???"),
        ("\x80\x9f\xa0\xff", "??\xa0\xff"),
        ("\u00c2\u4e2d\U0001f600\u0085.", "\u00c2\u4e2d\U0001f600?."),
    ):
        equal(printable(text), shown)
