# SPDX-License-Identifier: MIT
"""Bodies that went wrong on their way, or were made to: no exception, no growth, and the device goes on."""

import gc

import coap
from common import Folder, Random, equal
from msgin5g_scene import HOUR, SECOND, Scene, imdn, msg, msgresp, segconfir, segment, segrec

ADDR = b'"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"}'
TOKENS = (
    b'null true false -1 0 1.5 1e999 99999999999 { } [ ] " : , \\ \\u \\ud83d \\ude00 \xff \xc2\xb2 \xed\xa0\x80 '
    b'"data:;base64,Q" {1:2} {[]:1} "UE" "" [[[[[[[[ NaN'
).split(b" ")
ALLOWED = (
    coap.CHANGED,
    coap.BAD_REQUEST,
    coap.NOT_FOUND,
    coap.REQUEST_ENTITY_TOO_LARGE,
    coap.SERVICE_UNAVAILABLE,
)


# One of each kind that a device may get: what makes it of a message ID, the ID of a set and random numbers.
BODIES = (
    lambda message_id, set_id, random: msg(message_id, more='"isDelivStatReq":true,"appId":"1",'),
    lambda message_id, set_id, random: msg(
        message_id, '"data:;base64,AP9oaQ=="', more='"oriDestAddr":{"destAddrType":"GROUP","addr":"g"},'
    ),
    lambda message_id, set_id, random: msg(
        message_id, more='"totalMsgCount":1,"msgList":[{"msgId":"%s-e","payload":"x"}],' % message_id
    ),
    lambda message_id, set_id, random: segment(random.below(6), 4, '"x"', set_id, message_id),
    lambda message_id, set_id, random: segment(
        1, None, '"data:;base64,QUJD"', set_id, message_id, last='"true"'
    ),
    lambda message_id, set_id, random: imdn(message_id, "failure", cause="x"),
    lambda message_id, set_id, random: msgresp(message_id),
    lambda message_id, set_id, random: segrec(set_id, "(1-2, 5-5)"),
    lambda message_id, set_id, random: segconfir(set_id),
    lambda message_id, set_id, random: (
        b'{"msgIden":"urn:3gpp:msgin5g","msgType":"REGRESP",%s,"result":true,"regExpTime":99}' % ADDR
    ),
    lambda message_id, set_id, random: (
        b'{"msgIden":"urn:3gpp:msgin5g","msgType":"DEREGRESP",%s,"result":false}' % ADDR
    ),
)


def mutated(body, random):
    body = bytearray(body)
    for _ in range(random.below(4)):
        place = random.below(len(body) + 1)
        kind = random.below(5)
        if kind == 0 and place < len(body):
            body[place] ^= 1 << random.below(8)
        elif kind == 1:
            body = body[:place] + body[place + random.below(20) :]
        elif kind == 2:
            body = body[:place] + body[place : place + random.below(40)] + body[place:]
        elif kind == 3:
            body = body[:place] + random.choice(TOKENS) + body[place:]
        else:
            # a value is replaced: from a colon to the next comma or bracket
            start = body.find(b":", place)
            if start > 0:
                end = start + 1
                while end < len(body) and body[end] not in b",}]":
                    end += 1
                body = body[: start + 1] + random.choice(TOKENS) + body[end:]
    return bytes(body)


def feed(scene, random, count, seed):
    codes = {}
    for number in range(count):
        turn, kind = divmod(number, len(BODIES))
        body = BODIES[kind]("m-%d-%d" % (seed, turn), "s-%d" % turn, random)
        reply = scene.post(mutated(body, random))
        assert reply is not None, body
        codes[reply.code] = codes.get(reply.code, 0) + 1
        scene.take()
        if number % 50 == 0:
            scene.run(2 * SECOND)
    for code in codes:
        assert code in ALLOWED, codes
    return codes


def alloc():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def run(seed):
    with Folder() as storage:  # the heap is what is looked at, and the journal is not in it on a board
        _run(seed, storage)


def _run(seed, storage):
    random = Random(seed)
    scene = Scene(seed=seed, storage=storage).start()
    scene.MAX_ASKED = 1
    feed(scene, random, 1000, seed)
    scene.run(HOUR)
    scene.asked = []
    before = alloc()
    codes = feed(scene, random, 5000, seed + 100)
    # some are whole after all, most are not
    assert codes[coap.CHANGED] > 500 and codes[coap.BAD_REQUEST] > 1000, codes
    scene.run(HOUR)
    scene.asked = []
    grown = alloc() - before
    # 64 message IDs are remembered: they may be longer now, and the seventy-odd of a list
    assert grown < 4096, grown
    equal((len(scene.client._receiver._notices), len(scene.client._receiver._reassembly)), (0, 0))
    equal(scene.client.registered, True)
    equal(scene.post(msg("good")).code, coap.CHANGED)
    equal(scene.take().payload, "hi")
    equal(scene.files, [])  # not before: the message that was taken last may have one


def test_mutated_bodies_1():
    run(1)


def test_mutated_bodies_2():
    run(2)


def test_mutated_bodies_3():
    run(3)


def test_mutated_bodies_4():
    run(4)


def test_deep_nesting():
    scene = Scene().start()
    for text in (b"[" * 1000, b'{"a":' * 200, b'{"msgType":' + b"[" * 500 + b"]" * 500 + b"}"):
        reply = scene.post(text)
        assert reply.code in (coap.BAD_REQUEST, coap.SERVICE_UNAVAILABLE), reply
    equal(scene.post(msg()).code, coap.CHANGED)
