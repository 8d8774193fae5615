# SPDX-License-Identifier: MIT
"""ApplicationClient over L3: TS 24.538 clauses 6.3.2 and 6.4.2, Annex A.2; times of docs/annex-a.md.

Frames are worked by hand from the tables of Annex A.2.1 (test_l3_messages.py has each). IDs are those of Counter.
"""

import io

from application_scene import OWN, REGISTRATION_ID, Scene
from common import equal, raises
from msgin5g import ConfigError
from msgin5g.store.stored_file import StoredFile

REG = bytes.fromhex("07" + "0102" + "0004deadbeef")  # Application ID 258, credential of 4 octets
DEREG = b"\x0a" + REGISTRATION_ID
ID = "00112233445566778899aabbccddeeff"


def message_id(frame):
    """Of MESSAGE SENDING REQUEST to an IPv4 address: behind type, length, address type and address."""
    return frame[7:23]


def sending(number, payload, options="d0"):
    """MESSAGE SENDING REQUEST to 192.0.2.1 with the UUID that Counter gives as its `number`."""
    # RFC 9562: version 4 in the high half of octet 6, variant 10 in the high bits of octet 8
    uuid = "000000000000" + "4000" + "8000" + "%012x" % number
    return (
        bytes.fromhex("01" + "0501c0000201" + uuid + "%04x" % len(payload)) + payload + bytes.fromhex(options)
    )


def test_registration():
    scene = Scene()
    equal(scene.client.registration.state, "stopped")
    scene.client.start(0)
    equal((scene.sent(), scene.client.registration.state), ([REG], "registering"))
    scene.receive(b"\x08" + REGISTRATION_ID)
    equal((scene.client.registered, scene.client.registration.state), (True, "registered"))
    equal(scene.client.next_deadline(), None)  # it has no lifetime
    scene.client.stop(0)
    equal(scene.sent(), [DEREG])
    equal(scene.client.registration.state, "registered")
    scene.receive(b"\x0c" + REGISTRATION_ID)
    equal((scene.client.registered, scene.client.registration.state), (False, "stopped"))


def test_a_wrong_credential_is_refused_and_tried_again_after_a_minute():
    scene = Scene()
    scene.client.start(0)
    scene.sent()
    scene.receive("09 02")  # REGISTRATION REJECT, cause 2
    registration = scene.client.registration
    equal((registration.state, registration.cause), ("refused", "Invalid credentials"))
    scene.pass_time(59000)
    equal(scene.sent(), [])
    scene.pass_time(2000)
    equal(scene.sent(), [REG])


def test_a_busy_gateway_is_asked_again_soon():
    scene = Scene()
    scene.client.start(0)
    scene.sent()
    scene.receive("09 06")
    equal(scene.client.registration.state, "unreachable")
    equal(scene.client.registration.cause, "Congestion situation")
    scene.pass_time(2100)
    equal(scene.sent(), [REG])


def test_repeats_and_silence():
    # 2 s, doubled, 4 repeats: copies at 0, 2, 6, 14, 30 s, given up at 62 s. A frame of 9 octets takes 0.8 ms.
    scene = Scene()
    scene.client.start(0)
    equal(scene.sent(), [REG])
    for at in (2000, 6000, 14000, 30000):
        scene.pass_time(at - 10 - scene.now)
        equal(scene.sent(), [])
        scene.pass_time(20)
        equal(scene.sent(), [REG])
    scene.pass_time(31900)
    equal(scene.client.registration.state, "registering")
    scene.pass_time(200)
    registration = scene.client.registration
    equal((registration.state, registration.cause), ("unreachable", "no answer from l3+uart:///dev/ttyS9"))
    equal(scene.client.stats["repeats"], 4)
    scene.pass_time(2100)  # and it goes on for ever
    equal(scene.sent(), [REG])


def test_a_link_that_is_back_is_used_at_once():
    scene = Scene()
    scene.client.start(0)
    scene.pass_time(3600000)
    quiet = 0
    while quiet < 33:  # s: so long the last repeat is waited for
        scene.pass_time(1000)
        quiet = 0 if scene.sent() else quiet + 1
    scene.client.link_is_back(scene.now)
    equal(scene.sent(), [REG])

    scene = Scene().start()
    scene.send("192.0.2.1", b"x")
    scene.pass_time(62100)  # given up, and a wait of 5 s began
    scene.sent()
    scene.client.link_is_back(scene.now)
    equal(scene.sent(), [sending(1, b"x")])


def test_stop_without_an_answer_ends():
    scene = Scene().start()
    scene.client.stop(0)
    scene.sent()
    scene.pass_time(70000)
    equal(scene.client.registration.state, "stopped")


def test_deregistration_with_an_unknown_registration_id():
    scene = Scene().start()
    scene.client.stop(0)
    equal(scene.sent(), [DEREG])
    scene.receive("0b 07")
    equal((scene.client.registered, scene.client.registration.state), (False, "stopped"))


def test_send_and_report():
    scene = Scene().start()
    outgoing = scene.send("192.0.2.1", "Hi", report=True, app_id=7)
    frame = scene.sent()[0]
    # optional elements in the table's order: A (TV) 0007, B = 1, D = 0
    equal(frame, sending(1, b"Hi", "0a0007 b1 d0".replace(" ", "")))
    equal(outgoing.message_id, "00000000-0000-4000-8000-000000000001")
    equal(outgoing.state, "sent")
    scene.receive("02 01")
    equal((outgoing.state, outgoing.final), ("accepted", False))
    scene.receive(b"\x06\x01" + bytes(15) + b"\x09" + message_id(frame))
    equal((outgoing.state, outgoing.final), ("delivered", True))
    # the report comes twice by rule, and is told by its Message ID
    scene.receive(b"\x06\x01" + bytes(15) + b"\x09" + message_id(frame))
    equal(scene.client.stats["unexpected"], 0)
    equal(scene.sent(), [])


def test_the_report_may_say_failed_or_overtake_the_response():
    scene = Scene().start()
    outgoing = scene.send("192.0.2.1", b"x", report=True)
    frame = scene.sent()[0]
    scene.receive(b"\x06\x00" + bytes(15) + b"\x09" + message_id(frame))
    equal((outgoing.state, outgoing.cause), ("failed", "the recipient reported a failure"))
    other = scene.send("192.0.2.1", b"y")
    equal(scene.sent(), [])  # the response to the first is still owed
    scene.receive("02 01")
    equal((other.state, len(scene.sent())), ("sent", 1))
    scene.receive("02 01")
    equal(other.state, "accepted")


def test_one_request_is_open_at_a_time():
    scene = Scene().start()
    for text in ("one", "two", "three"):
        scene.send("192.0.2.1", text)
    for number, text in enumerate((b"one", b"two", b"three")):
        equal(scene.sent(), [sending(number + 1, text)])
        scene.receive("02 01")
    equal((scene.sent(), scene.client.stats["accepted"]), ([], 3))


def answered_once(scene, number, payload):
    """Two copies of what was sent go out, and one answer to them comes."""
    scene.pass_time(2010)
    equal(scene.sent(), [sending(number, payload)] * 2)
    scene.receive("02 01")


def test_the_answer_to_a_copy_is_not_taken_for_the_next_requests():
    scene = Scene().start()
    first = scene.send("192.0.2.1", b"1")
    second = scene.send("192.0.2.1", b"2")
    answered_once(scene, 1, b"1")  # to the first copy, late; the second one's is on its way
    equal((first.state, second.state, scene.sent()), ("accepted", "queued", []))
    scene.receive("02 01")
    equal((second.state, scene.sent()), ("sent", [sending(2, b"2")]))
    scene.receive("02 00 5807")
    equal((second.state, second.cause), ("failed", "Unknown device"))
    # where the other copy was lost, its answer is waited for as long as an answer may take, or as the first one took
    third = scene.send("192.0.2.1", b"3")
    answered_once(scene, 3, b"3")
    fourth = scene.send("192.0.2.1", b"4")
    equal((third.state, scene.sent()), ("accepted", []))
    scene.pass_time(1900)
    equal(scene.sent(), [])
    scene.pass_time(200)
    equal((fourth.state, scene.sent()), ("sent", [sending(4, b"4")]))


def test_an_answer_that_lies_unread_is_not_taken_for_the_next_requests():
    """An application kept the processor: what the line brought meanwhile is read before anything is held for lost."""
    scene = Scene().start()
    first = scene.send("192.0.2.1", b"1")
    second = scene.send("192.0.2.1", b"2")
    answered_once(scene, 1, b"1")  # the second copy's answer comes now, and lies there for 5 s
    scene.now += 5000
    scene.client.poll(scene.now)
    equal((first.state, second.state, scene.sent()), ("accepted", "queued", []))
    scene.receive("06 01" + "00" * 16 + ID + "f1")  # what lies before it is no reason either
    equal((second.state, scene.sent()), ("queued", []))
    scene.receive("02 01")
    equal((second.state, scene.sent()), ("sent", [sending(2, b"2")]))
    scene.receive("02 00 5807")
    equal((second.state, second.cause), ("failed", "Unknown device"))
    # where nothing lay there, what is next goes out 0.1 s later, however late that is looked at
    scene.send("192.0.2.1", b"3")
    answered_once(scene, 3, b"3")
    fourth = scene.send("192.0.2.1", b"4")
    scene.now += 5000
    scene.client.poll(scene.now)
    scene.now += 99
    scene.client.poll(scene.now)
    equal((fourth.state, scene.sent()), ("queued", []))
    scene.now += 5000
    scene.client.poll(scene.now)
    equal((fourth.state, scene.sent()), ("sent", [sending(4, b"4")]))


def test_causes_of_a_refused_message():
    for cause, text in (
        ("01", "Access via a Gateway UE is not allowed"),
        ("03", "Conflict of transport identifier for unicast communication is detected"),
        ("07", "Unknown device"),
        ("6f", "Protocol error, unspecified"),
        ("99", "Protocol error, unspecified"),
    ):
        scene = Scene().start()
        outgoing = scene.send("192.0.2.1", b"x")
        scene.sent()
        scene.receive("02 00 58" + cause)
        equal((outgoing.state, outgoing.cause, outgoing.final), ("failed", text, True))
    scene = Scene().start()
    outgoing = scene.send("192.0.2.1", b"x")
    scene.receive("02 00")
    equal((outgoing.state, outgoing.cause), ("failed", "no cause given"))


def test_congestion_delays_only_its_destination():
    for cause in ("05", "06"):
        scene = Scene().start()
        outgoing = scene.send("192.0.2.1", b"x")
        frame = scene.sent()
        scene.receive("02 00 58" + cause)
        equal(outgoing.state, "sent")
        other = scene.send("192.0.2.2", b"y")
        scene.sent()
        scene.receive("02 01")
        equal(other.state, "accepted")
        scene.pass_time(4900)
        equal(scene.sent(), [])
        scene.pass_time(200)
        equal(scene.sent(), frame)
        scene.receive("02 01")
        equal(outgoing.state, "accepted")


def test_a_gateway_that_forgot_us_is_registered_with_at_once():
    scene = Scene().start()
    outgoing = scene.send("192.0.2.1", b"x")
    frame = scene.sent()
    scene.receive("02 00 5804")
    equal((scene.sent(), scene.client.registered), ([REG], False))
    scene.receive(b"\x08" + REGISTRATION_ID)
    scene.pass_time(1000)
    equal(scene.sent(), frame)
    scene.receive("02 01")
    equal(outgoing.state, "accepted")


def test_nothing_comes_back():
    scene = Scene().start()
    outgoing = scene.send("192.0.2.1", b"x", expires=100)
    scene.pass_time(62100)
    equal((outgoing.state, len(scene.sent())), ("sent", 5))
    scene.pass_time(5100)  # and once more
    equal(len(scene.sent()), 1)
    scene.pass_time(30000)
    assert all([each == sending(1, b"x") for each in scene.sent()])
    scene.pass_time(10000)
    equal((outgoing.state, outgoing.cause), ("expired", "not accepted in time"))
    scene.pass_time(100000)
    equal(scene.sent(), [])
    equal(scene.client.outbox.octets, 0)


def test_no_report_comes():
    scene = Scene(report_timeout=10).start()
    outgoing = scene.send("192.0.2.1", b"x", report=True)
    scene.receive("02 01")
    scene.pass_time(10100)
    equal((outgoing.state, outgoing.final, outgoing.cause), ("accepted", True, "no report came"))


def test_receive_and_report():
    scene = Scene().start()
    # "abc" from "ue:a" (F) to group "g" (E), report wanted (B), HIGH (C)
    scene.receive("03" + ID + "0003616263" + "0f0475653a61" + "0e0167" + "b1c2")
    equal(scene.sent(), [b"\x04\x01"])
    message = scene.client.take(scene.now)
    equal(
        (message.payload, message.size, message.sender, message.to, message.to_type, message.priority),
        (b"abc", 3, "ue:a", "g", "GROUP", "HIGH"),
    )
    equal(message.message_id, "00112233-4455-6677-8899-aabbccddeeff")
    # DELIVERY REPORT SENDING REQUEST: success, an ID of its own, the message's; nothing answers it, so it goes twice
    report = bytes.fromhex("05 01" + "00000000000040008000000000000001" + ID)
    equal(scene.sent(), [report])
    scene.pass_time(1900)
    equal(scene.sent(), [])
    scene.pass_time(200)
    equal(scene.sent(), [report])
    scene.pass_time(100000)
    equal(scene.sent(), [])
    equal(scene.client.stats["reported"], 1)


def test_a_report_is_owed_until_its_second_copy():
    """The first may still lie in a queue, or be damaged on the line, when the power goes."""
    scene = Scene().start()
    scene.receive("03" + ID + "0001 2a b1")
    scene.client.take(0)
    equal([frame[0] for frame in scene.sent()], [4, 5])
    scene.client.flush()
    assert not scene.client.idle
    again = Scene(storage=scene.storage).start()
    equal([frame[18:] for frame in again.sent()], [bytes.fromhex(ID)])
    again.pass_time(2000)
    equal([frame[18:] for frame in again.sent()], [bytes.fromhex(ID)])
    again.client.flush()
    assert again.client.idle
    equal(Scene(storage=scene.storage).start().sent(), [])


def test_a_plain_message_and_its_repeat():
    scene = Scene().start()
    frame = "03" + ID + "0001 2a"
    scene.receive(frame)
    scene.receive(frame)  # our response was lost
    equal(scene.sent(), [b"\x04\x01", b"\x04\x01"])
    message = scene.client.take(0)
    equal((message.payload, message.sender, message.to, message.to_type), (b"*", "", OWN, "UE"))
    equal((message.priority, message.report_requested), ("NORMAL", False))
    equal((scene.client.take(0), scene.sent(), scene.client.stats["repeated"]), (None, [], 1))


def test_reports_on_arrival():
    scene = Scene(reports="arrival").start()
    scene.receive("03" + ID + "0000" + "b1")
    equal([each[0] for each in scene.sent()], [4, 5])
    equal(scene.client.take(0).payload, b"")
    equal(scene.sent(), [])


def test_a_full_inbox_refuses_with_congestion():
    scene = Scene(inbox={"messages": 2}).start()
    for number in range(2):
        scene.receive("03" + "%032x" % number + "0001 2a")
    scene.sent()
    scene.receive("03" + ID + "0001 2a")
    equal(scene.sent(), [bytes.fromhex("04005806")])  # FAILED, X = cause 6
    scene.client.take(0)
    scene.receive("03" + ID + "0001 2a")
    equal((scene.sent(), scene.client.stats["refused"]), ([b"\x04\x01"], 1))


def test_wrong_messages():
    scene = Scene().start()
    scene.receive("03" + ID + "0005 2a")  # payload cut short: the type is known, so it is answered with 0x6F
    equal(scene.sent(), [bytes.fromhex("0400586f")])
    for frame in ("", "00", "0d", "06 01 00", "02", "08 00", "01 05"):  # answered by nothing
        scene.receive(frame)
    equal((scene.sent(), scene.client.stats["malformed"]), ([], 8))
    for frame in (
        "02 01",
        "09 01",
        "0c" + "00" * 6,
        "07 0001 0001 ff",
        "04 01",
    ):  # nothing of the kind is open
        scene.receive(frame)
    equal((scene.sent(), scene.client.stats["unmatched"], scene.client.registered), ([], 5, True))
    # an originator that is not UTF-8 is a wrong optional element
    scene.receive("03" + ID + "0001 2a 0f02c328")
    equal((scene.sent(), scene.client.take(0).sender), ([b"\x04\x01"], ""))


def test_what_cannot_be_sent():
    scene = Scene().start()
    for named, word in (
        ({"to_type": "TOPIC"}, "topic"),
        ({"to_type": "BC"}, "broadcast"),
        ({"to_type": "X"}, "to_type"),
        ({"priority": "HIGH"}, "priority"),
        ({"store_forward": True}, "store_forward"),
        ({"app_id": 65536}, "app_id"),
        ({"app_id": "seven"}, "app_id"),
        ({"expires": 0}, "expires"),
    ):
        error = raises(ValueError, scene.send, "192.0.2.1", b"x", **named)
        assert word in str(error), error
    error = raises(ValueError, scene.send, "ue:sensor-1@example.org", b"x")
    assert "FQDN" in str(error), error
    error = raises(ValueError, scene.send, "192.0.2.1", b"")
    assert "at least 1 octet" in str(error), error
    equal((scene.sent(), len(scene.client.outbox.queue), scene.files), ([], 0, []))


def test_frames_that_are_too_large():
    # 1 + 1 + 5 + 16 + 2 + 3 + 1 + 1 = 30 octets beside the payload
    scene = Scene(serial={"max_frame": 100}).start()
    scene.send("192.0.2.1", bytes(70))
    error = raises(ValueError, scene.send, "192.0.2.1", bytes(71))
    assert "101 octets" in str(error) and "serial.max_frame allows 100" in str(error), error
    scene = Scene("l3+espnow").start()
    scene.send("192.0.2.1", bytes(220))
    error = raises(ValueError, scene.send, "192.0.2.1", bytes(221))
    assert "ESP-NOW allows 250" in str(error), error
    # Annex A.2.1: the length of the payload has two octets; a file that breaks this is not even read
    scene = Scene(serial={"max_frame": 65900}).start()
    file = io.BytesIO(bytes(1))
    error = raises(ValueError, scene.send, "192.0.2.1", (file, 65536))
    assert "65536 octets" in str(error) and "65535" in str(error), error
    equal((file.tell(), scene.files), (0, []))
    error = raises(ValueError, scene.send, "192.0.2.1", (file, 65535))
    assert "ended after 1 of 65535" in str(error), error
    equal(scene.files, [])


def test_a_large_payload_stays_in_the_storage():
    scene = Scene(serial={"max_frame": 65900}).start()
    content = bytes(range(250)) * 8
    outgoing = scene.send("192.0.2.1", io.BytesIO(content))
    equal(scene.files, ["out-1"])
    equal(scene.sent(), [sending(1, content)])
    # 2000 + 25 octets are 0.18 s at 115200 baud, and the time-out begins after that
    scene.pass_time(2150)
    equal(scene.sent(), [])
    scene.pass_time(100)
    equal(len(scene.sent()), 1)
    scene.receive("02 01")
    equal((outgoing.state, scene.files), ("accepted", []))

    file = StoredFile(scene.storage, "in-1")
    file.append(bytes.fromhex("03" + ID + "%04x" % len(content)))
    file.append(content)
    file.append(bytes.fromhex("0f0475653a61"))
    scene.receive(file)
    equal(scene.sent(), [b"\x04\x01"])
    message = scene.client.take(0)
    equal((message.size, message.sender, message.payload), (2000, "ue:a", content))
    equal(b"".join(message.chunks()), content)
    equal(max([len(chunk) for chunk in message.chunks()]), 512)
    message.close()
    equal(scene.files, [])


def test_a_payload_that_vanished_from_the_storage_ends_its_message():
    """The link would abort the frame of each copy, and the gateway hear nothing for ever."""
    scene = Scene(serial={"max_frame": 4096})
    lost = scene.send("192.0.2.1", bytes(2000))
    other = scene.send("192.0.2.1", b"x")
    scene.storage.replace("out-1", bytes(1999))
    scene.start()
    equal((lost.state, lost.cause), ("failed", "storage: out-1 ends at 1999 of 2000 octets"))
    scene.receive("02 01")
    equal((other.state, scene.files), ("accepted", []))


def test_large_frames_that_are_no_message_leave_nothing():
    scene = Scene().start()
    for octets in (b"\x01" + bytes(2000), b"\xff" * 2000, bytes.fromhex("03" + ID + "ffff") + bytes(1000)):
        file = StoredFile(scene.storage, "in-1")
        file.append(octets)
        scene.receive(file)
        equal(scene.files, [])
    equal(scene.sent(), [bytes.fromhex("0400586f")])  # of the last its type was known
    for _ in range(2):  # a repeat of one that was delivered
        file = StoredFile(scene.storage, "in-2")
        file.append(bytes.fromhex("03" + ID + "07d0") + bytes(2000))
        scene.receive(file)
    scene.client.take(0).close()
    equal((scene.files, scene.client.stats["repeated"]), ([], 1))


def test_configuration():
    error = raises(ConfigError, Scene, application={"app_id": 1})
    equal(error.key, "application.credential")
    error = raises(ConfigError, Scene, role="client")
    equal(error.key, "role")
    error = raises(ConfigError, Scene, security={"mode": "oscore"})
    equal(error.key, "security.mode")


def test_payloads_of_an_earlier_run_are_removed():
    scene = Scene()
    for name in ("in-1", "out-3", "outbox", "set-1"):
        scene.storage.append(name, b"x")
    Scene(storage=scene.storage)
    equal(scene.files, ["outbox"])


def test_answers_that_come_after_giving_up():
    """A gateway that slept: five answers to five copies, of which none may be taken for the next message's."""
    scene = Scene().start()
    first = scene.send("192.0.2.1", b"1")
    scene.pass_time(62100)  # given up; the next try is due in 5 s
    other = scene.send("192.0.2.2", b"2")
    equal(len(scene.sent()), 5)  # the other one waits: an answer now would be the first one's
    scene.pass_time(5000)
    equal(scene.sent(), [sending(1, b"1")])  # which may go again, for any of the answers is as good for it
    for _ in range(6):
        scene.receive("02 01")
    equal((first.state, other.state), ("accepted", "sent"))
    equal([frame[-2:] for frame in scene.sent()], [b"2\xd0"])
    scene.receive("02 01")
    equal(other.state, "accepted")


def test_a_link_that_takes_nothing_for_a_day():
    """What waits for it is bounded, and what is left is the newest."""
    scene = Scene()
    scene.client.start(0)
    scene.pass_time(86400000)
    for number in range(100):
        scene.receive("03" + "%032x" % number + "0001" + "78")
        scene.client.take(scene.now)
    out = scene.sent()
    equal((len(out) <= 16, out[-1]), (True, b"\x04\x01"))
