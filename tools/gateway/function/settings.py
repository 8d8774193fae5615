# SPDX-License-Identifier: MIT
"""What can be set on the Gateway UE, each with its default and its reason."""

from dataclasses import dataclass

from tools.server.settings import COAP_OVERHEAD, OSCORE_OVERHEAD, SERVICE, Settings

# Whose requests for a configuration may wait: of UEs that are registered to the gateway service; of all UE IDs that the
# gateway may ask for on behalf of who asks.
REGISTERED, ALL = "registered", "all"


@dataclass(frozen=True)
class FunctionSettings:
    """Times are seconds, sizes are octets."""

    ue: str = (
        ""  # the gateway's own UE Service ID; "": the server is in this process, and knows each device itself
    )
    service: str = SERVICE
    open: bool = False  # any UE Service ID may register, not only provisioned ones
    lifetime: float = 3600  # longest registration to the gateway service
    rate: float = 1000  # requests a second of one device before 4.29, where the server does not count them
    gateway_ues: int = 1000  # registered to it at once
    bulk_interval: float = 60  # the longest that a request that may wait is held
    bulk_max: int = 16  # held at once before all of them go
    bulk_wait: float = 30  # how long a device is told to wait for its configuration
    bulk_configuration: str = ""  # REGISTERED, ALL, or nobody's
    retry_min: float = 5  # between two tries to bring a device what it waits for
    retry_max: float = 300
    abreast: int = Settings.abreast  # of `turns`: a UE gets one request at a time all the same
    abreast_all: int = Settings.abreast_all
    max_datagram: int = 1152  # toward the server
    protected: bool = False  # OSCORE toward the server needs room in a datagram

    @property
    def apart(self):
        """Whether the server is somewhere else, and believes this gateway about its devices."""
        return bool(self.ue)

    @property
    def strangers(self):
        """Requests for a configuration that are held for one host whose UEs nobody knows yet: it may invent UE IDs, and
        has a part of the room for all."""
        return max(1, self.gateway_ues // 4)

    @property
    def room(self):
        """Octets of JSON that fit one datagram to the server."""
        return self.max_datagram - COAP_OVERHEAD - (OSCORE_OVERHEAD if self.protected else 0)
