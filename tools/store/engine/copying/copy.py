# SPDX-License-Identifier: MIT
"""The copy itself: every row of every table, in one transaction of the store that it goes to.

What the store that it is made of has at one moment is there afterwards, or nothing is. That one is marked first
(`keys.moved`): from then on nobody serves from it, so that no number of a key is used by two.
"""

from tools.store import opening
from tools.store.engine.copying.catalogue import NUMBERED, DatabaseCatalogue, FileCatalogue
from tools.store.faults import DATABASE_ERRORS, StoreError
from tools.store.keys.numbers import AHEAD
from tools.words import counted

_AT_ONCE = 500  # rows that are in memory


class Place:
    """A store that is copied from or to. `given`: as it was named; `name`: fit to be shown."""

    def __init__(self, given, create=False):
        """Raises StoreError."""
        self.name = opening.masked(given)
        self.store = opening.open_to_move(given, create)
        catalogue = DatabaseCatalogue if opening.is_postgres(given) else FileCatalogue
        self.db = self.store._db
        self.catalogue = catalogue(self.db)

    def begin(self):
        """In the transaction, before anything else. Raises StoreError where somebody serves from it."""
        serving = self.catalogue.begin()
        if serving:
            raise StoreError("%s is served by %s: stop that first" % (self.name, serving))

    def forget(self):
        """A file that was made for the copy, which has failed, is none."""
        file = self.store.file
        self.store.close()
        if file is not None and file.made:
            file.remove()

    def rows(self, table, columns):
        """Lists of its rows."""
        names = ", ".join(columns)
        if not table.key:
            yield self.db.execute("SELECT %s FROM %s /*whole*/" % (names, table.name)).fetchall()
            return
        key, after = ", ".join(table.key), None
        places = [columns.index(column) for column in table.key]
        while True:
            where, values = "", ()
            if after is not None:
                where, values = " WHERE (%s) > (%s)" % (key, ", ".join("?" * len(after))), after
            found = self.db.execute(
                "SELECT %s FROM %s%s ORDER BY %s LIMIT %d /*whole*/"
                % (names, table.name, where, key, _AT_ONCE),
                values,
            ).fetchall()
            if found:
                yield found
            if len(found) < _AT_ONCE:
                return
            after = tuple(found[-1][place] for place in places)

    def count(self, name):
        return self.db.execute("SELECT count(*) FROM %s /*whole*/" % name).fetchone()[0]


def copy(given, to):
    """({table: rows} of what was copied, how many keys there are). Raises StoreError."""
    source = Place(given)
    try:
        earlier = source.store.moved()
        if earlier is not None:
            raise StoreError(
                "%s was copied to %s before: copy that one, or take this one back first: msgin5g store take-back %s"
                % (source.name, earlier[0], source.name)
            )
        target = Place(to, create=True)
        try:
            done = _copied(source, target)
        except BaseException:
            target.forget()
            raise
        target.store.close()
        return done
    except DATABASE_ERRORS as error:
        raise StoreError(
            "nothing was copied to %s (%s): put that right and try again" % (opening.masked(to), error)
        ) from error
    finally:
        source.store.close()


def _copied(source, target):
    ours, theirs = source.catalogue.tables(), target.catalogue.tables()
    _comparable(source, target, ours, theirs)
    with source.store.transaction():
        source.begin()
        source.store.note_moved(target.name)
    committing = False
    try:
        with source.store.transaction(), target.store.transaction():
            source.begin()
            target.begin()
            _is_empty(target, theirs)
            counts = {name: _fill(source, target, ours[name], theirs[name]) for name in theirs}
            for name in NUMBERED:
                target.catalogue.set_last_number(name, source.catalogue.last_number(name))
            # Where the mark is lost, with an older copy of the file: beyond what it can have used by then.
            keys = target.store.jump_ahead(AHEAD)
            committing = True
        target.store.note_generation()
    except BaseException as error:
        if committing and isinstance(error, DATABASE_ERRORS):
            raise StoreError(
                "%s did not say whether it has the copy (%s): look whether its devices are there; if not, msgin5g store"
                " take-back %s, and try again" % (target.name, error, source.name)
            ) from error
        with source.store.transaction():
            source.store.forget_moved()
        raise
    return {name: count for name, count in counts.items() if count}, keys


def _comparable(source, target, ours, theirs):
    for name in sorted(ours.keys() | theirs.keys()):
        one, other = (tables[name].columns.keys() if name in tables else () for tables in (ours, theirs))
        if set(one) != set(other):
            raise StoreError(
                "table %s is not the same in %s and in %s: let one version of msgin5g open both"
                % (name, source.name, target.name)
            )


def _is_empty(target, tables):
    full = next(
        (
            name
            for name in tables
            if target.db.execute("SELECT 1 FROM %s LIMIT 1 /*whole*/" % name).fetchone()
        ),
        None,
    )
    if full is not None:
        raise StoreError(
            "%s is not empty, there is something in %s: a store is copied into a new one, give another name"
            % (target.name, full)
        )


def _fill(source, target, ours, theirs):
    """How many rows there are."""
    columns = list(theirs.columns)
    taken = list(theirs.columns.values())
    put = "INSERT INTO %s (%s) VALUES (%s)" % (theirs.name, ", ".join(columns), ",".join("?" * len(columns)))
    count = 0
    for rows in source.rows(ours, columns):
        try:
            made = [tuple(take(value) for take, value in zip(taken, row, strict=True)) for row in rows]
        except (TypeError, ValueError) as error:
            raise StoreError(
                "table %s of %s has a row that is damaged (%s): msgin5g server quarantine shows what was set aside"
                % (ours.name, source.name, error)
            ) from None
        target.db.executemany(put, made)
        count += len(made)
    if target.count(theirs.name) != count:
        raise StoreError(
            "%s took %s of table %s, and %d were sent: nothing was copied"
            % (target.name, counted(target.count(theirs.name), "row"), theirs.name, count)
        )
    return count


def take_back(given):
    """Lets a store that was copied be served again; where to it was, None where it was not. Raises StoreError."""
    place = Place(given)
    try:
        with place.store.transaction():
            place.begin()
            found = place.store.moved()
            if found is not None:
                place.store.take_store_back()
        place.store.note_generation()
        return found and found[0]
    except DATABASE_ERRORS as error:
        raise StoreError("%s takes nothing now (%s): try again" % (place.name, error)) from error
    finally:
        place.store.close()
