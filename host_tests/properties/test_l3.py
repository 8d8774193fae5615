# SPDX-License-Identifier: MIT
"""Messages of Annex A.2: what is written is read again, and any octets at all are a message or the one error."""

from hypothesis import given
from hypothesis import strategies as st

from msgin5g.wire import l3

IDS = st.binary(min_size=16, max_size=16)
LABELS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0189-", min_size=3, max_size=63).map(
    lambda label: bytes([len(label)]) + label.encode()
)
TARGETS = st.one_of(
    st.tuples(st.just(l3.IPV4), st.binary(min_size=4, max_size=4)),
    st.tuples(st.just(l3.IPV6), st.binary(min_size=16, max_size=16)),
    st.tuples(st.just(l3.FQDN), st.lists(LABELS, min_size=1, max_size=3).map(b"".join)),
)
SHORT = st.binary(min_size=1, max_size=255)
HALVES = {"report": st.integers(0, 1), "target_type": st.integers(0, 2), "priority": st.integers(0, 2)}
RESULT = st.fixed_dictionaries({"result": st.integers(0, 1)}, optional={"cause": st.integers(0, 255)})
REPORT = st.fixed_dictionaries({"delivery_status": st.integers(0, 1), "message_id": IDS, "reply_to": IDS})
REGISTRATION = st.fixed_dictionaries({"registration_id": st.binary(min_size=6, max_size=6)})
CAUSE = st.fixed_dictionaries({"cause": st.integers(0, 255)})
# A strategy of values for each type, by the tables of Annex A.2.1
VALUES = {
    1: st.fixed_dictionaries(
        {"target": TARGETS, "message_id": IDS, "payload": st.binary(min_size=1, max_size=600)},
        optional={
            "app_id": st.integers(0, 65535),
            "report": HALVES["report"],
            "target_type": HALVES["target_type"],
        },
    ),
    2: RESULT,
    3: st.fixed_dictionaries(
        {"message_id": IDS, "payload": st.binary(max_size=600)},
        optional={
            "originator": SHORT,
            "group": SHORT,
            "report": HALVES["report"],
            "priority": HALVES["priority"],
        },
    ),
    4: RESULT,
    5: REPORT,
    6: REPORT,
    7: st.fixed_dictionaries(
        {"app_id": st.integers(0, 65535), "credential": st.binary(min_size=1, max_size=600)}
    ),
    8: REGISTRATION,
    9: CAUSE,
    10: REGISTRATION,
    11: CAUSE,
    12: REGISTRATION,
}
MESSAGES = st.integers(1, 12).flatmap(lambda type: st.tuples(st.just(type), VALUES[type]))


def octets(type, values):
    return b"".join(bytes(part) for part in l3.encode(type, values))


def plain(values):
    made = {}
    for name, value in values.items():
        if name == "target":
            value = (value[0], bytes(value[1]))
        elif not isinstance(value, int):
            value = bytes(value)
        made[name] = value
    return made


@given(MESSAGES)
def test_what_is_written_is_read(message):
    type, values = l3.decode(octets(*message))
    assert (type, plain(values)) == message


@given(MESSAGES, st.data())
def test_elements_of_others_change_nothing(message, data):
    """Behind a message stands what a later version may add: half octets and TLVs with IEIs that are not ours."""
    others = data.draw(
        st.lists(
            st.one_of(
                st.sampled_from([0x80, 0x90, 0xA0, 0xE0, 0xF0]).map(lambda iei: bytes([iei | 5])),
                st.tuples(st.sampled_from([1, 0x0D, 0x10, 0x59, 0x7F]), st.binary(max_size=255)).map(
                    lambda tlv: bytes([tlv[0], len(tlv[1])]) + tlv[1]
                ),
            )
        )
    )
    type, values = l3.decode(octets(*message) + b"".join(others))
    assert (type, plain(values)) == message


TYPED = st.tuples(st.integers(1, 12), st.binary(max_size=80)).map(lambda pair: bytes([pair[0]]) + pair[1])


@given(st.one_of(st.binary(max_size=80), TYPED))
def test_any_octets_are_read_or_refused(data):
    try:
        type, values = l3.decode(data)
    except l3.L3Error as error:
        assert error.type == (data[0] if data and 1 <= data[0] <= 12 else None)
        assert 0 <= error.offset <= len(data)
        return
    assert type == data[0]
    # what was read can be written, and reads the same
    if "payload" in values and type == l3.SENDING_REQUEST and not len(values["payload"]):
        return  # which is accepted and never sent
    assert plain(l3.decode(octets(type, values))[1]) == plain(values)


@given(MESSAGES, st.data())
def test_a_damaged_message_is_read_or_refused(message, data):
    whole = bytearray(octets(*message))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        l3.decode(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except l3.L3Error:
        pass


def test_the_largest_payload():
    for type, more in ((1, {"target": (l3.IPV4, bytes(4))}), (3, {})):
        values = {"message_id": bytes(16), "payload": bytes(range(255)) * 257, **more}
        assert len(values["payload"]) == 65535
        assert plain(l3.decode(octets(type, values))[1]) == values
