# SPDX-License-Identifier: MIT
"""What a running program is started with."""

from dataclasses import dataclass, field

from tools.gateway.function.settings import FunctionSettings
from tools.server.settings import PORT, Settings
from tools.store.keys.sectables import Keys


@dataclass(frozen=True)
class Options:
    settings: Settings = field(default_factory=Settings)
    coap: tuple = ("127.0.0.1", PORT)
    http: tuple = ("127.0.0.1", 8065)
    store: str = "gateway.db"
    ack_timeout: float = 2.0
    admin: bool = False
    serial: tuple = ()  # paths of serial lines
    baudrate: int = 115200
    max_frame: int = 1152  # of an L3 message on a line
    security: str = "none"  # or "oscore"
    http_hosts: tuple = ()  # more names that the HTTP side is called by
    discovery: bool = False  # devices that ask a multicast group for a gateway hear of this one
    name: str | None = None  # the UE Service ID of the gateway, which they hear
    upstream: tuple | None = None  # (host, port) of the server, where that is another program
    upstream_keys: Keys | None = None  # the gateway's own OSCORE keys toward it
    rtscts: bool = False  # flow control of the serial lines
    pcap: str | None = None  # a file that gets what is said and heard
    tls: tuple | None = None  # (file of the certificate, file of its key or None) of the HTTP side
    ca: str | None = (
        None  # the file of who is trusted to say who is behind https://; None: as the system has it
    )
    function: dict = field(default_factory=dict)  # of FunctionSettings, what is not its default
    node: str | None = None  # its name, where several serve from one database
    reuse_port: bool = False  # other nodes of this machine listen on the same ports


class AddressInUse(OSError):
    """Which of the two, and what to say."""


class NoCapture(OSError):
    """What to say where the file of --pcap cannot be made."""


def function_settings(options, **more):
    """The FunctionSettings of a program: what the server and the Gateway UE both know is as in `settings`."""
    settings = options.settings
    known = {
        "service": settings.service,
        "open": settings.open,
        "lifetime": settings.lifetime,
        "retry_min": settings.retry_min,
        "retry_max": settings.retry_max,
        "max_datagram": settings.max_datagram,
        "rate": settings.rate,
    }
    return FunctionSettings(**(known | options.function | more))
