# SPDX-License-Identifier: MIT
"""What is done here of OSCORE is what aiocoap does: each octet of a response, and what a request opens to."""

import itertools

import aiocoap
import pytest
from aiocoap import oscore

from tools.store.keys.sectables import Keys
from tools.store.store import Store
from tools.transport.keys.contexts import StoreContext

CONTEXTS = (b"device", b"g", b"s" * 16, b"", None), (b"", b"\x01\x02", b"k" * 32, b"salt", b"context")


class Device(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):
    """The other end, by aiocoap alone."""

    alg_aead = oscore.AES_CCM_16_64_128()
    hashfun = oscore.hashfunctions["sha256"]
    echo_recovery = None

    def __init__(self, keys):
        self.sender_id, self.recipient_id, self.id_context = (
            keys.recipient_id,
            keys.sender_id,
            keys.id_context,
        )
        self.derive_keys(keys.salt, keys.secret)
        self.sender_sequence_number = 300
        self.recipient_replay_window = oscore.ReplayWindow(32, lambda: None)
        self.recipient_replay_window.initialize_empty()

    def post_seqnoincrease(self):
        pass


@pytest.fixture(params=CONTEXTS, ids=("plain", "id-context"))
def ends(request):
    keys = Keys(*request.param)
    store = Store(":memory:")
    store.know_context(keys)
    yield StoreContext(store, keys), Device(keys)
    store.close()


def message(code, **options):
    made = aiocoap.Message(code=code, payload=options.pop("payload", b"{}"))
    for name, value in options.items():
        setattr(made.opt, name, value)
    return made


def received(sent):
    """As it comes out of the other end's socket."""
    sent.mtype, sent.mid, sent.token = aiocoap.CON, 1, b""
    return aiocoap.Message.decode(sent.encode())


REQUESTS = (
    {"code": aiocoap.POST, "uri_path": ("msgin5g",), "content_format": 50},
    {"code": aiocoap.GET, "uri_path": ("msgin5g", "topic"), "observe": 0, "payload": b""},
    {"code": aiocoap.GET, "uri_path": ("msgin5g", "topic"), "observe": 1, "payload": b""},
)


@pytest.mark.parametrize("options", REQUESTS, ids=("post", "observe", "end"))
def test_a_request_opens_to_what_it_was(ends, options):
    gateway, device = ends
    sent, _ = device.protect(message(**options))
    opened, _ = gateway.unprotect(received(sent))
    asked = message(**options)
    assert (opened.code, opened.opt.encode(), opened.payload) == (
        asked.code,
        asked.opt.encode(),
        asked.payload,
    )
    assert opened.direction is aiocoap.message.Direction.INCOMING
    with pytest.raises(oscore.ReplayError):
        gateway.unprotect(received(sent))


def test_each_octet_of_a_response_is_as_aiocoap_makes_it(ends):
    gateway, device = ends
    codes, payloads = (aiocoap.CHANGED, aiocoap.BAD_REQUEST, aiocoap.CONTENT), (b"", b"text")
    for code, payload in itertools.product(codes, payloads):
        sent, bound = device.protect(message(aiocoap.POST, uri_path=("msgin5g",)))
        _, ours = gateway.unprotect(received(sent))
        theirs = oscore.RequestIdentifiers(ours.kid, ours.partial_iv, True, aiocoap.POST)
        answer, _ = gateway.protect(message(code, payload=payload, max_age=7), ours)
        reference, _ = oscore.CanProtect.protect(gateway, message(code, payload=payload, max_age=7), theirs)
        for each in (answer, reference):
            each.mtype, each.mid, each.token = aiocoap.ACK, 1, b""
        assert answer.encode() == reference.encode()
        opened, _ = device.unprotect(received(answer), bound)
        assert (opened.code, opened.payload, opened.opt.max_age) == (code, payload, 7)


def test_the_nonce_of_a_request_is_used_once(ends):
    gateway, device = ends
    sent, bound = device.protect(message(aiocoap.GET, uri_path=("msgin5g", "t"), observe=0, payload=b""))
    _, ours = gateway.unprotect(received(sent))
    numbers = []
    for _ in range(3):
        answer, _ = gateway.protect(message(aiocoap.CONTENT, observe=5), ours)
        numbers.append(answer.opt.oscore)
        assert device.unprotect(received(answer), bound)[0].payload == b"{}"
    assert numbers[0] == b"" and len(set(numbers)) == 3


def test_what_does_not_verify_or_is_no_coap_takes_no_number(ends):
    gateway, device = ends
    sent, _ = device.protect(message(aiocoap.POST, uri_path=("msgin5g",)))
    forged = received(sent)
    forged.payload = forged.payload[:-1] + bytes((forged.payload[-1] ^ 1,))
    with pytest.raises(oscore.ProtectionInvalid):
        gateway.unprotect(forged)
    group = received(sent)
    group.opt.oscore = bytes((group.opt.oscore[0] | 0x20,)) + group.opt.oscore[1:]
    with pytest.raises(oscore.DecodeError):
        gateway.unprotect(group)
    for code in (aiocoap.GET, aiocoap.PUT):  # anybody may write it: POST or FETCH (RFC 8613 section 4.2)
        other = received(sent)
        other.code = code
        with pytest.raises(ValueError):
            gateway.unprotect(other)
    assert gateway.unprotect(received(sent))[0].payload == b"{}"
