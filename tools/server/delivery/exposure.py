# SPDX-License-Identifier: MIT
"""What the two procedures of TS 23.554 clause 8.9 share: the network's exposure function (SCEF, NEF), which is asked by
the APIs of TS 29.122 ("T8").

One request at a time, and one pause for all of them while it does not answer: nothing else waits for it. It tells us
what became of a request at a path that was made for that one, and that nobody else knows: it has no token of ours.
"""

import re
import secrets
import urllib.parse

from tools.server.delivery.pushes import Push
from tools.store.tables import CONTROL
from tools.wire.bodies import Address, Malformed, text
from tools.wire.outside import clean
from tools.wire.restreading import is_target

NEF = Address("NEF", "exposure")
_MSISDN = re.compile(r"(?:tel:|msisdn[-:]|urn:msisdn:)?\+?(\d{5,15})", re.ASCII | re.IGNORECASE)
LONGEST_LINK = 2048  # octets of a URI that is kept


class Exposure:
    """`here`: the URI of our own HTTP side, which is known once it listens."""

    def __init__(self, settings, turns):
        self._settings = settings
        self._turns = turns
        self.here = (settings.callback or "").rstrip("/")

    def listens_at(self, uri):
        """Where our HTTP side listens, which is where it is reached unless that is set."""
        self.here = self.here or uri

    @property
    def is_there(self):
        """Whether there is one to ask."""
        return self._settings.exposure is not None

    def is_free(self, now):
        """Whether it may be asked now."""
        return self._turns.may_send(NEF, CONTROL, now)

    def uri(self, api, collection):
        return "%s/%s/v1/%s/%s" % (
            self._settings.exposure.rstrip("/"),
            api,
            self._settings.exposure_as,
            collection,
        )

    def told_at(self, path, token):
        """The URI that it is to tell us at."""
        return self.here + path.format(token=token)

    def ask(self, of, ue, method, uri, body=None):
        """The Push of a request of this procedure about a UE."""
        about = (of.UNIT, ue)
        return self._turns.begin(Push(NEF, uri, of.KIND, CONTROL, body, of=of, about=about, method=method))


def new_token():
    return secrets.token_urlsafe(24)


def subject(ue_id):
    """Whom a request is about, as TS 29.122 says it: a telephone number, or what else it is known by outside."""
    number = _MSISDN.fullmatch(ue_id)
    return {"msisdn": number[1]} if number else {"externalId": ue_id}


def link(push, outcome):
    """Where what was made by this request is, "" where the answer does not say, or what nobody can be asked at."""
    found = outcome.location or (outcome.said or {}).get("self")
    if not isinstance(found, str) or not found or found != clean(found, LONGEST_LINK):
        return ""
    try:
        made = urllib.parse.urljoin(push.where, found)
    except ValueError:
        return ""
    return made if is_target(made) else ""


def said(body, member):
    """A text that must be there. Raises Malformed."""
    value = text(body, member, longest=LONGEST_LINK)
    if not value:
        raise Malformed(member, "empty")
    return value
