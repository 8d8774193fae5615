# SPDX-License-Identifier: MIT
"""Several programs that serve from one database: what `store.alone` says of one, said of many.

A thread gives signs of life and looks at the others; what it sees, and what they tell, is taken between two rounds of
decisions (`hear`), so that nothing changes in the middle of one.
"""

import collections
import contextlib
import secrets
import time

import psycopg

from tools.store.alone import Alone
from tools.store.faults import DATABASE_ERRORS, StoreError
from tools.store.postgres.dialing import Unreached
from tools.store.postgres.several import members
from tools.store.postgres.several.beating import Beating
from tools.store.postgres.several.leases import Leases
from tools.store.postgres.several.wake import EVERYTHING, Wake, channel, letters
from tools.wire.bodies import Address

_LOST = (psycopg.Error, Unreached, StoreError)
_HOPS = 3  # that a notice is passed on to whom its recipient has gone
_MOST = 1000  # recipients of which it is known that they were told of


class Nodes(Alone):
    """For PostgresStore."""

    def begin_nodes(self, name):
        """Before the first connection."""
        self.node = (name or "node-" + secrets.token_hex(4)) if self._serving else None
        self.leads = not self._serving
        self._leases = Leases(self.node)
        self._members = ()
        self._state = members.STARTING
        self._wake = None  # a Wake, where it serves
        self._beating = None
        self._loop = None
        self._wake_up = lambda: None
        self._is_out = lambda address: False
        self._letters = self.kept()  # what is told with the transaction at hand: (channel, text): True
        self._told_of = collections.OrderedDict()  # Address: hops of the notice that told of it
        self._renew_all = False  # everything is to be looked at: the connection is another one
        self._now = time.time()
        self._changes_told = 0

    def _joined(self, link):
        """The session of each new main connection; before it is used."""
        if self._serving:
            members.join(link, self.node)
            self.leads, self._renew_all = False, True

    def reached(self):
        """In a thread: there are new connections; what is due is done with them."""
        self._wake_up()

    # ---- whose work --------------------------------------------------------------------------------------------------

    def serves(self, target, now):
        self._now = now
        if target.type != "UE":
            return self._leases.is_mine(target)
        registration = self.registration(target.id, now)
        if registration is None:
            mine = self.leads
        elif registration.peer is None:
            return False  # its gateway is waited for: who hears that looks for it
        else:
            mine = registration.node == self.node or (registration.node is None and self.leads)
        hops = self._told_of.pop(target, None)
        if not mine and hops is not None and hops < _HOPS:
            owner = self.node_of(target, now)
            if owner not in (None, self.node):
                self._pass_on(target, hops + 1, owner)
        return mine

    def node_of(self, target, now):
        if target.type != "UE":
            return self._leases.of(target)
        registration = self.registration(target.id, now)
        return registration and registration.node

    def contend(self, ue):
        # Whoever is second is undone, and sees what the first one has done.
        if not self._db.execute("UPDATE registration SET since=since WHERE ue=?", (ue,)).rowcount:
            self._db.execute("UPDATE device SET ue=ue WHERE ue=?", (ue,))

    def may_give_back(self, is_out):
        self._is_out = lambda key: is_out(Address(*key))

    # ---- telling -----------------------------------------------------------------------------------------------------

    def tell(self, kind, payload, node=None):
        if self.node is not None and node == self.node:
            return
        told = [(channel(node), text) for text in letters(kind, payload, self.node)]
        if self._db is not None and self._db.in_transaction:
            for each in told:
                self._letters[each] = True
        elif self._wake is not None:
            with contextlib.suppress(psycopg.Error):  # who is cut off looks at everything when it is back
                self._wake.tell(told)
        elif self._db is not None:
            for each in told:
                self._db.execute("SELECT pg_notify(?, ?)", each).fetchone()

    def whose_work(self, whose, values):
        """(whether it is to be noticed here, at other nodes); what a UE's node is, is asked once for all."""
        if not self._serving or self._leases.living <= {self.node}:
            return True, False
        if whose == "leader":
            return self.leads, not self.leads
        return True, True

    def _tell_noticed(self, collected):
        if not self._serving:
            if self._db.total_changes != self._changes_told:
                self.tell(EVERYTHING, None)
        elif collected:
            self._sort(collected)
        if self._letters:
            for each in list(self._letters):
                self._db.execute("SELECT pg_notify(?, ?)", each).fetchone()
            dict.clear(self._letters)
        if not self._serving:
            self._changes_told = self._db.total_changes

    def _sort(self, collected):
        """To each node what is its work."""
        to, owners = {}, {}
        for name, values in collected:
            whose = self._watches[name][1].whose
            if whose == "owner":
                target = Address(*values[:2])
                if target not in owners:
                    owners[target] = self._owner(target)
                node = owners[target]
                if node == self.node:
                    continue
            else:
                node = None if whose == "all" else self._leader()
            to.setdefault(node, []).append([name, list(values), 0])
        for node, told in to.items():
            self.tell("noticed", told, node)

    def _owner(self, target):
        """The node that this is to be told, this one for none, None for all."""
        owner = self.node_of(target, self._now)
        if target.type == "UE" and owner is None:
            # Of who is away nothing is out; one that is not known here may be behind somebody who is reached over HTTP.
            return self.node if self.known(target.id) else None
        return owner if owner == self.node or owner in self._leases.living else None

    def _leader(self):
        return next((each.name for each in self._members if each.leads), None)

    def _pass_on(self, target, hops, owner):
        self.tell("touch", [[*target, hops]], owner)

    # ---- hearing -----------------------------------------------------------------------------------------------------

    def begin_serving(self, loop, wake, coap=None, http=None):
        self._loop = loop
        self._wake_up = wake if loop is None else lambda: loop.call_soon_threadsafe(wake)
        self._state = members.UP
        self._beating = Beating(self._dial, self.node, self._wake_up)
        self._beating.says(self._state, coap, http)
        with contextlib.suppress(*_LOST):  # then it is done as soon as the database is back
            self._listen(Wake(self._dial("msgin5g wake"), self.node))
            self._beating.step()
            self.tell("members", None)
        if loop is not None:
            self._beating.start(loop)
        wake()

    def _listen(self, wake):
        """Hears from now on what others tell."""
        self._wake = wake
        if self._loop is not None:
            self._loop.add_reader(self._wake.descriptor, self._readable)

    def _readable(self):
        try:
            self._wake.read()
        except psycopg.Error:
            self._deaf()
        self._wake_up()

    def _deaf(self):
        """The connection is lost: there is to be another one."""
        if self._wake is not None:
            if self._loop is not None:
                self._loop.remove_reader(self._wake.descriptor)
            self._wake.close()
            self._wake = None
        self._renew_all = True

    def hear(self):
        if not self._serving or self._state == members.STARTING:
            if self._serving and not self.leads:  # before the first look: whoever is first
                self._try_to_lead()
            return
        self.settle()
        if self.out_of_reach() or self._hears_nothing():
            return
        try:
            everything = self._is_new() | self._look_at_members()
            everything |= self._leases.claim(self._wake.connection, members.CLASS)
            self._give()
        except _LOST:
            self._deaf()
            return
        for kind, payload, sender in self._wake.take():
            everything |= self._heard(kind, payload, sender)
        if everything:
            self._call(EVERYTHING, None, None)
        if self._leases.wanted:
            self._wake_up()

    def _hears_nothing(self):
        """Whether there is no connection yet to hear others by."""
        if self._wake is None:
            fresh = self._beating.listens_again()
            if fresh is not None:
                self._listen(fresh)
        return self._wake is None

    def _is_new(self):
        """Whether the connections are new, and so everything is to be looked at."""
        again, self._renew_all = self._renew_all, False
        if self._loop is None:
            self._wake.read()
        if again:
            self._leases.read(self._wake.connection)
        return again

    def _look_at_members(self):
        """Takes what the thread has seen; whether everything is to be looked at."""
        seen = self._beating.take()
        if seen is None:
            return False
        self._members, self._leases.view = seen
        living = frozenset(each.name for each in self._members if each.lives)
        serving = frozenset(each.name for each in self._members if each.serves)
        came = living - self._leases.living - {self.node}
        news = self._leases.members(living, serving)
        for each in came:  # until now it was told nothing: what it has not seen yet, it looks for once more
            self.tell(EVERYTHING, None, each)
        if not self.leads and self._state == members.UP and self._leader() is None:
            news |= self._try_to_lead()
        return news

    def _try_to_lead(self):
        try:
            self.leads = members.try_to_lead(self._main.execute)
        except DATABASE_ERRORS:
            self.leads = False
        return self.leads

    def _give(self):
        for node, keys in self._leases.give(self._wake.connection, self._is_out).items():
            self.tell("leases", [list(key) for key in keys], node)

    def _heard(self, kind, payload, sender):
        """Whether everything is to be looked at."""
        if kind == EVERYTHING or kind == "leases":
            if kind == "leases":
                for key in payload:
                    self._leases.view[tuple(key)] = self.node
            return True
        if kind == "members":
            self._beating.now()
        elif kind == "noticed":
            for name, values, hops in payload:
                if self._watches.get(name) and self._watches[name][1].whose == "owner":
                    self._was_told_of(Address(*values[:2]), hops)
                self.hear_noticed(name, tuple(values))
        elif kind == "touch":
            for type_, id_, hops in payload:
                self._was_told_of(Address(type_, id_), hops)
            self._call("touch", [each[:2] for each in payload], sender)
        else:
            self._call(kind, payload, sender)
        return False

    def _was_told_of(self, target, hops):
        self._told_of[target] = hops
        if len(self._told_of) > _MOST:
            self._told_of.popitem(last=False)

    def _call(self, kind, payload, sender):
        function = self.told.get(kind)
        if function is not None:
            function(payload, sender)

    # ---- the end -----------------------------------------------------------------------------------------------------

    def drain(self):
        if self._beating is None:
            return
        self._state = members.DRAINING
        self._beating.says(self._state)
        self._beating.now()
        self.settle()
        with contextlib.suppress(*DATABASE_ERRORS, psycopg.Error):
            if self.leads:
                members.lead_no_more(self._main.execute)
        self.leads = False
        self._leases.members(self._leases.living, self._leases.serving - {self.node})
        self.tell("members", None)
        self._wake_up()

    def end_serving(self):
        if self._beating is None:
            return
        self.drain()
        self._beating.stop()
        self._is_out = lambda key: False
        with contextlib.suppress(*DATABASE_ERRORS, psycopg.Error):
            if self._wake is not None:
                self._give()
                members.beat(self._wake.connection, self.node, members.DOWN, None, None)
                self.tell("members", None)
        self._state, self._beating = members.DOWN, None
        if self._wake is not None and self._loop is not None:
            self._loop.remove_reader(self._wake.descriptor)

    def leave(self):
        """Before the connections are closed."""
        self.end_serving()
        if self._wake is not None:
            self._wake.close()

    def nodes(self):
        leases = collections.Counter(self._leases.view.values())
        return [
            {
                "name": each.name,
                "state": each.state if each.lives else members.DOWN,
                "coap": each.coap,
                "http": each.http,
                "leads": each.leads,
                "leases": leases[each.name],
                "silent": round(each.silent, 1),
                "here": each.name == self.node,
            }
            for each in sorted(self._members, key=lambda each: each.name)
        ]
