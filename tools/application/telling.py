# SPDX-License-Identifier: MIT
"""What `msgin5g as` prints: a line for people, or a JSON object for programs, for each thing that happened."""

import base64
import contextlib
import json
import time

from tools.wire.outside import clean
from tools.words import complain, counted

_SHOWN = 200  # characters of a text
_LONGEST = 1 << 13  # octets of a line for people


class Teller:
    """Each raises OSError where standard output takes nothing; `unheard` is one that a callback met, or None."""

    def __init__(self, as_json):
        self._json = as_json
        self.unheard = None

    def say(self, sentence):
        """For people only, beside what a program reads."""
        with contextlib.suppress(OSError):
            complain("as: " + clean(sentence, _LONGEST))

    def failed(self, sentence):
        """The exit code of what did not come to a good end."""
        if self._json:
            self._tell("", event="failed", reason=sentence)
        else:
            self.say(sentence)
        return 1

    def stopped(self, application, stays):
        end = "; what is sent to it waits there" if stays else ""
        self._tell("%s ends%s" % (application.service_id, end), event="stopped", id=application.service_id)

    def listening(self, application, topics):
        on = ", on " + ", ".join(topics) if topics else ""
        line = "%s is registered with %s%s" % (application.service_id, application.server, on)
        self._tell(line, event="registered", id=application.service_id, server=application.server)

    def message(self, message, path):
        payload = message.payload
        to = "" if message.to_type == "AS" else " to %s" % message.to
        if path is not None:
            shown = "%s, saved as %s" % (counted(_size(payload), "octet"), path)
        elif isinstance(payload, bytes):
            shown = "%s: %s%s" % (
                counted(len(payload), "octet"),
                payload[:24].hex(" "),
                " ..." if len(payload) > 24 else "",
            )
        elif len(payload) > _SHOWN:
            shown = "%s ... (%s)" % (clean(payload[:_SHOWN]), counted(len(payload), "character"))
        else:
            shown = clean(payload)
        content = (
            {"payload": payload}
            if isinstance(payload, str)
            else {"payload": base64.b64encode(payload).decode(), "encoding": "base64"}
        )
        self._tell(
            "%s%s: %s" % (message.sender, to, shown),
            event="message",
            **{"from": message.sender, "fromType": message.sender_type},
            to=message.to,
            toType=message.to_type,
            msgId=message.message_id,
            **content,
            **({} if path is None else {"file": str(path)}),
            reported=message.wants_report,
        )

    def sent(self, sent, to):
        away = "; it is away, and gets it when it comes" if sent.stored else ""
        self._tell(
            "accepted %s for %s%s" % (sent.message_id, to, away),
            event="accepted",
            msgId=sent.message_id,
            to=to,
            stored=sent.stored,
        )

    def report(self, report):
        cause = ": " + clean(report.cause) if report.cause else ""
        state = "delivered" if report.delivered else "not delivered"
        self._tell(
            "%s %s to %s%s" % (state, report.message_id, report.sender, cause),
            event="report",
            msgId=report.message_id,
            **{"from": report.sender},
            delivered=report.delivered,
            cause=report.cause,
        )

    def _tell(self, line, **record):
        now = time.time()
        if self._json:
            line = _escaped(json.dumps({"time": round(now, 3), **record}, ensure_ascii=False))
        else:
            line = "%s %s" % (time.strftime("%H:%M:%S", time.localtime(now)), clean(line, _LONGEST))
        print(line, flush=True)


def _escaped(text):
    """JSON, where a terminal may show it: what is not printable is in a string there, and means the same as \\u...."""
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def _size(payload):
    return len(payload.encode() if isinstance(payload, str) else payload)
