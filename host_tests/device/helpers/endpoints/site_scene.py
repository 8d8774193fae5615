# SPDX-License-Identifier: MIT
"""A Site without a network and without an event loop."""

import coap
from coap_scene import PEER


def request_for(code, path="/", payload=b"", options=()):
    return coap.Message(code, payload, coap.path_options(path) + list(options))


def finished(coroutine):
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


def site_answer(site, code, path="/", payload=b"", options=()):
    """The Message that the site answers with."""
    return finished(site.answer(request_for(code, path, payload, options), PEER))


def said(message):
    """Code, Content-Format and payload."""
    return coap.numbers.code_text(message.code), message.uint(coap.CONTENT_FORMAT), bytes(message.payload)


def site_ask(site, code, path="/", payload=b"", options=()):
    return said(site_answer(site, code, path, payload, options))


class SiteContext:
    """Keeps what a site responds, in place of a network."""

    def __init__(self, fails=()):
        self.responses = []
        self.fails = list(fails)

    def respond(self, incoming, message, observe=False):
        if self.fails:
            error = self.fails.pop(0)
            if error:
                raise error
        self.responses.append(message)


class SiteIncoming:
    peer = PEER
    binding = None


def site_handled(site, message, fails=()):
    """The codes and payloads of all responses to a request."""
    context = SiteContext(fails)
    finished(site.handle(context, SiteIncoming(), message))
    return [said(each) for each in context.responses]
