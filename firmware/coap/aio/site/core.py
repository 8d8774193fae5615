# SPDX-License-Identifier: MIT
"""The resource /.well-known/core, which lists the others: RFC 6690 sections 4 and 4.1. Imported when it is asked
for."""

from ... import numbers
from ...uri import unescaped
from ...uri.link_format import FORMAT
from .failure import Failure
from .links import link, text
from .routes import Route

# Attributes whose value is a list with blanks between its items: RFC 6690 section 2, RFC 7252 section 7.2.1
_LISTS = ("rt", "if", "rel", "rev", "ct")


def well_known(site):
    """Return the Route of a site's /.well-known/core."""

    def handler(request):
        return document(site, _filter(request)), FORMAT

    route = Route("/.well-known/core", (numbers.GET,), handler)
    route.attributes = {"ct": FORMAT}
    return route


def document(site, wanted=None):
    """Return the links of a site as octets: all of them, or those that fit `wanted`, a (name, value)."""
    found = []
    for target, attributes in _resources(site):
        if wanted is None or _fits(target, attributes, *wanted):
            found.append(link(target, attributes))
    return b",".join(found)


def _filter(request):
    """Return (name, value) of the one filter that a request may have, None where it has none. Raise Failure."""
    queries = [value for number, value in request.options if number == numbers.URI_QUERY]
    if not queries:
        return None
    name, sign, value = queries[0].partition(b"=")
    if len(queries) > 1 or not sign:
        raise Failure(numbers.BAD_REQUEST, "one filter, NAME=VALUE or NAME=PREFIX*")
    try:
        return str(name, "utf-8"), str(value, "utf-8")
    except UnicodeError:
        raise Failure(numbers.BAD_REQUEST, "not UTF-8")


def _fits(target, attributes, name, wanted):
    if name == "href":
        # An option is decoded, a target is not; a client may mean either
        values = [target, _decoded(target)]
    elif attributes.get(name) in (None, False):
        return False
    else:
        value = text(attributes[name])
        values = value.split(" ") if name in _LISTS else [value]
    if wanted.endswith("*"):
        wanted = wanted[:-1]
        return bool([value for value in values if value.startswith(wanted)])
    return wanted in values


def _decoded(target):
    try:
        return str(unescaped(target), "utf-8")
    except ValueError:  # too long, or what `listed` gave is no path of a URI
        return target


def _resources(site):
    """Return (target, attributes) of each resource that is listed, sorted. Where several routes are for a path, what
    the first of them says of it counts."""
    found = {}
    for route in site.routes:
        if route.listed is False:
            continue
        if route.listed is True:
            paths = (route.pattern,) if route.is_exact() else ()
        else:
            paths = route.listed() if callable(route.listed) else route.listed
        for path in paths:
            attributes = found.setdefault(path, {})
            for name, value in route.attributes.items():
                attributes.setdefault(name, value)
            if route.observe:
                attributes["obs"] = True
    return [(_target(path), found[path]) for path in sorted(found)]


def _target(path):
    """Return a path as a URI has it (RFC 3986 section 2): what is no ASCII in it, and blanks, are escaped."""
    target = b""
    for octet in path.encode():
        target += bytes((octet,)) if 0x20 < octet < 0x7F else b"%%%02X" % octet
    return str(target, "utf-8")
