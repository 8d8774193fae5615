# SPDX-License-Identifier: MIT
"""Which UEs there are, in the store: provisioned ones, registered ones, and which of them stand behind a Gateway UE.

Registrations through a gateway (TS 24.538 clause 6.3.4) have no address of their own: they are reached where the
gateway is registered.
"""

import json
from typing import NamedTuple

from tools.store.engine.transactions import reading
from tools.store.states import IS_QUEUED, REGISTRATION
from tools.store.tables import Registration, record

# `gateway`: who is one. `gateway_ue`: who may be registered by which. `registration_via`: who is, now.
SCHEMA = """
CREATE TABLE IF NOT EXISTS gateway (ue TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gateway_ue (ue TEXT PRIMARY KEY, gateway TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gateway_ue_gateway ON gateway_ue (gateway);
CREATE TABLE IF NOT EXISTS registration_via (ue TEXT PRIMARY KEY, gateway TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS registration_via_gateway ON registration_via (gateway);
CREATE INDEX IF NOT EXISTS registration_expires ON registration (expires) WHERE live
"""

_AT_ONCE = 100  # UEs that are forgotten at a time
_REGISTER = (
    "INSERT INTO registration (ue, host, port, live, expires, since, max_segment, profile)"
    " VALUES (?,?,?,TRUE,?,?,?,?) ON CONFLICT (ue) DO UPDATE SET host=excluded.host, port=excluded.port,"
    " live=excluded.live, expires=excluded.expires, since=excluded.since, max_segment=excluded.max_segment,"
    " profile=excluded.profile"
)
_PUT_BEHIND = (
    "INSERT INTO %s (ue, gateway) VALUES (?,?) ON CONFLICT (ue) DO UPDATE SET gateway=excluded.gateway"
)
# A live registration through a gateway is reached where that one's live registration is. Which nodes have heard both
# is known where there are several (`Alone`).
_REGISTRATION = (
    "SELECT one.ue, one.host, one.port, one.expires, one.since, one.max_segment, one.profile, via.gateway, one.live,"
    " its.host, its.port, its.expires, %s FROM registration AS one LEFT JOIN registration_via AS via ON via.ue=one.ue"
    " LEFT JOIN registration AS its ON its.ue=via.gateway AND its.live WHERE one.ue=?"
)
OF_ONE_PROGRAM, OF_NODES = _REGISTRATION % "NULL, NULL", _REGISTRATION % "one.node, its.node"
_REGISTRATIONS = (
    "SELECT one.ue, coalesce(its.host, one.host), coalesce(its.port, one.port), one.expires, one.since,"
    " one.max_segment, one.profile, via.gateway FROM registration AS one"
    " LEFT JOIN registration_via AS via ON via.ue=one.ue"
    " LEFT JOIN registration AS its ON its.ue=via.gateway AND its.live AND its.expires>? WHERE "
)


class _Found(NamedTuple):
    """A registration, whatever the time is: as it stands there, and where it is reached through its gateway, as long as
    that one's registration lasts."""

    own: Registration
    live: bool
    through: Registration | None
    until: float

    def at(self, now):
        if not self.live or self.own.expires <= now:
            return None
        return self.own if self.through is None or self.until <= now else self.through


def _registration(cursor):
    row = cursor.fetchone()
    if row is None:
        return None
    ue, host, port, *more, live, its_host, its_port, until, node, its_node = row
    profile = record(more[3])
    own, through = Registration.of_row((ue, host, port, *more), profile, node), None
    if its_host is not None:
        through = Registration.of_row((ue, its_host, its_port, *more), profile, its_node)
    return _Found(own, bool(live), through, until)


def _expiries(cursor):
    return cursor.fetchall()


def _is_there(cursor):
    return cursor.fetchone() is not None


class UeTables:
    """For Store."""

    REGISTRATION = OF_ONE_PROGRAM

    # ---- provisioned -------------------------------------------------------------------------------------------------

    def add_device(self, ue):
        """False when it is there."""
        return (
            self._db.execute("INSERT INTO device (ue) VALUES (?) ON CONFLICT DO NOTHING", (ue,)).rowcount > 0
        )

    def remove_device(self, ue):
        """False when it is not there. Its registration goes with it; what it was gateway for is reached no more."""
        self._db.execute("DELETE FROM registration WHERE ue=?", (ue,))
        self._db.execute("DELETE FROM registration_via WHERE ue=?", (ue,))
        self._db.execute("DELETE FROM gateway_ue WHERE ue=? OR gateway=?", (ue, ue))
        self._db.execute("DELETE FROM gateway WHERE ue=?", (ue,))
        self._end_via("gateway=?", ue)
        self.end_availability(ue)
        self.end_monitoring(ue)
        self.drop_trigger_info(ue)
        self.forget_configurations_of(ue)
        self.unbind_keys(ue)
        self.remove_broadcaster(ue)
        self.forget_seen("UE", ue)
        self._db.execute("DELETE FROM subscription WHERE ue=?", (ue,))
        self.forget_member(ue)
        self.end_updates_of(ue)
        return self._db.execute("DELETE FROM device WHERE ue=?", (ue,)).rowcount > 0

    def devices(self):
        return [ue for (ue,) in self._db.execute("SELECT ue FROM device ORDER BY ue")]

    def provisioned(self, ue):
        return self.lasting("devices", _is_there, "SELECT 1 FROM device WHERE ue=?", ue)

    def known(self, ue):
        """Whether messages for it can be kept: provisioned, or registered at least once."""
        query = "SELECT 1 FROM registration WHERE ue=?"
        return self.lasting("registrations", _is_there, query, ue) or self.provisioned(ue)

    # ---- gateways ----------------------------------------------------------------------------------------------------

    def add_gateway(self, ue):
        """False when it is one already."""
        return (
            self._db.execute("INSERT INTO gateway (ue) VALUES (?) ON CONFLICT DO NOTHING", (ue,)).rowcount > 0
        )

    def is_gateway(self, ue):
        return self._one("SELECT 1 FROM gateway WHERE ue=?", ue) is not None

    def gateways(self):
        return [ue for (ue,) in self._db.execute("SELECT ue FROM gateway ORDER BY ue")]

    def put_behind(self, ue, gateway):
        """Lets the gateway register this UE, and no other gateway: a registration through another one is over."""
        self._db.execute(_PUT_BEHIND % "gateway_ue", (ue, gateway))
        self._end_via("ue=? AND gateway<>?", ue, gateway)

    def gateway_of(self, ue):
        """The gateway that may register this UE, or None."""
        return self._one("SELECT gateway FROM gateway_ue WHERE ue=?", ue)

    def _end_via(self, where, *values):
        """Such registrations are over, as if their time was."""
        self._db.execute(
            "UPDATE registration SET expires=0 WHERE live AND ue IN (SELECT ue FROM registration_via WHERE %s)"
            % where,
            values,
        )

    # ---- registered --------------------------------------------------------------------------------------------------

    def register(self, ue, peer, now, expires, max_segment, profile, via=None):
        """`via`: the gateway that it is reached through; its `peer` is not kept then."""
        host, port = (None, None) if via is not None else peer
        self._db.execute(
            _REGISTER,
            (ue, host, port, expires, now, max_segment, json.dumps(profile)),
        )
        self.update_here(ue, now)
        if via is None:
            self._db.execute("DELETE FROM registration_via WHERE ue=?", (ue,))
        else:
            self._db.execute(_PUT_BEHIND % "registration_via", (ue, via))

    def rebind(self, ue, peer):
        self._db.execute("UPDATE registration SET host=?, port=? WHERE ue=?", (*peer, ue))

    def end_registration(self, ue):
        """The UE stays known, its profile ends with the registration (clause 6.3.1.2.2 a)."""
        self._db.execute(
            "UPDATE registration SET live=FALSE, max_segment=NULL, profile='{}' WHERE ue=?", (ue,)
        )
        self._db.execute("DELETE FROM registration_via WHERE ue=?", (ue,))
        self.end_availability(ue)
        self.end_monitoring(ue)

    def forget_ues(self, max_ues):
        """Keeps the newest of those that are not registered, not provisioned and nobody's gateway."""
        if self._one("SELECT count(*) FROM registration") > max_ues:
            gone = self._db.execute(
                "SELECT ue FROM registration AS one WHERE NOT live"
                " AND NOT EXISTS (SELECT 1 FROM device WHERE device.ue=one.ue)"
                " AND NOT EXISTS (SELECT 1 FROM registration_via AS via WHERE via.gateway=one.ue)"
                " ORDER BY expires LIMIT ?",
                (_AT_ONCE,),
            ).fetchall()
            for (ue,) in gone:
                self.remove_device(ue)
        return self._one("SELECT count(*) FROM registration") <= max_ues

    def registration(self, ue, now=None):
        """The live registration; without `now` the last one, live or not."""
        with reading(REGISTRATION, ue):
            found = self.lasting("registrations", _registration, self.REGISTRATION, ue)
        return found and (found.own if now is None else found.at(now))

    def registrations(self, now):
        """All live ones, without their profiles."""
        query = _REGISTRATIONS + "one.live AND one.expires>? ORDER BY one.ue"
        return [Registration.of_row(row, {}) for row in self._db.execute(query, (now, now)).fetchall()]

    def ues_at(self, peer, now):
        """Those that are registered from this address, themselves: not through a gateway."""
        query = "SELECT ue, expires FROM registration WHERE host=? AND port=? AND live"
        found = self.lasting("registrations", _expiries, query, *peer)
        return frozenset([ue for ue, expires in found if expires > now])

    def waiting_behind(self, gateway):
        """Those that are registered through it, and that something is queued for."""
        query = (
            "SELECT ue FROM registration_via AS via WHERE gateway=? AND EXISTS"
            " (SELECT 1 FROM message WHERE target_type='UE' AND target=via.ue AND %s)" % IS_QUEUED
        )
        return [ue for (ue,) in self._db.execute(query, (gateway,)).fetchall()]

    def expired_registrations(self, now):
        return [
            ue
            for (ue,) in self._db.execute(
                "SELECT ue FROM registration WHERE live AND expires<=? /*claim*/", (now,)
            )
        ]
