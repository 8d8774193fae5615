# SPDX-License-Identifier: MIT
"""UE configuration: TS 24.538 clause 6.2.1, TS 24.546 clause 6.2.3.3. The request, failures, what the answer says."""

import coap
from common import equal
from configuration_scene import ETAG, UE, UE_ID, content, document, host, option, scene, state, who
from msgin5g_scene import HOUR, MINUTE, SECOND, agree, max_age, msg


def test_a_device_that_knows_its_ue_id_only():
    made = scene(content(document())).start()
    equal((made.kinds(), state(made)), (["CONFIG", "REG"], ("registered", None)))
    request = made.asked[0].message
    equal((request.code, request.type, bytes(request.payload)), (coap.GET, coap.CON, b""))
    # five options, and no colon is escaped within one
    path = [b"su-uc", b"v1", b"val-services", b"urn:3gpp:msgin5g", b"ue-configurations"]
    equal(option(request, coap.URI_PATH), path)
    equal(option(request, coap.URI_QUERY), [b"ue-uri=urn:imei:35-209900-176148-1"])
    equal(option(request, coap.ACCEPT), [b"\x32"])
    for number in (coap.CONTENT_FORMAT, coap.ETAG, coap.URI_HOST, coap.OBSERVE):
        equal((number, option(request, number)), (number, []))
    equal(who(made.asked[1]), UE)
    equal(made.send().state, "accepted")
    equal(who(made.of("MSG")[0]), UE)


def test_vendor_and_type_are_said_where_they_are_known():
    made = scene(content(document()), configuration={"vendor": "Acme & Co", "type": "35209900"}).start()
    queries = option(made.asked[0].message, coap.URI_QUERY)
    equal(queries, [b"ue-uri=" + UE_ID.encode(), b"ue-vendor=Acme & Co", b"ue-type=35209900"])


def test_a_device_with_a_service_id_does_not_ask():
    equal(scene(None, ue_service_id="ue:own@x").start().kinds(), ["REG"])


def test_a_device_that_always_asks_is_what_the_server_says():
    made = scene(content(document()), ue_service_id="ue:own@x", configuration={"fetch": "always"}).start()
    equal((made.kinds(), who(made.asked[1])), (["CONFIG", "REG"], UE))


def test_the_gateway_service_comes_after_the_configuration():
    made = scene(content(document()), gateway_service=True).start()
    equal(made.kinds(), ["CONFIG", "GWREG", "REG"])
    equal(made.asked[1].body["oriUEAddr"]["addr"], UE_ID)


def test_xml_is_as_good_as_json():
    made = scene(content(document(form="xml"))).start()
    equal((who(made.of("REG")[0]), state(made)[0]), (UE, "registered"))


# --- before there is a service ID ---------------------------------------------------------------------------


def test_nothing_goes_out_without_a_service_id():
    made = scene(None).start()
    outgoing = made.send(report=True)
    large = made.send(payload="x" * 5000)
    equal((outgoing.state, large.state, state(made)), ("queued", "queued", ("configuring", None)))
    made.run(HOUR)
    equal(made.count, {"CONFIG": made.count["CONFIG"]})
    made.answer.config = content(document())
    made.run(400 * SECOND)
    equal((outgoing.state, made.count["MSG"] > 2), ("accepted", True))
    equal({who(asked) for asked in made.of("MSG")}, {UE})


def test_what_comes_before_is_for_nobody():
    made = scene(None).start()
    for body in (
        msg(),
        msg().replace(b'"UE","addr":"ue:a@x"}', b'"GROUP","addr":"g@x"}'),
        b'{"msgIden":"urn:3gpp:msgin5g","msgType":"REGRESP","result":true}',
        b"?",
    ):
        equal(made.post(body).code, coap.NOT_FOUND)
    equal((made.take(), state(made)[0], made.client.stats["received"]), (None, "configuring", 0))


def test_a_message_fits_whatever_service_id_comes():
    # the longest that there may be: what was cut before does not fit any more
    longest = "ue:" + "x" * 252
    made = scene(None).start()
    sent = [made.send(payload="y" * size) for size in (700, 800, 3000)]
    made.answer.config = content(document(longest))
    made.run(400 * SECOND)
    equal(state(made), ("registered", None))
    made.run(10 * MINUTE)
    equal([outgoing.state for outgoing in sent], ["accepted"] * 3)
    assert max([len(asked.datagram) for asked in made.asked]) <= 1152


# --- failures -----------------------------------------------------------------------------------------------


def gaps(made):
    times = [asked.tick for asked in made.of("CONFIG")]
    return [(later - earlier) / 1000 for earlier, later in zip(times, times[1:])]


def within(values, nominal):
    assert len(values) >= len(nominal), values
    for value, wanted in zip(values, nominal):
        assert wanted * 0.75 - 0.01 <= value <= wanted * 1.25 + 0.01, (values, nominal)


def test_refusals_are_tried_again_after_a_minute_up_to_an_hour():
    cases = (
        ((coap.NOT_FOUND, b"no such UE"), "4.04 no such UE"),
        ((coap.FORBIDDEN, b""), "4.03"),
        ((coap.METHOD_NOT_ALLOWED, b""), "4.05"),
        (content(b"?"), "configuration not understood, body: not JSON in UTF-8"),
        (content(b"[]"), "configuration not understood, valUeIds: no configuration for this UE ID"),
        (
            content(b'{"ueServiceId":""}'),
            "configuration not understood, ueServiceId: must be a string of 1 to 255 octets",
        ),
        (
            content(document(server="coaps://x")),
            "configuration not understood, serverAddr: not a coap:// URI",
        ),
        (
            content(document(server="coap://b\u00fccher.example")),
            "configuration not understood, serverAddr: not a coap:// URI",
        ),
        (content(b'{"a":"%s"}' % (b"x" * 900)), "configuration not understood, ueConfigs: missing"),
        (
            (coap.CONTENT, b"\xa0", [(coap.CONTENT_FORMAT, b"\x3c")]),
            "configuration not understood, Content-Format: not application/json (50)",
        ),
        (coap.VALID, "configuration not understood, body: not JSON in UTF-8"),
    )
    for answer, cause in cases:
        made = scene(answer).start()
        equal(state(made), ("refused", cause))
        made.run(4 * HOUR)
        within(gaps(made), [60, 120, 240, 480, 960, 1920, 3600])
        equal(made.kinds(), ["CONFIG"] * len(made.asked))


def test_other_failures_are_tried_again_after_2_s_up_to_300_s():
    for answer in (coap.SERVICE_UNAVAILABLE, coap.NOT_IMPLEMENTED, coap.GATEWAY_TIMEOUT, "reset"):
        made = scene(answer).start()
        equal(state(made)[0], "unreachable")
        made.run(1000 * SECOND)
        within(gaps(made), [2, 4, 8, 16, 32, 64, 128, 256])
    made = scene(None).start()
    made.run(100 * SECOND)
    equal(state(made), ("unreachable", "no answer from coap://192.0.2.1:65401"))
    made.answer.config = content(document())
    made.run(6 * MINUTE)
    equal(state(made), ("registered", None))


def test_max_age_of_a_failure_is_obeyed():
    for code in (coap.SERVICE_UNAVAILABLE, coap.NOT_FOUND):
        made = scene((code, b"", max_age(777))).start()
        made.run(776 * SECOND)
        equal(made.count["CONFIG"], 1)
        made.run(SECOND)
        equal(made.count["CONFIG"], 2)


def test_stopping_while_it_is_configured():
    for answer in (None, coap.NOT_FOUND, content(b'{"maxConfTime":30}')):
        made = scene(answer).start()
        made.stop()
        equal((state(made)[0], made.kinds()), ("stopped", ["CONFIG"]))
        made.run(2 * HOUR)
        equal(made.kinds(), ["CONFIG"])
        made.answer.config = content(document())
        made.start()
        equal(state(made), ("registered", None))


def blocks(octets, size=64):
    """Answers a GET with Block2 (RFC 7959)."""

    def answer(asked):
        if asked.kind != "CONFIG":
            return agree(asked)
        number = (asked.message.uint(coap.BLOCK2) or 0) >> 4
        part = octets[number * size : number * size + size]
        more = number * size + size < len(octets)
        return (
            coap.CONTENT,
            part,
            [(coap.BLOCK2, coap.uint_octets(number << 4 | more << 3 | 2)), (coap.ETAG, ETAG)],
        )

    return answer


def test_an_answer_in_blocks():
    made = scene(None)
    made.answer = blocks(document())
    made.start()
    equal((state(made), made.count["CONFIG"]), (("registered", None), (len(document()) + 63) // 64))


def test_an_answer_that_is_too_long():
    made = scene(None)
    made.answer = blocks(b" " * 5000)
    made.start()
    equal(state(made), ("unreachable", "an answer that is too long, or changed on its way"))
    made.run(MINUTE)
    assert made.count["CONFIG"] < 1000, made.count


# --- what it says -------------------------------------------------------------------------------------------


def test_the_server_of_the_configuration_is_named_where_it_is_not_the_peer():
    for server, expected in (
        ("coap://192.0.2.9", ([b"192.0.2.9"], [])),
        ("coap://msg.example:5683/msgin5g", ([b"msg.example"], [b"\x16\x33"])),
        ("coap://[2001:db8::1]", ([b"2001:db8::1"], [])),
        ("coap://192.0.2.1", ([], [])),
        ("coap://192.0.2.1:65401/", ([], [])),
        (None, ([], [])),
    ):
        made = scene(content(document(server=server))).start()
        equal((server, host(made), host(made, "CONFIG")), (server, expected, ([], [])))
    # what the file says wins, and is said of all requests
    made = scene(content(document(server="coap://192.0.2.9")), server="coap://192.0.2.8").start()
    equal((host(made), host(made, "CONFIG")), (([b"192.0.2.8"], []), ([b"192.0.2.8"], [])))


def test_the_size_of_segments():
    for size, own, expected in (
        (1024, 2048, 1024),
        (1024, 512, 512),
        (9999, 2048, 2048),
        (0, 2048, 2048),
        (None, 1024, 1024),
        (1, 2048, 64),  # less than a segment can have: any character has to fit
    ):
        made = scene(
            content(document(size=size)), segments={"size": own}, coap={"max_datagram": 2600}
        ).start()
        equal((size, made.of("REG")[0].body["cliProfile"]["maxSegSize"]), (size, expected))
        if expected < 1000:
            made.send(payload="z" * (expected + 10))
            equal((size, len(made.of("MSG")[0].body["payload"])), (size, expected))
