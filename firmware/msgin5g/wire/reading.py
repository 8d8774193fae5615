# SPDX-License-Identifier: MIT
"""Readers of what a message has that comes in: the members of clause 7.3.4 and those that hold others. Imported with
the first of them that is called, by the Body.
"""

import json

from coap.compat import const, json_string_in, json_value, printable, utf8

from .identifiers import DESTINATIONS, PRIORITIES, BodyError, digits, service_id_error

# What becomes of a message: the first two are of clause 7.3.4.2
SUCCESS = "success"
FAILURE = "failure"
STORED = "stored for deferred delivery"

_LONG = const(256)  # octets of a payload that need not be copied
_MARK = const(b"\x7f")  # stands for it meanwhile
_MARKED = const("\x7f")


class Reading:
    """Methods of Body, whose attributes they use."""

    def last_segment(self):
        """Return lastSegFlag, a string in clause 7.3.4.1 that names no values: all but the words for no mean yes."""
        value = self.value("lastSegFlag", False)
        if isinstance(value, str):
            return value.strip().lower() not in ("", "false", "0")
        if value not in (0, 1):
            raise BodyError("lastSegFlag", "not true or false")
        return bool(value)

    def payload(self, default=b""):
        """Return the `payload` member as octets in UTF-8, of any length. They may be a view of the body that was read.
        Raise BodyError."""
        value = self.value("payload", default)
        if isinstance(value, str):
            return utf8(value)
        if not isinstance(value, (bytes, memoryview)):
            raise BodyError("payload", "not a string")
        return value

    def app_id(self, default=None):
        """appId: a string, or a tuple of the array that clause 6.4.1.1.2 allows."""
        value = self._members.get("appId")
        if not isinstance(value, list):
            return self.text("appId", default)
        for each in value:
            type(self)({"appId": each}).text("appId")
        return value[0] if len(value) == 1 else tuple(value) or default

    def object(self, name):
        """Return a member that is an object, as a Body. Raise BodyError."""
        value = self.value(name, ...)
        if not isinstance(value, dict):
            raise BodyError(name, "not an object")
        return type(self)(value)

    def objects(self, name):
        """Return a member that is a list of objects, as Bodies. Raise BodyError."""
        value = self.value(name, ...)
        if not isinstance(value, list):
            raise BodyError(name, "not an array")
        for each in value:
            if not isinstance(each, dict):
                raise BodyError(name, "not an array of objects")
        return [type(self)(each) for each in value]

    def elements(self):
        """Return what is aggregated in msgList, one or more."""
        found = self.objects("msgList")
        if not found:
            raise BodyError("msgList", "empty")
        if self.integer("totalMsgCount", None) not in (None, len(found)):
            raise BodyError("totalMsgCount", "is not the length of msgList")
        return found

    def address(self, name, type_name, types):
        """Return (type, address) of oriAddr or destAddr; the first of `types` where it says none."""
        body = self.object(name)
        type = body.text(type_name, types[0]).upper()
        if type not in types:
            raise BodyError(name + "." + type_name, "not one of " + ", ".join(types))
        addr = body.text("addr")
        if not addr:
            raise BodyError(name + ".addr", "empty")
        why = service_id_error(addr)
        if why:
            raise BodyError(name + ".addr", why)
        return type, addr

    def originator(self):
        """Return (type, service ID) of oriAddr. Raise BodyError."""
        return self.address("oriAddr", "oriAddrType", ("UE", "AS"))

    def destination(self):
        """Return (type, service ID) of destAddr. Raise BodyError."""
        return self.address("destAddr", "destAddrType", DESTINATIONS)

    def message_id(self):
        """Return msgId. Raise BodyError."""
        value = self.text("msgId", longest=64)
        if not value:
            raise BodyError("msgId", "empty")
        return value

    def priority(self, default="NORMAL"):
        """Return the priority, one of PRIORITIES. Raise BodyError."""
        value = self.text("priority", default)
        if value == "MEDIUM" or value == "MIDDLE":  # as MSGin5G-5 and TS 29.538 say it
            return "NORMAL"
        if value not in PRIORITIES:
            raise BodyError("priority", "not one of " + ", ".join(PRIORITIES))
        return value

    def status(self, default=...):
        """Return (DelSta, Cause) of clauses 7.3.4.2 and 7.3.4.3; the text of clause 6 makes the first optional
        there."""
        value = self.text("DelSta", default)
        if value is not default:
            value = value.lower()
            if value not in (SUCCESS, FAILURE, STORED):
                raise BodyError("DelSta", "not one of success, failure, stored for deferred delivery")
        return value, self.cause()

    def cause(self):
        """Return the cause of a failure, by any of the names that the schemas give it."""
        for name in "Cause,cause,failure reason,failReason".split(","):
            if name in self:
                return printable(self.text(name, longest=1024))
        return None


def read_ranges(text):
    """Return the (first, last) pairs of segNoList, "(5-7, 10-10)", also "(5-7),(10-10)"; a lone number counts as a
    range of one."""
    ranges = []
    for part in text.split(","):
        first, dash, last = part.strip().strip("()").partition("-")
        first = digits(first.strip())
        last = digits(last.strip()) if dash else first
        if first is None or last is None:
            raise BodyError("segNoList", "not ranges like (5-7, 10-10)")
        if not 1 <= first <= last:
            raise BodyError("segNoList", "ranges must rise from 1")
        ranges.append((first, last))
    return ranges


def late_value(octets):
    """Do as `json_value`. On MicroPython the `payload` of an object may be a view of its octets in UTF-8, where it is a
    long string and the text has no escapes: a heap that is full needs no room for it."""
    start, end = json_string_in(octets)
    if end - start >= _LONG and utf8 is memoryview:
        view = memoryview(octets)
        value = _with_view(bytes(view[:start]), view[start:end], bytes(view[end:]))
        if value is not None:
            return value
    return json_value(octets, end)


def _with_view(head, view, rest):
    """Return the value of a JSON text with a string `view` in it; None where that is not the payload of an object."""
    if _MARK in head or _MARK in rest:
        return None
    value = json.loads(b"".join((head, _MARK, rest)))
    if isinstance(value, dict):
        for name in value:
            # of a name that came twice the last counts, and only a string of no other place is the mark
            if isinstance(name, str) and name.strip() == "payload" and value[name] == _MARKED:
                value[name] = view
                return value
    return None
