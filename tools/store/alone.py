# SPDX-License-Identifier: MIT
"""Whose work something is, where several programs ("nodes") serve from one store: the words for it, and the answers of
a store that one program has for itself, as a file of SQLite is.

Each message leaves from one node: that which heard its recipient last, or which has the lease of an address that is
reached over HTTP. What the clock alone makes due is the work of one of them, the leader.
"""

import functools


class Alone:
    """For Store. All is this program's own work, and there is nobody to tell.

    `node`: its name, None where it has the store for itself; `leads`: whether it is the leader.
    """

    node: str | None = None
    leads = True
    statements = reconnects = (
        0  # of its database, if that is another program: how often it was asked, and was lost
    )

    @functools.cached_property
    def told(self):
        """{kind: function(payload, node that tells it)}: who hears what other nodes tell. They are called between two
        rounds of decisions, outside of any transaction. What has no node it is told by is of the store itself."""
        return {}

    def serves(self, target, now):
        """Whether what goes to this Address leaves from here."""
        return True

    def node_of(self, target, now):
        """The name of the node that serves this Address, None where none does or it is not known."""
        return None

    def tell(self, kind, payload, node=None):
        """Tells a node, or all others, with the transaction at hand: `payload` is what JSON can say."""

    def contend(self, ue):
        """In a transaction that leaves something for a UE that is not there: where it registers at another node just
        then, one of both is decided once more."""

    def may_give_back(self, is_out):
        """`is_out(Address)`: whether something is on its way to it, which is not handed to another node then."""

    def begin_serving(self, loop, wake, coap=None, http=None):
        """The program listens at these addresses, as host:port, and takes its part of the work from now on; `wake()`
        is called in the loop where there is something to `hear`."""

    def hear(self):
        """Calls who is in `told` for what has come; before a round, outside of a transaction."""

    def drain(self):
        """Nothing new begins here: the work is left to the other nodes as soon as nothing of it is out."""

    def end_serving(self):
        """The others go on at once with what was its work."""

    def nodes(self):
        """For people: of each node its name, state, addresses, whether it leads, what it has."""
        return []
