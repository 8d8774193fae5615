# SPDX-License-Identifier: MIT
"""Registration at a Resource Directory, and its renewal: RFC 9176. Imported by `Context.register`."""

from .. import numbers
from ..compat import const
from ..message import Message, uint_octets
from ..uri.link_format import FORMAT, links
from ..uri.whole import parse
from .waiting import sleep_ms

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from .response import Response

_NAME = const(63)  # octets of an endpoint name or a sector (section 5)
_MAX_LIFETIME = const(0xFFFFFFFF)  # s (section 5)
_DAY = const(86400)  # s between two renewals, at most
_FIRST = const(30)  # s until a registration that failed is tried again, at most; then twice as long each time
_LONGEST = const(3600)


class Registration:
    """A registration that is renewed until `close`, or until its context is closed, which leaves it in the directory
    until its lifetime is over.

    `registered`: the last try was good, so the directory has it as far as we know. `location` is what the directory
    called it, None for a simple registration. `response` is the last Response, `failure` the exception that ended the
    last try, None where a Response did. `stats` counts "registered" and "failed" tries.
    """

    def __init__(
        self, context: "Any", uri: str, query: "list[tuple[int, bytes]]", lt: int, full: bool
    ) -> None:
        self.registered = False
        self.location: str | None = None
        self.response: "Response | None" = None
        self.failure: Exception | None = None
        self.stats = {"registered": 0, "failed": 0}
        self._context = context
        self._uri = uri
        self._at = ""  # the URI of `location`
        self._query = query
        self._lt = lt
        self._full = full
        self._links: bytes | None = None  # what the directory was given
        self._failed = 0  # tries since the last good one
        self._task: "Any" = None

    async def close(self) -> None:
        """End the renewal, and delete the registration where it has a location (section 5.3.2); a simple one stays in
        the directory until its lifetime is over (section 5.1). Raise as Context.request does; then it may be called
        again."""
        if self._task is not None:
            self._context.end(self._task)
            self._task = None
        self.registered = False
        if self.location is not None:
            self.response = await self._context.delete(self._at)
            self.location = None

    async def attempt(self) -> int:
        """Register, or renew the registration. Return the seconds until the next time. Raise asyncio.CancelledError and
        MemoryError alone."""
        good = False
        failure = None
        try:
            # The second has the directory fetch /.well-known/core from here (section 5.1)
            good = await (self._write() if self._full else self._post(self._uri, self._query))
        except Exception as error:  # whatever it is, time may mend it
            failure = error
        self.registered = good
        self.failure = failure
        response = None if failure else self.response
        spread = self._context.endpoint.random(1)[0]  # of 1024: not all at once after a power cut
        if good:
            self.stats["registered"] += 1
            self._failed = 0
            # a quarter at least is left for renewals that fail
            wait = min(max(1, self._lt * 3 // 4), _DAY)
            return wait - wait * spread // 1024
        self.stats["failed"] += 1
        wait = min(max(1, min(_FIRST, self._lt // 4)) << min(self._failed, 12), _LONGEST)
        self._failed += 1
        if response is not None and response.code == numbers.SERVICE_UNAVAILABLE:
            wait = max(wait, min(response.uint(numbers.MAX_AGE, 0), _LONGEST))  # RFC 7252 section 5.9.3.4
        return wait + wait * spread // 1024

    def begin(self, wait: int) -> None:
        """Have it renewed from now on, the first time after so many seconds."""
        self._task = self._context.begin(self._renew(wait))

    async def _renew(self, wait):
        while True:
            try:
                await sleep_ms(wait * 1000)
                wait = await self.attempt()
            except MemoryError:
                wait = _FIRST  # to end here would end the renewal for good

    async def _write(self):
        """Write the links to the directory (section 5), or only renew them where they are there (section 5.3.1). Return
        whether that is done."""
        from .site.core import document

        written = document(self._context.site)
        if self.location is not None and written == self._links:
            lifetime = [(numbers.URI_QUERY, b"lt=%d" % self._lt)]
            good = await self._post(self._at, lifetime)
            if self.response.code != numbers.NOT_FOUND:
                return good
        self.location = None
        if parse(self._uri)[3]:
            uri = self._uri
        else:
            uri = await self._found()
            if uri is None:
                return False
        options = self._query + [(numbers.CONTENT_FORMAT, uint_octets(FORMAT))]
        good = await self._post(uri, options, written)
        if self.response.code == numbers.CREATED and self.response.location is not None:
            self._at = _origin(uri) + self.response.location
            self.location = self.response.location
            self._links = written
        return good

    async def _found(self):
        """Return the URI of the directory's resource for registrations, None where it has none (section 4.3)."""
        origin = _origin(self._uri)
        self.response = await self._context.get(origin + "/.well-known/core?rt=core.rd")
        if self.response.code != numbers.CONTENT:
            return None
        for target, attributes in links(self.response.payload):
            if b"core.rd" in attributes.get(b"rt", b"").split():
                uri = str(target, "utf-8")
                return origin + uri if uri.startswith("/") else uri
        raise ValueError("%s: no resource of type core.rd" % origin)

    async def _post(self, uri, options, payload=b""):
        """Make or renew the registration; return whether that is done."""
        self.response = await self._context.request(Message(numbers.POST, payload, options), uri)
        return self.response.ok


def _origin(uri):
    """Return a URI without its path."""
    return "/".join(uri.split("/", 3)[:3])


async def register(
    context: "Any", uri: str, ep: str, lt: int = 90000, full: bool = False, **parameters: str
) -> Registration:
    """Register the resources of the context's site: see Context.register."""
    if context.site is None:
        raise ValueError("a context without a site has nothing to register")
    if not 0 < len(ep.encode()) <= _NAME:
        raise ValueError("ep %r: an endpoint name has 1 to %d octets" % (ep, _NAME))
    if not 0 < lt <= _MAX_LIFETIME:
        raise ValueError("lt %r: a lifetime is 1 to %d s" % (lt, _MAX_LIFETIME))
    options = [each for each in parse(uri)[3] if each[0] in (numbers.URI_PATH, numbers.URI_QUERY)]
    if [each for each in options if each[0] == numbers.URI_QUERY]:
        raise ValueError("URI %r: parameters of the registration are keywords" % uri)
    if options:
        full = True
    elif not full:
        uri = _origin(uri) + "/.well-known/rd"
    if "base" in parameters and not full:
        raise ValueError("base: a simple registration has none (RFC 9176 section 5.1); full=True")
    query = [(numbers.URI_QUERY, ("ep=" + ep).encode()), (numbers.URI_QUERY, b"lt=%d" % lt)]
    for name in sorted(parameters):
        option = ("%s=%s" % (name, parameters[name])).encode()
        if len(option) > 255 or name == "d" and len(option) > _NAME + 2:
            raise ValueError("%s: %d octets are too many" % (name, len(option)))
        query.append((numbers.URI_QUERY, option))
    registration = Registration(context, uri, query, lt, full)
    registration.begin(await registration.attempt())
    return registration
