# SPDX-License-Identifier: MIT
"""The store in a PostgreSQL database, which several programs may serve from."""

import contextlib
import threading
import time

import psycopg

from tools.store.engine.transactions import Transactions
from tools.store.families import Families
from tools.store.faults import Fault, StoreError, Unavailable
from tools.store.keys.windows import Windows
from tools.store.postgres import doubt, migrating
from tools.store.postgres.connection import TRANSACTION, Connection
from tools.store.postgres.dialect import Dialect
from tools.store.postgres.dialing import Unreached, Watchdog, dial
from tools.store.postgres.naming import masked
from tools.store.postgres.noticing import Noticing
from tools.store.postgres.restored import Restored
from tools.store.postgres.several.nodes import Nodes

_PAUSES = (0.1, 0.2, 0.5, 1.0)  # s between tries to reach the database again, the last one for ever
_COMMAND = 60  # s that a command may think within a transaction


class PostgresStore(Noticing, Restored, Nodes, Dialect, Windows, Transactions, Families):
    """The tables, in the words of the server. Opened with the database's URI; the rest is as for Store. `file` is None:
    there is none."""

    WRITES = READS = TRANSACTION
    file = None

    def __init__(self, where, serving=True, create=True, node=None):
        super().__init__()
        self.where = masked(where)
        self._uri, self._serving = where, serving
        self._db = self._main = None
        self._version = 0
        self._statements = 0  # of connections that are gone
        self._renewing = None  # the thread that looks for the database
        self._renewed = None  # the connections that it has made
        self._closed = False
        self._watchdog = Watchdog()
        self._made = False
        self.begin_noticing()
        self.begin_nodes(node)
        try:
            link = self._dial()
            try:
                self._made = migrating.migrate(link, self.where, serving or create)
                self._adopt(self._connected(link))
            except BaseException:
                link.close()
                raise
            if serving:
                self.tidy_keys()
        except Unreached as error:
            self.close()
            raise StoreError(
                "cannot reach %s as store (%s): start it, or give another --store" % (self.where, error)
            ) from None
        except (Fault, psycopg.Error) as error:
            self.close()
            raise StoreError(
                "cannot use %s as store (%s): give another --store"
                % (self.where, " ".join(str(error).split()))
            ) from error
        except BaseException:
            self.close()
            raise

    # ---- connections -------------------------------------------------------------------------------------------------

    def _dial(self, name="msgin5g"):
        """One more connection of psycopg, in autocommit. Raises Unreached, StoreError."""
        return dial(self._uri, name, 5 if self._serving else _COMMAND)

    def _connected(self, link):
        """(the main connection, the one aside or None), both ready. Raises Unreached, Fault, StoreError."""
        self._joined(link)
        main = Connection(link, self._noticed, self._written)
        main.begin_plain()
        if not self._tables:
            self.learn_tables(main.execute)
        aside = None
        if self._serving:
            aside = Connection(self._dial("msgin5g aside"))
            for each in (main, aside):
                self._watchdog.watch(each)
        return main, aside

    def _adopt(self, connections):
        main, aside = connections
        self._main = self._db = main
        self._aside = aside

    @property
    def statements(self):
        """How many answers of the database were waited for since the start."""
        return self._statements + sum(each.sent for each in (self._main, self._aside) if each is not None)

    def _lost(self):
        """Whether the database cannot be used now; what can be done for that is begun."""
        if self._renewed is not None:
            self._statements = self.statements
            for each in (self._main, self._aside):
                each.close()
            self._adopt(self._renewed)
            self.reconnects += 1
            self._renewed = self._renewing = None
            self._version += 1  # others may have gone on meanwhile
        lost = self._main.lost or (self._aside and self._aside.lost)
        if lost and self._renewing is None and not self._closed:
            self._renewing = threading.Thread(target=self._renew, name="store-renew", daemon=True)
            self._renewing.start()
        return lost

    def _renew(self):
        """In a thread: until there are new connections."""
        for each in (self._main, self._aside):
            if each is not None:
                each.cut()  # its session ends now, and not when the database notices
        tries = 0
        while not self._closed:
            link = None
            try:
                link = self._dial()
                self._renewed = self._connected(link)
                self.reached()
                return
            except (Unreached, StoreError, Fault, psycopg.Error):
                if link is not None:
                    with contextlib.suppress(psycopg.Error):
                        link.close()
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1

    def out_of_reach(self):
        """Why the store cannot be used now, as a sentence; None where it can."""
        lost = self._main.lost or (self._aside and self._aside.lost)
        return "PostgreSQL is out of reach (%s)" % lost if lost and self._renewed is None else None

    # ---- as Store ----------------------------------------------------------------------------------------------------

    def wait_for_nobody(self):
        pass

    @property
    def changes(self):
        """Grows with each row that is written."""
        return self._main.total_changes

    @property
    def version(self):
        """Another one when somebody else may have written what this program is to look at."""
        return self._version

    def note_others(self):
        """Somebody else has written, nobody knows what."""
        self._version += 1

    def reader(self):
        """A connection that only reads; another thread may use it, and whoever asked closes it."""
        try:
            link = self._dial("msgin5g reader")
            link.execute("SET default_transaction_read_only=on")
        except (Unreached, StoreError, psycopg.Error) as error:
            raise Unavailable(str(error)) from None
        return Connection(link)

    def transaction(self):
        """As of Transactions. Unavailable at once where the database is out of reach."""
        self._wait_for_no_doubt()
        self.settle()
        lost = self._lost()
        if lost:
            raise Unavailable("PostgreSQL is out of reach: %s" % lost)
        return super().transaction()

    def _wait_for_no_doubt(self):
        """Nobody waits for what becomes of a COMMIT that was cut off: Unavailable at once."""
        if self._writing is not None and self._main.lost:
            raise Unavailable("PostgreSQL is out of reach: %s" % self._main.lost)

    def resolved(self, doubt_):
        committed = doubt.committed(self._dial, doubt_, lambda: self._closed)
        if committed is None:
            return doubt_
        return None if committed else Unavailable(str(doubt_))

    def given_up(self):
        return self._main.given_up() or super().given_up()

    def savepoint(self):
        """As of Transactions."""
        if self._writing is not None:
            self._wait_for_no_doubt()
            self.settle()
        return super().savepoint() if self._db.in_transaction else self.transaction()

    def news(self):
        """What its owner should hear, as (event, its fields)."""
        if self._made:
            self._made = False
            yield "store-made", {"store": self.where}
        told = self.take_restored()
        if told:
            yield "store-restored", told

    def close(self):
        self.leave()
        self._closed = True
        self.settle()
        self._watchdog.end()
        for each in (self._aside, self._main, *(self._renewed or ())):
            if each is not None:
                each.close()
