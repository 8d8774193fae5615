# SPDX-License-Identifier: MIT
"""Reading what a server elsewhere configures a UE with: the documents of TS 24.546 annex C.3 that pass a Gateway UE."""

import json
from xml.etree import ElementTree

import cbor2

from tools.wire import bodies
from tools.wire.seal import CBOR, JSON

_LONGEST = 4096  # characters of one `configData`
_ELEMENT = "MSGin5G-UE-Service-id"  # clause 7.2


def ue_of(answer, ue_id):
    """The UE Service ID that an Answer gives to this UE ID, or None."""
    try:
        for document in _documents(answer):
            if ue_id in document["valUeIds"]["uris"]:
                found = _service_id(document["ueConfigs"][0]["configData"])
                return found if bodies.is_service_id(found) else None
    except Exception:  # whatever a server may say: then it says nothing of this UE
        pass
    return None


def _documents(answer):
    value = answer.body
    if answer.octets is not None and answer.content_format == CBOR:
        value = cbor2.loads(answer.octets)
    elif answer.octets is not None and answer.content_format == JSON:
        value = json.loads(answer.octets)
    return value if isinstance(value, list) else [value]


def _service_id(text):
    """Of the JSON or the XML of clause 7.2 that `configData` holds; no entities are expanded."""
    if len(text) > _LONGEST or "<!" in text:
        return None
    if text[:1] == "{":
        return json.loads(text)["ueServiceId"]
    found = [
        each.text for each in ElementTree.fromstring(text).iter() if each.tag.rpartition("}")[2] == _ELEMENT
    ]
    return found[0].strip()
