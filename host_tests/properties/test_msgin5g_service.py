# SPDX-License-Identifier: MIT
"""Payloads, segments and bodies of the service against Python's own json and base64, and against anything at all."""

import base64
import json
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

import coap
from coap.compat import json_value
from common import Random
from msgin5g import BodyError, Client, Config, MemoryStorage
from msgin5g.incoming.reassembly import Reassembly, StoredPayload
from msgin5g.incoming.receiver import Message, segment_recovery
from msgin5g.outgoing.body_builder import LEAST_ROOM
from msgin5g.outgoing.builder import OctetsSource
from msgin5g.outgoing.segmentation import Segments
from msgin5g.store.message_store import MessageStore
from msgin5g.store.outgoing import Outgoing
from msgin5g.wire import bodies, identifiers, payload, reading
from msgin5g.wire.identifiers import PRIORITIES

# Text with what JSON must escape, characters of each length in UTF-8, and the head that means octets
PIECES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(
        ["data:;base64,", '"', "\\", "\n", "\x00", "\x1f\x7f", "ä", "€", "😀", "QUJD", "=", "\\ud83d"]
    ),
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)
OCTETS = st.binary(max_size=4000)
LIMITS = st.integers(LEAST_ROOM, 2048)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=10,
)


def source_of(given):
    text, octets = payload.as_octets(given)
    return OctetsSource(octets, text)


def value_read(value):
    return payload.read_octets(value.encode()) if value.startswith(payload.HEAD) else value


def expected(given):
    """Text that looks like octets travels as octets."""
    return given.encode() if isinstance(given, str) and given.startswith("data:;base64,") else given


@given(st.one_of(TEXTS, OCTETS))
def test_a_payload_is_read_as_it_was_written(given):
    assert value_read(json.loads(payload.value_of(source_of(given)))) == expected(given)


@given(OCTETS)
def test_octets_are_the_base64_of_everybody(octets):
    assert payload.octets_value(octets) == b"data:;base64," + base64.b64encode(octets)
    assert payload.read_octets(base64.b64encode(octets)) == octets


@given(st.one_of(TEXTS, st.text("QUJDZg=\n-", max_size=12)))
def test_whatever_is_no_base64_is_refused(text):
    try:
        octets = payload.read_octets(b"data:;base64," + text.encode())
    except BodyError as error:
        assert error.member == "payload"
        assert not payload.is_base64(text.encode(), False)
    else:
        assert octets == base64.b64decode(text, validate=True)
        assert payload.is_base64(text.encode(), False)
        assert len(text) == (len(octets) + 2) // 3 * 4


@given(TEXTS)
def test_text_is_escaped_as_by_everybody(text):
    assert payload.json_value(text.encode(), True) == json.dumps(text, ensure_ascii=False).encode()


IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)


APP_IDS = st.one_of(st.none(), TEXTS, st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=3).map(tuple))


@given(
    st.tuples(IDS, IDS, IDS, st.sampled_from(identifiers.DESTINATIONS)),
    st.tuples(APP_IDS, st.booleans(), st.sampled_from(PRIORITIES), st.booleans()),
    st.sampled_from([None, "2026-11-30T03:26:46Z"]),
    st.one_of(TEXTS, OCTETS),
    st.tuples(st.integers(0, 9999), st.integers(1, 9999)),
)
def test_a_message_is_the_table_of_clause_7_3_4_1(names, options, expire_time, given, place):
    """Its members in their order, as Python's own json writes them."""
    (service, addr, to, to_type), (app_id, report, priority, forward) = names, options
    number, total = place
    source = source_of(given)
    outgoing = Outgoing("m-1", to, to_type, source, app_id, report, priority, forward, False)
    expire_time = expire_time if forward else None  # the date goes with the wish to be stored alone
    outgoing.expire_time = expire_time
    segments = SimpleNamespace(set_id="0123456789abcdef", total=total)
    made = bodies.message(service, addr, outgoing, payload.value_of(source), segments, number)
    members = {
        "msgIden": service,
        "msgType": "MSG",
        "oriAddr": {"oriAddrType": "UE", "addr": addr},
        "destAddr": {"destAddrType": to_type, "addr": to},
    }
    if app_id is not None:
        members["appId"] = app_id
    members["msgId"] = "m-1"
    if report and number < 2:
        members["isDelivStatReq"] = True
    if priority != "NORMAL":
        members["priority"] = priority
    if number:
        members["isSegmented"] = True
        members["segParams"] = {"segId": segments.set_id, "totalSegCount": total, "segNumb": number}
        if number == total:
            members["segParams"]["lastSegFlag"] = "true"
    members["sfFlag"] = forward
    if expire_time:
        members["sfParam"] = {"expireTime": expire_time}
    text = isinstance(given, str) and not given.startswith("data:;base64,")
    members["payload"] = given if text else "data:;base64," + base64.b64encode(source.read(0, 4000)).decode()
    assert made.decode() == json.dumps(members, ensure_ascii=False, separators=(",", ":"))


@given(st.one_of(TEXTS, OCTETS), LIMITS, LIMITS)
def test_segments_keep_their_bounds(given, limit, room):
    segments = Segments(source_of(given), limit, room, "s")
    values = [segments.value(number) for number in range(1, segments.total + 1)]
    for value in values:
        assert len(json.loads(value).encode()) <= limit
        assert len(value) - 2 <= room
    assert all(len(value) > 2 for value in values[:-1]), "an empty segment"


@given(st.one_of(TEXTS, OCTETS), LIMITS, LIMITS, st.randoms(use_true_random=False), st.booleans())
def test_segments_in_any_order_make_the_message(given, limit, room, random, total_in_the_first_only):
    segments = Segments(source_of(given), limit, room, "s")
    if segments.total == 0:
        return
    storage = MemoryStorage()
    reassembly = Reassembly(storage, MessageStore(storage), 4, 1 << 20, 5000, 3)
    numbers = list(range(1, segments.total + 1))
    numbers += [random.choice(numbers) for _ in range(random.randrange(4))]
    random.shuffle(numbers)
    whole = None
    for number in numbers:
        header = Message("ue:b@x", "UE", "ue:a@x", "UE", "m", None, "NORMAL", False)
        total = segments.total if number == 1 or not total_in_the_first_only else None
        last = number == segments.total
        value = json.loads(segments.value(number)).encode()
        segment_set = reassembly.add(header, "s", number, total, last, value, 0, 0)
        if segment_set.whole:
            whole = segment_set.payload
            break
    assert whole is not None
    assert whole.whole() == expected(given)
    assert b"".join(p if isinstance(p, bytes) else p.encode() for p in whole.chunks()) == source_of(
        given
    ).read(0, 1 << 20)
    assert whole.size == source_of(given).size
    whole.remove()
    assert storage.names() == ["log-1"]  # the journal


@given(st.sets(st.integers(1, 60)), st.integers(1, 60))
def test_ranges_of_what_is_missing(there, total):
    there = {number for number in there if number <= total}
    storage = MemoryStorage()
    reassembly = Reassembly(storage, MessageStore(storage), 4, 1 << 20, 5000, 3)
    if not there or len(there) == total:
        return
    for number in there:
        header = Message("ue:b@x", "UE", "ue:a@x", "UE", "m", None, "NORMAL", False)
        segments = reassembly.add(header, "s", number, total, False, b"x", 0, 0)
    ranges = segments.missing()
    body = json.loads(bytes(segment_recovery("i", "s", ranges)))
    assert reading.read_ranges(body["segNoList"]) == ranges
    named = [number for first, last in ranges for number in range(first, last + 1)]
    assert named == sorted(set(range(1, total + 1)) - there)
    assert all(last + 1 < first for (_, last), (first, _) in zip(ranges, ranges[1:], strict=False))


NAMES = st.text("abcDEF_ ", min_size=1)  # of members: constants, with nothing to escape


@given(st.dictionaries(NAMES, st.one_of(TEXTS, st.booleans(), st.integers(), st.none()), max_size=6), TEXTS)
def test_bodies_are_json(members, inner):
    written = bodies.write(*members.items(), ("inner", (("x", inner), ("left out", None))))
    wanted = {name: value for name, value in members.items() if value is not None} | {"inner": {"x": inner}}
    assert json.loads(written) == wanted
    # and nothing beyond what must be is escaped
    assert written.decode() == json.dumps(wanted, ensure_ascii=False, separators=(",", ":"))


@given(JSON)
def test_json_is_read_as_json(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert repr(json_value(text.encode())) == repr(json.loads(text))


READERS = (
    lambda body: body.text("a"),
    lambda body: body.text("a", None),
    lambda body: body.flag("a", False),
    lambda body: body.integer("a"),
    lambda body: body.object("a").text("a"),
    lambda body: [each.text("a") for each in body.objects("a")],
    lambda body: body.originator(),
    lambda body: body.destination(),
    lambda body: body.message_id(),
    lambda body: body.priority(),
    lambda body: body.status(),
    lambda body: body.cause(),
    lambda body: reading.read_ranges(body.text("a")),
)
NAMES = [
    "a",
    "a ",
    "oriAddr",
    "oriAddrType",
    "destAddr",
    "addr",
    "msgId",
    "priority",
    "DelSta",
    "Cause",
    "cause",
]
SHAPES = st.recursive(
    st.one_of(JSON, st.sampled_from(["UE", "AS", "true", "7", "²", "(1-2)", "(٣-٤)", "success", "HIGH"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(SHAPES)
def test_readers_raise_nothing_but_body_errors(value):
    for reader in READERS:
        try:
            reader(bodies.Body.read(json.dumps(value).encode()))
        except BodyError as error:
            assert error.member


@given(st.binary(max_size=60))
def test_any_octets_are_a_body_or_a_body_error(octets):
    try:
        bodies.Body.read(octets)
    except BodyError as error:
        assert error.member == "body"


MEMBERS = st.fixed_dictionaries(
    {
        "msgIden": st.just("urn:3gpp:msgin5g"),
        "msgType": st.sampled_from(["MSG", "IMDN", "MSGRESP", "SEGREC", "SEGCONFIR", "REGRESP", "DEREGRESP"]),
    },
    optional={
        "oriAddr": st.one_of(JSON, st.just({"oriAddrType": "UE", "addr": "ue:b@x"})),
        "destAddr": st.one_of(JSON, st.just({"destAddrType": "UE", "addr": "ue:a@x"})),
        "msgId": st.one_of(JSON, st.just("m-1")),
        "payload": st.one_of(JSON, TEXTS),
        "segParams": st.one_of(
            JSON,
            st.fixed_dictionaries(
                {"segId": TEXTS, "segNumb": st.integers(0, 9)}, optional={"totalSegCount": JSON}
            ),
        ),
        "msgList": st.one_of(JSON, st.lists(st.fixed_dictionaries({"msgId": TEXTS}))),
        "DelSta": st.one_of(JSON, st.sampled_from(["success", "failure"])),
        "Cause": JSON,
        "segId": st.one_of(JSON, TEXTS),
        "segNoList": st.one_of(JSON, st.just("(1-2)")),
        "result": JSON,
        "isDelivStatReq": JSON,
        "oriDestAddr": JSON,
    },
)


@given(st.lists(MEMBERS, min_size=1, max_size=8))
def test_a_client_answers_any_body(requests):
    config = {
        "role": "client",
        "ue_service_id": "ue:a@x",
        "peer": "coap://192.0.2.1",
        "security": {"mode": "none"},
        "coap": {"max_datagram": 4096},
    }
    client = Client(Config(config), MemoryStorage(), Random(1).bytes)
    client.start(0)
    for mid, members in enumerate(requests, 1):
        body = json.dumps(members, ensure_ascii=bool(mid & 1)).encode("utf-8", "surrogatepass")
        if len(body) > 4000:
            continue
        request = coap.Message(coap.POST, body, coap.path_options("/msgin5g"), coap.CON, mid, b"t")
        client.receive(coap.encode(request), ("192.0.2.1", 65401), 0)
        codes = []
        while item := client.outgoing():
            message = coap.decode(bytes(item[0]))
            if message.type == coap.ACK:
                codes.append(message.code)
        assert len(codes) == 1 and codes[0] != coap.INTERNAL_SERVER_ERROR
        while client.next_event():
            pass
        client.take(0)


def test_stored_payload_is_a_length():
    stored = StoredPayload(MemoryStorage(), "x")
    stored.add(2, b"ab")
    assert (len(stored), stored.has(1), stored.has(2), stored.has(3)) == (1, False, True, False)
