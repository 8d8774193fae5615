# SPDX-License-Identifier: MIT
"""How a UE can be triggered, as it says itself: `cliProfile.triInfo` of TS 24.538 clause 7.3.3.1 (TS 23.554 table
8.2.1-2)."""

from typing import NamedTuple

from tools.wire import bodies
from tools.wire.bodies import Malformed

OTHER = "OTHER"
_PROTOCOLS = ("SMS", "NIDD", OTHER)


class TriggerInfo(NamedTuple):
    """`ports`: pairs of port and protocol, at least one."""

    ue_id: str
    ports: tuple

    @property
    def port(self):
        """The one that a trigger is for: of UDP where there is one."""
        return next((port for port, protocol in self.ports if protocol == OTHER), self.ports[0][0])

    @property
    def udp_port(self):
        """None where it has none of UDP."""
        return next((port for port, protocol in self.ports if protocol == OTHER), None)


def read(profile):
    """The TriggerInfo of a `cliProfile`, None where it has none. Raises Malformed."""
    if profile.get("triInfo") is None:
        return None
    said = bodies.record(profile, "triInfo")
    try:
        ue_id = bodies.text(said, "ueId")
        if not bodies.is_service_id(ue_id):
            raise Malformed("ueId", "not 1 to 255 octets of text without control characters")
        one, many = said.get("cliPort"), said.get("cliPorts")
        if (one is None) == (many is None):
            raise Malformed("cliPort", "one of cliPort and cliPorts is needed, and not both")
        if many is None:
            return TriggerInfo(ue_id, ((_port(said, "cliPort"), OTHER),))
        if not isinstance(many, list) or not many or not all(isinstance(each, dict) for each in many):
            raise Malformed("cliPorts", "not an array of at least one object")
        return TriggerInfo(ue_id, tuple((_port(each, "portNum"), _protocol(each)) for each in many))
    except Malformed as error:
        raise Malformed("triInfo." + error.member, error.reason) from error


def _port(said, member):
    port = bodies.number(said, member, 1, 65535)
    if port is None:
        raise Malformed(member, "missing")
    return port


def _protocol(said):
    word = bodies.text(said, "Protocol", OTHER).upper()
    if word not in _PROTOCOLS:
        raise Malformed("Protocol", "not one of " + ", ".join(_PROTOCOLS))
    return word
