# SPDX-License-Identifier: MIT
"""The JSON bodies of TS 24.538 clause 7.3: read kindly, written strictly.

Kindly: keys with stray spaces, strings for booleans and numbers, every case of an enumeration. Strictly: the members in
the order of the clause's tables, payload last, none at its default, nothing escaped that JSON does not ask for.
"""

import functools
import json
import math
import re
from dataclasses import dataclass
from typing import NamedTuple

from tools.wire import payload as payloads
from tools.wire import segments
from tools.wire.outside import clean, read_date_time, utf8

TARGETS = ("UE", "AS", "GROUP", "BC", "TOPIC")
MAX_APPLICATIONS = 64  # Application IDs of one message
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F-]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# MEDIUM is MSGin5G-5's word for NORMAL, MIDDLE that of TS 29.538
PRIORITIES = ("HIGH", "NORMAL", "LOW", "MEDIUM", "MIDDLE")
_CAUSES = ("Cause", "cause", "failure reason", "failReason")


class Malformed(ValueError):
    """A body that clause 7.3 does not allow: which member, and why."""

    def __init__(self, member, reason):
        super().__init__("%s: %s" % (member, reason))
        self.member = member
        self.reason = reason


class Address(NamedTuple):
    """A service ID and its kind: "UE", "AS", "GROUP", "BC" or "TOPIC"."""

    type: str
    id: str

    @property
    def key(self):
        """One string that no other address has."""
        return "%s %s" % self


@dataclass(frozen=True)
class Segment:
    """`segParams` of clause 7.3.4.1."""

    set_id: str
    number: int
    total: int | None
    last: bool


# ---- reading ---------------------------------------------------------------------------------------------------------


_RECENT, _SMALL = 128, 4096  # bodies that are kept as they were read, and how many octets each may have
_IDS = 1024  # service IDs that were looked at


def _no_constant(name):
    raise ValueError("%s is not JSON" % name)


def _finite(digits):
    value = float(digits)
    return value if math.isfinite(value) else _no_constant(digits)


def _strip_keys(pairs):  # the schemas of clause 7.3 print some keys with a trailing space
    return {key.strip(): value for key, value in pairs}


def _once(pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise Malformed(clean(key), "comes twice")
        found[key] = value
    return found


_EXACT, _LENIENT = (
    json.JSONDecoder(object_pairs_hook=hook, parse_constant=_no_constant, parse_float=_finite)
    for hook in (_once, _strip_keys)
)


def parse(octets, strictly=False):
    """The JSON object of a body. Strictly: each member once, by its exact name (RFC 7493 section 2.3).

    Objects in it are not to be changed: a request's body is asked for again and again on its way."""
    if strictly or len(octets) > _SMALL:
        return _parsed(octets, strictly)
    return dict(_again(bytes(octets)))


@functools.lru_cache(_RECENT)
def _again(octets):
    return _parsed(octets, False)


def _parsed(octets, strictly):
    try:
        body = (_EXACT if strictly else _LENIENT).decode(octets.decode())
        if b"\\u" in octets:
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair cannot be sent on
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed("body", "not JSON in UTF-8: %s" % error) from error
    if not isinstance(body, dict):
        raise Malformed("body", "not a JSON object")
    return body


def text(body, member, default=None, longest=255):
    """A string member; without a default it must be there."""
    value = body.get(member)
    if value is None:
        if default is None:
            raise Malformed(member, "missing")
        return default
    if not isinstance(value, str):
        raise Malformed(member, "not a string")
    octets = utf8(value)
    if octets is None:
        raise Malformed(member, "half a surrogate pair")
    if len(octets) > longest:
        raise Malformed(member, "longer than %d octets" % longest)
    return value


def flag(body, member):
    """A boolean member, false by default; the schemas write some as strings."""
    value = body.get(member)
    if value is None:
        return False
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower())
    if not isinstance(value, bool):  # 1 is none
        raise Malformed(member, "not a boolean")
    return value


def succeeded(body, default):
    """`result` of a response; `default` where it is not there. Raises Malformed."""
    return default if body.get("result") is None else flag(body, "result")


def mark(body, member):
    """A member that is a string without values in the schemas (`lastSegFlag`, `storeForward`): whatever is said sets
    it, unless it says no."""
    value = body.get(member)
    if isinstance(value, str):
        return value.strip().lower() not in ("", "0", "false")
    return flag({member: bool(value)} if value in (0, 1) else body, member)


def number(body, member, lowest, highest):
    """An integer member or None."""
    value = body.get(member)
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"\d{1,10}", value, re.ASCII):
        value = int(value)
    if isinstance(value, float) and value.is_integer():  # 60.0 is an integer to JSON Schema
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(member, "not an integer")
    if not lowest <= value <= highest:
        raise Malformed(member, "not from %d to %d" % (lowest, highest))
    return value


def record(body, member):
    """An object member; a missing one is empty."""
    value = body.get(member)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(member, "not an object")
    return value


def address(body, member, kinds, type_member=None):
    """`oriAddr` {"oriAddrType", "addr"} or `destAddr` {"destAddrType", "addr"} of one of the kinds; where there is but
    one, the type may be left out."""
    if body.get(member) is None:
        raise Malformed(member, "missing")
    value = record(body, member)
    type_member = type_member or member + "Type"
    kind = value.get(type_member)
    if kind is None and len(kinds) == 1:
        (kind,) = kinds
    kind = kind.upper() if isinstance(kind, str) else kind
    if kind not in kinds:
        raise Malformed("%s.%s" % (member, type_member), "not one of %s" % ", ".join(kinds))
    identifier = value.get("addr")
    if not is_service_id(identifier):
        raise Malformed(member + ".addr", "not 1 to 255 octets of text without control characters")
    return Address(kind, identifier)


def is_service_id(value):
    return isinstance(value, str) and len(value) <= 255 and _is_service_id(value)


@functools.lru_cache(_IDS)
def _is_service_id(text_):
    return 1 <= len(utf8(text_) or b"") <= 255 and not _CONTROL.search(text_)


def message_id(body, member="msgId"):
    value = text(body, member)
    if not _UUID.fullmatch(value):
        raise Malformed(member, "not a UUID")
    return value


def applications(body):
    """`appId`, one or more Application IDs (clause 6.4.1.1.2): a string, a list of several, None without any."""
    value = body.get("appId")
    listed = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(each, str) for each in listed):
        raise Malformed("appId", "not a string, nor an array of strings")
    if len(listed) > MAX_APPLICATIONS or any(len(each.encode()) > 255 for each in listed):
        raise Malformed("appId", "more than %d, or one longer than 255 octets" % MAX_APPLICATIONS)
    listed = list(dict.fromkeys(listed))
    return listed if len(listed) > 1 else listed[0] if listed else None


def same(identifier):
    """The one form of an identifier whose hexadecimal digits may be in either case: a UUID (RFC 4122 section 3), a
    segId that is made of such digits. Any other text stands for itself."""
    return identifier.lower() if _HEXADECIMAL.fullmatch(identifier) else identifier


def priority(body):
    """The priority type: "HIGH", "NORMAL" or "LOW". It ends at the server (clause 6.4.1.2.6 c). Raises Malformed."""
    value = text(body, "priority", "NORMAL").upper()
    if value not in PRIORITIES:
        raise Malformed("priority", "not HIGH, NORMAL or LOW")
    return value if value in ("HIGH", "LOW") else "NORMAL"


def moment(value, member):
    """Seconds since 1970 of an RFC 3339 date-time, within what can be written again (`outside.LAST`)."""
    try:
        return read_date_time(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise Malformed(member, "not an RFC 3339 date-time") from error


def payload(body):
    """The payload value or None. Octets must be readable, or the recipient could not tell what they are."""
    value = body.get("payload")
    if value is None:
        return None
    if not isinstance(value, str):
        raise Malformed("payload", "not a string")
    return value


def whole_payload(body):
    """As `payload`, of a message that is not segmented."""
    value = payload(body)
    if value is not None and payloads.is_octets(value):
        try:
            payloads.to_octets(value)
        except ValueError as error:
            raise Malformed("payload", str(error)) from error
    return value


def segment(body):
    """The Segment of a segmented MSG, or None."""
    if not flag(body, "isSegmented"):
        return None
    params = record(body, "segParams")
    try:
        value = Segment(
            text(params, "segId"),
            number(params, "segNumb", 1, segments.MAX_SEGMENTS),
            number(params, "totalSegCount", 1, segments.MAX_SEGMENTS),
            mark(params, "lastSegFlag"),
        )
        if not value.set_id:
            raise Malformed("segId", "empty")
        if value.number is None:
            raise Malformed("segNumb", "missing")
    except Malformed as error:
        raise Malformed("segParams." + error.member, error.reason) from None
    return value


def head(service, origin_, target, body):
    """The members of a MSG that travel to the recipient, but for segmentation and payload, as they will be written.

    Priority type and store and forward end at the server (clause 6.4.1.2.6); members that no table names end here too.
    """
    made = {"msgIden": service, "msgType": "MSG", "oriAddr": origin(origin_), "destAddr": destination(target)}
    app_id = applications(body)
    if app_id is not None:
        made["appId"] = app_id
    made["msgId"] = message_id(body)
    if flag(body, "isDelivStatReq"):
        made["isDelivStatReq"] = True
    priority(body)
    return made


def report(body):
    """(msgId, delivered, cause) of an IMDN or of one element of an aggregated one (clause 7.3.4.2)."""
    status = text(body, "DelSta").lower()
    if status not in ("success", "failure"):
        raise Malformed("DelSta", "not success or failure")
    cause = next((name for name in _CAUSES if body.get(name) is not None), _CAUSES[0])
    return message_id(body), status == "success", text(body, cause, "", longest=1024)


# ---- writing ---------------------------------------------------------------------------------------------------------


_WRITER = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":")
)  # which `json.dumps` would make each time


def encode(body):
    return _WRITER.encode(body).encode()


def origin(address_):
    return {"oriAddrType": address_.type, "addr": address_.id}


def destination(address_):
    return {"destAddrType": address_.type, "addr": address_.id}


def msg(head_, value, segment_=None):
    """A MSG to a client, or one segment of it: the total in each, the last flag in the last, the wish for a report in
    the first."""
    body = dict(head_)
    if segment_:
        if segment_.number > 1:
            body.pop("isDelivStatReq", None)
        body["isSegmented"] = True
        params = {"segId": segment_.set_id, "totalSegCount": segment_.total, "segNumb": segment_.number}
        if segment_.last:
            params["lastSegFlag"] = "true"
        body["segParams"] = params
    if value is not None:
        body["payload"] = value
    return body


def msgresp(service, originator, message_id_, status, cause="", set_id=""):
    """Clause 7.3.4.3; `segId` names the set where the message came in segments."""
    body = {
        "msgIden": service,
        "msgType": "MSGRESP",
        "oriAddr": origin(originator),
        "msgId": message_id_,
        "DelSta": status,
    }
    if cause:
        body["Cause"] = clean(cause)
    if set_id:
        body["segId"] = set_id
    return body


def imdn(service, from_, to, message_id_, delivered, cause=""):
    """Clause 7.3.4.2."""
    body = {
        "msgIden": service,
        "msgType": "IMDN",
        "oriAddr": origin(from_),
        "destAddr": destination(to),
        "msgId": message_id_,
        "DelSta": "success" if delivered else "failure",
    }
    if cause and not delivered:
        body["Cause"] = clean(cause)
    return body


def segrec(service, set_id, missing):
    """Clause 7.3.6.2."""
    return {
        "msgIden": service,
        "msgType": "SEGREC",
        "segId": set_id,
        "segNoList": segments.write_ranges(missing),
    }


def segconfir(service, set_id, result):
    """Clause 7.3.6.1."""
    return {"msgIden": service, "msgType": "SEGCONFIR", "segId": set_id, "result": result}
