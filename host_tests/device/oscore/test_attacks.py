# SPDX-License-Identifier: MIT
"""What somebody on the path, or anywhere, can do without the key: each attack with what it must come to."""

import sys

import coap
from coap import message
from coap_scene import run
from common import Random, equal
from oscore_scene import CLIENT, SECRET, SERVER, STRANGER, Party, pair, talk

UNAUTHORIZED = "4.01"


def code(datagram):
    return coap.code_text(datagram[1])


def request(mid=b"\x12\x34", token=b"\x01\x02\x03\x04", rest=b""):
    return bytes((0x40 | len(token), coap.POST)) + mid + token + rest


def other_mid(datagram, mid=b"\xaa\xaa"):
    """The same message as another one of the layer below: past the table of duplicates."""
    return datagram[:2] + mid + datagram[4:]


def session(client, server, count=20):
    """The datagrams of exchanges both ways, as (to the client or to the server, octets)."""
    recorded = []
    for number in range(count):
        for way, octets in talk(client, server, client.ask(server, b"out %d" % number)):
            recorded.append((server if way == "out" else client, octets))
        for way, octets in talk(server, client, server.ask(client, b"in %d" % number)):
            recorded.append((client if way == "out" else server, octets))
        for party in (client, server):
            party.got.clear()
            party.events.clear()
    return recorded


def replayed(client, server, recorded, now=0):
    for party, octets in recorded:
        source = (client if party is server else server).address
        for datagram, peer in ((octets, source), (other_mid(octets), source), (octets, STRANGER)):
            for answer, to in party.take(datagram, peer, now):
                assert to == peer
                if datagram is not octets or peer == STRANGER:
                    assert len(answer) <= len(datagram)
    equal((client.got, server.got), ([], []))
    equal((client.events, server.events), ([], []))


def test_replay_of_a_session():
    client, server = pair()
    recorded = session(client, server)
    replayed(client, server, recorded)
    replayed(client, server, recorded, 300000)  # after EXCHANGE_LIFETIME the message IDs are new again
    assert server.security.stats["replayed"] >= 40
    talk(client, server, client.ask(server, b"goes on"))
    equal(bytes(server.got[0].payload), b"goes on")


def test_replay_after_a_reboot_of_either_side():
    client, server = pair()
    recorded = session(client, server)
    for party in (server, client):
        party.restart()
        replayed(client, server, recorded, 300000)
        # What might be a replay is asked for again with Echo, which only the true peer can do.
        assert party.security.stats["challenged"] > 0
    talk(client, server, client.ask(server, b"goes on", 310000), 310000)
    talk(server, client, server.ask(client, b"there too", 310000), 310000)
    equal([bytes(each.payload) for each in server.got + client.got], [b"goes on", b"there too"])
    client.got.clear(), server.got.clear()
    client.events.clear(), server.events.clear()
    replayed(client, server, recorded, 600000)


def test_replay_of_the_answer_to_a_challenge():
    client, server = pair()
    session(client, server, 1)
    server.restart()
    seen = talk(client, server, client.ask(server, b"once"))
    equal(len(seen), 4)  # request, challenge, request with Echo, response
    equal([bytes(each.payload) for each in server.got], [b"once"])
    recorded = [(server if way == "out" else client, octets) for way, octets in seen]
    server.got.clear(), client.events.clear()
    replayed(client, server, recorded, 300000)
    server.restart()
    replayed(client, server, recorded, 600000)  # the Echo value is another one now


def test_reordering_within_the_window():
    client, server = pair()
    client.endpoint.parameters.nstart = 8
    datagrams = [client.ask(server, b"%d" % number)[0] for number in range(8)]
    for datagram in reversed(datagrams):
        server.take(datagram, CLIENT)
    equal([bytes(each.payload) for each in server.got], [b"%d" % (7 - number) for number in range(8)])


def test_reordering_beyond_the_window():
    client, server = pair()
    (late,) = client.ask(server, b"late")
    client.endpoint.cancel(client.endpoint._exchanges[0], 0)
    for _ in range(32):
        talk(client, server, client.ask(server))
    server.got.clear()
    ((answer, _),) = server.take(late, CLIENT)
    equal(code(answer), UNAUTHORIZED)
    equal((server.got, server.security.stats["replayed"]), ([], 1))


def test_bit_flips_at_each_position_of_a_request():
    client, server = pair()
    (datagram,) = client.ask(server, b"text")
    for position in range(8 * len(datagram)):
        changed = bytearray(datagram)
        changed[position // 8] ^= 1 << position % 8
        now = 300000 * position  # the limits have recovered
        answers = server.take(bytes(changed), CLIENT, now & 0x1FFFFFFF)
        # Header and token are not protected: a changed message ID, token, type or outer code is the same request.
        if server.got:
            assert position // 8 < 8
            equal(bytes(server.got.pop().payload), b"text")
            server.restart()
            server.security.context._window.begin(-1)
        else:
            for answer, _ in answers:
                assert len(answer) <= len(changed)


def test_bit_flips_at_each_position_of_a_response():
    client, server = pair()
    for position in range(8 * 30):
        (datagram,) = client.ask(server)
        ((answer, _),) = server.take(datagram, CLIENT, payload=b"text")
        equal(len(answer), 4 + 4 + 1 + 1 + 1 + 1 + 4 + 8)
        if position == 8 * len(answer):
            break
        changed = bytearray(answer)
        changed[position // 8] ^= 1 << position % 8
        client.take(bytes(changed), SERVER, 1000 * position)
        for event in client.events:
            # At the most what is outside changed: the type, or the outer code, of a class 2 or 4.
            assert position // 8 < 2
            equal((event[2].code, bytes(event[2].payload)), (coap.CHANGED, b"text"))
        if not client.events:
            client.take(answer, SERVER, 1000 * position)  # the true one still counts
            if position // 8 >= 8:
                equal(bytes(client.events[0][2].payload), b"text")
        client.events.clear()
        server.got.clear()
        for exchange in client.endpoint._exchanges[:]:
            client.endpoint.cancel(exchange, 0)
        client.out()
    else:
        raise AssertionError("not all positions were tried")


def test_wrong_key():
    client, server = pair()
    mallory = Party(CLIENT, b"\x01", b"", secret=b"another sixteen.")
    ((answer, _),) = server.take(mallory.ask(server, b"text")[0], CLIENT)
    equal(code(answer), "4.00")
    equal(answer.endswith(b"\xffDecryption failed"), True)
    equal((server.got, server.security.stats["unverified"]), ([], 1))
    # The one with the wrong key is told within ACK_TIMEOUT, in an event and in words.
    mallory.take(answer, SERVER, 100)
    equal(run(mallory.endpoint, 2099), [])
    mallory.endpoint.poll(2100)
    kind, _, refusal = mallory.endpoint.next_event()
    equal((kind, refusal.code), (coap.REFUSED, coap.BAD_REQUEST))
    assert "another key" in mallory.security.trouble
    assert "did not make" in server.security.trouble


def test_unknown_kid():
    client, server = pair()
    mallory = Party(CLIENT, b"\x02", b"")
    ((answer, _),) = server.take(mallory.ask(server, b"text")[0], CLIENT)
    # Bare, but for the Max-Age of 0 that section 8.2 wants against caches
    equal(message.decode(answer).options, [(coap.MAX_AGE, b"")])
    equal((code(answer), len(message.decode(answer).payload)), (UNAUTHORIZED, 0))
    equal((server.got, server.security.stats["unknown"]), ([], 1))


def test_answers_with_another_key():
    # recipient_id or key of the answering side is wrong: the request is taken, its answer is not.
    client, _ = pair()
    strange = Party(SERVER, b"\x07", b"\x01")
    ((answer, _),) = strange.take(client.ask(strange)[0], CLIENT)
    client.take(answer, SERVER, 100)
    client.endpoint.poll(2100)
    equal(client.endpoint.next_event()[0], coap.REFUSED)
    assert "do not verify" in client.security.trouble


def test_plain_coap_to_a_protected_device():
    _, server = pair()
    for datagram in (
        request(),
        request(rest=b"\xb7msgin5g\xff{}"),
        request(token=b""),
        request(rest=b"\xff" + bytes(1000)),
        b"\x41\x01\x00\x01\x07",
    ):
        ((answer, to),) = server.take(datagram, STRANGER)
        equal(to, STRANGER)
        # 4.01 as an ACK with the token, and nothing else
        token = datagram[4 : 4 + (datagram[0] & 15)]
        equal(answer, bytes((0x60 | len(token), 0x81)) + datagram[2:4] + token)
    equal(server.take(b"\x51" + request()[1:4] + b"\x07", STRANGER), [])  # nothing is said to a NON
    equal((server.got, server.endpoint.next_deadline()), ([], None))
    equal(len(server.endpoint.seen()._entries), 0)


def test_protected_request_to_a_plain_device():
    client, _ = pair()
    plain = coap.Endpoint()
    (datagram,) = client.ask(Party(SERVER, b"", b"\x01"))
    plain.receive(datagram, CLIENT, 0)
    answer = bytes(plain.outgoing()[0])
    equal(code(answer), "4.02")  # the option is critical, and unknown to it
    client.take(answer, SERVER, 100)
    client.endpoint.poll(2100)
    equal(client.endpoint.next_event()[0], coap.REFUSED)
    assert "does not use OSCORE" in client.security.trouble


def test_no_answer_is_larger_than_what_it_is_about():
    random = Random(3)
    client, server = pair()
    (good,) = client.ask(server, b"text")
    for number in range(3000):
        datagram = bytearray(good if random.chance(70) else random.bytes(random.below(60)))
        for _ in range(1 + random.below(4)):
            if datagram:
                datagram[random.below(len(datagram))] = random.below(256)
        if random.chance(20):
            datagram = datagram[: random.below(len(datagram) + 1)]
        if bytes(datagram[8:]) == good[8:]:
            continue
        for answer, _ in server.take(bytes(datagram), STRANGER, number * 1000):
            assert len(answer) <= len(datagram), (datagram, answer)
    equal(server.got, [])


def test_forged_under_a_message_id_of_the_peer():
    # The answer that is kept for a duplicate may be larger than what a forger of the peer's address sends for it.
    client, server = pair()
    (good,) = client.ask(server, b"text")
    ((answer, _),) = server.take(good, CLIENT, payload=b"a long answer" * 20)
    assert len(answer) > 200
    for forged in (
        good[:8],
        b"\x40\x02" + good[2:4],
        good[:-1] + b"\x00",
        good[:9] + good[10:],
        b"\x60\x45" + good[2:8],
    ):
        for said, _ in server.take(forged, CLIENT):
            assert len(said) <= len(forged)
    equal(server.take(good, CLIENT), [(answer, CLIENT)])  # the true one, sent again
    equal(len(server.got), 1)


def test_another_request_under_a_used_message_id():
    # Of a peer that was restarted (RFC 7252 section 4.4). It verifies, so it is taken, and has an answer of its own.
    client, server = pair()
    answers = []
    for text in (b"first", b"second"):
        (datagram,) = client.ask(server, text)
        used = other_mid(datagram)
        answers.append(server.take(used, CLIENT, payload=b"answer"))
        equal(server.take(used, CLIENT), answers[-1])
        client.take(other_mid(answers[-1][0][0], datagram[2:4]), SERVER)
    equal([bytes(message.payload) for message in server.got], [b"first", b"second"])
    equal(len(client.events), 2)


def test_forged_acknowledgement_and_reset():
    # Neither can be told from a true one (RFC 7252 has no keys). They cost time, and nothing is lost or done twice.
    client, server = pair()
    (datagram,) = client.ask(server, b"text")
    client.take(b"\x60\x00" + datagram[2:4], SERVER, 100)
    # It was taken for "later", the request goes on in the server, its answer is a piggybacked one
    ((answer, _),) = server.take(datagram, CLIENT)
    client.take(answer, SERVER, 200)
    equal([event[0] for event in client.events], [coap.RESPONSE])
    client.events.clear()
    # A Reset does not end it at once: the true answer has ACK_TIMEOUT more to come, as after any answer in the clear
    (datagram,) = client.ask(server, b"text")
    client.take(b"\x70\x00" + datagram[2:4], SERVER, 300)
    equal(client.events, [])
    ((answer, _),) = server.take(datagram, CLIENT)
    client.take(answer, SERVER, 2299)
    equal([event[0] for event in client.events], [coap.RESPONSE])
    (datagram,) = client.ask(server, b"text", 3000)
    client.take(b"\x70\x00" + datagram[2:4], SERVER, 3100)
    equal(run(client.endpoint, 5099), [])
    client.endpoint.poll(5100)
    equal(client.endpoint.next_event()[0], coap.RESET)
    client.take(b"\x70\x00\x99\x99", SERVER, 100)
    client.take(b"\x60\x00\x99\x99", SERVER, 100)
    equal(client.endpoint.stats["unmatched"], 2)


def test_forged_errors_do_not_end_an_exchange():
    client, server = pair()
    (datagram,) = client.ask(server, b"text")
    head = datagram[2:8]
    for forged in (b"\x64\x81" + head, b"\x64\x80" + head + b"\xffDecryption failed", b"\x64\x44" + head):
        client.take(forged, SERVER, 100)
    equal(client.events, [])
    ((answer, _),) = server.take(datagram, CLIENT)
    client.take(answer, SERVER, 1500)
    equal([event[0] for event in client.events], [coap.RESPONSE])


def flood(kind, client, server, count):
    """Datagrams for `server`, none of which verifies."""
    random = Random(5)
    (good,) = client.ask(server, b"text")
    for number in range(count):
        mid = (number & 0xFFFF).to_bytes(2, "big")
        if kind == "plain":
            yield request(mid), STRANGER
        elif kind == "garbage":
            yield random.bytes(8 + random.below(40)), STRANGER
        elif kind == "forged":
            yield good[:2] + mid + good[4:-8] + random.bytes(8), STRANGER
        else:
            yield good[:2] + mid + good[4:-8] + random.bytes(8), CLIENT


def flooded(kind, count, rate):
    """`count` datagrams at `rate` a second of virtual time; the server asks and is answered all the while."""
    client, server = pair()
    answered = asked = 0
    for number, (datagram, source) in enumerate(flood(kind, client, server, count)):
        now = number * 1000 // rate
        for answer, _ in server.take(datagram, source, now, answer=None):
            assert len(answer) <= len(datagram)
        if number % (count // 50) == 0:
            asked += 1
            talk(server, client, server.ask(client, b"own", now), now)
            answered += len([event for event in server.events if event[0] == coap.RESPONSE])
            server.events.clear()
            client.got.clear()
    equal((asked, answered), (50, 50))
    equal(server.got, [])
    equal(len(server.endpoint.seen()._entries), 0)
    return server


# The board that is emulated takes an hour for what the others do in seconds
EACH = 100000 if sys.platform != "rp2" else 500
RATE = 5000
STRANGERS = 80 + EACH // RATE * 10  # looked at: 80 at once, and 10 a second
PEER = 200 + EACH // RATE * 200


def test_flood_of_plain_requests():
    flooded("plain", EACH, RATE)


def test_flood_of_garbage():
    flooded("garbage", EACH, RATE)


def test_flood_of_forged_requests():
    server = flooded("forged", EACH, RATE)
    assert server.security.stats["unverified"] <= STRANGERS
    assert server.security.stats["limited"] >= EACH - STRANGERS


def test_flood_in_the_name_of_the_peer():
    server = flooded("as the peer", EACH, RATE)
    assert server.security.stats["unverified"] <= PEER


def test_a_flood_does_not_push_out_our_own():
    # The link takes nothing away for a while: refusals are dropped first, what is ours stays.
    client, server = pair()
    server.endpoint.request(coap.Message(coap.POST, b"own"), CLIENT, 0)
    for number in range(1000):
        server.endpoint.receive(request((number & 0xFFFF).to_bytes(2, "big")), STRANGER, number)
    own = [octets for octets, peer in server.out() if peer == CLIENT]
    equal(len(own), 1)


def test_keys_do_not_show():
    client, server = pair()
    mallory = Party(CLIENT, b"\x01", b"", secret=b"another sixteen.")
    server.take(mallory.ask(server)[0], CLIENT)
    shown = "%r %r %s %r" % (
        server.security,
        server.security.context,
        server.security.trouble,
        server.endpoint,
    )
    shown += repr(server.security.stats)
    for secret in (SECRET, server.security.context._sender_key, server.security.context._recipient_key):
        assert secret.hex() not in shown and repr(secret)[2:-1] not in shown
