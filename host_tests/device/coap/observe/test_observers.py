# SPDX-License-Identifier: MIT
"""Being observed (RFC 7641 section 4), octet by octet.

The request is GET /obs with Observe 0 and token aa: option 6 is `60` (no octet is 0), Uri-Path is delta 5 from there,
`53 6f6273`. The endpoint's first message ID is 1. A response with sequence number n has `61 n` where n has one octet.
"""

import coap
from coap_scene import OTHER, PEER, answer, events, octets, one_event, run, sent
from common import equal, raises
from observe_scene import CANCEL, REGISTER, Served

DAY = 86400000


def test_a_request_with_observe_0_registers():
    served = Served()
    equal(served.register(), [octets("61 45 7001 aa 61 02 ff 30")])
    equal(len(served.list), 1)
    # the first notification is confirmable: it shows that who registered is there
    equal(served.change(b"1", 1000), [octets("41 45 0001 aa 61 03 ff 31")])
    equal(served.hear("60 00 0001", 1100), [])
    # later ones are not; message ID 2
    equal(served.change(b"2", 2000), [octets("51 45 0002 aa 61 04 ff 32")])


def test_a_request_without_observe_neither_registers_nor_cancels():
    served = Served()
    equal(served.hear("41 01 7001 aa b3 6f6273"), [octets("61 45 7001 aa ff 30")])
    equal(len(served.list), 0)
    served.register("7002")
    equal(served.hear("41 01 7003 bb b3 6f6273"), [octets("61 45 7003 bb ff 30")])
    equal(served.change(b"1"), [octets("41 45 0001 aa 61 03 ff 31")])


def test_observe_1_cancels_by_peer_and_token():
    served = Served()
    served.register()
    # of another peer, and with another token: nothing of ours
    equal(served.hear("41 01 7002 aa" + CANCEL, peer=OTHER), [octets("61 45 7002 aa ff 30")])
    equal(served.hear("41 01 7003 bb" + CANCEL), [octets("61 45 7003 bb ff 30")])
    equal(len(served.list), 1)
    equal(served.hear("41 01 7004 aa" + CANCEL), [octets("61 45 7004 aa ff 30")])
    equal(len(served.list), 0)
    equal(served.change(b"1"), [])


def test_the_same_token_registers_anew():
    served = Served()
    served.register()
    equal(served.register("7002"), [octets("61 45 7002 aa 61 03 ff 30")])
    equal(len(served.list), 1)
    # another request with this token takes its place (section 4.1): Uri-Query "x" is delta 4, length 1
    equal(served.hear("41 01 7003 aa 60 53 6f6273 41 78"), [octets("61 45 7003 aa 61 04 ff 30")])
    equal(len(served.list), 1)
    served.list.changed("/obs", 0)
    _, _, message = one_event(served.device)
    equal(message.option(coap.URI_QUERY), b"x")


def test_the_list_is_bounded_in_all_and_for_each_peer():
    served = Served(most=3, most_each=2)
    for number in range(4):
        with_observe = number < 2
        (datagram,) = served.register("700%d" % number, "a%d" % number)
        equal(b"\x61" in datagram[5:], with_observe)
    equal(served.list.stats["full"], 2)
    (datagram,) = served.register("7001", peer=OTHER)
    equal(datagram, octets("61 45 7001 aa 61 04 ff 30"))
    # never an error: section 4.1
    equal(served.register("7002", "bb", peer=OTHER), [octets("61 45 7002 bb ff 30")])
    # one that is in the list may register again
    equal(served.register("7003", peer=OTHER), [octets("61 45 7003 aa 61 05 ff 30")])


def test_where_the_list_is_full_who_was_not_heard_for_long_is_asked():
    # A client that began anew has another token, or another port, and never says that the old ones are over. What
    # never changes would keep them for a day.
    for named in ({"most": 2}, {"most_each": 2}):
        served = Served(**named)
        served.register("7001", "a1")
        served.register("7002", "a2")
        # MAX_TRANSMIT_WAIT, 93 s, is given to each
        equal(served.register("7003", "a3", 92999), [octets("61 45 7003 a3 ff 30")])
        equal(served.run(92999), [])
        equal(served.register("7004", "a4", 93000), [octets("61 45 7004 a4 ff 30")])
        equal(served.run(93000), [(93000, octets("41 45 0001 a1 61 04 ff 30"))])
        served.register("7007", "a7", 93050)  # asked once, however many want a place
        equal(served.hear("60 00 0001", 93100), [octets("41 45 0002 a2 61 05 ff 30")])  # NSTART is 1
        equal(served.hear("70 00 0002", 93200), [])
        equal(len(served.list), 1)
        equal(served.register("7005", "a5", 94000), [octets("61 45 7005 a5 61 06 ff 30")])
        # who has just acknowledged is not asked again
        equal(served.register("7006", "a6", 186099), [octets("61 45 7006 a6 ff 30")])
        equal(served.run(186099), [])


def test_an_error_registers_nothing():
    served = Served()
    served.code = coap.NOT_FOUND
    equal(served.register(), [octets("61 84 7001 aa ff 30")])
    equal(len(served.list), 0)


def test_reset_of_a_confirmable_notification_cancels():
    served = Served()
    served.register()
    served.change(b"1")
    equal(served.hear("70 00 0001"), [])
    equal(len(served.list), 0)
    equal(served.list.stats["reset"], 1)
    equal(served.device.next_deadline(), None)


def quiet(served):
    """Registers, and has the first notification acknowledged after 10 ms: what follows is not confirmable."""
    served.register()
    served.change(b"1", 1000)
    served.hear("60 00 0001", 1010)


def test_reset_of_a_non_confirmable_notification_cancels():
    served = Served()
    quiet(served)
    for number in range(5):
        served.change(b"2", 2000 + 1000 * number)
    # the last four are known: message IDs 3 to 6, not 2
    equal(served.hear("70 00 0002", 7000), [])
    equal(len(served.list), 1)
    equal(served.device.stats["unmatched"], 1)
    equal(served.hear("70 00 0003", 7000, OTHER), [])
    equal(len(served.list), 1)
    equal(served.hear("70 00 0003", 7000), [])
    equal(len(served.list), 0)
    equal(served.device.next_deadline(), None)


def test_message_ids_are_forgotten_in_time():
    served = Served()
    quiet(served)
    served.change(b"2", 2000)
    # NON_LIFETIME is 145 s (RFC 7252 section 4.8.2)
    served.run(2000 + 145000)
    served.hear("70 00 0002", 147000)
    equal(len(served.list), 1)


def test_silence_cancels():
    served = Served()
    served.register()
    first = served.change(b"1", 1000)
    # 2, 4, 8, 16 s apart, then 32 s of waiting (RFC 7252 section 4.2)
    equal(served.run(100000), [(tick, first[0]) for tick in (3000, 7000, 15000, 31000)])
    equal(len(served.list), 0)
    equal(served.list.stats["silent"], 1)
    equal(served.device.next_deadline(), None)
    equal(served.change(b"2", 100000), [])


def test_an_error_is_the_last_notification():
    served = Served()
    served.register()
    served.code, served.value = coap.NOT_FOUND, b""
    equal(served.change(b"", 1000), [octets("41 84 0001 aa")])
    equal(len(served.list), 0)
    # it is repeated until it is acknowledged
    equal(served.run(3000), [(3000, octets("41 84 0001 aa"))])
    equal(served.hear("60 00 0001", 3100), [])
    equal(served.run(400000), [])


def test_another_content_format_is_the_end():
    # section 4.2: 4.06 in its place. Content-Format 0 is option 12: `c0`, behind Observe `60`
    served = Served()
    served.options = [(coap.CONTENT_FORMAT, b"")]
    equal(served.register(), [octets("61 45 7001 aa 61 02 60 ff 30")])
    served.options = [(coap.CONTENT_FORMAT, b"\x32")]
    equal(served.change(b"{}", 1000), [octets("41 86 0001 aa")])
    equal(len(served.list), 0)


def test_a_first_response_that_was_valid_has_no_content_format():
    # 2.03 says that the client has the representation (RFC 7252 section 5.9.1.3), and has no Content-Format
    served = Served()
    served.code, served.value = coap.VALID, b""
    equal(served.register(), [octets("61 43 7001 aa 61 02")])
    served.code, served.options = coap.CONTENT, [(coap.CONTENT_FORMAT, b"\x32")]
    equal(served.change(b"{}", 1000), [octets("41 45 0001 aa 61 03 61 32 ff 7b7d")])
    equal(served.hear("60 00 0001", 1100), [])
    # from then on it is the one
    served.options = [(coap.CONTENT_FORMAT, b"")]
    equal(served.change(b"x", 9000), [octets("41 86 0002 aa")])


def test_max_age_goes_along():
    served = Served()
    served.options = [(coap.MAX_AGE, b"\x14")]
    equal(served.register(), [octets("61 45 7001 aa 61 02 81 14 ff 30")])
    equal(served.change(b"1"), [octets("41 45 0001 aa 61 03 81 14 ff 31")])


def test_one_confirmable_notification_at_a_time_and_the_newest_state_after_it():
    served = Served()
    served.register()
    served.change(b"1", 1000)
    for value in (b"2", b"3", b"4"):
        equal(served.change(value, 1500), [])
    # acknowledged: what was meanwhile is skipped
    equal(served.hear("60 00 0001", 1600), [])
    equal(served.run(1600), [(1600, octets("51 45 0002 aa 61 04 ff 34"))])
    equal(served.list.stats["skipped"], 2)


def test_a_retransmission_carries_the_newer_state():
    # section 4.5.2: with a message ID of its own, and the attempts that are left
    served = Served()
    served.register()
    served.change(b"1", 1000)
    served.change(b"2", 1500)
    equal(served.run(3000), [(3000, octets("41 45 0002 aa 61 04 ff 32"))])
    # the old one is history
    served.hear("60 00 0001", 3100)
    equal(served.device.stats["unmatched"], 1)
    # not changed since: the same octets again, 4 s later
    equal(served.run(7000), [(7000, octets("41 45 0002 aa 61 04 ff 32"))])
    served.change(b"3", 8000)
    equal(served.run(15000), [(15000, octets("41 45 0003 aa 61 05 ff 33"))])
    served.change(b"4", 16000)
    equal(served.run(31000), [(31000, octets("41 45 0004 aa 61 06 ff 34"))])
    # that was the last attempt, also where it changes again
    served.change(b"5", 32000)
    equal(served.run(400000), [])
    equal(len(served.list), 0)
    equal(served.list.stats["silent"], 1)


def test_non_confirmable_ones_wait_for_a_round_trip():
    # section 4.5.1: one in 3 s while the round trip is not known
    served = Served(unconfirmed=5)
    served.register()
    served.change(b"1", 1000)
    served.run(3000)
    served.hear("60 00 0001", 3010)  # of the retransmission or of the first one: nobody knows
    equal(served.change(b"2", 4000), [octets("51 45 0002 aa 61 04 ff 32")])
    equal(served.change(b"3", 4100), [])
    equal(served.change(b"4", 4200), [])
    equal(served.run(7000), [(7000, octets("51 45 0003 aa 61 05 ff 34"))])


def test_a_round_trip_that_is_known_counts():
    served = Served()
    quiet(served)  # 10 ms
    equal(len(served.change(b"2", 2000)), 1)
    equal(served.change(b"3", 2009), [])
    equal(served.run(2010), [(2010, octets("51 45 0003 aa 61 05 ff 33"))])


def test_after_five_comes_a_confirmable_one():
    served = Served()
    quiet(served)
    for number in range(5):
        (datagram,) = served.change(b"2", 2000 + 100 * number)
        equal(datagram[0] >> 4, 5)
    (datagram,) = served.change(b"2", 3000)
    equal(datagram[0] >> 4, 4)


def test_all_are_confirmable_where_that_is_asked_for():
    served = Served(unconfirmed=0)
    quiet(served)
    (datagram,) = served.change(b"2", 2000)
    equal(datagram[0] >> 4, 4)
    served = Served()
    quiet(served)
    (datagram,) = served.change(b"2", 2000, confirmable=True)
    equal(datagram[0] >> 4, 4)


def test_a_wish_for_a_confirmable_one_outlives_the_acknowledgement_of_the_one_before():
    served = Served(unconfirmed=5)
    served.register()
    equal(served.change(b"1", 1000), [octets("41 45 0001 aa 61 03 ff 31")])
    equal(served.change(b"2", 1010, confirmable=True), [])  # waits until that one is acknowledged
    equal(served.hear("60 00 0001", 1100), [])
    equal(served.run(1100), [(1100, octets("41 45 0002 aa 61 04 ff 32"))])


def test_a_day_without_a_sign_of_life_ends_in_a_confirmable_one():
    served = Served()
    quiet(served)
    equal(served.run(1010 + DAY - 1), [])
    equal(served.run(1010 + DAY), [(1010 + DAY, octets("41 45 0002 aa 61 04 ff 31"))])
    equal(served.hear("60 00 0002", 1010 + DAY + 10), [])
    # and a day after that
    out = served.run(1020 + 2 * DAY)
    equal([tick for tick, _ in out], [1020 + 2 * DAY])


def test_an_application_that_never_answers_ends_it():
    served = Served()
    served.register()
    served.list.changed("/obs", 1000)
    equal(len(events(served.device)), 1)
    served.list.changed("/obs", 2000)
    equal(events(served.device), [])  # asked once at a time
    # 247 s, as any request of a peer
    equal(run(served.device, 247999), [])
    equal(run(served.device, 248000), [(248000, octets("41 a0 0001 aa"))])
    equal(len(served.list), 0)
    equal(served.device.stats["abandoned"], 1)


def test_a_change_while_it_is_made_is_told_after_it():
    served = Served()
    quiet(served)
    served.list.changed("/obs", 2000)
    kind, observer, _ = one_event(served.device)
    served.list.changed("/obs", 2100)
    served.list.respond(observer, coap.Message(coap.CONTENT, b"2"), 2200)
    equal(sent(served.device), [octets("51 45 0002 aa 61 04 ff 32")])
    served.value = b"3"
    equal(served.run(2210), [(2210, octets("51 45 0003 aa 61 05 ff 33"))])


def test_what_cannot_be_sent_leaves_all_as_it_was():
    served = Served()
    served.device.max_body = 0
    served.device.receive(octets("41 01 7001 aa" + REGISTER), PEER, 0)
    _, incoming, _ = one_event(served.device)
    long = coap.Message(coap.CONTENT, bytes(2000))
    raises(coap.MessageError, served.list.respond, incoming, long, 0)
    equal(len(served.list), 0)
    served.list.respond(incoming, coap.Message(coap.CONTENT, b"0"), 0)
    equal(sent(served.device), [octets("61 45 7001 aa 61 03 ff 30")])
    served.list.changed("/obs", 0)
    _, observer, _ = one_event(served.device)
    raises(coap.MessageError, served.list.respond, observer, long, 0)
    equal(sent(served.device), [])
    served.list.respond(observer, coap.Message(coap.CONTENT, b"1"), 0)
    equal(len(sent(served.device)), 1)
    # and once it has its answer, another one is nothing
    served.list.respond(observer, coap.Message(coap.CONTENT, b"2"), 0)
    equal(sent(served.device), [])


class Source:
    """What can be read once."""

    def __init__(self, octets):
        self.left = octets
        self.closed = 0

    def read(self, size):
        assert not self.closed
        octets, self.left = self.left[:size], self.left[size:]
        return octets

    def close(self):
        self.closed += 1


def test_a_source_for_who_observes_no_more_is_closed():
    served = Served()
    served.register()
    served.list.changed("/obs", 1000)
    _, observer, _ = one_event(served.device)
    served.hear("41 01 7002 aa" + CANCEL, 1100)
    source = Source(b"1")
    served.list.respond(observer, coap.Message(coap.CONTENT, source), 1200)
    equal((source.closed, sent(served.device)), (1, []))


def test_a_source_that_can_be_read_once_is_read_to_its_end():
    served = Served()
    quiet(served)
    served.list.changed("/obs", 2000)
    _, observer, _ = one_event(served.device)
    body = bytes(range(256)) * 8
    source = Source(body)
    served.list.respond(observer, coap.Message(coap.CONTENT, source), 2000)
    (datagram,) = sent(served.device)
    message = coap.decode(datagram)
    # 2,048 octets: two blocks of 1,024, the first one with more to come (RFC 7959 section 2.2)
    equal((bytes(message.payload), message.option(coap.BLOCK2)), (body[:1024], b"\x0e"))
    equal(source.closed, 0)
    # Block2 23 is 12 from Uri-Path
    served.device.receive(octets("41 01 7003 bb b3 6f6273 c1 16"), PEER, 2100)
    (datagram,) = sent(served.device)
    message = coap.decode(datagram)
    equal((bytes(message.payload), message.option(coap.BLOCK2)), (body[1024:], b"\x16"))
    equal(source.closed, 1)


def test_a_separate_first_response_counts_as_a_notification():
    served = Served()
    served.device.receive(octets("41 01 7001 aa" + REGISTER), PEER, 0)
    _, incoming, _ = one_event(served.device)
    equal(run(served.device, 250), [(250, octets("60 00 7001"))])
    served.list.respond(incoming, coap.Message(coap.CONTENT, b"0"), 300)
    equal(sent(served.device), [octets("41 45 0001 aa 61 02 ff 30")])
    # one at a time; the newer state takes its place
    equal(served.change(b"1", 400), [])
    equal(served.run(2300), [(2300, octets("41 45 0002 aa 61 03 ff 31"))])
    served.hear("60 00 0002", 2400)
    equal(len(served.list), 1)
    # where it is reset, nobody observes
    served = Served()
    served.device.receive(octets("41 01 7001 aa" + REGISTER), PEER, 0)
    _, incoming, _ = one_event(served.device)
    run(served.device, 250)
    served.list.respond(incoming, coap.Message(coap.CONTENT, b"0"), 300)
    sent(served.device)
    served.hear("70 00 0001", 400)
    equal(len(served.list), 0)


def test_a_token_of_an_observer_is_none_of_ours():
    """A peer chooses the token; a response that has it belongs to no request of ours."""
    served = Served()
    served.register()
    equal(answer(served.device, "41 45 7009 aa ff 31"), [octets("70 00 7009")])
    equal(events(served.device), [])
    equal(len(served.list), 1)
