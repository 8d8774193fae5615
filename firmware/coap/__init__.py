# SPDX-License-Identifier: MIT
"""CoAP (RFC 7252) for MicroPython: client and server in one object that never waits, bounded in memory.

`coap.aio` is that on the network, in asyncio. A client without it (`docs/coap.md` has ten programs, and the limits):

    import socket
    import time

    import coap

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer = socket.getaddrinfo("127.0.0.1", 5683)[0][-1]
    start = time.time()


    def now():
        return int((time.time() - start) * 1000)


    endpoint = coap.Endpoint()
    request = coap.Message(coap.GET, options=coap.path_options("/.well-known/core"))
    endpoint.request(request, peer, now())
    while True:
        while item := endpoint.outgoing():
            sock.sendto(*item)
        if event := endpoint.next_event():
            break
        sock.settimeout(max(1, endpoint.next_deadline() - now()) / 1000)
        try:
            endpoint.receive(*sock.recvfrom(endpoint.max_datagram + 1), now())
        except OSError:  # nothing came in time
            pass
        endpoint.poll(now())

    kind, exchange, response = event
    print(bytes(response.payload).decode() if kind == coap.RESPONSE else "no answer")
"""

from .compat import const
from .endpoint import Endpoint
from .message import Message

_TYPING = const(False)
if _TYPING:  # what __getattr__ finds
    from .errors import BusyError as BusyError
    from .errors import Error as Error
    from .errors import StateError as StateError
    from .exchange import INCOMPLETE as INCOMPLETE
    from .exchange import NOTIFICATION as NOTIFICATION
    from .exchange import PIECE as PIECE
    from .exchange import REFUSED as REFUSED
    from .exchange import REQUEST as REQUEST
    from .exchange import RESET as RESET
    from .exchange import RESPONSE as RESPONSE
    from .exchange import STALE as STALE
    from .exchange import TIMEOUT as TIMEOUT
    from .message import MessageError as MessageError
    from .message import decode as decode
    from .message import encode as encode
    from .message import uint_octets as uint_octets
    from .numbers import *
    from .uri import path_options as path_options

    __version__: str


def __getattr__(name):
    from .compat import submodule

    # coap.GET is numbers.GET: no second table of a hundred names in the heap. Not by `from`, which asks here.
    value = submodule("coap", "numbers").offered(name)
    try:
        globals()[name] = value  # found once
    except MemoryError:
        pass  # who compares a code may have none
    return value
