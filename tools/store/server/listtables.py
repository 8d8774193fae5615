# SPDX-License-Identifier: MIT
"""The topic lists of other servers in the store (TS 23.554 clause 8.8.4): who is subscribed to ours and what it was
told, what there is at others, and to which of it we are subscribed there."""

from dataclasses import dataclass

from tools.store.server.peertables import EACH, NEVER, ONCE, SERVER
from tools.wire.bodies import Address

# To ours: `list_follower`, `list_told`. To theirs: `list_at`, `list_topic`, `list_ask`, which is a subscription to a
# topic of a UE or Application Server here, or (SERVER) of this server for all of them. A subscription is asked for
# again at `renew`. `topic_here`: who is subscribed to what, of all that are served here.
SCHEMA = """
CREATE TABLE IF NOT EXISTS list_follower (
  domain TEXT PRIMARY KEY, id TEXT UNIQUE, uri TEXT, expires REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS list_told (domain TEXT, topic TEXT, PRIMARY KEY (domain, topic)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS list_at (
  domain TEXT PRIMARY KEY, id TEXT UNIQUE, location TEXT, renew REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS list_topic (domain TEXT, topic TEXT, PRIMARY KEY (domain, topic)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS list_topic_topic ON list_topic (topic);
CREATE TABLE IF NOT EXISTS list_ask (
  domain TEXT, topic TEXT, kind TEXT, id TEXT, renew REAL, PRIMARY KEY (domain, topic, kind, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS list_ask_renew ON list_ask (renew);
CREATE VIEW IF NOT EXISTS topic_here (topic, kind, id, expires) AS
  SELECT topic, 'UE', ue, expires FROM subscription
  UNION ALL SELECT topic, kind, id, expires FROM topic_follower WHERE domain=''
"""
_AT_ONCE = 64  # topics in one request
_PUT = "INSERT INTO %s (domain, topic) VALUES (?,?) ON CONFLICT DO NOTHING"
# Each of the following is a look into an index, however many there are: whether somebody here is subscribed to a topic
# at the time ?2, whether one of them is, and whether the peer ?1 has the topic in its list.
_HERE = (
    "(EXISTS (SELECT 1 FROM subscription AS s WHERE s.topic=%(topic)s AND s.expires>?2) OR EXISTS (SELECT 1 FROM"
    " topic_follower AS f WHERE f.topic=%(topic)s AND f.domain='' AND f.expires>?2))"
)
_ONE_HERE = (
    "(ask.kind='UE' AND EXISTS (SELECT 1 FROM subscription AS s WHERE s.topic=ask.topic AND s.ue=ask.id"
    " AND s.expires>?2) OR EXISTS (SELECT 1 FROM topic_follower AS f WHERE f.topic=ask.topic AND f.kind=ask.kind"
    " AND f.id=ask.id AND f.domain='' AND f.expires>?2))"
)
_THERE = "EXISTS (SELECT 1 FROM list_topic AS t WHERE t.domain=?1 AND t.topic=ask.topic)"
# By how we subscribe there. What is wanted there and not asked for: (kind, id, topic).
_NOT_ASKED = (
    " NOT EXISTS (SELECT 1 FROM list_ask AS ask WHERE ask.domain=?1 AND ask.topic=there.topic AND ask.kind=%s"
    " AND ask.id=%s AND ask.renew>?2)"
)
_DUE = {
    EACH: "SELECT DISTINCT here.kind AS kind, here.id AS id, here.topic FROM list_topic AS there JOIN topic_here AS"
    " here USING (topic) WHERE there.domain=?1 AND here.expires>?2 AND"
    + _NOT_ASKED
    % ("here.kind", "here.id"),
    ONCE: "SELECT '%s' AS kind, '' AS id, there.topic FROM list_topic AS there WHERE there.domain=?1 AND"
    % SERVER
    + _HERE % {"topic": "there.topic"}
    + " AND"
    + _NOT_ASKED % ("'%s'" % SERVER, "''"),
    NEVER: None,
}
# And whether an `ask` is still wanted.
_STILL = {
    EACH: "%s AND %s" % (_THERE, _ONE_HERE),
    ONCE: "ask.kind='%s' AND %s AND %s" % (SERVER, _THERE, _HERE % {"topic": "ask.topic"}),
    NEVER: "CAST(?2 AS DOUBLE PRECISION) IS NULL",  # none is
}

# `list_state` counts what may make something to ask or to tell: that somebody is subscribed or is not any more, and all
# that the lists say; not that a subscription was renewed. So a round of work sees at once that there is nothing.
_STATE = (
    "CREATE TABLE IF NOT EXISTS list_state (one INTEGER PRIMARY KEY, changes INTEGER)",
    "INSERT OR IGNORE INTO list_state VALUES (1, 0)",
)
_ROWS = ("topic_follower", "list_follower", "list_told", "list_at", "list_topic", "list_ask", "peer")
# One more of many subscribers of a topic changes nothing, unless a peer wants to hear of each.
_FIRST_OR_LAST = (
    " WHEN NOT EXISTS (SELECT 1 FROM subscription AS s WHERE s.topic=%(row)s.topic AND s.ue<>%(row)s.ue)"
    " OR EXISTS (SELECT 1 FROM peer WHERE topics='each')"
)
_CHANGES = (
    "INSERT ON subscription" + _FIRST_OR_LAST % {"row": "NEW"},
    "DELETE ON subscription" + _FIRST_OR_LAST % {"row": "OLD"},
    *(change + table for change in ("INSERT ON ", "DELETE ON ") for table in _ROWS),
    *("UPDATE ON " + table for table in _ROWS[1:]),
    "UPDATE OF domain ON topic_follower WHEN OLD.domain<>NEW.domain",
)


def prepare(execute):
    """Makes what is missing of that."""
    for statement in _STATE:
        execute(statement)
    for number, change in enumerate(_CHANGES):
        execute(
            "CREATE TRIGGER IF NOT EXISTS list_state_%d AFTER %s BEGIN UPDATE list_state SET changes=changes+1; END"
            % (number, change)
        )


@dataclass(frozen=True)
class ListAt:
    """Our subscription to the list of a peer. `id`: what its notifications come to; `location`: None until it has
    answered."""

    domain: str
    id: str
    location: str | None
    renew: float


class ListTables:
    """For Store, whose `_db` these methods use."""

    # ---- our list ----------------------------------------------------------------------------------------------------

    def follow_list(self, domain, id_, uri, expires):
        """In place of an earlier subscription of this peer; it is told all, unless it is told at the same URI."""
        if self._one("SELECT uri FROM list_follower WHERE domain=?", domain) != uri:
            self._db.execute("DELETE FROM list_told WHERE domain=?", (domain,))
        row = (domain, id_, uri, expires)
        self._db.execute(
            "INSERT INTO list_follower (domain, id, uri, expires) VALUES (?,?,?,?) ON CONFLICT (domain)"
            " DO UPDATE SET id=excluded.id, uri=excluded.uri, expires=excluded.expires",
            row,
        )

    def unfollow_list(self, domain):
        for table in ("list_follower", "list_told"):
            self._db.execute("DELETE FROM %s WHERE domain=?" % table, (domain,))

    def list_follower(self, id_):
        """The domain whose subscription this is, or None."""
        return self._one("SELECT domain FROM list_follower WHERE id=?", id_)

    def list_changes(self, domain, now):
        """(URI, [(topic, whether it is there now)]) of what this peer is to be told, or None."""
        uri = self._one("SELECT uri FROM list_follower WHERE domain=? AND expires>?", domain, now)
        if uri is None:
            return None
        rows = self._db.execute(
            "SELECT DISTINCT topic, 1 FROM topic_here AS here WHERE expires>?2 AND NOT EXISTS"
            " (SELECT 1 FROM list_told AS told WHERE told.domain=?1 AND told.topic=here.topic)"
            " UNION ALL SELECT topic, 0 FROM list_told AS told WHERE told.domain=?1 AND NOT %s LIMIT ?3"
            % _HERE
            % {"topic": "told.topic"},
            (domain, now, _AT_ONCE),
        ).fetchall()
        return (uri, rows) if rows else None

    def list_was_told(self, domain, topic, there):
        if there:
            self._db.execute(_PUT % "list_told", (domain, topic))
        else:
            self._db.execute("DELETE FROM list_told WHERE domain=? AND topic=?", (domain, topic))

    # ---- the lists of others -----------------------------------------------------------------------------------------

    def set_list_at(self, list_at):
        row = (list_at.domain, list_at.id, list_at.location, list_at.renew)
        self._db.execute(
            "INSERT INTO list_at (domain, id, location, renew) VALUES (?,?,?,?) ON CONFLICT (domain)"
            " DO UPDATE SET id=excluded.id, location=excluded.location, renew=excluded.renew",
            row,
        )

    def list_at(self, domain):
        """The ListAt, or None."""
        row = self._db.execute(
            "SELECT domain, id, location, renew FROM list_at WHERE domain=?", (domain,)
        ).fetchone()
        return row and ListAt(*row)

    def list_by_id(self, id_):
        """The domain of the peer whose notifications come to this, or None."""
        return self._one("SELECT domain FROM list_at WHERE id=?", id_)

    def forget_list_at(self, domain):
        for table in ("list_at", "list_topic"):
            self._db.execute("DELETE FROM %s WHERE domain=?" % table, (domain,))

    def forget_lists(self, domain):
        """All that is known of a peer, which is none any more."""
        self.unfollow_list(domain)
        self.forget_list_at(domain)
        self._db.execute("DELETE FROM list_ask WHERE domain=?", (domain,))

    def list_topic(self, domain, topic, there):
        if there:
            self._db.execute(_PUT % "list_topic", (domain, topic))
        else:
            self._db.execute("DELETE FROM list_topic WHERE domain=? AND topic=?", (domain, topic))

    def count_list(self, domain):
        return self._one("SELECT count(*) FROM list_topic WHERE domain=?", domain)

    def peers_with(self, topic):
        """The domains of peers whose list has it."""
        rows = self._db.execute("SELECT domain FROM list_topic WHERE topic=? ORDER BY domain", (topic,))
        return [domain for (domain,) in rows]

    # ---- our subscriptions at others ---------------------------------------------------------------------------------

    def asks_due(self, domain, mode, now):
        """(Address, topics) of who is to be subscribed there now, or None; once: (SERVER, "")."""
        return _DUE[mode] and self._of_one(_DUE[mode], (domain, now))

    def asks_over(self, domain, mode, now):
        """(Address, topics) of who is subscribed there and is not to be any more, or None."""
        query = "SELECT kind, id, topic FROM list_ask AS ask WHERE domain=?1 AND NOT (%s)"
        return self._of_one(query % _STILL[mode], (domain, now))

    def _of_one(self, query, values):
        rows = self._db.execute(query + " ORDER BY kind, id LIMIT %d" % _AT_ONCE, values).fetchall()
        if not rows:
            return None
        who = rows[0][:2]
        return Address(*who), [topic for *whose, topic in rows if tuple(whose) == who]

    def asked(self, domain, who, topics, renew):
        """What was asked for until then; None: it is over."""
        for topic in topics:
            if renew is None:
                self._db.execute(
                    "DELETE FROM list_ask WHERE domain=? AND topic=? AND kind=? AND id=?",
                    (domain, topic, *who),
                )
            else:
                row = (domain, topic, *who, renew)
                self._db.execute(
                    "INSERT INTO list_ask (domain, topic, kind, id, renew) VALUES (?,?,?,?,?)"
                    " ON CONFLICT (domain, topic, kind, id) DO UPDATE SET renew=excluded.renew",
                    row,
                )

    @property
    def list_changes_so_far(self):
        """Another number when something may be there to ask or to tell (`list_state`)."""
        return self._one("SELECT CAST(sum(changes) AS BIGINT) FROM list_state")

    def next_renewal(self, now):
        """When the next subscription at others is due, or None."""
        return self._one(
            "SELECT min(t) FROM (SELECT min(renew) AS t FROM list_at WHERE renew>?1"
            " UNION ALL SELECT min(renew) FROM list_ask WHERE renew>?1) AS next",
            now,
        )
