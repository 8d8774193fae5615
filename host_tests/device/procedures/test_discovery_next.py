# SPDX-License-Identifier: MIT
# heap: 256k, the gateways and what was sent to them lie in it too
"""The gateway that was found is silent, refuses, or goes away (TS 23.554 clause 8.2.8; docs/wire-profile.md)."""

import json

import coap
from common import equal
from discovery_scene import ONE, REFUSED, THREE, TWO, Place, link
from msgin5g import MemoryStorage
from msgin5g_scene import DAY, HOUR, MINUTE, SECOND, agree, always


def test_silence_and_refusals_lead_to_the_next():
    for said in (None, REFUSED, coap.UNAUTHORIZED, coap.NOT_FOUND, coap.SERVICE_UNAVAILABLE):
        place = Place({ONE: link(), TWO: link(), THREE: link()})
        place.alive = {ONE: always(said), TWO: always(said), THREE: agree}
        place.start().run(4 * MINUTE)
        equal((place.who(), place.state, place.times), ([ONE, TWO, THREE], ("registered", None), 1))
    # at once, where the answer came at once
    place = Place({ONE: link(), TWO: link()})
    place.alive[ONE] = lambda asked: REFUSED
    place.start().run(4 * SECOND)
    equal(place.state, ("registered", None))


def test_when_all_have_failed_they_are_asked_for_anew():
    place = Place({ONE: link(), TWO: link()}, {})
    place.start().run(200 * SECOND)  # 3 + 93 + 93 s at the most
    equal((place.who()[:2], place.times), ([ONE, TWO], 2))
    place.alive[TWO] = agree
    place.run(4 * MINUTE)
    equal(place.state[0], "registered")


def test_refusals_are_not_repeated_at_once():
    # as of a registration: 60 s, doubled to an hour
    place = Place({ONE: link()}, {ONE: lambda asked: REFUSED}).start()
    place.run(40 * SECOND)
    equal((place.who(), place.state), ([ONE], ("refused", "no contract")))
    place.run(DAY)
    assert 24 <= len(place.who()) <= 40, len(place.who())
    equal(len(place.who()), place.times)


def test_one_that_was_tried_in_vain_comes_last_next_time():
    place = Place({ONE: link(), TWO: link()}, {})
    place.start().run(150 * SECOND)
    equal(place.who(), [ONE, TWO])
    place.near = {ONE: link(), TWO: link(), THREE: link()}
    place.run(70 * SECOND)
    equal(place.who()[2:3], [THREE])


def test_a_registered_one_that_goes_silent():
    place = Place({ONE: link(), TWO: link()}).start()
    place.run(4 * SECOND)
    equal(place.who(), [ONE])
    del place.alive[ONE]
    place.run(HOUR)
    equal((place.who()[1:3], place.state, place.client.registered), ([ONE, TWO], ("registered", None), True))
    equal(place.times, 1)
    # nobody else is known any more: asked anew
    del place.alive[TWO], place.near[ONE], place.near[TWO]
    place.near[THREE] = link()
    place.alive[THREE] = agree
    place.run(HOUR + 10 * MINUTE)
    equal((place.client.peer, place.state), (THREE, ("registered", None)))
    outgoing = place.send()
    equal((outgoing.state, place.who("MSG")), ("accepted", [THREE]))


def test_one_that_is_away_for_a_while_is_found_again():
    place = Place({ONE: link()}).start()
    place.run(4 * SECOND)
    for away in (10 * MINUTE, 4 * HOUR, 3 * DAY):
        near, alive, place.near, place.alive = place.near, place.alive, {}, {}
        place.run(HOUR + away)
        equal(place.client.registered, False)
        place.near, place.alive = near, alive
        place.run(10 * MINUTE)
        equal(place.state, ("registered", None))


def test_one_that_multicasts_reach_no_more_is_tried_all_the_same():
    place = Place({ONE: link()}).start()
    place.run(4 * SECOND)
    place.near = {}
    alive, place.alive = place.alive, {}
    place.run(2 * HOUR)
    place.alive = alive
    place.run(20 * MINUTE)
    equal(place.state, ("registered", None))


def test_a_server_that_forgot_us_is_registered_with_again():
    place = Place({ONE: link(), TWO: link()}).start()
    place.run(4 * SECOND)
    said = [coap.UNAUTHORIZED, coap.CHANGED]
    place.alive[ONE] = lambda asked: said.pop(0) if asked.kind == "MSG" else agree(asked)
    outgoing = place.send()
    place.run(20 * SECOND)
    equal((outgoing.state, place.who()), ("accepted", [ONE, ONE]))


def test_topics_follow():
    place = Place({ONE: link(), TWO: link()})
    granted = coap.CONTENT, b"", [(coap.OBSERVE, b"\x01")]
    heard = []

    def answer(name):
        def said(asked):
            if asked.kind == "TOPIC":
                heard.append(name)
                return granted
            return agree(asked)

        return said

    place.alive = {ONE: answer("one"), TWO: answer("two")}
    place.start().run(4 * SECOND)
    place.client.subscribe("alerts", place.tick)
    place._pump()
    equal(heard, ["one"])
    del place.alive[ONE]
    place.run(HOUR)
    equal((place.client.peer, heard[-1]), (TWO, "two"))


def test_messages_are_cut_to_what_it_takes():
    text = "x" * 900
    place = Place({ONE: link(512)}).start()
    outgoing = place.send(payload=text)  # before it is known whom to send to
    place.run(4 * SECOND)
    later = place.send(payload=text)
    place.run(10 * MINUTE)
    sent = [len(asked.datagram) for asked in place.asked if asked.kind == "MSG"]
    assert len(sent) >= 4 and max(sent) <= 512, sent
    equal((outgoing.state, later.state), ("accepted", "accepted"))
    equal(json.loads(str(place.of("REG")[0].message.payload, "utf-8"))["cliProfile"]["maxSegSize"], 64)


def test_what_goes_out_together_fits_it_too():
    """What was joined for one that takes more, what would have been, and what must go in segments now."""
    small = ["%02d" % number * 30 for number in range(12)]
    for restart in (False, True):
        storage = MemoryStorage()
        more = {
            "aggregation": {"wait": 10, "messages": 255},
            "coap": {"max_retransmit": 0},
            "storage": storage,
        }
        place = Place(
            {ONE: link()}, {ONE: lambda asked: None if asked.kind == "MSG" else agree(asked)}, **more
        )
        place.start().run(4 * SECOND)
        for payload in small:
            place.send(payload=payload)
        for payload in ("y" * 700, "z"):
            place.send("ue:c@x", payload)
        place.run(20 * SECOND)
        joined = [len(asked.datagram) for asked in place.of("MSG") if "msgList" in asked.body]
        assert len(joined) > 1 and min(joined) > 600, joined
        place.forget()
        sizes = []
        payloads = {"ue:b@x": [], "ue:c@x": []}

        def hear(asked, sizes=sizes, payloads=payloads):
            if asked.kind == "MSG":
                sizes.append(len(asked.datagram))
                body = asked.body
                for each in body.get("msgList", (body,)):
                    payloads[body["destAddr"]["addr"]].append(each["payload"])
            return agree(asked)

        if restart:
            place = Place({TWO: link(600)}, {TWO: hear}, **more).start()
        else:
            place.near, place.alive = {TWO: link(600)}, {TWO: hear}
        place.MAX_ASKED = 4
        place.run(3 * HOUR)
        assert sizes and max(sizes) <= 600, sizes
        equal(payloads["ue:b@x"], small)
        equal(("".join(payloads["ue:c@x"]), payloads["ue:c@x"][-1]), ("y" * 700 + "z", "z"))
        equal(place.client.outbox.queue, [])
