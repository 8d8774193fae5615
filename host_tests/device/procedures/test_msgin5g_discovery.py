# SPDX-License-Identifier: MIT
"""Finding a gateway (TS 23.554 clause 8.2.8; docs/wire-profile.md for what it leaves open): whom the device asks, who
is chosen, and what follows where that one is silent, refuses, or was never there."""

import json

import coap
from common import Random, equal
from msgin5g import MemoryStorage
from msgin5g_scene import DAY, GRANTED, HOUR, MINUTE, SECOND, Scene, agree, always

GROUP = ("224.0.1.187", 65401)  # RFC 7252 section 12.8; the port is that of MSGin5G, TS 29.641
ONE = ("192.0.2.11", 65401)
TWO = ("192.0.2.12", 5683)
THREE = ("192.0.2.13", 65401)
LINK = b'</msgin5g>;rt="msgin5g.gw";sz=%d;ep="ue:gw@%s"'
REFUSED = (
    coap.CHANGED,
    b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"},"result":false,"cause":"no contract"}',
)


def link(size=1152, domain=b"x"):
    return LINK % (size, domain)


def answer_to(
    ask, payload, code=coap.CONTENT, type=coap.NON, options=((coap.CONTENT_FORMAT, b"\x28"),), mid=7
):
    """The octets of an answer to what was asked."""
    return coap.encode(coap.Message(code, payload, options, type, mid, ask.token))


class Place(Scene):
    """`near` are the gateways that hear the group, {address: payload of their answer}; `alive` are those that answer
    when they are sent to, {address: answer}. `asks` are the first questions as (time, Message, address),
    `times` says how often it asked; `to` are the requests as (address, kind)."""

    def __init__(self, near=None, alive=None, answers=None, **config):
        self.near = {} if near is None else near
        self.alive = {address: agree for address in self.near} if alive is None else alive
        self.answers = answers  # function of the Message that asks: more datagrams, as (octets, address)
        self.asks = []
        self.times = 0
        self.to = []
        self.acknowledged = []
        given = {"peer": "discover:"}
        given.update(config)
        super().__init__(**given)

    def _pump(self):
        client = self.client
        while True:
            item = client.outgoing()
            if item is None:
                break
            datagram, peer = bytes(item[0]), item[1]
            message = coap.decode(datagram)
            if message.code == coap.GET and message.path == "/.well-known/core":
                self.times += 1
                if len(self.asks) < self.MAX_ASKED:
                    self.asks.append((self.now, message, peer))
                for address, payload in sorted(self.near.items()):
                    client.receive(answer_to(message, payload), address, self.tick)
                for octets, address in self.answers(message) if self.answers else ():
                    client.receive(octets, address, self.tick)
            elif 1 <= message.code < 32:
                self._to(message, datagram, peer)
            elif message.type == coap.ACK and message.code == coap.EMPTY:
                self.acknowledged.append((message.mid, peer))
            elif message.mid == self._mid:
                self._reply = message
        while client.next_event() is not None:
            pass

    def _to(self, message, datagram, peer):
        self.answer = self.alive.get(peer, lambda asked: None)
        before = self._answered[0]
        reply = self._say(message, datagram)
        if before != message.mid:
            self.to.append((peer, self.asked[-1].kind))
            del self.to[:-60]
        if reply is not None:
            self.client.receive(reply, peer, self.tick)

    @property
    def state(self):
        return self.client.registration.state, self.client.registration.cause

    def who(self, kind="REG"):
        """The addresses that such requests went to, in their order."""
        return [peer for peer, each in self.to if each == kind]


def gaps(place):
    times = [ask[0] for ask in place.asks]
    return [(later - earlier) / 1000 for earlier, later in zip(times, times[1:])]


# --- asking -----------------------------------------------------------------------------------------------


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
    asked = place.times
    place.run(10 * SECOND)
    place.link_is_back()
    assert place.times == asked + 1 or place.client.listener is not None


# --- who answers ------------------------------------------------------------------------------------------


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


# --- the next one -----------------------------------------------------------------------------------------


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


# --- many answers -----------------------------------------------------------------------------------------


def forged(number, port=65401):
    return ("198.51.%d.%d" % (number // 250, number % 250 + 1), port)


def flood(many, place_of_the_true, each=forged):
    """Answers of so many others, and of the true one at this place."""

    def answers(ask):
        for number in range(many + 1):
            if number == place_of_the_true:
                yield answer_to(ask, link()), ONE
            yield answer_to(ask, link()), each(number)

    return answers


def found(place):
    return [each.address for each in place.client.procedure("discovery")._found]


def found_among(many, seed, place_of_the_true, each=forged):
    """Whether the true one is in the list of a device that hears them all."""
    place = Place(answers=flood(many, place_of_the_true, each), alive={}, seed=seed)
    place.start().run(2 * SECOND)
    equal(len(found(place)), 8)
    return ONE in found(place)


def test_hundreds_of_answers_leave_each_its_chance():
    # 8 of 61 are kept, whenever they came: about 13 % each, 4 of 30
    for place_of_the_true in (0, 60):
        times = sum([found_among(60, seed, place_of_the_true) for seed in range(30)])
        assert 1 <= times <= 9, (place_of_the_true, times)


def port_of_one(number):
    return forged(1, number + 1)


def test_one_host_has_no_more_places_than_another():
    for place_of_the_true in (0, 50, 100):
        for seed in range(3):
            assert found_among(100, seed, place_of_the_true, port_of_one), (place_of_the_true, seed)


def test_gateways_on_one_host_are_several():
    other = (ONE[0], 65402)
    place = Place({ONE: link(), other: link()}, {other: agree}).start()
    place.run(2 * MINUTE)
    equal((place.who(), place.state[0]), ([ONE, other], "registered"))


def test_the_true_one_is_found_in_the_end():
    # who forges has a hundred addresses, in each round; of those tried in vain none keeps a new one out
    place = Place(answers=flood(100, 100), alive={ONE: agree}).start()
    for _ in range(40):
        place.run(HOUR)
        if place.client.registered:
            break
    equal(place.client.peer, ONE)


def test_the_last_one_is_not_pushed_out():
    storage = MemoryStorage()
    Place({ONE: link()}, storage=storage).start().run(4 * SECOND)
    place = Place(answers=flood(200, 0), alive={}, storage=storage).start()
    place.run(94 * SECOND)
    equal(
        (place.times, place.who()[0], ONE in found(place)), (1, ONE, True)
    )  # tried, silent, and heard again


def test_noise_is_survived():
    random = Random(7)

    def answers(ask):
        for number in range(60):
            octets = bytearray(answer_to(ask, link()))
            for _ in range(1 + random.below(5)):
                octets[random.below(len(octets))] = random.below(256)
            yield bytes(octets[: len(octets) - random.below(20)]), forged(number)
        yield answer_to(ask, link()), ONE

    place = Place(answers=answers, alive={ONE: agree})
    place.start().run(3 * HOUR)
    equal(place.client.endpoint.stats["failed"], 0)


# --- over a restart ---------------------------------------------------------------------------------------


def test_the_last_one_is_tried_first_without_asking():
    storage = MemoryStorage()
    Place({ONE: link(700)}, storage=storage).start().run(4 * SECOND)
    place = Place({}, {ONE: agree}, storage=storage).start()
    equal((place.state, place.asks, place.who()), (("registered", None), [], [ONE]))
    equal(place.client.config.coap["max_datagram"], 700)


def test_where_that_one_is_silent_the_others_are_asked_at_once():
    for said in (None, REFUSED):
        storage = MemoryStorage()
        Place({ONE: link()}, storage=storage).start().run(4 * SECOND)
        place = Place({TWO: link()}, {ONE: always(said), TWO: agree}, storage=storage).start()
        place.run(100 * SECOND)
        equal((place.who(), place.state), ([ONE, TWO], ("registered", None)))
        # and that is the one from now on
        place = Place({}, {TWO: agree}, storage=storage).start()
        equal((place.who(), place.asks), ([TWO], []))


def test_one_that_never_registered_us_is_not_kept():
    storage = MemoryStorage()
    Place({ONE: link()}, {}, storage=storage).start().run(HOUR)
    place = Place(storage=storage).start()
    equal((place.times, storage.read("gateway", 0, 99)), (1, b""))


def test_of_those_alike_the_last_one_is_chosen():
    storage = MemoryStorage()
    Place({TWO: link()}, storage=storage).start().run(4 * SECOND)
    place = Place({ONE: link(), TWO: link()}, {}, storage=storage).start()
    place.run(95 * SECOND)
    equal(place.times, 1)
    place.run(5 * SECOND)
    equal(place.who()[:2], [TWO, ONE])  # TWO was tried in vain a moment ago


def test_it_is_written_once():
    class Counting(MemoryStorage):
        count = 0

        def replace(self, name, octets):
            if name == "gateway":
                self.count += 1
            return super().replace(name, octets)

    storage = Counting()
    place = Place({ONE: link()}, storage=storage).start()
    place.run(3 * DAY)
    equal(storage.count, 1)
    Place({ONE: link()}, storage=storage).start().run(DAY)
    equal(storage.count, 1)
    equal(storage.read("gateway", 0, 99), b'1\n["192.0.2.11",65401,1152]')


def test_a_storage_that_fails_changes_nothing():
    class Broken(MemoryStorage):
        def replace(self, name, octets):
            if name == "gateway":
                raise OSError(28)
            return super().replace(name, octets)

        def read(self, name, offset, size):
            if name == "gateway":
                raise OSError(5)
            return super().read(name, offset, size)

    place = Place({ONE: link()}, storage=Broken()).start()
    place.run(4 * SECOND)
    equal(place.state, ("registered", None))


def kept(octets):
    """Whom a device tries first that finds this in its file, None for nobody; and what lies there once it has found
    another one."""
    storage = MemoryStorage()
    storage.replace("gateway", octets)
    place = Place({TWO: link(800)}, {ONE: agree, TWO: agree}, storage=storage).start()
    first = place.who()[0] if place.to else None
    place.run(4 * SECOND)
    equal(place.state, ("registered", None))
    return first, storage.read("gateway", 0, 999)


def test_its_file():
    second = b'1\n["192.0.2.12",5683,800]'
    for octets in (
        b'1\n["192.0.2.11",65401,1152]',
        b'1\n["192.0.2.11",65401,null]',
        b'0\n["192.0.2.11",65401,1,"x"]',
    ):
        equal(kept(octets), (ONE, octets))
    for octets in (
        b"\xff\xfe\x00",
        b"1",
        b"1\n",
        b"1\n[",
        b"1\n{}",
        b"1\n[]",
        b'1\n["192.0.2.11",65401]',
        b'1\n["192.0.2.11","65401",1152]',
        b'1\n["192.0.2.11",true,1152]',
        b'1\n["192.0.2.11",0,1152]',
        b'1\n["192.0.2.11",65536,1152]',
        b'1\n["192.0.2.11",65401,"x"]',
        b'1\n["",65401,1152]',
        b"1\n[[],65401,1152]",
        b"1\n" + b"[" * 300,
        b'x\n["192.0.2.11",65401,1152]',
    ):
        equal(kept(octets), (None, second))


def test_a_file_of_a_newer_version_is_left_alone():
    for octets in (b'2\n["192.0.2.11",65401,1152]', b"10\n\xff\xfe"):
        equal(kept(octets), (None, octets))


def test_a_cut_of_the_power_leaves_one_or_none():
    # what is written is whole or not there (`replace`); before it the device asks, behind it it does not
    storage = MemoryStorage()
    Place({ONE: link()}, storage=storage).start().run(2 * SECOND)
    equal(Place({ONE: link()}, storage=storage).start().times, 1)


def test_a_device_that_does_not_look_has_nothing_of_it():
    place = Place(peer="coap://192.0.2.1")
    equal(place.client.sources[0], None)
    assert "strangers" not in place.client.stats
