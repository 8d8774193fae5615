# SPDX-License-Identifier: MIT
"""What PostgreSQL says went wrong, as a Fault: of the whole database, of two that wrote the same, or of a row."""

from psycopg import pq

from tools.store.faults import Conflict, Fault, Unavailable

# Another transaction was first: a row that changed, a deadlock, a lock that was not given back in time, a key that is
# there now.
_CONFLICTS = {"40001", "40P01", "55P03", "23505"}
# Classes of SQLSTATE (PostgreSQL, appendix A): connection, transaction state, resources, an operator who stops it, what
# the system refuses.
_UNAVAILABLE = ("08", "25", "53", "57", "58")


def first_line(text):
    """What it says first: of a lost connection libpq goes on with what may have happened."""
    return " ".join(text.strip().partition("\n")[0].split())


def fault_of(result, link):
    """The Fault of a result that is an error; `link`: the PGconn, which says so where it is lost."""
    state = result.error_field(pq.DiagnosticField.SQLSTATE) if result is not None else None
    words = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) if result is not None else None
    text = (words or link.error_message or b"the connection is lost").decode("utf-8", "replace")
    text = first_line(text)
    if state is None:
        return Unavailable(text)
    state = state.decode()
    if state in _CONFLICTS:
        return Conflict(text)
    return (Unavailable if state.startswith(_UNAVAILABLE) else Fault)("%s (%s)" % (text, state))
