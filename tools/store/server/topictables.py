# SPDX-License-Identifier: MIT
"""Who is subscribed to which Messaging Topic, in the store: UEs here, and the others that follow one."""

from tools.store.tables import record
from tools.wire.bodies import Address
from tools.wire.outside import LAST

# `topic_follower`: Application Servers (kind AS), and those of other servers: UEs (UE), or one of them for all its UEs
# (SERVER); `domain` is the other server's, "" here.
SCHEMA = """
CREATE TABLE IF NOT EXISTS subscription (
  topic TEXT, ue TEXT, expires REAL, PRIMARY KEY (topic, ue)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS subscription_ue ON subscription (ue);
CREATE INDEX IF NOT EXISTS subscription_expires ON subscription (expires);
CREATE TABLE IF NOT EXISTS topic_follower (
  topic TEXT, kind TEXT, id TEXT, domain TEXT, expires REAL, PRIMARY KEY (topic, kind, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS topic_follower_id ON topic_follower (kind, id);
CREATE INDEX IF NOT EXISTS topic_follower_expires ON topic_follower (expires);
CREATE INDEX IF NOT EXISTS topic_follower_domain ON topic_follower (domain, kind)
"""


def _was_sent_to(head, kind, name):
    try:
        to = record(head).get("oriDestAddr")
    except (TypeError, ValueError):
        return False
    return isinstance(to, dict) and to.get("destAddrType") == kind and to.get("addr") == name


class TopicTables:
    """For Store, whose `_db` these methods use."""

    def subscribe(self, topic, ue, expires):
        """A topic is there as long as somebody is subscribed to it."""
        self._db.execute(
            "INSERT INTO subscription (topic, ue, expires) VALUES (?,?,?)"
            " ON CONFLICT (topic, ue) DO UPDATE SET expires=excluded.expires",
            (topic, ue, expires),
        )

    def unsubscribe(self, topic, ue):
        """What waits for the UE from this topic goes as well."""
        self._db.execute("DELETE FROM subscription WHERE topic=? AND ue=?", (topic, ue))
        self.drop_sent_to("TOPIC", topic, Address("UE", ue))

    def drop_sent_to(self, kind, name, target):
        """What waits for a recipient from a topic or a group (kind TOPIC or GROUP): how many messages there were."""
        rows = self._db.execute(
            "SELECT id, head FROM message WHERE target_type=? AND target=? AND kind='MSG'", tuple(target)
        ).fetchall()
        gone = [id_ for id_, head in rows if _was_sent_to(head, kind, name)]
        self._db.executemany("DELETE FROM message WHERE id=?", [(id_,) for id_ in gone])
        return len(gone)

    def subscribers(self, topic, now):
        query = "SELECT ue FROM subscription WHERE topic=? AND expires>? ORDER BY ue"
        return [ue for (ue,) in self._db.execute(query, (topic, now))]

    def topics_of(self, ue, now):
        """{topic: when it ends}"""
        query = "SELECT topic, expires FROM subscription WHERE ue=? AND expires>? ORDER BY topic"
        return dict(self._db.execute(query, (ue, now)).fetchall())

    def subscriptions(self, now):
        """(topic, who, expires) of all, for people."""
        query = (
            "SELECT topic, ue, expires FROM subscription WHERE expires>?"
            " UNION ALL SELECT topic, id, expires FROM topic_follower WHERE expires>? ORDER BY 1, 2"
        )
        return self._db.execute(query, (now, now)).fetchall()

    def next_end(self):
        """When the next subscription is over, or None."""
        return self._one(
            "SELECT min(t) FROM (SELECT min(expires) AS t FROM subscription"
            " UNION ALL SELECT min(expires) FROM topic_follower) AS next"
        )

    def forget_subscriptions(self, now):
        """Those that are over."""
        self._db.execute("DELETE FROM subscription WHERE expires<=?", (now,))
        self._db.execute("DELETE FROM topic_follower WHERE expires<=?", (now,))

    # ---- others than UEs here ----------------------------------------------------------------------------------------

    def follow(self, topic, who, expires, domain=""):
        """Subscribes an Address until then; None: as long as there is one. An Application Server only as long as it is
        registered."""
        row = (topic, *who, domain, LAST if expires is None else expires)
        self._db.execute(
            "INSERT INTO topic_follower (topic, kind, id, domain, expires) VALUES (?,?,?,?,?)"
            " ON CONFLICT (topic, kind, id) DO UPDATE SET domain=excluded.domain, expires=excluded.expires",
            row,
        )

    def unfollow(self, topic, who):
        """What waits for it from this topic goes as well."""
        self._db.execute("DELETE FROM topic_follower WHERE topic=? AND kind=? AND id=?", (topic, *who))
        self.drop_sent_to("TOPIC", topic, who)

    def unfollow_all(self, who):
        self._db.execute("DELETE FROM topic_follower WHERE kind=? AND id=?", who)

    def followers(self, topic, now):
        """[(Address, domain)]"""
        query = "SELECT kind, id, domain FROM topic_follower WHERE topic=? AND expires>? ORDER BY kind, id"
        return [(Address(kind, id_), domain) for kind, id_, domain in self._db.execute(query, (topic, now))]

    def count_followers(self, domain):
        """How many subscriptions those of another server have."""
        return self._one("SELECT count(*) FROM topic_follower WHERE domain=?", domain)

    def followers_behind(self):
        """The UE Service IDs of subscriptions of UEs behind message gateways."""
        rows = self._db.execute("SELECT id FROM topic_follower WHERE kind='UE' AND domain=''")
        return [ue for (ue,) in rows]

    def followed_by(self, who, now):
        """{topic: when it ends}"""
        query = "SELECT topic, expires FROM topic_follower WHERE kind=? AND id=? AND expires>? ORDER BY topic"
        return dict(self._db.execute(query, (*who, now)).fetchall())
