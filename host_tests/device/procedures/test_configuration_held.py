# SPDX-License-Identifier: MIT
"""UE configuration through a gateway that asks for several devices at once: TS 24.538 clause 6.2.3."""

import coap
from common import equal
from configuration_scene import ETAG, changed, content, document, scene, state, who
from msgin5g_scene import HOUR, MINUTE, PEER, SECOND

HELD = (coap.CONTENT, b'{"maxConfTime":30}', [(coap.CONTENT_FORMAT, b"\x32")])


def later(made, body, code=coap.CONTENT, token=None, mid=900):
    """The second answer to the first request, as a separate response; gives what it is answered with."""
    made._reply = None
    made._mid = mid
    token = made.of("CONFIG")[0].message.token if token is None else token
    options = [(coap.CONTENT_FORMAT, b"\x32"), (coap.ETAG, ETAG)]
    response = coap.Message(code, body, options, coap.CON, mid, token)
    made.client.receive(coap.encode(response), PEER, made.tick)
    made._pump()
    return made._reply and made._reply.type


def test_a_second_answer_has_the_configuration():
    made = scene(HELD).start()
    equal((state(made), made.kinds()), (("configuring", None), ["CONFIG"]))
    made.run(29 * SECOND)
    equal(made.kinds(), ["CONFIG"])
    equal(later(made, document()), coap.ACK)
    equal((state(made), made.kinds()), (("registered", None), ["CONFIG", "REG"]))
    # that token is closed now; the same one again is acknowledged as a duplicate
    equal((later(made, document()), later(made, document(), mid=901)), (coap.ACK, coap.RST))
    made.run(MINUTE)
    equal(made.kinds(), ["CONFIG", "REG"])


def test_a_second_answer_may_be_a_refusal():
    for code in (coap.NOT_FOUND, coap.FORBIDDEN):
        made = scene(HELD).start()
        equal(later(made, b"unknown", code), coap.ACK)
        equal(state(made), ("refused", coap.code_text(code) + " unknown"))
        made.run(40 * SECOND)
        equal(made.kinds(), ["CONFIG"])


def test_without_a_second_answer_it_is_asked_for_again():
    made = scene(HELD).start()
    made.run(39 * SECOND)
    equal(made.kinds(), ["CONFIG"])
    made.run(2 * SECOND)
    equal(made.kinds(), ["CONFIG"] * 2)
    first = made.of("CONFIG")[0].message.token
    equal(later(made, document(), token=first), coap.RST)  # too late: that request is over
    equal(later(made, document(), token=made.of("CONFIG")[1].message.token, mid=901), coap.ACK)
    equal(state(made)[0], "registered")


def test_a_gateway_that_wants_no_time_at_all_is_asked_ever_more_rarely():
    made = scene((coap.CONTENT, b'{"maxConfTime":0}', HELD[2])).start()
    made.run(HOUR)
    assert 10 < made.count["CONFIG"] < 40, made.count
    made = scene((coap.CONTENT, b'{"maxConfTime":99999999}', HELD[2])).start()
    made.run(HOUR + 11 * SECOND)
    equal(made.count["CONFIG"], 2)


def test_a_second_answer_that_says_to_wait_changes_nothing():
    made = scene(HELD).start()
    made.run(20 * SECOND)
    equal(later(made, HELD[1]), coap.ACK)
    made.run(19 * SECOND)
    equal((state(made)[0], made.kinds()), ("configuring", ["CONFIG"]))
    equal(later(made, document(), mid=901), coap.ACK)
    equal(state(made)[0], "registered")


def test_strangers_do_not_answer_for_a_gateway():
    made = scene(HELD).start()
    equal(later(made, document(), token=b"\x01\x02\x03\x04"), coap.RST)
    made._mid = 77
    made._reply = None
    token = made.of("CONFIG")[0].message.token
    response = coap.Message(coap.CONTENT, document(), [], coap.CON, 77, token)
    made.client.receive(coap.encode(response), ("192.0.2.66", 65401), made.tick)
    made._pump()
    equal(state(made)[0], "configuring")


def test_a_gateway_that_needs_time_takes_no_place_of_a_topic():
    made = scene(content(document())).start()
    made.answer.config = HELD
    made.call("configuration", "fetch")
    for number in range(8):  # as many as may be observed
        made.client.subscribe("t%d" % number, made.tick)
        made._pump()
    made.run(SECOND)
    equal((made.count["TOPIC"], state(made)), (8, ("registered", None)))
    equal(later(made, document("ue:new@x"), token=made.of("CONFIG")[-1].message.token), coap.ACK)
    equal(made.kinds()[-10:-8], ["DEREG", "REG"])


def test_a_gateway_that_needs_time_for_a_refresh():
    made = changed(content(document()), HELD)
    made.run(HOUR)
    equal(("CONFIG" in made.count, state(made)), (True, ("registered", None)))
    token = made.of("CONFIG")[-1].message.token
    equal(later(made, document("ue:new@x"), token=token), coap.ACK)
    made.run(SECOND)
    equal((made.kinds()[-2:], who(made.asked[-1])), (["DEREG", "REG"], "ue:new@x"))
