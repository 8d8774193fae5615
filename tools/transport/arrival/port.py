# SPDX-License-Identifier: MIT
"""The UDP port of a program: nobody else has it, from the first moment on, but for nodes that are told to share one.

aiocoap binds with SO_REUSEPORT. Then two programs of a user share a port without a word, and where the kernel chooses
one it may choose one that another has, for that is what the option allows.
"""

import errno
import socket

from aiocoap.transports.udp6 import MessageInterfaceUDP6, getaddrinfo


async def listen(context, host, port, reuse_port=False):
    """Makes such a port part of an aiocoap Context; its number. Raises OSError where it is taken. `reuse_port`: others
    that say so too have the same one, and the kernel gives each datagram to one of them by its source."""
    address = await anext(getaddrinfo(context.loop, context.log, "::" if host == "0.0.0.0" else host, port))
    bound = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            bound.bind(address)
        else:
            _bind(bound, address)
        # From now on sockets of the group that devices ask may have it as well (`discovery`), ours and those of a
        # program beside us.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)

        async def construct(manager):
            return await MessageInterfaceUDP6._create_transport_endpoint(
                bound, manager, context.log, context.loop
            )

        await context._append_tokenmanaged_messagemanaged_transport(construct)
    except BaseException:
        bound.close()
        raise
    return bound.getsockname()[1]


def _bind(bound, address):
    try:
        bound.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        # It may be such a socket of a program beside us, which has this option: no program's port has it for longer.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
