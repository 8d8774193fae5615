# SPDX-License-Identifier: MIT
"""ApplicationClient over CoAP: the JSON of TS 24.538 Annex A.3.2, as its schemas print it."""

import io

import coap
from application_scene import Scene
from common import equal, raises

ID = "00112233-4455-6677-8899-aabbccddeeff"


class JsonScene(Scene):
    def asked(self):
        """The one request that went out."""
        (datagram,) = self.sent()
        self.request = coap.decode(datagram)
        equal((self.request.type, self.request.code, self.request.path), (coap.CON, coap.POST, "/msgin5g"))
        equal(self.request.uint(coap.CONTENT_FORMAT), 50)
        return str(bytes(self.request.payload), "utf-8")

    def answer(self, body, code=coap.CHANGED, options=()):
        request = self.request
        options = list(options) + [(coap.CONTENT_FORMAT, b"\x32")]
        message = coap.Message(code, body.encode(), options, coap.ACK, request.mid, request.token)
        self.receive(bytes(coap.encode(message)))

    def ask(self, body, mid, path="/msgin5g", code=coap.POST):
        """What a request of the gateway is answered with: (code, payload)."""
        options = coap.path_options(path) + [(coap.CONTENT_FORMAT, b"\x32")]
        message = coap.Message(code, body.encode(), options, coap.CON, mid, b"tk")
        self.receive(bytes(coap.encode(message)))
        answers = [coap.decode(each) for each in self.sent()]
        (answer,) = [each for each in answers if each.type == coap.ACK]
        self.others = [each for each in answers if each.type != coap.ACK]
        return answer.code, str(bytes(answer.payload), "utf-8")


def scene(**keys):
    return JsonScene("coap", **keys)


def registered(**keys):
    made = scene(**keys)
    made.client.start(0)
    made.asked()
    made.answer('{"result":true,"registration ID":"0a0b0c0d0e0f"}')
    assert made.client.registered
    return made


def test_what_only_a_client_has_is_a_value_error():
    # docs/application.md: topics and groups, and triggers, which a modem may bring
    client = registered().client
    calls = (
        (client.subscribe, "alerts"),
        (client.unsubscribe, "alerts"),
        (client.call, "groups", "watch"),
        (client.call, "triggers", "triggered", b'{"msgIden":"urn:3gpp:msgin5g","purpose":"receive"}'),
    )
    for call in calls:
        raises(ValueError, *call, 0)


def test_registration():
    it = scene()
    it.client.start(0)
    equal(
        it.asked(),
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"REG","appId":"258","credential":"deadbeef"}',
    )
    it.answer('{"result":true,"registration ID":"0a0b0c0d0e0f"}', coap.CREATED)  # 2.01 or 2.04, A.3.1.8
    equal(it.client.registration.registration_id, b"\x0a\x0b\x0c\x0d\x0e\x0f")
    it.client.stop(0)
    equal(
        it.asked(),
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"DEREG","registrationID":"0a0b0c0d0e0f"}',
    )
    it.answer('{"result":true,"registration ID":"0a0b0c0d0e0f"}')
    equal(it.client.registration.state, "stopped")


def test_refused_registrations():
    for key in ("failure reason", "failReason"):
        it = scene()
        it.client.start(0)
        it.asked()
        it.answer('{"result":false,"%s":"Invalid credentials"}' % key)
        equal(
            (it.client.registration.state, it.client.registration.cause), ("refused", "Invalid credentials")
        )
    it = scene()
    it.client.start(0)
    it.asked()
    it.answer('{"result":true}')
    equal(it.client.registration.cause, "answer not understood, registrationID: missing")


def test_keys_without_their_space_and_strings_for_booleans():
    it = scene()
    it.client.start(0)
    it.asked()
    it.answer('{"result":"true","registrationID":"0a0b0c0d0e0f"}')
    assert it.client.registered


def test_send_and_report():
    it = registered()
    outgoing = it.send("ue:sensor-1@example.org", "21.5 \u00b0C", report=True, app_id="7")
    message_id = outgoing.message_id
    equal(
        it.asked(),
        '{"msgType":"MESSAGE SENDING REQUEST","appId":"7","msgId":"%s","isDelivStatReq":true,'
        '"destAddr":{"destAddrType":"UE","addr":"ue:sensor-1@example.org"},"payload":"21.5 \u00b0C"}'
        % message_id,
    )
    it.answer('{"msgType":"MESSAGE SENDING RESPONSE","result":"SUCCESS"}', coap.CONTENT)
    equal(outgoing.state, "accepted")
    body = (
        '{"msgType":"DELIVERY REPORT RECEIVED %s","msgId":"%s","reply2msgId":"%s","deliveryStatus":"SUCCESS"}'
    )
    equal(it.ask(body % ("REQEUST", ID, message_id), 1), (coap.CHANGED, ""))
    equal(outgoing.state, "delivered")


def test_a_report_that_names_no_other_message_is_about_its_own_id():
    """A.3.2.4 requires msgId, and no reply2msgId."""
    it = registered()
    outgoing = it.send("ue:sensor-1@example.org", "x", report=True)
    it.asked()
    it.answer('{"msgType":"MESSAGE SENDING RESPONSE","result":"SUCCESS"}', coap.CONTENT)
    report = '{"msgType":"DELIVERY REPORT RECEIVED REQUEST","msgId":"%s","deliveryStatus":"FAILED"}'
    equal(it.ask(report % outgoing.message_id, 1), (coap.CHANGED, ""))
    equal(outgoing.state, "failed")


def test_refused_messages():
    it = registered()
    outgoing = it.send("as:weather@example.org", b"\xff", to_type="AS")
    assert '"destAddrType":"AS"' in it.asked() and '"payload":"data:;base64,/w=="' in str(
        it.request.payload, "utf-8"
    )
    it.answer(
        '{"msgType":"MESSAGE SENDING RESPONSE","result":"FAILED","failReason":"Unknown device"}', coap.CONTENT
    )
    equal((outgoing.state, outgoing.cause), ("failed", "Unknown device"))
    outgoing = it.send("as:weather@example.org", "x")
    it.asked()
    it.answer("", coap.FORBIDDEN)
    equal((outgoing.state, outgoing.cause), ("failed", "4.03"))
    outgoing = it.send("as:weather@example.org", "x")
    first = it.asked()
    it.answer("", coap.SERVICE_UNAVAILABLE, [(coap.MAX_AGE, b"\x07")])
    it.pass_time(6900)
    equal(it.sent(), [])
    it.pass_time(200)
    equal(it.asked(), first)
    it.answer("", coap.UNAUTHORIZED)
    assert '"REG"' in it.asked()


def test_receive_and_report():
    it = registered()
    body = (
        '{"msgType":"MESSAGE RECEIVED %s","msgId":"' + ID + '","oriAddr":"ue:a","groupId":"g",'
        '"payload":"hi","isDelivStatReq":true,"priority":"LOW"}'
    )
    success = (coap.CONTENT, '{"msgType":"MESSAGE RECEIVED RESPONSE","result":"SUCCESS"}')
    equal(it.ask(body % "REQUEST", 1), success)
    equal(it.ask(body % "REQEUST", 2), success)  # a repeat
    message = it.client.take(0)
    equal(
        (message.payload, message.sender, message.to, message.to_type, message.priority),
        ("hi", "ue:a", "g", "GROUP", "LOW"),
    )
    equal(
        it.asked(),
        '{"msgType":"DELIVERY REPORT SENDING REQUEST","msgId":"00000000-0000-4000-8000-%012x","reply2msgId":"%s",'
        '"deliveryStatus":"SUCCESS"}' % (it.random.count - 1, ID),
    )
    it.answer("", coap.CHANGED)
    equal((it.client.take(0), it.client.stats["reported"], it.client.stats["repeated"]), (None, 1, 1))


def test_a_report_is_sent_until_it_is_taken():
    it = registered(reports="arrival")
    body = '{"msgType":"MESSAGE RECEIVED REQUEST","msgId":"%s","payload":"hi","isDelivStatReq":true}' % ID
    it.ask(body, 1)
    (it.request,) = it.others
    it.answer("", coap.SERVICE_UNAVAILABLE)
    it.pass_time(5100)
    assert "DELIVERY REPORT SENDING" in it.asked()
    it.answer("", coap.CHANGED)
    equal(it.client.stats["reported"], 1)


def test_a_full_inbox():
    it = registered(inbox={"messages": 1})
    body = '{"msgType":"MESSAGE RECEIVED REQUEST","msgId":"%s","payload":"hi"}'
    it.ask(body % ID, 1)
    equal(
        it.ask(body % ID.replace("0", "1"), 2),
        (
            coap.CONTENT,
            '{"msgType":"MESSAGE RECEIVED RESPONSE","result":"FAILED","failReason":"Congestion situation"}',
        ),
    )


def test_wrong_requests():
    it = registered()
    message = '{"msgType":"MESSAGE RECEIVED REQUEST",%s}'
    for mid, body in enumerate(
        (
            "",
            "[]",
            "{}",
            '{"msgType":"MSG"}',
            message % '"payload":"x"',
            message % ('"msgId":"%s"' % ID),
            message % ('"msgId":"%s","payload":"x","priority":"URGENT"' % ID),
            message % ('"msgId":"%s","payload":"data:;base64,!"' % ID),
            '{"msgType":"DELIVERY REPORT RECEIVED REQUEST","reply2msgId":"%s","deliveryStatus":"MAYBE"}' % ID,
        )
    ):
        equal(it.ask(body, mid)[0], coap.BAD_REQUEST)
    equal(it.ask("{}", 100, path="/other")[0], coap.NOT_FOUND)
    equal(it.ask("{}", 101, code=coap.PUT)[0], coap.METHOD_NOT_ALLOWED)
    equal((it.client.take(0), it.client.stats["malformed"]), (None, 9))


def test_a_file_is_looked_at_whole_whatever_a_segment_is():
    # MSGin5G-5 has no segments (TS 24.538 clause 6.4.2): what they may be at most is no limit of its messages
    it = registered(segments={"size": 512})
    outgoing = it.send("ue:a", io.BytesIO(b"\xff" * 600))
    # base64 (RFC 4648 section 4) of three octets ff is ////, 4 for 3
    assert '"data:;base64,' + "/" * 800 + '"' in it.asked()
    it.answer('{"msgType":"MESSAGE SENDING RESPONSE","result":"SUCCESS"}', coap.CONTENT)
    equal((outgoing.state, it.files), ("accepted", []))
    error = raises(ValueError, it.send, "ue:a", io.BytesIO(b"x" * 1100))
    assert "segments" in str(error), error
    equal(it.files, [])


def test_what_cannot_be_sent():
    it = registered()
    error = raises(ValueError, it.send, "ue:a", "x" * 1152)
    assert "coap.max_datagram (1152)" in str(error) and "segments" in str(error), error
    error = raises(ValueError, it.send, "ue:a", "\u0001" * 300)  # 6 octets each in JSON
    assert "segments" in str(error), error
    error = raises(ValueError, it.send, "ue:a", "x", to_type="TOPIC")
    assert "topic" in str(error), error
    equal((it.sent(), len(it.client.outbox.queue)), ([], 0))
    # one octet less than too much: what is on the link is max_datagram exactly
    low, high = 1, 1152
    while high - low > 1:
        middle = (low + high) // 2
        try:
            low, outgoing = middle, it.send("ue:a", "x" * middle)
        except ValueError:
            high = middle
            continue
        (datagram,) = it.sent()
        it.request = coap.decode(datagram)
        it.answer('{"msgType":"MESSAGE SENDING RESPONSE","result":"SUCCESS"}', coap.CONTENT)
        equal(outgoing.state, "accepted")
        if middle == low:
            longest = len(datagram)
    equal(longest, 1152)


def test_an_answer_that_finds_no_memory_is_no_silence():
    """docs/retries.md: after 5 s, which a request of the gateway's in between does not shorten."""
    made = registered()
    outgoing = made.send("as:weather@example.org", "a", to_type="AS")
    made.asked()
    ended = made.client.store.ended

    def starved(*_):
        raise MemoryError

    made.client.store.ended = starved
    made.answer('{"msgType":"MESSAGE SENDING RESPONSE","result":"SUCCESS"}')
    equal((outgoing.final, made.sent()), (False, []))
    made.client.store.ended = ended
    made.client.link_is_back(made.now)
    made.pass_time(4900)
    equal(made.sent(), [])
    made.pass_time(100)
    made.asked()
    made.answer('{"msgType":"MESSAGE SENDING RESPONSE","result":"SUCCESS"}')
    equal(outgoing.state, "accepted")
