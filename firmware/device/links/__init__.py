# SPDX-License-Identifier: MIT
"""Links carry datagrams between the board and its peer.

Each has the same few members:

    await open()          brings the link up; OSError when it cannot be had now (it is tried again)
    peer                  address of the configured peer, known once open
    await receive()       (octets, address) of the next datagram, a buffer that is good until the next receive();
                          MemoryError when one was lost for want of memory
    send(octets, address) False when the link cannot take it now: send it again later; OSError when it is lost
    close()
    use(address)          makes this one `peer`, to send to and hear from. Only a link that can send to a group, and so
                          ask for gateways, has it
    on_back               set by the link's user; a link that can know calls it whenever it was away and is back
    dropped               how many datagrams came and were lost because there was no memory for them
    alive                 False when a task of its own has ended; a link without such tasks need not have it
"""


def __getattr__(name):
    if name == "Unsupported":  # for boards
        from msgin5g import Unsupported

        return Unsupported
    from coap.compat import submodule

    return submodule("device.links", name)
