# SPDX-License-Identifier: MIT
"""Who is reached over HTTP although it is no Application Server: UEs that are not served here, but behind a message
gateway (MSGin5G-2, MSGin5G-4) or at another server (MSGin5G-8), and broadcast areas (MSGin5G-7).

TS 24.538 clause 6.4.1.2.6: the server routes by the recipient's service ID. Who knows some of these recipients gives a
finder; what waits for them is in the same queues as all else, and goes out by the Way that is found when it is its
turn.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType

from tools.server.delivery.pushes import Outcome
from tools.wire import rest
from tools.wire.answers import Refusal
from tools.wire.bodies import Address


def same_outcome(outcome):
    """What an answer means where its status says all."""
    return outcome


@dataclass(frozen=True)
class Way:
    """To one recipient.

    `through`: who takes what is for it; the token that was made for this ID speaks for the recipient, and one pause is
    for all behind it while it is silent. `uri`: its own, before the paths; `paths`, by kind of row: "MSG" and "IMDN"; a
    kind without one is not sent there. `message(row, parts)`: the JSON object of a MSG. `meaning(outcome)`: how
    the Outcome is to be understood, which has the JSON object of the answer as `said`. `tries`: requests until the
    message fails, None: until its time is over. `token`: what we show there, where something is asked for.
    """

    through: Address
    uri: str
    paths: MappingProxyType = field(hash=False)
    message: Callable = field(repr=False)
    meaning: Callable[[Outcome], Outcome] = field(default=same_outcome, repr=False)
    tries: int | None = None
    token: str | None = field(default=None, repr=False)

    def uri_for(self, kind, origin=None):
        """Where a row of this kind is posted, or None; what is of an `origin` of some type may have a path of its own,
        by both."""
        path = self.paths.get("%s %s" % (kind, origin.type)) if origin else None
        path = path or self.paths.get(kind)
        return None if path is None else self.uri.rstrip("/") + path

    def body(self, row, parts):
        """The JSON object that is posted."""
        return rest.status_report(row.head) if row.kind == "IMDN" else self.message(row, parts)


class Elsewhere:
    """`finders`: each called with a UE Service ID, gives a Way or None; the first that knows it counts. `targets`, by
    kind of Address but UE: such a finder; of Application Servers it is asked about those that are not registered
    here."""

    def __init__(self, store):
        self._store = store
        self.finders = []
        self.targets = {}

    def find(self, service_id):
        """The Way to this UE; None for one that is served here, and for one that nobody knows."""
        if self._store.known(service_id):
            return None
        return next((way for way in (finder(service_id) for finder in self.finders) if way is not None), None)

    def way_to(self, address):
        """As `find`, to a recipient of any kind."""
        if address.type == "UE":
            return self.find(address.id)
        if address.type == "AS" and self._store.application_server(address.id) is not None:
            return None
        finder = self.targets.get(address.type)
        return finder and finder(address.id)

    def knows(self, address):
        """Whether something can be kept for this UE or Application Server."""
        known = self._store.application_server if address.type == "AS" else self._store.known
        return bool(known(address.id)) or self.way_to(address) is not None

    def speaker(self, caller, address):
        """The Way to a UE, or to an Application Server, that this Caller speaks for. Raises Refusal (4.03)."""
        way, id_ = self.way_to(address), address.id
        if way is None:
            words = "%s is behind no message gateway and at no other server: msgin5g server l3g add, n3g add, peer add"
            raise Refusal("4.03", words % id_)
        if caller.through != way.through:
            raise Refusal("4.03", "the token is not of %s, which %s is behind" % (way.through.id, id_))
        return way


def home_domain(service_id):
    """The home service domain in a service ID (TS 23.554 clause 6.1.1: a URI), in lower case: the host of
    `scheme://host/...`, else what is behind the last "@"; "" where there is none."""
    _, hierarchy, rest_ = service_id.partition("://")
    authority = (
        re.split(r"[/?#]", rest_)[0] if hierarchy else re.split(r"[/?#;]", service_id.rpartition("@")[2])[0]
    )
    if not hierarchy and "@" not in service_id:
        return ""
    host = authority.rpartition("@")[2]
    return re.sub(r":\d*$", "", host).lower().removesuffix(".")
