# SPDX-License-Identifier: MIT
"""All that a restart must not forget, in one SQLite file.

Each event of the server is on the disk (WAL, synchronous FULL), in one transaction with those that came beside it,
before its answer leaves: what was answered 2.04 survives kill -9 and a power cut.
"""

import contextlib
import json
import sqlite3

from tools import held
from tools.store import clocktables, sectables, transactions, uetables
from tools.store.alone import Alone
from tools.store.clocktables import ClockTables
from tools.store.gateway import apptables, fetchtables, heldtables, rekeytables, servicetables, waytables
from tools.store.gateway.apptables import ApplicationTables
from tools.store.gateway.fetchtables import FetchTables
from tools.store.gateway.heldtables import HeldTables
from tools.store.gateway.rekeytables import RekeyTables
from tools.store.gateway.servicetables import ServiceTables
from tools.store.gateway.waytables import WayTables
from tools.store.generation import GenerationTables
from tools.store.messages import messagetables, quarantinetables, quotatables, seentables, settables
from tools.store.messages.messagetables import MessageTables
from tools.store.messages.quarantinetables import QuarantineTables
from tools.store.messages.quotatables import QuotaTables
from tools.store.messages.seentables import SeenTables
from tools.store.messages.settables import SetTables
from tools.store.noticing import Noticing
from tools.store.sectables import SecurityTables
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
from tools.store.server.areatables import AreaTables
from tools.store.server.bundletables import BundleTables
from tools.store.server.configtables import ConfigurationTables
from tools.store.server.exposuretables import ExposureTables
from tools.store.server.gatewaytables import GatewayTables
from tools.store.server.grouptables import GroupTables
from tools.store.server.listedtables import ListedTables
from tools.store.server.listtables import ListTables
from tools.store.server.peertables import PeerTables
from tools.store.server.reachtables import ReachTables
from tools.store.server.tokentables import TokenTables
from tools.store.server.topictables import TopicTables
from tools.store.server.traittables import TraitTables
from tools.store.server.updatetables import UpdateTables
from tools.store.states import IS_HELD, IS_MORTAL
from tools.store.storefile import GENERATION, StoreError, StoreFile, in_use
from tools.store.tables import SCHEMA, VERSION, ApplicationServer
from tools.store.transactions import Transactions
from tools.store.uetables import UeTables
from tools.wire.bodies import Address
from tools.words import why

_MORE = ";".join(
    each.SCHEMA
    for each in (
        apptables,
        clocktables,
        fetchtables,
        grouptables,
        heldtables,
        areatables,
        bundletables,
        configtables,
        exposuretables,
        gatewaytables,
        messagetables,
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


def _first(cursor):
    row = cursor.fetchone()
    return None if row is None else row[0]


def _of_known(function):
    def call(*values):
        return None if None in values else function(values)

    return call


def _application_server(cursor):
    row = cursor.fetchone()
    return row and ApplicationServer(*row)


class Store(
    Transactions,
    Alone,
    ApplicationTables,
    ClockTables,
    FetchTables,
    GroupTables,
    HeldTables,
    AreaTables,
    BundleTables,
    ConfigurationTables,
    ExposureTables,
    GatewayTables,
    GenerationTables,
    MessageTables,
    ListedTables,
    ListTables,
    Noticing,
    PeerTables,
    QuarantineTables,
    QuotaTables,
    ReachTables,
    RekeyTables,
    SecurityTables,
    SeenTables,
    ServiceTables,
    SetTables,
    TokenTables,
    TopicTables,
    TraitTables,
    UpdateTables,
    UeTables,
    WayTables,
):
    """The tables, in the words of the server. Opened with the file's path, or ":memory:".

    `serving`: for a gateway, which holds the store for itself, not for a command beside it; `create`: whether a file
    that is not there is made. Raises StoreError. `file` is its StoreFile, None for ":memory:".
    """

    def __init__(self, path, serving=True, create=True):
        super().__init__()
        self.file = self._db = self._version = None
        try:
            if path != ":memory:":
                self.file = StoreFile(path, serving, create)
            elif not serving:
                raise StoreError(":memory: is a store that ends with its program: give a file, --store FILE")
            self._db = self._connect(self.file.path if self.file else path, 5)
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

    @staticmethod
    def _connect(path, timeout):
        """A COMMIT may run in another thread; one at a time uses it (`transactions.Shared`)."""
        connection = sqlite3.connect(
            path,
            isolation_level=None,
            timeout=timeout,
            check_same_thread=False,
            cached_statements=512,
            factory=transactions.Connection,
        )
        for name, function in (("least", min), ("greatest", max)):  # as other engines call them
            connection.create_function(name, -1, _of_known(function), deterministic=True)
        return connection

    @staticmethod
    def _list(values):
        """What stands for the parameter of json_each."""
        return json.dumps(values)

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
        """What is taken out here does not stay in the file. Not in a transaction."""
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

    def reader(self):
        """A connection that only reads. Another thread may use it, and whoever asked closes it; of ":memory:" it is the
        store's own."""
        if self.file is None:
            return self._db
        connection = self._connect(self.file.path, 0)
        connection.execute("PRAGMA query_only=ON")
        return connection

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

    def close(self):
        self.settle()
        for connection in (self._aside, self._db):
            if connection:
                connection.close()
        self.close_generation()
        if self.file:
            self.file.close()

    def _one(self, query, *values):
        return self.once(_first, query, *values)

    # ---- Application Servers -----------------------------------------------------------------------------------------

    def register_as(self, id_, registration, target_uri, profile):
        self._db.execute(
            "INSERT INTO application_server (id, registration, target_uri, profile) VALUES (?,?,?,?)"
            " ON CONFLICT (id) DO UPDATE SET registration=excluded.registration, target_uri=excluded.target_uri,"
            " profile=excluded.profile",
            (id_, registration, target_uri, json.dumps(profile)),
        )

    def deregister_as(self, registration):
        """The AS Service ID, or None."""
        found = self._one("SELECT id FROM application_server WHERE registration=?", registration)
        if found is not None:
            self._end_as(found)
        return found

    def remove_as(self, id_):
        self.forget_seen("AS", id_)
        self._end_as(id_)

    def _end_as(self, id_):
        """Its subscriptions to topics are those of a registration."""
        self.unfollow_all(Address("AS", id_))
        self._db.execute("DELETE FROM as_use WHERE id=?", (id_,))
        self._db.execute("DELETE FROM application_server WHERE id=?", (id_,))

    def application_server(self, id_):
        query = "SELECT id, registration, target_uri FROM application_server WHERE id=?"
        return self.lasting("servers", _application_server, query, id_)

    def application_servers(self):
        rows = self._db.execute("SELECT id, registration, target_uri FROM application_server ORDER BY id")
        return [ApplicationServer(*row) for row in rows]

    # ---- clocks ------------------------------------------------------------------------------------------------------

    def deadline(self):
        """When the next registration or message is over, or None."""
        return self._one(
            "SELECT min(t) FROM (SELECT min(expires) AS t FROM registration WHERE live"
            " UNION ALL SELECT min(expires) FROM message WHERE %s"
            " UNION ALL SELECT min(expires) FROM quarantine"
            " UNION ALL SELECT min(hold_until) FROM message WHERE %s) AS due" % (IS_MORTAL, IS_HELD)
        )
