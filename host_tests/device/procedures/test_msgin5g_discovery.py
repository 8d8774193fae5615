# SPDX-License-Identifier: MIT
"""Finding a gateway (TS 23.554 clause 8.2.8; docs/wire-profile.md): what the device asks, and which answers count."""

import coap
from common import equal
from discovery_scene import GROUP, ONE, THREE, TWO, Place, answer_to, link
from msgin5g_scene import DAY, GRANTED, HOUR, MINUTE, SECOND, agree


def gaps(place):
    times = [ask[0] for ask in place.asks]
    return [(later - earlier) / 1000 for earlier, later in zip(times, times[1:])]


def test_what_is_asked():
    place = Place().start()
    equal(place.state, ("discovering", None))
    now, message, peer = place.asks[0]
    equal((peer, message.type, message.code, len(message.token)), (GROUP, coap.NON, coap.GET, 4))
    equal(message.path, "/.well-known/core")
    equal([value for number, value in message.options if number == 15], [b"rt=msgin5g.gw"])
    equal((len(message.options), bytes(message.payload)), (3, b""))  # nothing of who asks: all can read it


def test_nobody_answers():
    # a window of 3 s, then 2 s, doubled to 300 s, with 25 % of jitter: for ever
    place = Place().start()
    place.run(DAY)
    expected = [5, 7, 11, 19, 35, 67, 131, 259, 303, 303]
    for gap, nominal in zip(gaps(place), expected):
        wait = nominal - 3
        assert 3 + wait * 0.74 <= gap <= 3 + wait * 1.26, (gap, nominal)
    assert 270 < place.times < 330, place.times
    equal((place.state, place.to), (("discovering", "no gateway answered"), []))
    tokens = {bytes(ask[1].token) for ask in place.asks}
    equal(len(tokens), len(place.asks))
    place.near[ONE] = link()
    place.alive[ONE] = agree
    place.run(10 * MINUTE)
    equal(place.state, ("registered", None))


def test_a_host_is_asked_in_place_of_the_group():
    place = Place(peer="discover://192.0.2.50:5683").start()
    equal(place.asks[0][2], ("192.0.2.50", 5683))
    place = Place(peer="discover://192.0.2.50").start()
    equal(place.asks[0][2], ("192.0.2.50", 65401))


def test_it_is_chosen_when_the_time_for_answers_is_over():
    place = Place({ONE: link()}).start()
    place.run(2900)
    equal((place.state, place.to), (("discovering", None), []))
    place.run(200)
    equal((place.state, place.to), (("registered", None), [(ONE, "REG")]))
    equal((place.client.peer, place.client.config.peer), (ONE, "coap://192.0.2.11:65401"))
    place = Place({ONE: link()}, discovery={"window": 0.5}).start()
    place.run(510)
    equal(place.state, ("registered", None))


def test_what_waits_goes_out_to_it():
    place = Place({ONE: link()}).start()
    outgoing = place.send()
    place.run(MINUTE)
    equal((outgoing.state, place.who("MSG")), ("accepted", [ONE]))


def test_gateway_service_and_configuration_follow():
    gwreg = b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"},"result":true,"acceptedTime":3600}'
    place = Place({ONE: link()}, gateway_service=True)
    place.alive[ONE] = lambda asked: (coap.CHANGED, gwreg if asked.kind == "GWREG" else GRANTED)
    place.start().run(4 * SECOND)
    equal((place.state[0], place.to), ("registered", [(ONE, "GWREG"), (ONE, "REG")]))


def test_only_the_chosen_one_is_heard_then():
    place = Place({ONE: link(), TWO: link()}).start()
    place.run(4 * SECOND)
    equal(place.client.endpoint.stats["refused"], 0)
    place.post(b"{}", peer=TWO)
    equal(place.client.endpoint.stats["refused"], 1)
    place.post(b"{}", peer=ONE)
    equal(place.client.endpoint.stats["refused"], 1)


def test_stopping_and_starting():
    place = Place().start()
    place.stop()
    equal(place.state[0], "stopped")
    place.run(10 * DAY)
    equal(place.times, 1)
    place.near[ONE] = link()
    place.alive[ONE] = agree
    place.start()
    equal(place.times, 2)
    place.run(4 * SECOND)
    equal(place.state[0], "registered")
    place.stop()
    equal(place.who("DEREG"), [ONE])
    place.start()
    equal((place.state[0], place.times, place.who()), ("registered", 2, [ONE, ONE]))


def test_a_network_that_is_back_is_asked_at_once():
    place = Place().start()
    place.run(HOUR)
    while place.client.listener is not None:
        place.run(SECOND)
    asked = place.times
    place.run(SECOND)
    equal(place.times, asked)
    place.link_is_back()
    equal(place.times, asked + 1)


def chosen(*near, **config):
    """Whom a device registers with that has heard these (address, payload), and its datagrams."""
    place = Place(answers=lambda ask: [(answer_to(ask, payload), peer) for peer, payload in near], **config)
    place.alive = {peer: agree for peer, _ in near}
    place.start().run(4 * SECOND)
    return place.client.peer if place.to else None, place.client.config.coap["max_datagram"]


def test_the_first_that_was_heard():
    equal(chosen((TWO, link()), (ONE, link()), (THREE, link(4096))), (TWO, 1152))


def test_one_of_another_domain_is_none():
    equal(chosen((ONE, link(domain=b"y")), (TWO, link(domain=b"X"))), (TWO, 1152))
    equal(chosen((ONE, link(domain=b"y")))[0], None)
    # where one of the two has none, it does not matter
    plain = b'</msgin5g>;rt="msgin5g.gw"'
    equal(chosen((ONE, plain))[0], ONE)
    equal(chosen((ONE, plain + b';ep="urn:gw"'))[0], ONE)
    equal(chosen((ONE, plain + b';ep="coap://x/gw"'))[0], ONE)
    equal(chosen((ONE, plain + b';ep="coap://y/gw"'))[0], None)


def test_one_that_takes_our_datagrams_goes_before_one_that_does_not():
    equal(chosen((ONE, link(1151)), (TWO, link(1152))), (TWO, 1152))
    equal(chosen((ONE, link(600)), (TWO, link(700)), (THREE, link(650))), (TWO, 700))
    equal(chosen((ONE, link(100))), (ONE, 512))
    equal(chosen((ONE, link(600)), coap={"max_datagram": 512}), (ONE, 512))
    # who does not say comes behind who says enough, and is believed to have it
    plain = b'</msgin5g>;rt="msgin5g.gw"'
    equal(chosen((ONE, plain), (TWO, link())), (TWO, 1152))
    equal(chosen((ONE, plain)), (ONE, 1152))


def test_what_is_no_answer_of_a_gateway():
    def answers(ask):
        good = link()
        return [
            (answer_to(ask, b""), ONE),
            (answer_to(ask, b"\xff\xfe<>;"), ONE),
            (answer_to(ask, b'</msgin5g>;rt="core.rd"'), ONE),
            (answer_to(ask, b'</other>;rt="msgin5g.gw"'), ONE),
            (answer_to(ask, good, options=((coap.CONTENT_FORMAT, b"\x32"),)), ONE),
            (answer_to(ask, good, code=coap.NOT_FOUND), ONE),
            (answer_to(ask, good, options=((coap.CONTENT_FORMAT, b"\x28"), (9, b"\x00"))), ONE),  # OSCORE
            (answer_to(ask, good, options=((coap.CONTENT_FORMAT, b"\x28"), (coap.BLOCK2, b"\x08"))), ONE),
            (answer_to(ask, good, options=((65001, b""),)), ONE),  # critical, and not known
            (answer_to(ask, good)[:8] + b"\xf0", ONE),
        ]

    place = Place(answers=answers).start()
    place.run(4 * SECOND)
    equal((place.to, place.client.stats["strangers"]), ([], 10))
    equal(place.client.endpoint.stats["received"], 0)


def test_what_does_not_have_the_token():
    # a token of 4 random octets is all that tells an answer from what anybody sends unasked
    def answers(ask):
        message = coap.Message(coap.CONTENT, link(), ((coap.CONTENT_FORMAT, b"\x28"),), coap.NON, 7)
        other = bytes([ask.token[0] ^ 1]) + bytes(ask.token[1:])
        made = []
        for token in (b"", other, bytes(ask.token) + b"\x00", bytes(ask.token[:3])):
            message.token = token
            made.append((coap.encode(message), ONE))
        return made

    place = Place(answers=answers).start()
    place.run(4 * SECOND)
    equal((place.to, place.client.stats["strangers"]), ([], 0))
    equal(place.client.endpoint.stats["unmatched"], 4)


def test_an_answer_after_its_time_is_none():
    kept = []
    place = Place(answers=lambda ask: kept.append(ask) or ()).start()
    place.run(3100)
    place.client.receive(answer_to(kept[0], link()), ONE, place.tick)
    place.run(3 * SECOND)
    # one to the question before does not count either
    place.client.receive(answer_to(kept[0], link()), ONE, place.tick)
    place.run(4 * SECOND)
    equal(place.to, [])


def test_a_confirmable_answer_is_acknowledged():
    place = Place(answers=lambda ask: [(answer_to(ask, link(), type=coap.CON, mid=99), ONE)])
    place.alive[ONE] = agree
    place.start().run(4 * SECOND)
    equal((place.acknowledged, place.who()), ([(99, ONE)], [ONE]))


def test_other_links_beside_it():
    payload = b'</.well-known/core>;ct=40,</a>;title="x,y;rt=\\"msgin5g.gw\\"",' + link(800) + b",</b>"
    equal(chosen((ONE, payload)), (ONE, 800))


def test_requests_are_served_while_it_looks():
    place = Place(peer="discover://192.0.2.50").start()
    equal(place.post(b"{}", peer=("192.0.2.50", 9)).code, coap.BAD_REQUEST)
