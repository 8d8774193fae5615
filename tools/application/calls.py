# SPDX-License-Identifier: MIT
"""What is asked of the MSGin5G Server over HTTP, and its answers in words."""

import asyncio
import urllib.parse
from pathlib import Path

import aiohttp

from tools.wire.bodies import Malformed, encode, parse
from tools.wire.outside import clean
from tools.wire.restreading import is_target
from tools.words import in_words

PATIENCE = 30  # s for one answer
LATER = {408, 425, 429, 503}  # nothing was done: the same again later
_SAID = 1 << 16  # octets of an answer that are read
_FIRST, _LONGEST = 0.5, 10  # s until it is asked again, where it does not say when


class ServerError(Exception):
    """What was asked for has not been done; the text is a sentence that says why."""


class NotReachable(ServerError):
    """Nobody answers at the server's URI."""


class Refused(ServerError):
    """The server said no. `status` is that of HTTP, 200 for a message that it takes and cannot deliver; `member` is
    what of the body it was about, or ""; `after` are the seconds until it wants to be asked again, or None."""

    def __init__(self, text, status, member="", after=None):
        super().__init__(text)
        self.status = status
        self.member = member
        self.after = after

    @property
    def passes(self):
        """Whether the same may be asked for again later."""
        return self.status in LATER


class Calls:
    """An async context manager: calls of the server at the URI `server`, with the bearer token that
    `msgin5g gateway as add` printed, where it wants one. `tell(sentence)` hears when nobody is there, and when
    somebody is again. Raises ValueError for a URI that is none."""

    def __init__(self, server, token=None, tell=None):
        if not is_target(server) or urllib.parse.urlsplit(server).query:
            raise ValueError("%r is no http:// or https:// URI of a server" % server)
        self.server = server.rstrip("/")
        self.token = token
        self._tell = tell or (lambda sentence: None)
        self._away = False
        self._http = None

    async def __aenter__(self):
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=PATIENCE), cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(self, *exception):
        http, self._http = self._http, None
        await http.close()

    async def post(self, path, body, patience=0):
        """The JSON object of the answer, and the URI of what was made or "". What passes (`LATER`, or nobody there)
        is asked again for `patience` s; a body with a msgId is one message however often it is sent. Raises
        NotReachable, Refused."""
        loop = asyncio.get_running_loop()
        end, rest = loop.time() + patience, _FIRST
        while True:
            try:
                return await self._ask("POST", self.server + path, body)
            except NotReachable:
                after = rest
                if loop.time() + after > end:
                    raise
            except Refused as refused:
                after = rest if refused.after is None else refused.after
                if not refused.passes or loop.time() + after > end:
                    raise
            await asyncio.sleep(after)
            rest = min(2 * rest, _LONGEST)

    async def delete(self, uri):
        """Ends what was made. Raises NotReachable, Refused."""
        await self._ask("DELETE", uri)

    def unreachable(self, error):
        """The NotReachable for what the network or the library says."""
        reason = clean("no answer" if isinstance(error, TimeoutError) else in_words(error))
        sentence = "nobody answers at %s: %s" % (self.server, reason)
        if not self._away:
            self._away = True
            self._tell(sentence)
        return NotReachable(sentence)

    async def _ask(self, method, uri, body=None):
        headers = {} if self.token is None else {"Authorization": "Bearer " + self.token}
        data = None if body is None else encode(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        if self._http is None:
            raise RuntimeError("it is not open: `async with` opens it, and its end closes it")
        try:
            async with self._http.request(
                method, uri, data=data, headers=headers, allow_redirects=False
            ) as response:
                octets = bytearray()
                while len(octets) <= _SAID and (piece := await response.content.readany()):
                    octets += piece
                status, location = response.status, response.headers.get("Location", "")
                after = response.headers.get("Retry-After", "")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self.unreachable(error) from None
        if self._away:
            self._away = False
            self._tell("%s answers again" % self.server)
        said = _object(octets)
        if 200 <= status < 300:
            return said, location and urllib.parse.urljoin(uri, location)  # RFC 9110 section 10.2.2
        params = said.get("invalidParams")
        member = params[0].get("param", "") if isinstance(params, list) and params else ""
        words = said.get("detail") or said.get("title") or "it says no more"
        about = " (%s)" % member if member else ""
        text = "%s says %d%s: %s" % (self.server, status, about, clean(str(words)))
        raise Refused(text, status, member, int(after[:6]) if after.isdecimal() else None)


def read_token(path):
    """The token in a file that holds what `msgin5g gateway as add` printed, or the token alone. Raises OSError, and
    ValueError where there is none."""
    lines = Path(path).read_text(encoding="ascii").splitlines()
    tokens = [line.strip() for line in lines if len(line.split()) == 1]
    if len(tokens) != 1:
        raise ValueError("it holds no token: what `msgin5g gateway as add` printed is to be in it")
    return tokens[0]


def _object(octets):
    try:
        return parse(bytes(octets))
    except Malformed:
        return {}
