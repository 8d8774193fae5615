# SPDX-License-Identifier: MIT
"""Reports about a message to many, TS 23.554 clauses 8.3.4 and 8.7.4. Imported when the first one comes.

The first success delivers the message, and what follows is only counted. A failure ends nothing: others may still
report. When `report_timeout` is over without a success, the message has failed if anybody said so.
"""

import hashlib

from coap.compat import const

from ..timing import Countdown

_DIGEST = const(4)  # octets that are kept of each reporter
_MAX_REPORTERS = const(64)  # that are kept; of any further one a repeated report counts again


def count(scheduler, outgoing, reporter, success, cause, timeout, now):
    """Take one report. `reporter` is None where the wire does not say who it is; `timeout` is in seconds.

    Raise MemoryError; then it counts when it comes again.
    """
    reporters = None
    if reporter is not None:
        reporters = _with(outgoing, ("+" if success else "-") + reporter)
        if reporters is None:
            return
        outgoing.reporters = outgoing.reporters  # an attribute that is new wants memory, too
    if success and not outgoing.final:
        outgoing.cause = None
        if outgoing in scheduler.outbox.queue:
            outgoing.expires = Countdown(timeout, now)
        scheduler.end(outgoing, "delivered", None, now, True)
    kind = "success" if success else "failure"
    before = outgoing.cause
    outgoing.reports[kind] += 1
    try:
        if not outgoing.final:
            outgoing.cause = cause or "a recipient reported a failure"
            scheduler.outbox.counted(outgoing)
        scheduler.emit(outgoing, reporter, success, cause)
    except Exception:
        outgoing.reports[kind] -= 1
        outgoing.cause = before
        raise
    outgoing.reporters = reporters or outgoing.reporters  # from here on it is known


def _with(outgoing, what):
    """Return the digests of what was said, this among them; None where it was said before."""
    digest = hashlib.sha256(what.encode()).digest()[:_DIGEST]
    known = outgoing.reporters or b""
    for position in range(0, len(known), _DIGEST):
        if known[position : position + _DIGEST] == digest:
            return None
    return known + digest if len(known) < _MAX_REPORTERS * _DIGEST else known
