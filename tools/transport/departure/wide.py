# SPDX-License-Identifier: MIT
"""Several requests to one address at once."""

from aiocoap import error


def widen(manager):
    """Lets several requests to one address be on the way at once (NSTART above 1, RFC 7252 section 4.7): those of many
    devices go to one server. aiocoap knows one at a time only. One that is not answered ends by itself."""
    retransmit = manager._retransmit
    tokens = manager.token_manager

    def retransmitting(message, timeout, counter):
        if counter < message.transport_tuning.MAX_RETRANSMIT:
            retransmit(message, timeout, counter)
            return
        _, timer = manager._active_exchanges.pop((message.remote, message.mid))
        timer.cancel()
        pipe = tokens.outgoing_requests.get((message.token, message.remote))
        if pipe is not None:
            pipe.add_exception(error.ConRetransmitsExceeded("Retransmissions exceeded"))

    manager._backlogs = _NoBacklog()
    manager._continue_backlog = lambda remote: None
    manager._retransmit = retransmitting


class _NoBacklog(dict):
    """No message ever waits for the exchange of another."""

    def __contains__(self, remote):
        return False

    def __setitem__(self, remote, waiting):
        pass
