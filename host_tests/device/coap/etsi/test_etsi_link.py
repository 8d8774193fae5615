# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_LINK_*): what a server has, by /.well-known/core (RFC 6690), with filters.

Our endpoint with a Site as server, octet by octet on its side of the wire; as client it asks, and reads the links.
"""

import coap
from coap.aio import Site
from coap.uri.link_format import links
from coap_scene import PEER, answer, endpoint, octets, one_event, sent
from common import equal
from site_scene import finished

# Uri-Path ".well-known" (11 octets: bb), "core" (04); then Uri-Query, 15 - 11: a delta of 4
CORE = "bb" + b".well-known".hex() + "04" + b"core".hex()


def text(request):
    return request.path


def site():
    """The resources that the list wants; `sz` is that of RFC 6690 section 3.3."""
    made = Site()
    for path, attributes in (
        ("/t1", {"rt": "Type1 Type2", "if_": "If1"}),
        ("/t2", {"rt": "Type2 Type3", "if_": "If2"}),
        ("/t3", {"rt": "Type1 Type3", "if_": "foo"}),
        ("/t4", {}),
        ("/link1", {}),
        ("/link2", {"sz": 1280}),
        ("/link3", {}),
        ("/test", {}),
    ):
        made.get(path, **attributes)(text)
    made.get("/path", ct=40)(lambda request: (b"</path/sub1>,</path/sub2>", 40))
    made.get("/path/sub1", listed=False)(text)
    made.get("/path/sub2", listed=False)(text)
    return made


def query(text):
    """The octets of Uri-Query behind those of the path."""
    if not text:
        return ""
    if len(text) < 13:
        return "%02x" % (0x40 | len(text)) + text.hex()
    return "4d %02x" % (len(text) - 13) + text.hex()


def served(path, text=b""):
    """What our server says to a GET: its Content-Format and payload."""
    device = endpoint()
    here = site()
    here.prepare(device)
    equal(answer(device, "41 01 1234 bb" + path + query(text)), [])
    _, incoming, request = one_event(device)
    device.respond(incoming, finished(here.answer(request, PEER)), 0)
    (out,) = sent(device)
    response = coap.decode(out)
    equal((out[:5], response.code), (octets("61 45 1234 bb"), coap.CONTENT))
    return response.uint(coap.CONTENT_FORMAT), bytes(response.payload)


def targets(text=b""):
    """The targets of the links that pass a filter."""
    content_format, payload = served(CORE, text)
    equal(content_format, 40)
    return [str(target, "utf-8") for target, _ in links(payload)]


def asked(text, payload):
    """The links that our client reads in this answer; its request is octet by octet what it must be."""
    device = endpoint()
    options = coap.path_options("/.well-known/core") + ([(coap.URI_QUERY, text)] if text else [])
    device.request(coap.Message(coap.GET, options=options, token=b"\xaa"), PEER, 0)
    equal(sent(device), [octets("41 01 0001 aa" + CORE + query(text))])
    equal(answer(device, "61 45 0001 aa c1 28 ff" + payload.hex()), [])
    kind, _, message = one_event(device)
    equal((kind, message.uint(coap.CONTENT_FORMAT)), (coap.RESPONSE, 40))
    return list(links(message.payload))


ONE = b'</t1>;rt="Type1 Type2";if="If1"'
LINKS = [(b"/t1", {b"rt": b"Type1 Type2", b"if": b"If1"})]


def test_td_coap_link_01_client():
    equal(asked(b"", ONE + b",</t4>"), LINKS + [(b"/t4", {})])


def test_td_coap_link_01_server():
    equal(sorted(targets()), ["/link1", "/link2", "/link3", "/path", "/t1", "/t2", "/t3", "/t4", "/test"])


def test_td_coap_link_02_client():
    equal(asked(b"rt=Type1", ONE), LINKS)


def test_td_coap_link_02_server():
    # one of several values, separated by spaces (section 4.1)
    equal(sorted(targets(b"rt=Type1")), ["/t1", "/t3"])


def test_td_coap_link_03_client():
    equal(asked(b"rt=*", ONE), LINKS)


def test_td_coap_link_03_server():
    equal(sorted(targets(b"rt=*")), ["/t1", "/t2", "/t3"])


def test_td_coap_link_04_client():
    equal(asked(b"rt=Type2", ONE), LINKS)


def test_td_coap_link_04_server():
    equal(sorted(targets(b"rt=Type2")), ["/t1", "/t2"])


def test_td_coap_link_05_client():
    equal(asked(b"if=If*", ONE), LINKS)


def test_td_coap_link_05_server():
    equal(sorted(targets(b"if=If*")), ["/t1", "/t2"])


def test_td_coap_link_06_client():
    equal(asked(b"sz=*", b"</link2>;sz=1280"), [(b"/link2", {b"sz": b"1280"})])


def test_td_coap_link_06_server():
    equal(targets(b"sz=*"), ["/link2"])


def test_td_coap_link_07_client():
    equal(asked(b"href=/link1", b"</link1>"), [(b"/link1", {})])


def test_td_coap_link_07_server():
    equal(targets(b"href=/link1"), ["/link1"])


def test_td_coap_link_08_client():
    equal(asked(b"href=/link*", b"</link1>,</link2>"), [(b"/link1", {}), (b"/link2", {})])


def test_td_coap_link_08_server():
    equal(sorted(targets(b"href=/link*")), ["/link1", "/link2", "/link3"])


def test_td_coap_link_09_client():
    # the link leads to a list, and that to what is asked for
    ((target, attributes),) = asked(b"", b"</path>;ct=40")
    equal((target, attributes), (b"/path", {b"ct": b"40"}))
    device = endpoint()
    device.request(
        coap.Message(coap.GET, options=coap.path_options(str(target, "utf-8")), token=b"\xaa"), PEER, 0
    )
    equal(sent(device), [octets("41 01 0001 aa b4" + b"path".hex())])
    answer(device, "61 45 0001 aa c1 28 ff" + b"</path/sub1>,</path/sub2>".hex())
    found = list(links(one_event(device)[2].payload))
    equal([each for each, _ in found], [b"/path/sub1", b"/path/sub2"])
    device.request(coap.Message(coap.GET, options=coap.path_options("/path/sub1"), token=b"\xaa"), PEER, 0)
    equal(sent(device), [octets("41 01 0002 aa b4" + b"path".hex() + "04" + b"sub1".hex())])


def test_td_coap_link_09_server():
    equal(served(CORE, b"href=/path"), (40, b"</path>;ct=40"))
    equal(served("b4" + b"path".hex()), (40, b"</path/sub1>,</path/sub2>"))
    equal(served("b4" + b"path".hex() + "04" + b"sub1".hex()), (0, b"/path/sub1"))
