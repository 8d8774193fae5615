# SPDX-License-Identifier: MIT
"""The gateway's reading and writing of Annex A.2 against the firmware's, which was written apart from it.

This imports the firmware on purpose: two implementations of the same tables must agree.
"""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.wire import l3 as gateway
from tools.wire import payload

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT / "firmware") not in sys.path:
    sys.path.append(str(ROOT / "firmware"))

from msgin5g.wire import causes  # noqa: E402
from msgin5g.wire import l3 as device  # noqa: E402
from msgin5g.wire.l3_target import target  # noqa: E402

IDS = st.binary(min_size=16, max_size=16)
TARGETS = st.one_of(
    st.ip_addresses().map(str),
    st.lists(st.from_regex(r"[a-z][a-z0-9-]{2,20}", fullmatch=True), min_size=1, max_size=4).map(".".join),
)


def joined(type_, values):
    return b"".join(bytes(part) for part in device.encode(type_, values))


@given(
    TARGETS,
    IDS,
    st.binary(min_size=1, max_size=300),
    st.none() | st.integers(0, 65535),
    st.booleans(),
    st.integers(0, 2),
)
def test_sending(text, msg_id, payload, app_id, report, kind):
    values = {
        "target": target(text),
        "message_id": msg_id,
        "payload": payload,
        "app_id": app_id,
        "report": 1 if report else None,
        "target_type": kind,
    }
    read = gateway.parse(joined(device.SENDING_REQUEST, values))
    assert read == gateway.Sending(text, msg_id, payload, app_id, report, ("UE", "GROUP", "AS")[kind])


@given(st.integers(0, 65535), st.binary(min_size=1, max_size=300), IDS, IDS, st.booleans())
def test_the_other_requests_of_a_device(app_id, credential, msg_id, reply_to, success):
    octets = joined(device.REGISTRATION_REQUEST, {"app_id": app_id, "credential": credential})
    assert gateway.parse(octets) == gateway.Registering(app_id, credential)
    octets = joined(device.DEREGISTRATION_REQUEST, {"registration_id": msg_id[:6]})
    assert gateway.parse(octets) == gateway.Deregistering(msg_id[:6])
    values = {"delivery_status": int(success), "message_id": msg_id, "reply_to": reply_to}
    assert gateway.parse(joined(device.REPORT_SENDING_REQUEST, values)) == gateway.Report(
        success, msg_id, reply_to
    )


@given(st.integers(0, 1), st.none() | st.integers(0, 255))
def test_responses(result, cause):
    octets = joined(device.RECEIVED_RESPONSE, {"result": result, "cause": cause})
    assert gateway.parse(octets) == gateway.Response(result == 1, cause)
    if cause is not None:
        type_, values = device.decode(gateway.sending_response(cause))
        assert (type_, values) == (device.SENDING_RESPONSE, {"result": 0, "cause": cause})
    assert device.decode(gateway.sending_response())[1] == {"result": 1}


@given(
    IDS, st.binary(max_size=300), st.text(min_size=1, max_size=60), st.none() | st.text("g", min_size=1), IDS
)
def test_what_a_device_is_told(msg_id, payload, originator, group, reply_to):
    type_, values = device.decode(gateway.received(msg_id, payload, originator, group, True))
    assert type_ == device.RECEIVED_REQUEST
    assert bytes(values["message_id"]) == msg_id and bytes(values["payload"]) == payload
    assert bytes(values["originator"]).decode() == originator and values["report"] == 1
    assert (bytes(values["group"]).decode() if "group" in values else None) == group
    type_, values = device.decode(gateway.report_received(True, msg_id, reply_to))
    assert (type_, values["delivery_status"], bytes(values["reply_to"])) == (6, 1, reply_to)
    for made, kind in ((gateway.REGISTRATION_ACCEPT, 8), (gateway.DEREGISTRATION_ACCEPT, 12)):
        type_, values = device.decode(gateway.accept(made, msg_id[:6]))
        assert (type_, bytes(values["registration_id"])) == (kind, msg_id[:6])
    for made, kind in ((gateway.REGISTRATION_REJECT, 9), (gateway.DEREGISTRATION_REJECT, 11)):
        assert device.decode(gateway.reject(made, causes.CONGESTION)) == (kind, {"cause": 6})


@given(st.binary(max_size=100))
def test_any_octets_are_read_or_refused_by_both_alike(octets):
    try:
        read = gateway.parse(octets)
    except gateway.Wrong as wrong:
        if wrong.type is not None:
            with pytest.raises(device.L3Error):
                device.decode(octets)
        return
    type_, values = device.decode(octets)
    if isinstance(read, gateway.Sending):
        assert bytes(values["payload"]) == read.payload and values.get("app_id") == read.app_id
        assert (values.get("report") == 1) == read.report


def test_octets_that_are_text_travel_as_text():
    for octets, value in (
        (b"21.5", "21.5"),
        ("größer\n".encode(), "größer\n"),
        (b"\x00\x01", "data:;base64,AAE="),
        (b"\xff", "data:;base64,/w=="),
        (b"data:;base64,AAE=", "data:;base64,ZGF0YTo7YmFzZTY0LEFBRT0="),
    ):
        assert payload.from_plain(octets) == value
        assert payload.to_plain(value) == octets
