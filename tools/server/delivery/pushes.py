# SPDX-License-Identifier: MIT
"""What the decisions hand to the transports (Push), what comes back (Outcome), and a whole message before it is
queued."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tools.store.states import MESSAGE, RECIPIENT
from tools.wire.bodies import Address

# Answers that will be the same next time: the message ends as failed (4.00, 4.02 to 4.06, 4.13, 4.15, 4.22, 5.01).
FINAL = {"4.00", "4.02", "4.03", "4.04", "4.05", "4.06", "4.13", "4.15", "4.22", "5.01"}

NOT_FOUND, TOO_LARGE, GATEWAY_TIMEOUT = "4.04", "4.13", "5.04"

# Verdicts of an Outcome.
DONE, REFUSED, LATER = "done", "refused", "later"
BROKEN = "broken"  # sending it raised an error of the gateway's own
UNSENT = "unsent"  # it was behind another one, and did not go out after that


@dataclass(frozen=True)
class Item:
    """A whole message that the server answers for. `whole`: msgId of the aggregated message that it is a piece of."""

    origin: Address
    target: Address
    head: dict
    parts: list
    store_forward: bool = False
    expires: float | None = None
    origin_set: str = ""
    peer: str = ""  # where it came from over HTTP, for events
    through: Address | None = (
        None  # who brought it, where that was neither its originator nor a gateway of UEs here
    )
    priority: str = "NORMAL"  # or "HIGH", "LOW"
    whole: str = ""

    @property
    def names(self):
        """The msgIds that its originator knows it by."""
        listed = self.head.get("msgList", ()) if self.whole else ()
        return [each["msgId"] for each in listed] or [self.head["msgId"]]


class Outcome(NamedTuple):
    """What came of a Push: DONE, REFUSED for good, LATER, or BROKEN, which is LATER until it is once too often; UNSENT
    says nothing of its recipient.

    `answered`: by its recipient. Where a gateway answered that it did not, it is `behind` that gateway. `said`: the
    JSON object of an answer over HTTP, where the Push has a `way`. `stored`: who took it will deliver it later.
    """

    verdict: str
    detail: str = ""
    max_age: float | None = None
    answered: bool = True
    behind: bool = False
    said: dict | None = None
    stored: bool = False
    cut: bool = False  # its window ended before a whole exchange was over
    location: str = ""  # of what was made, over HTTP

    @classmethod
    def of_coap(cls, code, diagnostic="", max_age=None):
        """From a response code such as "2.04"."""
        verdict = DONE if code.startswith("2.") else REFUSED if code in FINAL else LATER
        silent = code == GATEWAY_TIMEOUT
        return cls(verdict, ("%s %s" % (code, diagnostic)).strip(), max_age, not silent, silent)

    def says(self, code):
        """Whether it is this response code."""
        return self.detail.partition(" ")[0] == code


@dataclass(frozen=True)
class Push:
    """One request to be sent: to a UE's Peer, or to the URI of an Application Server or of who else is reached over
    HTTP (`way`, of `server.elsewhere`). Where the UE is registered through a gateway (`via`), the Peer and the keys are
    the gateway's.

    It carries a message of the queues (`row`, and the number of its `part`); or it is a request of a procedure's own,
    which hears what came of it (`of`) and may name the unit of `isolation` that it belongs to (`about`: kind, key).
    """

    target: Address
    where: object
    kind: str
    lane: int
    body: dict
    row: int | None = None
    part: int | None = None
    of: object = field(default=None, repr=False)
    about: tuple | None = None
    joined: tuple = ()  # ids of all messages that it carries, where those are several
    via: str | None = None
    back: str = ""  # it is no request, but one more response, `answer`, to the request that this is of
    answer: object = field(default=None, repr=False)
    way: object = field(default=None, repr=False)
    until: float | None = None  # when its recipient listens no longer
    method: str = ""  # of HTTP, where it asks the network: what is answered counts
    octets: bytes | None = field(default=None, repr=False)  # they go as one bare datagram
    origin: Address | None = None  # whose order it is part of
    window: int = 1  # segments of its message that may be out at once
    number: int = 0  # of `turns.begin`: grows with each
    behind: int = (
        0  # `number` of the one before it, of the same originator: it goes once that was answered for good
    )

    @property
    def through(self):
        """The Address of who takes it for its recipient, or None."""
        if self.way is not None:
            return self.way.through
        return None if self.via is None else Address("UE", self.via)

    @property
    def unit(self):
        """What of `isolation` it belongs to."""
        if self.row is None:
            return self.about or (RECIPIENT, self.target.key)
        return MESSAGE, self.row
