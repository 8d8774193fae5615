# SPDX-License-Identifier: MIT
"""A bare server of aiocoap: POST /msgin5g is answered 2.04 with what came, and nothing is kept.

`python -m tools.bench.server.echo` prints the port that it listens on.
"""

import asyncio

import aiocoap
from aiocoap import resource


class Echo(resource.Resource):
    """Gives back what it gets."""

    async def render_post(self, request):
        return aiocoap.Message(code=aiocoap.CHANGED, payload=request.payload)


async def serve():
    """For ever."""
    site = resource.Site()
    site.add_resource(["msgin5g"], Echo())
    context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", 0), transports=["udp6"])
    (interface,) = context.request_interfaces
    sock = interface.token_interface.message_interface.transport.get_extra_info("socket")
    print(sock.getsockname()[1], flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(serve())
