# SPDX-License-Identifier: MIT
"""All tables, in the words of the server, whatever database they are in.

A family of tables is a mixin that uses `self._db.execute`. Its SQL is what SQLite and PostgreSQL both understand, but
for what `postgres.translation` turns into the other's words.
"""

import json

from tools.store.clocktables import ClockTables
from tools.store.gateway.apptables import ApplicationTables
from tools.store.gateway.fetchtables import FetchTables
from tools.store.gateway.heldtables import HeldTables
from tools.store.gateway.rekeytables import RekeyTables
from tools.store.gateway.servicetables import ServiceTables
from tools.store.gateway.waytables import WayTables
from tools.store.keys.moved import MovedTable
from tools.store.keys.sectables import SecurityTables
from tools.store.messages.messagetables import MessageTables
from tools.store.messages.quarantinetables import QuarantineTables
from tools.store.messages.quotatables import QuotaTables
from tools.store.messages.seentables import SeenTables
from tools.store.messages.settables import SetTables
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
from tools.store.tables import ApplicationServer
from tools.store.uetables import UeTables
from tools.wire.bodies import Address


def _first(cursor):
    row = cursor.fetchone()
    return None if row is None else row[0]


def _application_server(cursor):
    row = cursor.fetchone()
    return row and ApplicationServer(*row)


class Families(
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
    MessageTables,
    ListedTables,
    ListTables,
    MovedTable,
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
    """For a store, which brings `_db` and what Transactions and its Noticing have; `_list(values)`: what a parameter of
    `IN (SELECT value FROM json_each(?))` is."""

    def _one(self, query, *values):
        return self.once(_first, query, *values)

    # ---- Application Servers -----------------------------------------------------------------------------------------

    def register_as(self, id_, registration, target_uri, profile):
        self._db.execute(
            "INSERT INTO application_server (id, registration, target_uri, profile) VALUES (?,?,?,?) ON CONFLICT (id)"
            " DO UPDATE SET registration=excluded.registration, target_uri=excluded.target_uri,"
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
