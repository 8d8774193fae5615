# SPDX-License-Identifier: MIT
"""What `send` refuses, and the form that a message goes out in: TS 24.538 clause 6.4.1.1.2."""

import coap
from common import equal, raises
from msgin5g import OutboxFull
from msgin5g_scene import SECOND, Scene, answering, clean


def test_outbox_full():
    scene = Scene(lambda asked: None, outbox={"messages": 3, "bytes": 1000}).start()
    for _ in range(3):
        scene.send()
    error = raises(OutboxFull, scene.send)
    assert "outbox.messages" in str(error), error
    equal(len(scene.client.outbox.queue), 3)
    scene = Scene(lambda asked: None, outbox={"messages": 9, "bytes": 1000}).start()
    scene.send(payload=b"x" * 600)
    error = raises(OutboxFull, scene.send, payload=b"x" * 401)
    assert "outbox.bytes" in str(error), error
    scene.send(payload=b"x" * 400)
    raises(OutboxFull, scene.send, payload="x")
    scene.send(payload="")


def test_room_comes_back_however_a_message_ends():
    for answer, expires in ((coap.CHANGED, None), (coap.BAD_REQUEST, None), (None, 5)):
        scene = Scene(answering(answer), outbox={"messages": 1, "bytes": 100}).start()
        for _ in range(5):
            scene.send(payload=b"x" * 100, expires=expires)
            scene.run(5 * SECOND)
        clean(scene)


def test_larger_than_the_outbox_is_a_value_error():
    scene = Scene(outbox={"bytes": 1000}).start()
    error = raises(ValueError, scene.send, payload=b"x" * 1001)
    assert "outbox.bytes" in str(error) and "1001" in str(error), error


def test_wrong_arguments_are_explained():
    scene = Scene().start()
    for named, word in (
        ({"to": ""}, "to:"),
        ({"to": "x" * 256}, "255"),
        ({"to": "a\nb"}, "control"),
        ({"to": None}, "to:"),
        ({"to_type": "ALL"}, "GROUP"),
        ({"to_type": None}, "to_type"),
        ({"priority": "URGENT"}, "HIGH"),
        ({"app_id": 7}, "app_id"),
        ({"app_id": "x" * 256}, "255"),
        ({"expires": 0}, "expires"),
        ({"expires": -1}, "expires"),
        ({"expires": "1"}, "expires"),
        ({"expires": True}, "expires"),
        ({"expires": float("inf")}, "expires"),
        ({"expires": float("nan")}, "expires"),
        ({"payload": 5}, "int"),
        ({"payload": None}, "NoneType"),
        ({"payload": ["x"]}, "list"),
        ({"payload": ("x", 1)}, "tuple"),
        ({"payload": {"a": 1}}, "dict"),
    ):
        error = raises(ValueError, scene.send, **named)
        assert word in str(error), (named, error)
    equal(scene.kinds(), ["REG"])
    clean(scene)


def test_confirmable_as_the_specification_asks():
    # TS 24.538 clause 6.4.1.1.2: T = 0 if a delivery status report is wanted
    scene = Scene(coap={"confirmable": "spec"}).start()
    scene.send()
    scene.send(report=True)
    equal([each.message.type for each in scene.asked], [coap.CON, coap.NON, coap.CON])
    equal(scene.client.stats["accepted"], 2)
    scene = Scene().start()
    scene.send()
    equal(scene.asked[-1].message.type, coap.CON)


def test_options_of_the_request():
    # Uri-Path "msgin5g" (11), Content-Format 50 (12); a server that is not the peer in Uri-Host (3), Uri-Port (7)
    scene = Scene().start()
    equal(
        [(number, bytes(value)) for number, value in scene.asked[0].message.options],
        [(11, b"msgin5g"), (12, b"2")],
    )
    scene = Scene(server="coap://server.example").start()
    equal([number for number, _ in scene.asked[0].message.options], [3, 11, 12])
    equal(scene.asked[0].message.option(3), b"server.example")
    scene = Scene(server="coap://server.example:5683").start()
    equal([number for number, _ in scene.asked[0].message.options], [3, 7, 11, 12])
    equal(scene.asked[0].message.option(7), b"\x16\x33")


def test_store_and_forward_with_a_clock():
    scene = Scene(clock=lambda: 1893456000).start()
    scene.send(store_forward=True, expires=30)
    equal(scene.asked[-1].body["sfFlag"], True)
    equal(scene.asked[-1].body["sfParam"], {"expireTime": "2030-01-01T00:00:30Z"})
    scene.send(store_forward=True)
    assert "sfParam" not in scene.asked[-1].body
    scene.send(expires=30)
    assert "sfParam" not in scene.asked[-1].body
    equal(scene.asked[-1].body["sfFlag"], False)
    # a clock that was never set
    scene = Scene(clock=lambda: None).start()
    scene.send(store_forward=True, expires=30)
    assert "sfParam" not in scene.asked[-1].body
