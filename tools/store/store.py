# SPDX-License-Identifier: MIT
"""All that a restart must not forget, in one SQLite file.

Each event of the server is on the disk (WAL, synchronous FULL), in one transaction with those that came beside it,
before its answer leaves: what was answered 2.04 survives kill -9 and a power cut.
"""

import contextlib
import json
import sqlite3

from tools import held
from tools.store import clocktables, uetables
from tools.store.alone import Alone
from tools.store.engine.transactions import Transactions
from tools.store.families import Families
from tools.store.faults import StoreError
from tools.store.gateway import apptables, fetchtables, heldtables, rekeytables, servicetables, waytables
from tools.store.keys import moved, numbers, sectables
from tools.store.messages import messagetables, quarantinetables, quotatables, seentables, settables
from tools.store.server import (
    areatables,
    bundletables,
    configtables,
    exposuretables,
    gatewaytables,
    grouptables,
    listedtables,
    listtables,
    peertables,
    reachtables,
    tokentables,
    topictables,
    traittables,
    updatetables,
)
from tools.store.sqlite import connection, generation
from tools.store.sqlite.generation import GenerationTables
from tools.store.sqlite.noticing import Noticing
from tools.store.sqlite.storefile import GENERATION, StoreFile, in_use
from tools.store.tables import SCHEMA, VERSION
from tools.words import why

_MORE = ";".join(
    each.SCHEMA
    for each in (
        apptables,
        clocktables,
        fetchtables,
        generation,
        grouptables,
        heldtables,
        areatables,
        bundletables,
        configtables,
        exposuretables,
        gatewaytables,
        messagetables,
        moved,
        numbers,
        quarantinetables,
        reachtables,
        rekeytables,
        sectables,
        seentables,
        servicetables,
        settables,
        peertables,
        tokentables,
        topictables,
        listtables,
        traittables,
        updatetables,
        uetables,
        waytables,
    )
)


class Store(Transactions, Alone, Noticing, GenerationTables, Families):
    """The store in an SQLite file. Opened with the file's path, or ":memory:".

    `serving`: for a gateway, which holds the store for itself, not for a command beside it; `create`: whether a file
    that is not there is made. Raises StoreError. `file` is its StoreFile, None for ":memory:".
    """

    WRITES = ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
    # Octets of the file, and how many of them are free.
    SIZE = (
        "SELECT page_count*page_size, freelist_count*page_size"
        " FROM pragma_page_count(), pragma_page_size(), pragma_freelist_count()"
    )
    READS = ("SAVEPOINT unit", "RELEASE unit", "ROLLBACK TO unit", "RELEASE unit")

    def __init__(self, path, serving=True, create=True):
        super().__init__()
        self.file = self._db = self._version = None
        try:
            if path != ":memory:":
                self.file = StoreFile(path, serving, create)
            elif not serving:
                raise StoreError(":memory: is a store that ends with its program: give a file, --store FILE")
            self._db = connection.connect(self.file.path if self.file else path, 5)
            self._prepare()
            if self.file:
                self.file.check()
            if self.file and serving:
                self.tidy_keys()
                self.file.restored = self.open_generation(self.file.path + GENERATION)
                self._aside = self.reader()
        except held.Held as who:
            self.close()
            raise in_use(path, who) from None
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise StoreError(
                "cannot use %s as store (%s): give another --store FILE, or move that file away"
                % (path, why(error))
            ) from error
        except BaseException:
            self.close()
            raise

    def _prepare(self):
        execute = self._db.execute
        execute("PRAGMA journal_mode=WAL")
        execute("PRAGMA synchronous=FULL")
        execute("PRAGMA foreign_keys=ON")
        execute("PRAGMA temp_store=MEMORY")  # of `noticing`
        self._make_tables()
        self.begin_lasting()

    def _make_tables(self):
        execute = self._db.execute
        version = execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            if execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError("some other program's database")
            with self.transaction():
                for statement in SCHEMA.split(";"):
                    execute(statement)
                execute("PRAGMA user_version=%d" % VERSION)
        elif version != VERSION:
            raise sqlite3.DatabaseError("version %d, this program writes version %d" % (version, VERSION))
        with self.transaction():
            for statement in _MORE.split(";"):
                execute(statement)
            quotatables.prepare(execute)
            listtables.prepare(execute)
            traittables.prepare(execute)
            listedtables.prepare(execute)
            updatetables.prepare(execute)
            if version == 0:
                self.begin_generation()

    @contextlib.contextmanager
    def erasing(self):
        """What is taken out here does not stay in the file."""
        self._db.execute("PRAGMA secure_delete=ON")
        try:
            yield
        finally:
            self._db.execute("PRAGMA secure_delete=OFF")

    def wait_for_nobody(self):
        """Where another process is writing, that is said at once: the one thread here serves all."""
        self._db.execute("PRAGMA busy_timeout=0")

    @property
    def changes(self):
        """Grows with each row that is written."""
        return self._db.total_changes

    @property
    def version(self):
        """Another one when somebody else has written."""
        if self._writing is None:  # the other connection would count our own
            self._version = self._one("PRAGMA data_version")
        return self._version

    def out_of_reach(self):
        """A sentence on why it cannot be read now, None where it can; whoever asks may do so often."""
        try:
            return None if self.version is not None else "it says nothing"
        except sqlite3.Error as error:
            return str(error)

    def reader(self):
        """A connection that only reads. Another thread may use it, and whoever asked closes it; of ":memory:" it is the
        store's own."""
        if self.file is None:
            return self._db
        reader = connection.connect(self.file.path, 0)
        reader.execute("PRAGMA query_only=ON")
        return reader

    def transaction(self):
        """As of Transactions. sqlite3.OperationalError where the file is not the one of its name any more: what went
        into it would be gone with this process."""
        if self.file and not self.file.in_place():
            error = sqlite3.OperationalError(
                "%s was moved, removed or replaced while it was served" % self.file.path
            )
            error.sqlite_errorcode = sqlite3.SQLITE_READONLY
            raise error
        return super().transaction()

    def news(self):
        """What its owner should hear, as (event, its fields)."""
        return self.file.news() if self.file else ()

    def close(self):
        self.settle()
        for each in (self._aside, self._db):
            if each:
                each.close()
        self.close_generation()
        if self.file:
            self.file.close()

    def _list(self, values):
        return json.dumps(list(values))
