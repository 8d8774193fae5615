# SPDX-License-Identifier: MIT
"""The bundles of updates in the store: what is offered to devices, and the pieces that they ask for."""

from dataclasses import dataclass

# `update_content`: all files one behind the other, in blocks of BLOCK octets.
SCHEMA = """
CREATE TABLE IF NOT EXISTS update_bundle (
  id TEXT PRIMARY KEY, kind TEXT, name TEXT, version TEXT, number INTEGER, trial INTEGER, octets INTEGER,
  manifest BLOB, signature BLOB, added REAL);
CREATE TABLE IF NOT EXISTS update_content (bundle TEXT, place INTEGER, octets BLOB, PRIMARY KEY (bundle, place))
"""
BUNDLES = 16  # kept at once; the oldest one that no job goes on with makes room
BLOCK = 65536


class NoRoomError(ValueError):
    """One more would be one too many: the sentence says what to do."""


@dataclass(frozen=True)
class StoredBundle:
    """`id`: 16 hexadecimal digits; `number`: what decides which of two is newer; `trial`: seconds; `octets`: of all
    its files together."""

    id: str
    kind: str
    name: str
    version: str
    number: int
    trial: int
    octets: int


class BundleTables:
    """For Store, whose `_db` these methods use."""

    def add_bundle(self, bundle, manifest, signature, contents, now):
        """Keeps a StoredBundle with its octets, once. What is there under its ID, of the manifest alone, is replaced:
        its signature may be another one, and its contents damaged. Raises NoRoomError."""
        if self.bundle(bundle.id) is not None:
            self._remove_bundle(bundle.id)
        elif self._one("SELECT count(*) FROM update_bundle") >= BUNDLES:
            self._make_room_for_bundle()
        self._db.execute(
            "INSERT INTO update_bundle (id, kind, name, version, number, trial, octets, manifest, signature, added)"
            " VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                bundle.id,
                bundle.kind,
                bundle.name,
                bundle.version,
                bundle.number,
                bundle.trial,
                bundle.octets,
                manifest,
                signature,
                now,
            ),
        )
        self._db.executemany(
            "INSERT INTO update_content (bundle, place, octets) VALUES (?,?,?)",
            [
                (bundle.id, place, contents[at : at + BLOCK])
                for place, at in enumerate(range(0, len(contents), BLOCK))
            ],
        )

    def _make_room_for_bundle(self):
        """Forgets the oldest one whose jobs are all over, and these jobs with it."""
        gone = self._one(
            "SELECT id FROM update_bundle WHERE NOT EXISTS (SELECT 1 FROM update_job"
            " WHERE bundle=update_bundle.id AND state IN ('running', 'paused')) ORDER BY added, id LIMIT 1"
        )
        if gone is None:
            raise NoRoomError(
                "%d bundles are on their way, which is as many as may be: stop one, update stop JOB" % BUNDLES
            )
        for (job,) in self._db.execute("SELECT job FROM update_job WHERE bundle=?", (gone,)).fetchall():
            self.remove_update(job)
        self._remove_bundle(gone)

    def _remove_bundle(self, id_):
        self._db.execute("DELETE FROM update_content WHERE bundle=?", (id_,))
        self._db.execute("DELETE FROM update_bundle WHERE id=?", (id_,))

    def bundle(self, id_):
        """The StoredBundle, or None."""
        row = self._db.execute(
            "SELECT id, kind, name, version, number, trial, octets FROM update_bundle WHERE id=?", (id_,)
        ).fetchone()
        return row and StoredBundle(*row)

    def bundle_head(self, id_):
        """(manifest, signature), octets."""
        query = "SELECT manifest, signature FROM update_bundle WHERE id=?"
        return self._db.execute(query, (id_,)).fetchone()

    def bundle_piece(self, id_, offset, length):
        """Octets of its contents."""
        first, last = offset // BLOCK, (offset + length - 1) // BLOCK
        rows = self._db.execute(
            "SELECT octets FROM update_content WHERE bundle=? AND place BETWEEN ? AND ? ORDER BY place",
            (id_, first, last),
        )
        at = offset - first * BLOCK
        return b"".join(octets for (octets,) in rows.fetchall())[at : at + length]
