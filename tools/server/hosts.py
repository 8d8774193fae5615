# SPDX-License-Identifier: MIT
"""Names that the HTTP side may be called by.

A web page of somebody else can have its own name lead to this machine (DNS rebinding), and then its scripts are of the
same origin as the gateway to the browser. What it cannot change is the Host that the browser sends.
"""

import ipaddress
import re

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::(\d{0,5}))?")


def name_of(text):
    """The name or address in a Host (RFC 9110 section 7.2), in its one form; None where it is none."""
    match = _HOST.fullmatch(text)
    if match is None or int(match[2] or 0) > 65535:
        return None
    name = match[1].lower()
    if name.startswith("["):
        return str(address_of(name[1:-1]) or "") or None
    return name.removesuffix(".")


def address_of(text):
    """The IP address, None for another text."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def is_loopback(host):
    """Whether only this machine can reach somebody who listens on this host."""
    found = address_of(host)
    return host.lower() == "localhost" if found is None else found.is_loopback


class Hosts:
    """`names`: those of --http-host. The loopback names and addresses belong to them, and where one listens."""

    def __init__(self, listening="", names=()):
        self._names = {"localhost"}
        for name in (listening, *names):
            found = address_of(name)
            if not (found and found.is_unspecified):
                self._names.add(str(found) if found else name.lower().removesuffix("."))

    def allow(self, host, local):
        """Whether a request with this Host is for us; `local`: the address that its connection came in at."""
        name = name_of(host)
        if name is None:
            return False
        found = address_of(name)
        # An address in the Host is no name that could be made to lead here, but it must be one of ours.
        return name in self._names or (
            found is not None and (found.is_loopback or found == address_of(local))
        )
