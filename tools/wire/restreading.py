# SPDX-License-Identifier: MIT
"""Bodies of Application Servers (TS 29.538 clause 5), into the words of MSGin5G-1.

Read as strictly as `page/openapi.json` says, which programs are made from: unlike the schemas of TS 24.538 those of
TS 29.538 are sound, and what they do not allow is a mistake that its author wants to hear of.
"""

import re
import urllib.parse
import uuid

from tools.wire import bodies
from tools.wire import payload as payloads
from tools.wire.bodies import Malformed

_ADDRESS = {"addrType": str, "addr": str}
_REGISTRATION = {
    "asSvcId": str,
    "appId": str,
    "targetUri": str,
    "asProf": {
        "appName": str,
        "appProviders": [str],
        "appSenarios": [str],  # spelt so there
        "appCategory": str,
        "asStatus": str,
    },
}
_MESSAGE = {
    "oriAddr": _ADDRESS,
    "destAddr": _ADDRESS,
    "appId": (str, [str]),  # one there, several on MSGin5G-1
    "msgId": str,
    "delivStReqInd": bool,
    "payload": str,
    "priority": str,
    "segInd": bool,
    "segParams": {"segId": str, "totalSegCount": int, "segNumb": int, "lastSegFlag": bool},
    "stoAndFwInd": bool,
    "stoAndFwParams": {"exprTime": str},
    "latency": int,
}
_UE_MESSAGE = {name: type_ for name, type_ in _MESSAGE.items() if name not in ("priority", "latency")}
_REPORT = {"oriAddr": _ADDRESS, "destAddr": _ADDRESS, "msgId": str, "delivSt": str, "failureCause": str}
_TOPICS = {"oriAddr": _ADDRESS, "msgTopics": [str], "secCred": str, "exprTime": str}
_LIST = {
    "oriAddr": _ADDRESS,
    "destAddr": _ADDRESS,
    "notificationURI": str,
    "secCred": str,
    "exprTime": str,
    "suppFeat": str,
}
_NOTICE = {"msgTopics": [{}], "exprTime": str}
_SENDING = {"to": str, "toType": str, "payload": str, "encoding": str, "report": bool}
_HEXADECIMAL = re.compile(r"([0-9a-fA-F]{2})*")
_PUSH = {"to": str, "body": {}}


def _is(value, type_):
    if isinstance(type_, tuple):
        return any(_is(value, each) for each in type_)
    if isinstance(type_, list):
        return isinstance(value, list) and all(_is(each, type_[0]) for each in value)
    if type_ is int:  # 60.0 is an integer to JSON Schema, true is none
        return type(value) is int or isinstance(value, float) and value.is_integer()
    return isinstance(value, dict if isinstance(type_, dict) else type_)


def _name(type_):
    if isinstance(type_, tuple):
        return ", nor ".join(map(_name, type_))
    if isinstance(type_, list):
        return "an array of strings" if type_[0] is str else "an array of objects"
    if isinstance(type_, dict):
        return "an object"
    return {str: "a string", bool: "a boolean", int: "an integer"}[type_]


def _check(body, types, above=""):
    """Raises Malformed for a member that is there with another type than its own. null is as if it were not there."""
    for member, type_ in types.items():
        if body.get(member) is None:
            continue
        if not _is(body[member], type_):
            raise Malformed(above + member, "not " + _name(type_))
        if isinstance(type_, dict):
            _check(body[member], type_, above + member + ".")


def _address(body, member, kinds):
    given = body.get(member)
    if given is not None and given.get("addrType") not in kinds:  # `bodies` reads an Address more kindly
        reason = "not one of " + ", ".join(kinds) if "addrType" in given else "missing"
        raise Malformed(member + ".addrType", reason)
    return bodies.address(body, member, kinds, "addrType")


def is_target(uri):
    """Whether a request can be sent to this URI: one that no request can name would fail at each delivery."""
    try:
        parts = urllib.parse.urlsplit(uri)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and port != 0
        and uri.isprintable()
        and not any(character.isspace() for character in uri)
    )


def read_registration(body, largest_profile):
    """(AS Service ID, target or None, profile) of an ASRegistration."""
    _check(body, _REGISTRATION)
    id_ = bodies.text(body, "asSvcId")
    if not bodies.is_service_id(id_):
        raise Malformed("asSvcId", "not 1 to 255 octets of text without control characters")
    bodies.text(body, "appId", "")
    target_uri = body.get("targetUri")
    bodies.text(body, "targetUri", "", longest=2048)
    if target_uri is not None and not is_target(target_uri):
        raise Malformed("targetUri", "not an http:// or https:// URI with a host")
    profile = bodies.record(body, "asProf")
    if len(bodies.encode(profile)) > largest_profile:
        raise Malformed("asProf", "larger than %d octets" % largest_profile)
    return id_, target_uri, profile


def read_report(body):
    """(from, to, msgId, delivered, cause) of a DeliveryStatusReport, of an Application Server or of a UE that is not
    served here."""
    _check(body, _REPORT)
    status = bodies.text(body, "delivSt")
    if status not in ("REPT_DELY_SUCCESS", "REPT_DELY_FAILED"):
        raise Malformed("delivSt", "not REPT_DELY_SUCCESS or REPT_DELY_FAILED")
    origin = _address(body, "oriAddr", ("AS", "UE"))
    return (
        origin,
        _address(body, "destAddr", ("UE", "AS")),
        bodies.message_id(body),
        status == "REPT_DELY_SUCCESS",
        bodies.text(body, "failureCause", "", longest=1024),
    )


def read_message(body, service, kind="AS"):
    """(from, to, head, payload, store and forward, expiry or None) of an ASMessageDelivery; the head is that of a
    MSG (clause 7.3.4.1), which has no use for priority and latency toward a client. `kind`: "UE" for an
    UEMessageDelivery, which has neither."""
    of_as = kind == "AS"
    _check(body, _MESSAGE if of_as else _UE_MESSAGE)
    origin = _address(body, "oriAddr", (kind,))
    target = _address(body, "destAddr", bodies.TARGETS)
    if body.get("stoAndFwInd") is None:
        raise Malformed("stoAndFwInd", "missing")
    if bodies.flag(body, "segInd"):
        raise Malformed("segInd", "send the message whole: the server cuts it for the recipient")
    if of_as:
        bodies.text(body, "priority", "")  # an open enumeration: any string
        bodies.number(body, "latency", 0, 2**53)
    members = {"appId": body.get("appId"), "msgId": body.get("msgId")}
    members["isDelivStatReq"] = bodies.flag(body, "delivStReqInd")
    head = bodies.head(service, origin, target, members)
    store_forward = bodies.flag(body, "stoAndFwInd")
    expires = bodies.record(body, "stoAndFwParams").get("exprTime")
    if expires is not None:
        expires = bodies.moment(expires, "stoAndFwParams.exprTime")
    return (
        origin,
        target,
        head,
        bodies.whole_payload(body),
        store_forward,
        expires if store_forward else None,
    )


def read_many(body, head):
    """Adds to the head what a copy of many was sent to, of who speaks for others (`rest.peer_message`)."""
    _check(body, {"oriDestAddr": _ADDRESS})
    if body.get("oriDestAddr") is not None:
        many = _address(body, "oriDestAddr", ("GROUP", "TOPIC", "BC"))
        head["oriDestAddr"] = bodies.destination(many)


def urgency(body):
    """The priority of such a message, one of MSGin5G-1's. The enumeration is open: what is unknown is NORMAL."""
    value = bodies.text(body, "priority", "").upper()
    return value if value in ("HIGH", "LOW") else "NORMAL"


def read_topics(body, kinds):
    """(who, topics, expiry or None) of a TopicSubscription or TopicUnsubscription."""
    _check(body, _TOPICS)
    who = _address(body, "oriAddr", kinds)
    topics = body.get("msgTopics")
    if not topics:
        raise Malformed("msgTopics", "missing" if topics is None else "no topic in it")
    if not all(map(bodies.is_service_id, topics)):
        raise Malformed("msgTopics", "not each 1 to 255 octets of text without control characters")
    return who, list(dict.fromkeys(topics)), _expiry(body)


def read_list_subscription(body):
    """(who, notification URI, expiry or None) of a TopicListSubscription. A server has no kind of Address of its own in
    TS 29.538, so any is taken."""
    origin = read_list_unsubscription(body)
    uri = bodies.text(body, "notificationURI", longest=2048)
    if not is_target(uri):
        raise Malformed("notificationURI", "not an http:// or https:// URI with a host")
    return origin, uri, _expiry(body)


def read_list_unsubscription(body):
    """Who asks in a TopicListUnsubscription."""
    _check(body, _LIST)
    origin, _ = (_server(body, member) for member in ("oriAddr", "destAddr"))
    return origin


def _server(body, member):
    address = bodies.record(body, member)
    if body.get(member) is None:
        raise Malformed(member, "missing")
    for name in _ADDRESS:
        if not bodies.is_service_id(address.get(name)):
            raise Malformed(
                "%s.%s" % (member, name), "missing" if address.get(name) is None else "empty or too long"
            )
    return bodies.Address(address["addrType"], address["addr"])


def read_list_notification(body):
    """([(topic, what became of it)], expiry or None) of a TopicListNotification."""
    _check(body, _NOTICE)
    if not body.get("msgTopics"):
        raise Malformed("msgTopics", "missing" if body.get("msgTopics") is None else "no topic in it")
    changes = []
    for each in body["msgTopics"]:
        for name in ("msgTopic", "updateStat"):
            if not bodies.is_service_id(each.get(name)):
                raise Malformed("msgTopics", "each has a %s of 1 to 255 octets" % name)
        changes.append((each["msgTopic"], each["updateStat"]))
    return changes, _expiry(body)


def _expiry(body):
    expires = body.get("exprTime")
    return None if expires is None else bodies.moment(expires, "exprTime")


def read_push(body):
    """(UE Service ID, body) of what is to be sent as it is."""
    _check(body, _PUSH)
    return bodies.text(body, "to"), bodies.record(body, "body")


def read_sending(body, own, new_id=uuid.uuid4):
    """The ASMessageDelivery, of the AS Service ID `own`, of what the page sends: text, or octets in hexadecimal."""
    _check(body, _SENDING)
    to, type_ = bodies.text(body, "to"), bodies.text(body, "toType", "UE")
    if type_ not in ("UE", "AS", "GROUP", "TOPIC"):
        raise Malformed("toType", "not UE, AS, GROUP or TOPIC")
    value, encoding = body.get("payload"), bodies.text(body, "encoding", "text")
    if not bodies.is_service_id(to):
        raise Malformed("to", "not 1 to 255 octets of text without control characters")
    if value is None:
        raise Malformed("payload", "missing")
    if encoding == "hex":
        if not _HEXADECIMAL.fullmatch(value):
            raise Malformed("payload", "not pairs of hexadecimal digits")
        value = payloads.from_octets(bytes.fromhex(value))
    elif encoding == "text":
        value = payloads.from_text(value)
    else:
        raise Malformed("encoding", "not text or hex")
    return {
        "oriAddr": {"addrType": "AS", "addr": own},
        "destAddr": {"addrType": type_, "addr": to},
        "msgId": str(new_id()),
        "stoAndFwInd": True,
        "delivStReqInd": bodies.flag(body, "report"),
        "payload": value,
    }
