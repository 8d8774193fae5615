# SPDX-License-Identifier: MIT
"""The device side of the 3GPP message service for the massive IoT: TS 23.554, TS 24.538 (docs/clauses.md).

Nothing here waits or touches a socket; `device` makes a running client of it.
"""

import gc

from coap.compat import const

# A module and the names that live in it, a row in each line. A module is imported when a name of it is first asked
# for: a device is a Client or an ApplicationClient, speaks JSON or the binary messages, and has no room for the other.
_HOMES = const(
    "client Client\n"
    "application_client ApplicationClient\n"
    "events CHANGED FAILED GROUP MESSAGE REGISTRATION REPORT TOPIC TRIGGER\n"
    "config Config\n"
    "errors ClientError ConfigError Error GroupError OutboxFull"
    " StorageError StoppedError SubscriptionError Unsupported UpdateError\n"
    "wire.identifiers BodyError\n"
    "store.finished FinishedMessage\n"
    "store.outgoing Outgoing\n"
    "store.message Message\n"
    "coap.oscore.memory MemoryStorage"
)


def __getattr__(name):
    if name == "__version__":
        from coap.version import VERSION

        return VERSION
    if not str(__path__).startswith(".frozen"):  # of an image nothing is compiled, or read into the heap
        gc.collect()  # compiling wants room in one piece, and leaves what would else cut the heap in small ones
    for row in _HOMES.split("\n"):
        home, *names = row.split()
        if name in names:
            home = home if home.startswith("coap.") else "msgin5g." + home
            return getattr(__import__(home, None, None, names), name)
    from coap.compat import submodule

    return submodule("msgin5g", name)
