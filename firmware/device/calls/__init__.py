# SPDX-License-Identifier: MIT
"""Calls of a running client that most applications never make: each module is imported with the first of its calls."""

# A module, and the calls of a client that are functions there, the client their first argument
_CALLS = (
    "groups groups join leave group_members",
    "applications application",
)


def bound(client, name):
    """Return the call of this name, as if it were a method of the client. Raise AttributeError."""
    for row in _CALLS:
        home, *names = row.split()
        if name in names:
            function = getattr(__import__("device.calls." + home, None, None, names), name)
            return lambda *arguments, **options: function(client, *arguments, **options)
    raise AttributeError("'RunningClient' object has no attribute '%s'" % name)
