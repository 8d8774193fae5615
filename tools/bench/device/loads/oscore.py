# SPDX-License-Identifier: MIT
# Runs on MicroPython. A POST to /msgin5g into octets and out of them, plain and protected.
from coap import CONTENT_FORMAT, POST, Message, decode, encode, path_options
from coap.oscore.context import Context, read_request_option
from msgin5g import MemoryStorage

SECRET = bytes(16)
SALT = bytes(8)
client = Context(SECRET, b"\x00", b"", MemoryStorage(), SALT)
server = Context(SECRET, b"", b"\x00", MemoryStorage(), SALT)
server._window.begin(-1)


def message(size):
    options = path_options("/msgin5g") + [(CONTENT_FORMAT, b"\x32")]
    return Message(POST, bytes(size), options, token=bytes(4))


def write_plain(size):
    return encode(message(size))


def write_protected(size):
    return encode(client.protect_request(message(size))[0])


def read_plain(datagram):
    return decode(datagram)


def read_protected(datagram):
    outer = decode(datagram)
    piv, kid, id_context = read_request_option(outer)
    assert server.is_for(kid, id_context)
    return server.unprotect_request(outer, piv)
