# SPDX-License-Identifier: MIT
"""Who may do what on the HTTP side: by which name they call (`hosts`), and with which bearer token (RFC 6750).

As soon as an Application Server has a token, or the HTTP side can be reached from elsewhere, each of them needs its
own, and speaks for its own AS Service ID alone. The status page is read with any token, or from this machine.
"""

import collections
import re
import time
from dataclasses import dataclass

from tools.server.flood import Flood
from tools.server.hosts import Hosts, address_of, is_loopback
from tools.wire.answers import Refusal
from tools.wire.bodies import Address
from tools.wire.identity import Peer

CHALLENGE = 'Bearer realm="msgin5g"'
_TOLD = 1  # refusals a second that are told, each reason by itself


@dataclass(frozen=True)
class Caller:
    """`peer`: its address, for events; `id`: the AS Service ID of its token, None where none is needed; `through`: the
    Address of who speaks for UEs that are not served here, by its token."""

    peer: str = ""
    id: str | None = None
    through: Address | None = None

    def must_be(self, id_):
        """Raises Refusal for another AS Service ID than its own."""
        if self.through is not None or self.id is not None and self.id != id_:
            raise Refusal("4.03", "the token is not of %s: msgin5g gateway as add" % id_)

    @property
    def about(self):
        """What events say of it."""
        return {"peer": self.peer} if self.peer else {}


ANYBODY = Caller()
OWN = Caller()  # the server itself, in the name of `Settings.own`


class RefusedError(Exception):
    """A request that goes no further: the status, and a sentence."""

    def __init__(self, status, detail, headers=None):
        super().__init__(detail)
        self.status = status
        self.headers = headers


class Callers:
    def __init__(self, store, emit, listening="127.0.0.1", names=(), clock=time.monotonic):
        self._store = store
        self._emit = emit
        self._hosts = Hosts(listening, names)
        self._clock = clock
        self._told = Flood(_TOLD)
        self.refusals = collections.Counter()  # by status
        self.open_to_others = not is_loopback(listening)

    @property
    def need_tokens(self):
        return self.open_to_others or self._store.has_tokens()

    def caller(self, request, public):
        """The Caller of a request. `public`: it only reads the status. Raises RefusedError before anything is done."""
        self.check_host(request)
        peer = _peer(request)
        given = request.headers.getall("Authorization", [])
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        token = token.strip() if scheme.lower() == "bearer" else None
        through = token and self._store.peer_of_token(token)
        if through:
            return Caller(str(peer), through=Address(*through))
        here = is_loopback(peer.host)
        if not (self.need_tokens or (_is_passed_on(request) and not here)) or (public and here):
            return Caller(str(peer))
        if token is None:
            raise RefusedError(
                401, "a bearer token is needed: msgin5g gateway as add", {"WWW-Authenticate": CHALLENGE}
            )
        id_ = self._store.owner_of_token(token)
        if id_ is None:
            headers = {"WWW-Authenticate": CHALLENGE + ', error="invalid_token"'}
            raise RefusedError(401, "the token is of no Application Server: msgin5g gateway as add", headers)
        return Caller(str(peer), id_)

    def anybody(self, request):
        """The Caller of a request that needs no token."""
        return Caller(str(_peer(request)))

    def must_be_here(self, request):
        """For what no Application Server may do: it speaks for all of them. Raises RefusedError."""
        if self.need_tokens or not is_loopback(_peer(request).host):
            raise RefusedError(403, "for this machine only, and only while no token is needed")

    def check_host(self, request):
        """Raises RefusedError for a request that is not meant for us."""
        given = request.headers.getall("Host", [])
        if len(given) != 1:  # RFC 9112 section 3.2
            raise RefusedError(400, "one Host is needed")
        local = (request.transport and request.transport.get_extra_info("sockname")) or ("",)
        authority = _authority(request.raw_path)
        if not all(self._hosts.allow(host, local[0]) for host in (authority, given[0]) if host is not None):
            raise RefusedError(
                421, "this Host is none of the gateway's: --http-host NAME lets it be called so"
            )

    def emit_refused(self, request, status, detail):
        """Rate-limited, so that somebody who tries is seen and cannot fill the log."""
        self.refusals[str(status)] += 1
        if self._told.allows(detail, self._clock()):
            reason = "%s %s: %s" % (request.method, request.path[:100], detail)
            self._emit("refused", peer=str(_peer(request)), kind="HTTP", code=str(status), reason=reason)


def _authority(target):
    """Of a request target that is a whole URI, whose host goes before the Host field (RFC 9112 3.2.2), else None."""
    if target.startswith("/") or "://" not in target:
        return None
    return re.split(r"[/?#]", target.partition("://")[2], maxsplit=1)[0]


def _peer(request):
    """Who asks. A proxy on this machine says whom it asks for: it would have all the world be here."""
    name = (request.transport and request.transport.get_extra_info("peername")) or ("", 0)
    if _is_passed_on(request) and is_loopback(name[0]):
        # What others may have written stands before what the proxy knows.
        last = request.headers.getall("X-Forwarded-For")[-1].rpartition(",")[2].strip()
        return Peer(str(address_of(last.strip("[]")) or "unknown"), 0)
    return Peer(name[0], name[1])


def _is_passed_on(request):
    return "X-Forwarded-For" in request.headers
