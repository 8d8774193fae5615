# SPDX-License-Identifier: MIT
"""What /.well-known/core says: RFC 6690 sections 4 and 4.1, examples of its section 5, RFC 7252 section 7."""

import coap
from coap.aio import Site
from common import equal
from site_scene import finished, request_for, said, site_ask

SENSORS = (
    b'</sensors>;ct=40;title="Sensor Index",'
    b'</sensors/light>;if="sensor";rt="light-lux",'
    b'</sensors/temp>;if="sensor";rt="temperature-c"'
)


def nothing(request, **captured):
    return ""


def sensors():
    """The resources of the first example of section 5.1."""
    site = Site()
    site.get("/sensors/temp", rt="temperature-c", if_="sensor")(nothing)
    site.get("/sensors/light", rt="light-lux", if_="sensor")(nothing)
    site.get("/sensors", ct=40, title="Sensor Index")(nothing)
    return site


def core(site, *queries):
    """The links, the filters given as options."""
    message = request_for(coap.GET, "/.well-known/core", options=[(coap.URI_QUERY, each) for each in queries])
    code, format, payload = said(finished(site.answer(message, None)))
    equal((code, format), ("2.05", 40))
    return payload


def targets(site, query):
    return [each.split(b">")[0][1:] for each in core(site, query).split(b",") if each]


def test_the_example_of_section_5():
    equal(core(sensors()), SENSORS)


def test_a_site_without_resources():
    # section 4: an empty payload where there is nothing to say
    equal(core(Site()), b"")


def test_a_filter_of_one_attribute():
    site = sensors()
    equal(core(site, b"rt=light-lux"), b'</sensors/light>;if="sensor";rt="light-lux"')
    equal(targets(site, b"if=sensor"), [b"/sensors/light", b"/sensors/temp"])
    equal(targets(site, b"title=Sensor Index"), [b"/sensors"])
    equal(targets(site, b"ct=40"), [b"/sensors"])
    equal(targets(site, b"href=/sensors/temp"), [b"/sensors/temp"])
    for query in (
        b"rt=light",
        b"rt=Light-lux",
        b"rt=ux",
        b"if=x",
        b"href=/",
        b"nothing=x",
        b"title=Sensor",
        b"rt=",
    ):
        equal((query, core(site, query)), (query, b""))


def test_prefixes():
    site = sensors()
    equal(targets(site, b"rt=temperature*"), [b"/sensors/temp"])
    equal(targets(site, b"title=Sensor*"), [b"/sensors"])
    equal(targets(site, b"href=/sensors*"), [b"/sensors", b"/sensors/light", b"/sensors/temp"])
    equal(targets(site, b"href=/sensors/*"), [b"/sensors/light", b"/sensors/temp"])
    equal(targets(site, b"rt=*"), [b"/sensors/light", b"/sensors/temp"])  # those that have it
    equal(targets(site, b"rt=x*"), [])
    equal(targets(site, b"rt=*c"), [])  # a star in another place is text


def test_values_that_are_lists():
    # section 4.1: relation types are separated by blanks and match one by one
    site = Site()
    site.get("/a", rt=("light-lux", "core.s"), ct=(0, 50), title="core.s light")(nothing)
    site.get("/b", rt="x light-lux")(nothing)
    equal(core(site, b"rt=core.s"), b'</a>;ct="0 50";rt="light-lux core.s";title="core.s light"')
    equal(targets(site, b"rt=light-lux"), [b"/a", b"/b"])
    equal(targets(site, b"rt=light*"), [b"/a", b"/b"])
    equal(targets(site, b"ct=50"), [b"/a"])
    for query in (b"rt=s", b"title=light", b"ct=5", b"rt=light-lux core.s"):
        equal((query, targets(site, query)), (query, []))


def test_attributes_without_a_value_and_any_other():
    site = Site()
    site.get("/a", observe=True, sz=70000, foo="bar")(nothing)
    site.get("/b", anchor="coap://192.0.2.1/x", rel="alternate", obs=False)(nothing)
    equal(core(site), b'</a>;foo="bar";obs;sz=70000,</b>;anchor="coap://192.0.2.1/x";rel="alternate"')
    equal(targets(site, b"obs=*"), [b"/a"])
    equal(targets(site, b"foo=bar"), [b"/a"])
    equal(targets(site, b"sz=70000"), [b"/a"])
    equal(targets(site, b"anchor=coap://192.0.2.1*"), [b"/b"])


def test_more_than_one_filter():
    site = sensors()
    for query in ((b"rt=light-lux", b"if=sensor"), (b"rt",), (b"",), (b"rt=\xff",)):
        message = request_for(
            coap.GET, "/.well-known/core", options=[(coap.URI_QUERY, each) for each in query]
        )
        equal((query, said(finished(site.answer(message, None)))[0]), (query, "4.00"))


def test_what_is_listed():
    site = Site()
    site.get("/hidden", listed=False)(nothing)
    site.get("/<name>")(nothing)
    site.get("/s/<int:n>", listed=("/s/1", "/s/2"), rt="s")(nothing)
    site.get("/f/<path:p>", listed=lambda: ["/f/%d" % n for n in range(2)])(nothing)
    site.get("/a%20b")(nothing)
    equal(core(site), b'</a%20b>,</f/0>,</f/1>,</s/1>;rt="s",</s/2>;rt="s"')


def test_a_target_that_is_percent_encoded():
    site = Site()
    site.get("/a%20b")(nothing)
    site.get("/x", listed=("/100%", "/" + "%20" * 300))(nothing)
    for query in (b"href=/a b", b"href=/a%20b", b"href=/a *", b"href=/a%20*"):
        equal(targets(site, query), [b"/a%20b"])
    equal(targets(site, b"href=/100%"), [b"/100%"])


def test_a_target_is_a_uri_whatever_the_pattern_looks_like():
    # RFC 6690 section 2: a target is a URI-Reference, which has neither blanks nor octets beyond ASCII (RFC 3986)
    site = Site()
    site.get("/b\xfcro 1")(nothing)
    site.get("/x", listed=["/\u20ac?a=b"])(nothing)
    equal(core(site), b"</b%C3%BCro%201>,</%E2%82%AC?a=b>")
    for query in (b"href=/b\xc3\xbcro 1", b"href=/b%C3%BCro%201", b"href=/b\xc3\xbc*", b"href=/b%C3*"):
        equal((query, targets(site, query)), (query, [b"/b%C3%BCro%201"]))


def test_a_path_with_several_methods_is_one_link():
    site = Site()
    site.put("/a", consumes=(0,), title="late")(nothing)
    site.get("/a", rt="x", observe=True)(nothing)
    site.post("/a", rt="y")(nothing)
    equal(core(site), b'</a>;obs;rt="x";title="late"')


def test_it_is_read_only():
    for code in (coap.POST, coap.PUT, coap.DELETE, coap.FETCH):
        equal(site_ask(Site(), code, "/.well-known/core"), ("4.05", None, b""))


def test_a_site_may_have_one_of_its_own():
    site = sensors()
    site.get("/.well-known/core", ct=40)(lambda request: "</x>")
    equal(core(site), b"</x>")


def test_a_pattern_for_all_paths_does_not_hide_it():
    site = Site()
    site.get("/<path:all>")(nothing)
    site.put("/<path:all>")(nothing)
    equal(core(site), b"")
    equal(site_ask(site, coap.PUT, "/.well-known/core"), ("2.04", 0, b""))
