# SPDX-License-Identifier: MIT
"""A device reads what the server tells it of its configuration (TS 24.538 clauses 7.2 and 7.3.2.1): this test imports
both sides."""

from hypothesis import given
from hypothesis import strategies as st

from msgin5g.wire import configuration as device
from tools.store.server.configtables import UeConfiguration
from tools.wire import seal, ueconfig
from tools.wire.bodies import encode, is_service_id

SERVICE = "urn:3gpp:msgin5g"
# Blanks around a text, and what XML has no character for, are not told apart there.
_IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(
    lambda text: is_service_id(text) and text == text.strip() and not set(text) & {"\ufffe", "\uffff"}
)


@given(_IDS, _IDS, st.none() | st.integers(1, 2048), st.booleans(), st.lists(_IDS, max_size=2))
def test_what_the_server_writes_the_device_reads(ue_id, ue, size, xml, others):
    server = "coap://192.0.2.1:65401"
    made = UeConfiguration(ue_id, ue, None, size, document="3f2a")
    documents = [
        ueconfig.document(UeConfiguration(other, "ue:other", document="00"), SERVICE, server, xml)
        for other in others
        if other != ue_id
    ]
    documents.append(ueconfig.document(made, SERVICE, server, xml))
    octets, _, _ = seal.representation(documents, 50)
    assert octets == encode(documents)
    assert device.read(octets, ue_id) == ("3f2a", ue, server, size or 0)
