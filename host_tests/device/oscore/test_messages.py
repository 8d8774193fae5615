# SPDX-License-Identifier: MIT
"""Single messages: the option of RFC 8613 section 6.1, notifications, proxies, what is refused and how."""

import coap
from coap import Message
from coap.oscore import RenewableContext
from coap.oscore.context import RefusedError, UnverifiedError, read_request_option
from common import equal, raises
from oscore_scene import context


def ends():
    return context(b"\x01", b""), context(b"", b"\x01")


def asked(client, server, message):
    """The request at the server, and both bindings."""
    outer, ours = client.protect_request(message)
    piv, kid, id_context = read_request_option(outer)
    assert server.is_for(kid, id_context)
    plain, theirs = server.unprotect_request(outer, piv)
    return plain, ours, theirs


def test_a_proxy_uri_would_show_its_path():
    # Section 4.1.3.3: it is made of parts before it is protected, so that Uri-Path and Uri-Query go inside.
    client, _ = ends()
    request = Message(coap.GET, options=[(coap.PROXY_URI, b"coap://192.0.2.9/secret")])
    assert "Uri-Path" in str(raises(coap.MessageError, client.protect_request, request))
    options = [(coap.PROXY_SCHEME, b"coap"), (coap.URI_HOST, b"192.0.2.9")]
    outer, _ = client.protect_request(Message(coap.GET, options=options + coap.path_options("/secret")))
    equal([number for number, _ in outer.options], [coap.OSCORE, coap.PROXY_SCHEME, coap.URI_HOST])


def test_malformed_options():
    # Section 6.1: n of 6 and 7 is reserved, so are the three highest bits; a request has Partial IV and kid.
    for value in (
        b"",
        b"\x00",
        b"\x09",  # a Partial IV of one octet that is not there
        b"\x0d\x00\x00",  # of five, with two
        b"\x0e" + bytes(7),
        b"\x0f" + bytes(8),
        b"\x29\x00\x01",  # group flag
        b"\x49\x00\x01",
        b"\x89\x00\x01",
        b"\x01\x00",  # no kid
        b"\x08\x01",  # no Partial IV
        b"\x01\x00\x01",  # a kid that no flag announces
        b"\x19\x00",  # kid context without its length
        b"\x19\x00\x05\x01\x02",  # longer than what is there
    ):
        refused = raises(RefusedError, read_request_option, Message(coap.POST, b"", [(coap.OSCORE, value)]))
        equal((refused.code, str(refused)), (coap.BAD_OPTION, "Failed to decode COSE"))


def test_well_formed_options():
    for value, expected in (
        (b"\x09\x00", (b"\x00", b"", None)),  # an empty kid
        (b"\x0d\x01\x02\x03\x04\x05\x06\x07", (b"\x01\x02\x03\x04\x05", b"\x06\x07", None)),
        (b"\x19\x14\x08\x37\xcb\xf3\x21\x00\x17\xa2\xd3", (b"\x14", b"", bytes.fromhex("37cbf3210017a2d3"))),
        (b"\x19\x14\x00\x01", (b"\x14", b"\x01", b"")),
    ):
        equal(read_request_option(Message(coap.POST, b"", [(coap.OSCORE, value)])), expected)


def test_too_short_to_hold_a_message():
    client, server = ends()
    outer, _ = client.protect_request(Message(coap.GET))
    for size in range(len(outer.payload)):
        short = Message(outer.code, bytes(outer.payload[:size]), outer.options)
        equal(raises(RefusedError, server.unprotect_request, short, b"\x00").code, coap.BAD_REQUEST)
    equal(server.unprotect_request(outer, b"\x00")[0].code, coap.GET)


def test_inside_must_be_a_request():
    # The key is right and what is inside is not: a response code, no code at all, an option cut short.
    for text in (b"\x45", b"\x00", b"", b"\x01\xb4a"):
        client, server = ends()
        outer, ours = client.protect_request(Message(coap.GET))
        from coap.oscore import ccm

        outer.payload = ccm.seal(client._sender_key, ours.nonce, ours.aad, text)
        equal(raises(RefusedError, server.unprotect_request, outer, b"\x00").code, coap.BAD_OPTION)


def test_outer_options_of_class_e_are_discarded():
    client, server = ends()
    outer, _ = client.protect_request(Message(coap.POST, b"", coap.path_options("/true")))
    outer.options += coap.path_options("/forged") + [(coap.CONTENT_FORMAT, b"\x32"), (coap.MAX_AGE, b"\x05")]
    plain, _ = server.unprotect_request(outer, b"\x00")
    equal(plain.options, coap.path_options("/true"))


def test_the_outer_code_does_not_matter():
    client, server = ends()
    for code in (coap.GET, coap.PUT, coap.DELETE, coap.FETCH):
        outer, _ = client.protect_request(Message(coap.POST, b"x"))
        outer.code = code
        plain, _ = server.unprotect_request(outer, read_request_option(outer)[0])
        equal((plain.code, bytes(plain.payload)), (coap.POST, b"x"))


def test_observe():
    # Sections 4.1.3.5, 8.3: FETCH and 2.05 outside; notifications with Partial IV, in their order
    client, server = ends()
    outer, ours = client.protect_request(Message(coap.GET, options=[(coap.OBSERVE, b"")]))
    equal((outer.code, outer.option(coap.OBSERVE)), (coap.FETCH, b""))
    plain, theirs = server.unprotect_request(outer, b"\x00")
    equal(plain.options, [(coap.OBSERVE, b"")])
    sent = []
    for value in (b"\x05", b"\x06", b"\x07"):
        sent.append(server.protect_response(Message(coap.CONTENT, value, [(coap.OBSERVE, value)]), theirs))
        equal(sent[-1].code, coap.CONTENT)
        equal(sent[-1].option(coap.OBSERVE), value)
    equal([each.option(coap.OSCORE) for each in sent], [b"", b"\x01\x00", b"\x01\x01"])
    for each, value in zip(sent, (b"", b"", b"\x01")):
        # What the application sorts by is the Partial IV, not the outer value that anyone can change.
        each.options = [o for o in each.options if o[0] != coap.OBSERVE] + [(coap.OBSERVE, b"\xff")]
        equal(client.unprotect_response(each, ours).option(coap.OBSERVE), value)
    for each in sent:
        raises(UnverifiedError, client.unprotect_response, each, ours)


def test_observation_that_a_proxy_took_away():
    client, server = ends()
    outer, _ = client.protect_request(Message(coap.GET, options=[(coap.OBSERVE, b"")]))
    outer.options = [option for option in outer.options if option[0] != coap.OBSERVE]
    equal(server.unprotect_request(outer, b"\x00")[0].options, [])


def test_no_notification_without_observe_on_both_sides():
    client, server = ends()
    _, ours, theirs = asked(client, server, Message(coap.GET, options=[(coap.OBSERVE, b"")]))
    outer = server.protect_response(Message(coap.CONTENT, b"", []), theirs)
    outer.options.append((coap.OBSERVE, b"\x01"))  # added on the way
    equal(client.unprotect_response(outer, ours).options, [])


def test_cancelling():
    client, server = ends()
    plain, _, _ = asked(client, server, Message(coap.GET, options=[(coap.OBSERVE, b"\x01")]))
    equal(plain.option(coap.OBSERVE), b"\x01")


def test_swapped_responses():
    client, server = ends()
    _, first, theirs_first = asked(client, server, Message(coap.GET))
    _, second, theirs_second = asked(client, server, Message(coap.GET))
    one = server.protect_response(Message(coap.CONTENT, b"one"), theirs_first)
    two = server.protect_response(Message(coap.CONTENT, b"two"), theirs_second)
    raises(UnverifiedError, client.unprotect_response, two, first)
    raises(UnverifiedError, client.unprotect_response, one, second)
    equal(bytes(client.unprotect_response(one, first).payload), b"one")
    equal(bytes(client.unprotect_response(two, second).payload), b"two")


def test_swapped_responses_with_partial_iv():
    client, server = ends()
    _, first, theirs_first = asked(client, server, Message(coap.GET))
    _, second, theirs_second = asked(client, server, Message(coap.GET))
    theirs_first.nonce = theirs_second.nonce = None  # as after a first response
    one = server.protect_response(Message(coap.CONTENT, b"one"), theirs_first)
    two = server.protect_response(Message(coap.CONTENT, b"two"), theirs_second)
    raises(UnverifiedError, client.unprotect_response, two, first)
    raises(UnverifiedError, client.unprotect_response, one, second)


def test_what_we_sent_does_not_verify_as_the_peers():
    # Reflection: each side has a key and nonces of its own
    client, server = ends()
    outer, ours = client.protect_request(Message(coap.GET))
    raises(RefusedError, client.unprotect_request, outer, b"\x00")
    reflected = Message(coap.CHANGED, outer.payload, [(coap.OSCORE, b"")])
    raises(UnverifiedError, client.unprotect_response, reflected, ours)


def test_each_bit_of_a_request_counts():
    client, server = ends()
    outer, _ = client.protect_request(Message(coap.POST, b"text", coap.path_options("/a")))
    payload = bytes(outer.payload)
    for position in range(8 * len(payload)):
        changed = bytearray(payload)
        changed[position // 8] ^= 1 << position % 8
        outer.payload = changed
        equal(raises(RefusedError, server.unprotect_request, outer, b"\x00").code, coap.BAD_REQUEST)
    for piv in (b"\x01", b"\x00\x00", b"\x80"):  # another nonce or another request in the additional data
        outer.payload = payload
        equal(raises(RefusedError, server.unprotect_request, outer, piv).code, coap.BAD_REQUEST)
    equal(bytes(server.unprotect_request(outer, b"\x00")[0].payload), b"text")


def test_forged_responses_do_not_use_up_the_request():
    client, server = ends()
    _, ours, theirs = asked(client, server, Message(coap.GET))
    good = server.protect_response(Message(coap.CONTENT), theirs)
    bad = Message(good.code, bytes(len(good.payload)), good.options)
    for _ in range(100):
        raises(UnverifiedError, client.unprotect_response, bad, ours)
    equal(client.unprotect_response(good, ours).code, coap.CONTENT)


def test_parameters():
    raises(ValueError, context, b"\x01", b"\x01")
    raises(ValueError, context, bytes(8), b"\x01")
    raises(ValueError, context, b"\x01", bytes(8))
    # Section 3.3: nothing but the Master Secret keeps others out, and AES-128 has 16 octets of it. The length of a kid
    # context is one octet (section 6.1).
    for kind in (context, lambda *ids, secret: RenewableContext(secret, *ids)):
        assert "master_secret" in str(raises(ValueError, kind, b"\x01", b"", secret=bytes(15)))
    assert "id_context" in str(raises(ValueError, context, b"\x01", b"", id_context=bytes(256)))
    context(b"\x01", b"", id_context=bytes(255))
    context(bytes(7), bytes(6))


def test_keys_do_not_show():
    client, _ = ends()
    equal(repr(client), "<Context sender 01, recipient (empty)>")
