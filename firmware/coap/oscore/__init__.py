# SPDX-License-Identifier: MIT
"""OSCORE (RFC 8613): each request and response protected end to end, with keys that both sides were given.

    from coap import Endpoint
    from coap.oscore import Context, FileStorage, Security

    secret = bytes.fromhex("0102030405060708090a0b0c0d0e0f10")  # the peer has the same, and the IDs the other way round
    endpoint = Endpoint(security=Security(Context(secret, b"\\x01", b"", FileStorage("keys"))))

Imported only where it is asked for; a module of it when a name of that is first used:

    Context           one key shared with one peer
    RenewableContext  the same, which both sides make anew after one has lost its state (appendix B.2)
    Security          an Endpoint with one Context; all is protected, both ways
    Keyring           an Endpoint with several, and with plain peers beside them by a rule
    FileStorage       where sequence numbers are kept: a folder of a file system; not FAT: a power cut while it replaces
                      a file can lose it
    MemoryStorage     the same in the heap, for tests
    StateError        no sequence number can be given any more; str() says why and what to do

What a Context asks of its `storage`, which may be any object with these two calls. A name is short, of letters, digits
and "-"; each key has a file of its own, of less than 100 octets. OSError says that the storage failed: the message is
not sent, or the request not taken.

    read(name, offset, size)  return up to `size` octets from `offset`; b"" for a file that is not there
    replace(name, octets)     have all of the new octets or, should the power go before it returns, all of the old ones;
                              from when it has returned, the new ones whatever happens

A file must never be removed, nor put back to what it was, as long as its key is in use: a sequence number that is used
twice lets a listener compute on both texts. It has one Context at a time: where two share it, StateError tells one of
them so at its next write.
"""

from ..compat import const

_TYPING = const(False)
if _TYPING:  # what __getattr__ finds
    from ..errors import StateError as StateError
    from .context import Context as Context
    from .files import FileStorage as FileStorage
    from .keyring import Keyring as Keyring
    from .memory import MemoryStorage as MemoryStorage
    from .renewal import RenewableContext as RenewableContext
    from .security import Security as Security


def __getattr__(name):
    if name == "Context":
        from .context import Context as value
    elif name == "Security":
        from .security import Security as value
    elif name == "Keyring":
        from .keyring import Keyring as value
    elif name == "RenewableContext":
        from .renewal import RenewableContext as value
    elif name == "FileStorage":
        from .files import FileStorage as value
    elif name == "MemoryStorage":
        from .memory import MemoryStorage as value
    elif name == "StateError":
        from ..errors import StateError as value
    else:
        from ..compat import submodule

        value = submodule("coap.oscore", name)
    return value
