# SPDX-License-Identifier: MIT
"""One name for all errors of a package, beside the built-in one that each of them is too, and the code that an error
becomes on the wire."""

import coap
import msgin5g
from coap_scene import PEER, endpoint
from common import equal, raises
from msgin5g.rules.refusals import Refusal, response
from msgin5g.wire import bodies

COAP = (("BusyError", Exception), ("MessageError", ValueError), ("StateError", OSError))
MSGIN5G = (
    ("BodyError", ValueError),
    ("ClientError", RuntimeError),
    ("ConfigError", ValueError),
    ("OutboxFull", Exception),
    ("StoppedError", EOFError),
    ("StorageError", OSError),
    ("SubscriptionError", Exception),
    ("Unsupported", Exception),
)


def test_one_name_for_all_errors():
    for package, errors in ((coap, COAP), (msgin5g, MSGIN5G)):
        for name, kin in errors:
            error = getattr(package, name)
            equal((name, issubclass(error, package.Error)), (name, True))
            equal((name, issubclass(error, kin)), (name, True))


def test_what_is_not_ours_is_none_of_them():
    for package in (coap, msgin5g):
        for error in (ValueError, OSError, EOFError, RuntimeError, MemoryError, KeyboardInterrupt):
            equal(issubclass(error, package.Error), False)


def test_errors_are_caught_by_it():
    def configure():
        try:
            msgin5g.Config({"role": "client"})
        except msgin5g.Error as error:
            return error.key

    equal(configure(), "ue_service_id")

    def too_many():
        device = endpoint()
        try:
            while True:
                device.request(coap.Message(coap.GET), PEER, 0)
        except coap.Error as error:
            return str(error)

    equal(too_many(), "8 exchanges are open")

    def no_coap():
        try:
            coap.decode(b"")
        except coap.Error + (OSError,) as error:
            return str(error)

    equal(no_coap(), "0 octets: a header has 4")


def test_a_body_that_breaks_clause_7_3_becomes_4_00():
    error = raises(msgin5g.BodyError, bodies.Body.read, b"[]")
    equal(error.code, 0x80)  # 4.00 is 4 << 5


def test_a_storage_that_fails_becomes_5_00():
    equal(msgin5g.StorageError(OSError(28)).code, 0xA0)  # 5.00 is 5 << 5


def test_a_refusal_carries_its_code_and_when_to_come_again():
    refusal = Refusal(coap.SERVICE_UNAVAILABLE, "the inbox is full", 10)
    equal((refusal.code, refusal.max_age, str(refusal)), (0xA3, 10, "the inbox is full"))
    equal(Refusal(coap.NOT_FOUND, "no such thing").max_age, None)


def test_whatever_ends_a_request_becomes_its_response_at_one_place():
    """RFC 7252 sections 5.9.2 and 5.9.3: 4.00 bad request, 5.00 internal error, 5.03 with Max-Age to come again."""
    for error, code, seconds, said, counted in (
        (msgin5g.BodyError("msgId", "missing"), 0x80, None, b"msgId: missing", "malformed"),
        (Refusal(coap.NOT_FOUND, "not here"), 0x84, None, b"not here", None),
        (Refusal(coap.REQUEST_ENTITY_TOO_LARGE, "no room"), 0x8D, None, b"no room", None),
        (Refusal(coap.SERVICE_UNAVAILABLE, "full", 7), 0xA3, 7, b"full", None),
        (OSError("gone"), 0xA0, None, b"storage: gone", None),
        (MemoryError(), 0xA3, 10, b"", "starved"),
        (RuntimeError("a stack that is too deep"), 0xA3, 10, b"", "starved"),
    ):
        stats = {"malformed": 0, "starved": 0}
        answer = response(error, stats)
        equal((answer.code, answer.uint(coap.MAX_AGE), bytes(answer.payload)), (code, seconds, said))
        equal([name for name, count in sorted(stats.items()) if count], [counted] if counted else [])
    answer = response(msgin5g.StorageError(OSError(28)), {})
    equal(answer.code, 0xA0)
    assert bytes(answer.payload).startswith(b"storage: "), answer.payload
