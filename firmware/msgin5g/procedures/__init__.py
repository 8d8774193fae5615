# SPDX-License-Identifier: MIT
"""The procedures of TS 24.538 clause 6, one in a file, and the table that makes a Client of them.

A new procedure is a file with a rules.requests.Source and `start(client)`, which gives it, and a row here.
"""

# In the order in which they get their turn to send. A row is one string, which costs a heap one object; it names
# - the module, which is imported when the procedure begins;
# - when it begins, at the latest when a message comes for it, or the application calls `client.call(name, ...)`:
#   "always": with the Client; "-": not before; else where an earlier run left something in one of these, with "+"
#   between them: lists of the message store, or files; or where this flag of the Config is set;
# - the types of message (msgType) that it takes in.
TABLE = (
    "procedures.discovery    discovers",
    "procedures.configuration fetches",
    "procedures.registration always REGRESP DEREGRESP",
    # Before those that begin anew with a registration: they are to see that there is none
    "procedures.keys         keys",
    "procedures.availability availability",
    "procedures.triggers     triggers",
    "incoming.receiver       inbox+reports+sets MSG",
    "procedures.topics       topics",
    "procedures.groups       groups",
    "procedures.stored       -",
    # SEGCOFIR is a misprint of clause 6.5.3.5
    "outgoing.sender         queue+waiting+compositions IMDN MSGRESP SEGREC SEGCONFIR SEGCOFIR",
)


def place(name):
    """Return the place in the table of the procedure whose module has this name. Raise KeyError."""
    for position, row in enumerate(TABLE):
        if row.split()[0].endswith("." + name):
            return position
    raise KeyError(name)


def place_of_type(kind):
    """Return the place in the table of the procedure that takes messages of this type, or None."""
    if not kind or " " in kind or kind == "-":  # for no condition
        return None
    wanted = b" %s " % kind.encode()
    for position, row in enumerate(TABLE):
        if kind in row and wanted in row.encode() + b" ":  # the other columns are in small letters
            return position
    return None
