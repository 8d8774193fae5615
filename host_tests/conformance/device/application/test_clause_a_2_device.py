# SPDX-License-Identifier: MIT
"""TS 24.538 Annex A.2, the messages of MSGin5G-5 in octets, at the Application Client: the firmware's core, and an
MSGin5G Client made by hand. Octets are worked from the tables, by the formats of TS 24.007 clause 11.2; what the
annex leaves open, the letters of the IEIs above all, is decided in docs/annex-a.md."""

import uuid

import pytest

from host_tests.conformance.device.application.line import GIVEN, REGISTERING, Line, registered
from host_tests.conformance.device.core import OTHER

MODULES = (
    "firmware/msgin5g/wire/l3.py",
    "firmware/msgin5g/wire/l3_target.py",
    "firmware/msgin5g/wire/causes.py",
    "firmware/msgin5g/application/l3_wire.py",
)
ALSO = (
    "host_tests/device/wire/test_l3_messages.py",
    "host_tests/device/wire/test_l3_elements.py",
    "host_tests/device/application/test_application_l3.py",
    "host_tests/properties/test_l3.py",
)

ID, REPORT_ID = "00112233445566778899aabbccddeeff", "ffeeddccbbaa49887766554433221100"
ORIGIN = "%02x%s" % (len(OTHER), OTHER.encode().hex())
IPV4 = "05" + "01" + "c0000201"  # its length counts the type and the address
RECEIVED = "03" + ID + "0002" + "6869"  # MESSAGE RECEIVED REQUEST with the payload "hi"


def id_of(outgoing):
    return outgoing.message_id.replace("-", "")


def sent(payload=b"Hi", **more):
    """(line, what the application has of a message, the octets of it)."""
    line = registered()
    return (line, *line.send(payload, **more))


def took(options="", **config):
    """The message that a MESSAGE RECEIVED REQUEST gives, with these optional elements."""
    line = registered(**config)
    line.say(RECEIVED + options)
    assert line.next() == "0401"
    return line.take()


# ---- A.2.1: the messages ---------------------------------------------------------------------------------------------


def test_a_2_1_1_a_message_sending_request_has_the_elements_of_its_table_in_their_order():
    _, outgoing, octets = sent(app_id=0x1234, report=True, to_type="AS")
    assert octets == "01" + IPV4 + id_of(outgoing) + "0002" + "4869" + "0a1234" + "b1" + "d2"


def test_a_2_1_1_without_application_id_and_report_they_are_not_there():
    _, outgoing, octets = sent()
    imperative = "01" + IPV4 + id_of(outgoing) + "0002" + "4869"
    assert octets in (imperative, imperative + "d0")  # a UE, said or by default


def test_a_2_1_2_a_delivery_report_sending_request_names_itself_and_the_message():
    line = registered(reports="arrival")
    line.say(RECEIVED + "b1")
    answer, report = line.sent()
    assert answer == "0401"
    assert report[:4] == "05" + "01" and report[36:] == ID
    assert report[4:36] != ID and uuid.UUID(report[4:36]).version == 4
    line.run(10)
    assert line.sent() in ([], [report])  # nothing answers it: it may come twice


@pytest.mark.parametrize("wanted", ["", "b0"])
def test_a_2_1_2_no_report_is_sent_that_was_not_asked_for(wanted):
    line = registered(reports="arrival")
    line.say(RECEIVED + wanted)
    assert line.sent() == ["0401"]
    line.run(10)
    assert line.sent() == []


def test_a_2_1_3_a_message_received_request_gives_the_application_each_element():
    taken = took("0f" + ORIGIN + "b1" + "c2")
    assert (taken.message_id, taken.payload, taken.sender) == (str(uuid.UUID(ID)), b"hi", OTHER)
    assert (taken.report_requested, taken.priority) == (True, "HIGH")
    bare = took()
    assert (bare.sender, bare.report_requested, bare.priority, bare.to_type) == ("", False, "NORMAL", "UE")


def test_a_2_1_3_its_payload_may_be_empty():
    """Table A.2.1.3-1: 2 to 65537 octets with the two of its length."""
    line = registered()
    line.say("03" + ID + "0000")
    assert (line.next(), line.take().payload) == ("0401", b"")


def test_a_2_1_3_one_that_comes_again_is_answered_again_and_given_once():
    line = registered()
    for _ in range(2):
        line.say(RECEIVED)
        assert line.next() == "0401"
    assert line.take() is not None and line.take() is None


@pytest.mark.parametrize("status, state", [("01", "delivered"), ("00", "failed")])
def test_a_2_1_4_a_delivery_report_received_request_says_what_became_of_a_message(status, state):
    line, outgoing, _ = sent(report=True)
    line.say("0201")
    assert outgoing.state == "accepted"
    for _ in range(2):  # nothing answers it: it comes twice
        line.say("06" + status + REPORT_ID + id_of(outgoing))
        assert outgoing.state == state
    assert line.sent() == [] and line.client.stats["unexpected"] == 0


def test_a_2_1_5_a_message_sending_response_of_success_has_it_accepted():
    line, outgoing, _ = sent()
    line.say("02" + "01")
    assert (outgoing.state, outgoing.final) == ("accepted", True)


def test_a_2_1_5_a_failure_has_its_reason():
    line, outgoing, _ = sent()
    line.say("02" + "00" + "5807")
    assert (outgoing.state, outgoing.cause) == ("failed", "Unknown device")


def test_a_2_1_6_a_message_received_response_says_success_or_the_reason_of_a_failure():
    line = registered(inbox={"messages": 1})
    line.say(RECEIVED)
    assert line.next() == "04" + "01"
    line.say(RECEIVED.replace(ID, REPORT_ID))
    assert line.next() == "04" + "00" + "5806"  # its inbox is full: congestion


def test_a_2_1_7_a_registration_request_has_application_id_and_credential():
    assert Line().next() == "07" + "0007" + "0003" + "c0ffee" == REGISTERING


def test_a_2_1_8_a_registration_accept_gives_the_registration_id():
    line = Line()
    line.next()
    line.say("08" + GIVEN)
    assert line.client.registered and line.registration.registration_id == bytes.fromhex(GIVEN)


@pytest.mark.parametrize(
    "cause, state, words",
    [
        ("01", "refused", "Access via a Gateway UE is not allowed"),
        ("02", "refused", "Invalid credentials"),
        ("03", "refused", "Conflict of transport identifier for unicast communication is detected"),
        ("05", "unreachable", "Lack of resources for lower layer"),
        ("06", "unreachable", "Congestion situation"),
    ],
)
def test_a_2_1_9_a_registration_reject_has_its_cause(cause, state, words):
    line = Line()
    line.next()
    line.say("09" + cause)
    assert (line.registration.state, line.registration.cause) == (state, words)


def test_a_2_1_10_a_deregistration_request_has_the_registration_id():
    line = registered()
    line.client.stop(line.tick)
    assert line.next() == "0a" + GIVEN


@pytest.mark.parametrize("response", ["0c" + GIVEN, "0b" + "07"])
def test_a_2_1_11_and_12_accept_and_reject_end_it_and_the_reject_is_the_lower_number(response):
    line = registered()
    line.client.stop(line.tick)
    line.next()
    line.say(response)
    assert (line.registration.state, line.client.registered) == ("stopped", False)


@pytest.mark.parametrize("cut", range(1, 21))
def test_a_2_1_3_one_that_is_cut_short_is_a_protocol_error_and_nothing_taken(cut):
    """Its imperative part is 21 octets long here."""
    line = registered()
    line.say(RECEIVED[: 2 * cut])
    assert line.next() == "04" + "00" + "586f"
    assert line.take() is None


# ---- A.2.2: the elements ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("octet", ["00", "0d", "7f", "80", "ff"])
def test_a_2_2_1_a_reserved_message_type_is_met_with_silence(octet):
    line, outgoing, _ = sent()
    line.say(octet + ID + ID)
    assert (line.sent(), line.take(), outgoing.state) == ([], None, "sent")
    line.say("0201")
    assert outgoing.state == "accepted"


@pytest.mark.parametrize(
    "to, octets",
    [
        ("192.0.2.1", IPV4),
        ("2001:db8::1", "11" + "02" + "20010db8000000000000000000000001"),
        ("as.example", "0c" + "03" + "02" + b"as".hex() + "07" + b"example".hex()),  # TS 23.003 clause 28.3.2
    ],
)
def test_a_2_2_2_the_target_is_an_address_behind_its_type_and_length(to, octets):
    _, outgoing, said = sent(to=to)
    assert said.startswith("01" + octets + id_of(outgoing))


@pytest.mark.parametrize("to", [OTHER, "as_example", "x", ""])
def test_a_2_2_2_what_is_no_address_is_refused_at_once(to):
    line = registered()
    with pytest.raises(ValueError, match="to: "):
        line.client.send(to, b"Hi", line.tick)
    assert line.sent() == []


@pytest.mark.parametrize("number", [0, 7, 65535])
def test_a_2_2_3_an_application_id_is_a_number_of_two_octets(number):
    assert "0a%04x" % number in sent(app_id=number)[2][-8:]


@pytest.mark.parametrize("number", [-1, 65536, "thermostat"])
def test_a_2_2_3_what_is_no_such_number_is_refused_at_once(number):
    line = registered()
    with pytest.raises(ValueError, match="app_id"):
        line.client.send("192.0.2.1", b"Hi", line.tick, app_id=number)
    assert line.sent() == []


def test_a_2_2_4_a_message_id_is_a_uuid_and_each_has_another():
    line, first, octets = sent()
    line.say("0201")
    second, _ = line.send()
    ids = [uuid.UUID(id_of(each)) for each in (first, second)]
    assert [(each.version, each.variant) for each in ids] == [(4, uuid.RFC_4122)] * 2
    assert ids[0] != ids[1] and octets[14:46] == ids[0].hex


@pytest.mark.parametrize("payload", [b"\x00", b"\xff" * 255, b"x" * 256, "21.5 °C".encode()])
def test_a_2_2_5_a_payload_has_its_length_in_two_octets_and_is_any_octets(payload):
    _, outgoing, octets = sent(payload)
    at = 2 + len(IPV4) + 32
    assert octets[at : at + 4] == "%04x" % len(payload)
    assert octets[at + 4 : at + 4 + 2 * len(payload)] == payload.hex()


def test_a_2_2_5_one_that_is_sent_is_not_empty():
    line = registered()
    with pytest.raises(ValueError, match="payload"):
        line.client.send("192.0.2.1", b"", line.tick)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_2_2_6_that_a_report_is_required_is_a_half_octet(wanted):
    assert ("b1" in sent(report=wanted)[2][-4:]) is wanted
    assert took("b1" if wanted else "b0").report_requested is wanted
    assert took("b7").report_requested is False  # reserved


@pytest.mark.parametrize("kind, octet", [("UE", "d0"), ("GROUP", "d1"), ("AS", "d2")])
def test_a_2_2_7_the_target_type_is_ue_group_or_as(kind, octet):
    assert sent(to_type=kind)[2][-2:] == octet


@pytest.mark.parametrize("status", ["02", "ff"])
def test_a_2_2_8_a_reserved_delivery_status_says_nothing(status):
    line, outgoing, _ = sent(report=True)
    line.say("0201")
    line.say("06" + status + REPORT_ID + id_of(outgoing))
    assert (outgoing.state, line.client.stats["malformed"]) == ("accepted", 1)


@pytest.mark.parametrize(
    "octet, priority", [("c0", "LOW"), ("c1", "NORMAL"), ("c2", "HIGH"), ("c3", "NORMAL")]
)
def test_a_2_2_9_the_priority_is_low_medium_or_high(octet, priority):
    assert took(octet).priority == priority


def test_a_2_2_10_the_originator_address_is_its_service_id():
    assert took("0f" + ORIGIN).sender == OTHER
    assert took("0f" + "ff" + "41" * 255).sender == "A" * 255
    assert took("0f" + "02" + "c3c3").sender == ""  # no UTF-8: left out, the message is used


def test_a_2_2_11_the_group_id_is_where_it_was_sent_to():
    group = "group:g@example.org"
    taken = took("0f" + ORIGIN + "0e" + "%02x" % len(group) + group.encode().hex())
    assert (taken.sender, taken.to_type, taken.to) == (OTHER, "GROUP", group)


@pytest.mark.parametrize(
    "octet, state", [("01", "accepted"), ("f1", "accepted"), ("02", "sent"), ("0f", "sent")]
)
def test_a_2_2_11_and_18_the_result_is_the_low_half_octet_and_the_other_is_spare(octet, state):
    line, outgoing, _ = sent()
    line.say("02" + octet)
    assert outgoing.state == state


def test_a_2_2_13_the_reply_to_message_id_says_which_message():
    line, first, _ = sent(report=True)
    line.say("0201")
    second, _ = line.send(report=True)
    line.say("0201")
    line.say("0601" + REPORT_ID + id_of(second))
    assert (first.state, second.state) == ("accepted", "delivered")
    line.say("0601" + REPORT_ID[:-2] + "01" + ID)  # of nobody
    assert (first.state, line.client.stats["unexpected"]) == ("accepted", 1)


def test_a_2_2_15_a_credential_has_its_length_in_two_octets():
    line = Line(application={"app_id": 7, "credential": "aa" * 300})
    assert line.next() == "07" + "0007" + "012c" + "aa" * 300


def test_a_2_2_16_a_registration_id_has_48_bits():
    line = Line()
    line.next()
    line.say("08" + GIVEN[:-2])
    assert not line.client.registered
    line.say("08" + GIVEN)
    assert line.client.registered


@pytest.mark.parametrize("cause", ["6f", "08", "ff", "00"])
def test_a_2_2_17_any_other_cause_is_an_unspecified_protocol_error(cause):
    line, outgoing, _ = sent()
    line.say("0200" + "58" + cause)
    assert (outgoing.state, outgoing.cause) == ("failed", "Protocol error, unspecified")


@pytest.mark.parametrize("cause", ["05", "06"])
def test_a_2_2_17_of_a_cause_that_passes_it_is_sent_again_as_it_was(cause):
    line, outgoing, octets = sent()
    line.say("0200" + "58" + cause)
    assert not outgoing.final and line.sent() == []
    line.run(10)
    assert set(line.sent()) == {octets}


def test_a_2_2_17_where_the_connection_is_gone_it_registers_and_sends_again():
    line, outgoing, octets = sent()
    line.say("0200" + "5804")
    assert line.next() == REGISTERING
    line.say("08" + GIVEN)
    line.run(1.5)
    assert line.next() == octets
    line.say("0201")
    assert outgoing.state == "accepted"


# ---- TS 24.007 clause 11.2.4: the non-imperative part ----------------------------------------------------------------


@pytest.mark.parametrize("unknown", ["90", "ff", "1000", "1002ffff", "0a0101", "7f" + "ff" + "00" * 255])
def test_24_007_11_2_4_an_unknown_element_is_skipped_by_bit_8_of_its_iei(unknown):
    taken = took(unknown + "c2" + unknown + "0f" + ORIGIN)
    assert (taken.priority, taken.sender) == ("HIGH", OTHER)


@pytest.mark.parametrize("cut", ["0f", "0f05", "0f05abcd", "10", "10ff00"])
def test_24_007_11_2_4_one_that_is_cut_short_is_left_out_and_the_message_used(cut):
    taken = took("c2" + cut)
    assert (taken.priority, taken.sender, taken.payload) == ("HIGH", "", b"hi")


def test_24_007_11_2_4_they_come_in_any_order_and_of_a_repeated_one_the_first_counts():
    taken = took("c2" + "b1" + "0f" + ORIGIN + "c0" + "0f" + "0141")
    assert (taken.priority, taken.report_requested, taken.sender) == ("HIGH", True, OTHER)
