# SPDX-License-Identifier: MIT
"""RFC 8613 appendix C, every vector."""

from coap import message, numbers
from coap.oscore import Context
from coap.oscore.context import RefusedError, UnverifiedError, read_request_option
from common import equal, raises
from msgin5g import MemoryStorage

SECRET = "0102030405060708090a0b0c0d0e0f10"
SALT = "9e7ca92223786340"
ID_CONTEXT = "37cbf3210017a2d3"

REQUEST = "44015d1f00003974396c6f63616c686f737483747631"
PROTECTED = "44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e"
RESPONSE = "64455d1f00003974ff48656c6c6f20576f726c6421"
# The option is empty: delta 9, length 0
RESPONSE_7 = "64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106"
# Flags 01, Partial IV 00
RESPONSE_8 = "64445d1f00003974920100ff4d4c13669384b67354b2b6175ff4b8658c666a6cf88e"


def context(sender, recipient, salt="", id_context=None, number=0):
    made = Context(
        bytes.fromhex(SECRET),
        bytes.fromhex(sender),
        bytes.fromhex(recipient),
        MemoryStorage(),
        bytes.fromhex(salt),
        None if id_context is None else bytes.fromhex(id_context),
    )
    for _ in range(number):
        made._sequence.next_number()
    return made


def decoded(text):
    return message.decode(bytes.fromhex(text))


def keys(made):
    return (
        made._sender_key.hex(),
        made._recipient_key.hex(),
        # The nonce of Partial IV 0, which the RFC prints as well
        made._sender_nonce.to_bytes(13, "big").hex(),
        made._recipient_nonce.to_bytes(13, "big").hex(),
    )


def test_c_1_1():
    equal(
        keys(context("", "01", SALT)),
        (
            "f0910ed7295e6ad4b54fc793154302ff",
            "ffb14e093c94c9cac9471648b4f98710",
            "4622d4dd6d944168eefb54987c",
            "4722d4dd6d944169eefb54987c",
        ),
    )


def test_c_1_2():
    equal(
        keys(context("01", "", SALT)),
        (
            "ffb14e093c94c9cac9471648b4f98710",
            "f0910ed7295e6ad4b54fc793154302ff",
            "4722d4dd6d944169eefb54987c",
            "4622d4dd6d944168eefb54987c",
        ),
    )


def test_c_2_1():
    equal(
        keys(context("00", "01")),
        (
            "321b26943253c7ffb6003b0b64d74041",
            "e57b5635815177cd679ab4bcec9d7dda",
            "bf35ae297d2dace910c52e99f9",
            "bf35ae297d2dace810c52e99f9",
        ),
    )


def test_c_2_2():
    equal(
        keys(context("01", "00")),
        (
            "e57b5635815177cd679ab4bcec9d7dda",
            "321b26943253c7ffb6003b0b64d74041",
            "bf35ae297d2dace810c52e99f9",
            "bf35ae297d2dace910c52e99f9",
        ),
    )


def test_c_3_1():
    equal(
        keys(context("", "01", SALT, ID_CONTEXT)),
        (
            "af2a1300a5e95788b356336eeecd2b92",
            "e39a0c7c77b43f03b4b39ab9a268699f",
            "2ca58fb85ff1b81c0b7181b85e",
            "2da58fb85ff1b81d0b7181b85e",
        ),
    )


def test_c_3_2():
    equal(
        keys(context("01", "", SALT, ID_CONTEXT)),
        (
            "e39a0c7c77b43f03b4b39ab9a268699f",
            "af2a1300a5e95788b356336eeecd2b92",
            "2da58fb85ff1b81d0b7181b85e",
            "2ca58fb85ff1b81c0b7181b85e",
        ),
    )


def request(client, server, plain, protected):
    outer, _ = client.protect_request(decoded(plain))
    equal(message.encode(outer).hex(), protected)
    received = decoded(protected)
    piv, kid, id_context = read_request_option(received)
    equal(piv, b"\x14")  # sequence number 20 in each of the three
    assert server.is_for(kid, id_context)
    inner, _ = server.unprotect_request(received, piv)
    equal(message.encode(inner).hex(), plain)


def test_c_4():
    request(context("", "01", SALT, number=20), context("01", "", SALT), REQUEST, PROTECTED)


def test_c_5():
    request(
        context("00", "01", number=20),
        context("01", "00"),
        "440171c30000b932396c6f63616c686f737483747631",
        "440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0",
    )


def test_c_6():
    request(
        context("", "01", SALT, ID_CONTEXT, number=20),
        context("01", "", SALT, ID_CONTEXT),
        "44012f8eef9bbf7a396c6f63616c686f737483747631",
        "44022f8eef9bbf7a396c6f63616c686f73746b19140837cbf3210017a2d3ff72cd7273fd331ac45cffbe55c3",
    )


def served():
    """Server and client at the request of C.4: (server, its binding, client, its binding)."""
    server = context("01", "", SALT)
    inner, serving = server.unprotect_request(decoded(PROTECTED), b"\x14")
    equal(inner.code, numbers.GET)
    client = context("", "01", SALT, number=20)
    _, asked = client.protect_request(decoded(REQUEST))
    return server, serving, client, asked


def test_c_7():
    server, serving, client, asked = served()
    equal(message.encode(server.protect_response(decoded(RESPONSE), serving)).hex(), RESPONSE_7)
    equal(message.encode(client.unprotect_response(decoded(RESPONSE_7), asked)).hex(), RESPONSE)


def test_c_8():
    server, serving, client, asked = served()
    # The request's nonce is used up by a first response, so the second has a Partial IV, the server's first.
    server.protect_response(decoded(RESPONSE), serving)
    equal(message.encode(server.protect_response(decoded(RESPONSE), serving)).hex(), RESPONSE_8)
    equal(message.encode(client.unprotect_response(decoded(RESPONSE_8), asked)).hex(), RESPONSE)


def test_other_keys_open_none_of_it():
    _, _, _, asked = served()
    received = decoded(PROTECTED)
    for other in (context("01", ""), context("01", "", SALT, ID_CONTEXT), context("01", "", "00")):
        equal(raises(RefusedError, other.unprotect_request, received, b"\x14").code, numbers.BAD_REQUEST)
    for other in (context("", "01"), context("", "01", SALT, ID_CONTEXT)):
        raises(UnverifiedError, other.unprotect_response, decoded(RESPONSE_7), asked)
