# SPDX-License-Identifier: MIT
"""Seeded mutated datagrams into a Site: each request is answered, none ends in an exception, nothing grows."""

import gc

import coap
from coap.aio import Site
from coap_mutation import Mutation
from common import Random
from site_scene import finished


class Served(Mutation):
    """Requests are answered by a site, without a network."""

    def __init__(self, random):
        super().__init__(random)
        self.codes = {}
        site = self.site = Site()
        site.get("/temperature", ct=0, rt="sensors")(lambda request: "21.5")
        site.post("/msgin5g", consumes=(50,))(self.post)
        site.route("/<int:n>", (coap.GET, coap.IPATCH), etag=lambda request, n: b"v")(
            lambda request, n: n and None
        )
        site.ipatch("/<name>", etag=lambda request, name: b"@")(
            lambda request, name: name + str(request.query)
        )
        site.put("/a/<path:rest>")(lambda request, rest: rest)
        site.prepare(self.endpoint)

    def post(self, request):
        return {"length": len(request.payload), "path": request.path, "value": request.json() and 1}

    def take_out(self):
        while self.endpoint.outgoing():
            pass
        while True:
            event = self.endpoint.next_event()
            if event is None:
                break
            if event[0] == coap.REQUEST:
                self.count("request")
                finished(self.site.handle(self, event[1], event[2]))

    def respond(self, incoming, message, observe=False):
        assert 64 <= message.code < 192
        self.codes[message.code] = self.codes.get(message.code, 0) + 1
        self.endpoint.respond(incoming, message, self.now)


def allocated():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def test_mutated_datagrams():
    work = Served(Random(6690))
    work.run(1500)
    before = allocated()
    work.run(2500)
    work.finish()
    growth = allocated() - before
    assert growth < 2000, growth
    assert sum(work.codes.values()) == work.kinds["request"], (work.codes, work.kinds)
    assert work.site.stats["failed"] == 0, work.site.stats
    for code in (
        coap.CONTENT,
        coap.CHANGED,
        coap.BAD_REQUEST,
        coap.NOT_FOUND,
        coap.METHOD_NOT_ALLOWED,
        coap.PRECONDITION_FAILED,
    ):
        assert work.codes.get(code), work.codes
