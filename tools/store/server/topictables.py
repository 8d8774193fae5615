# SPDX-License-Identifier: MIT
"""Who is subscribed to which Messaging Topic, in the store."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS subscription (
  topic TEXT, ue TEXT, expires REAL, PRIMARY KEY (topic, ue)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS subscription_ue ON subscription (ue)
"""


class TopicTables:
    """For Store, whose `_db` these methods use."""

    def subscribe(self, topic, ue, expires):
        """A topic is there as long as somebody is subscribed to it."""
        self._db.execute("INSERT OR REPLACE INTO subscription VALUES (?,?,?)", (topic, ue, expires))

    def unsubscribe(self, topic, ue):
        """What waits for the UE from this topic goes as well."""
        self._db.execute("DELETE FROM subscription WHERE topic=? AND ue=?", (topic, ue))
        self._db.execute(
            "DELETE FROM message WHERE target_type='UE' AND target=? AND kind='MSG'"
            " AND json_extract(head, '$.oriDestAddr.destAddrType')='TOPIC'"
            " AND json_extract(head, '$.oriDestAddr.addr')=?",
            (ue, topic),
        )

    def subscribers(self, topic, now):
        query = "SELECT ue FROM subscription WHERE topic=? AND expires>? ORDER BY ue"
        return [ue for (ue,) in self._db.execute(query, (topic, now))]

    def topics_of(self, ue, now):
        """{topic: when it ends}"""
        query = "SELECT topic, expires FROM subscription WHERE ue=? AND expires>? ORDER BY topic"
        return dict(self._db.execute(query, (ue, now)).fetchall())

    def subscriptions(self, now):
        """(topic, ue, expires) of all, for people."""
        query = "SELECT topic, ue, expires FROM subscription WHERE expires>? ORDER BY topic, ue"
        return self._db.execute(query, (now,)).fetchall()

    def forget_subscriptions(self, now):
        """Those that are over."""
        self._db.execute("DELETE FROM subscription WHERE expires<=?", (now,))
