# SPDX-License-Identifier: MIT
"""Every error of the HTTP side is a ProblemDetails, whoever finds it: our handlers, the decisions, aiohttp itself."""

import json
import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tools.server.isolation import reason_of
from tools.wire import rest
from tools.wire.answers import Refusal
from tools.wire.bodies import Malformed
from tools.wire.outside import clean

CONTENT_TYPE = "application/problem+json"
KEPT = ("Allow", "Retry-After")  # of the headers of an answer that aiohttp made
RENAMED = {
    413: "Content Too Large",
    414: "URI Too Long",
    422: "Unprocessable Content",
}  # RFC 9110 section 15.5

_MORE = {404: "there is nothing here: /openapi.json says what is", 405: "Allow says what can be done here"}


def body(status, detail="", member=""):
    """ProblemDetails of a status."""
    try:
        title = RENAMED.get(status) or HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    return rest.problem(status, title, detail, member)


def problem(status, detail="", member="", headers=None):
    return web.json_response(
        body(status, detail, member), status=status, content_type=CONTENT_TYPE, headers=headers
    )


def raw(status, detail):
    """The octets of an answer to what is not yet a request; the connection ends with it."""
    octets = json.dumps(body(status, detail)).encode()
    head = "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    return (head % (status, HTTPStatus(status).phrase, CONTENT_TYPE, len(octets))).encode() + octets


def _kept(response):
    return {name: response.headers[name] for name in KEPT if name in response.headers}


@web.middleware
async def problems(request, handler):
    """Every error of a handler is a ProblemDetails."""
    try:
        return await handler(request)
    except Malformed as error:
        return problem(400, error.reason, error.member)
    except Refusal as refusal:
        answer = refusal.answer
        headers = {"Retry-After": str(answer.max_age)} if answer.max_age else None
        status = int(answer.code[0]) * 100 + int(answer.code[2:])
        return problem(status, answer.diagnostic, headers=headers)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem(error.status, _MORE.get(error.status, error.reason), headers=_kept(error))
    except Exception as error:  # the transaction is over by now: an error changes nothing of what it kept
        logging.getLogger(__name__).error("%s %s: %s", request.method, request.path, reason_of(error))
        return problem(500, "an error of the gateway's own; it is told there")


class Protocol(web.RequestHandler):
    """aiohttp's side of a connection. What it answers by itself, to what is no HTTP or what no handler is asked about,
    is a ProblemDetails as well."""

    __slots__ = ()

    def log_exception(self, *arguments, exc_info=None, **more):
        """What is no HTTP is a mistake of who sent it, and the answer says so: nobody fills a log with that."""
        if not isinstance(exc_info, HttpProcessingError):
            super().log_exception(*arguments, exc_info=exc_info, **more)

    async def finish_response(self, request, resp, *arguments):
        if resp is not None and resp.status >= 400 and resp.content_type != CONTENT_TYPE:
            words = " ".join((getattr(resp, "text", None) or "").split())
            answer = problem(resp.status, clean(words), headers=_kept(resp))
            if resp.keep_alive is False:
                answer.force_close()
            resp = answer
        return await super().finish_response(request, resp, *arguments)
