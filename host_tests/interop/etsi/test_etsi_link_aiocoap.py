# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_LINK_*) on real sockets: aiocoap's list of resources read by our client, and
ours by aiocoap, which asks as the list says."""

import aiocoap
import pytest
from aiocoap import resource
from aiocoap.util.linkformat import parse

from coap.aio import Context, Site
from coap.uri.link_format import links

from ..on_udp import HOST, aiocoap_client, aiocoap_server, free_port, run

RESOURCES = {
    "/t1": {"rt": "Type1 Type2", "if_": "If1"},
    "/t2": {"rt": "Type2 Type3", "if_": "If2"},
    "/t3": {"rt": "Type1 Type3", "if_": "foo"},
    "/link1": {},
    "/link2": {"sz": "1280"},
    "/link3": {},
    "/test": {},
    "/path": {"ct": 40},
}
TYPED = {"/t1", "/t2", "/t3"}
# number of the list: query, and the targets that pass it
FILTERS = {
    1: ("", set(RESOURCES)),
    2: ("?rt=Type1", {"/t1", "/t3"}),
    3: ("?rt=*", TYPED),
    4: ("?rt=Type2", {"/t1", "/t2"}),
    5: ("?if=If*", {"/t1", "/t2"}),
    6: ("?sz=*", {"/link2"}),
    7: ("?href=/link1", {"/link1"}),
    8: ("?href=/link*", {"/link1", "/link2", "/link3"}),
}
SUB = b"</path/sub1>,</path/sub2>"


class Described(resource.Resource):
    """A resource of aiocoap with these attributes, which answers with a text."""

    def __init__(self, attributes, payload=b"here", content_format=0):
        super().__init__()
        self._link = {name.rstrip("_"): str(value) for name, value in attributes.items()}
        self._answer = payload, content_format

    def get_link_description(self):
        return self._link

    async def render_get(self, request):
        return aiocoap.Message(payload=self._answer[0], content_format=self._answer[1])


def read(*paths):
    """What our client gets from aiocoap for each of these."""

    async def talk():
        there = {path: Described(attributes) for path, attributes in RESOURCES.items()}
        there["/path"] = Described(RESOURCES["/path"], SUB, 40)
        there["/path/sub1"] = Described({}, b"/path/sub1")
        site = resource.Site()
        there["/.well-known/core"] = resource.WKCResource(site.get_resources_as_linkheader, impl_info=None)
        for path, each in there.items():
            site.add_resource(path.strip("/").split("/"), each)
        async with aiocoap_server(there) as port, Context(host=HOST) as client:
            return [await client.get(f"coap://{HOST}:{port}{path}") for path in paths]

    return run(talk())


@pytest.mark.parametrize("number", FILTERS)
def test_td_coap_link_01_to_08_client(number):
    query, expected = FILTERS[number]
    (response,) = read("/.well-known/core" + query)
    assert (response.ok, response.content_format) == (True, 40)
    found = {bytes(target).decode() for target, _ in links(response.payload)}
    # aiocoap lists itself, too, and what is below /path; "rt=*" is for it also what has no rt
    assert found & set(RESOURCES) == (expected if number != 3 else set(RESOURCES))


def test_td_coap_link_09_client():
    core, listed, sub = read("/.well-known/core", "/path", "/path/sub1")
    assert {b"ct": b"40"} in [attributes for target, attributes in links(core.payload) if target == b"/path"]
    assert [target for target, _ in links(listed.payload)] == [b"/path/sub1", b"/path/sub2"]
    assert sub.text == "/path/sub1"


def asked(*paths):
    """What aiocoap gets from our Site for each of these."""
    site = Site()
    for path, attributes in RESOURCES.items():
        if path != "/path":
            site.get(path, **attributes)(lambda request: request.path)
    site.get("/path", ct=40)(lambda request: (SUB, 40))
    site.get("/path/sub1", listed=False)(lambda request: request.path)

    async def talk():
        port = free_port()
        async with Context(host=HOST, port=port, site=site), aiocoap_client() as client:
            return [
                await client.request(
                    aiocoap.Message(code=aiocoap.GET, uri=f"coap://{HOST}:{port}{path}")
                ).response
                for path in paths
            ]

    return run(talk())


def targets(response):
    return [each.href for each in parse(response.payload.decode()).links]


@pytest.mark.parametrize("number", FILTERS)
def test_td_coap_link_01_to_08_server(number):
    query, expected = FILTERS[number]
    (response,) = asked("/.well-known/core" + query)
    assert (response.code.dotted, response.opt.content_format) == ("2.05", 40)
    assert sorted(targets(response)) == sorted(expected)


def test_td_coap_link_09_server():
    core, listed, sub = asked("/.well-known/core?href=/path", "/path", "/path/sub1")
    assert targets(core) == ["/path"]
    assert (listed.opt.content_format, targets(listed)) == (40, ["/path/sub1", "/path/sub2"])
    assert sub.payload == b"/path/sub1"
