# SPDX-License-Identifier: MIT
"""The connection to PostgreSQL: what it sends and when, what a failure undoes, and values that are as they were."""

import pytest

from tools.store.engine.transactions import Transactions
from tools.store.faults import Conflict, Fault, Unavailable, again, store_failed, store_stopped
from tools.store.postgres.connection import TRANSACTION, Connection
from tools.store.postgres.dialing import dial
from tools.store.postgres.translation import translate


class Plain(Transactions):
    """Transactions on a database with a table of numbers and one of texts."""

    WRITES = READS = TRANSACTION

    def __init__(self, uri):
        super().__init__()
        self._db = self.db = Connection(dial(uri))
        self.db.begin_plain()

    def look_for_others(self):
        pass

    def add(self, number, words=None):
        return self.db.execute("INSERT INTO one (number, words) VALUES (?, ?)", (number, words))

    def numbers(self):
        return [number for (number,) in self.db.execute("SELECT number FROM one ORDER BY number")]


@pytest.fixture
def open_plain(database):
    made = []

    def open_():
        made.append(Plain(database))
        return made[-1]

    first = open_()
    first.db.link.execute(
        "CREATE TABLE one (number BIGINT PRIMARY KEY, words TEXT, octets BYTEA, live BOOLEAN)"
    )
    yield open_
    for each in made:
        each.db.close()


@pytest.fixture
def plain(open_plain):
    return open_plain()


def sent(plain, function):
    before = plain.db.sent
    function()
    return plain.db.sent - before


def test_a_transaction_that_does_nothing_costs_nothing(plain):
    def nothing():
        with plain.transaction(), plain.savepoint():
            pass

    assert sent(plain, nothing) == 0


def test_what_nobody_looks_at_goes_together_at_the_end_of_its_savepoint(plain):
    def write():
        with plain.transaction():
            with plain.savepoint():
                for number in range(5):
                    plain.add(number)
                plain.db.execute("DELETE FROM one WHERE number=?", (0,))

    write()  # prepares
    plain.db.execute("DELETE FROM one")
    assert sent(plain, write) == 2  # all with its RELEASE, COMMIT
    assert plain.numbers() == [1, 2, 3, 4]


def test_who_looks_has_it_sent_with_what_waits(plain):
    with plain.transaction():
        plain.numbers()
        plain.add(1)
        assert sent(plain, lambda: plain.numbers() == [1]) == 1
        cursor = plain.add(2)
        assert cursor.rowcount == 1
        assert plain.db.execute("DELETE FROM one RETURNING number").fetchall() == [(1,), (2,)]
        assert plain.db.total_changes == 4


def test_an_error_is_raised_in_the_savepoint_that_it_belongs_to_and_undoes_that(plain):
    with plain.transaction():
        with plain.savepoint():
            plain.add(1)
        with pytest.raises(Fault, match="division by zero") as failed, plain.savepoint():
            plain.add(2)
            plain.db.execute("UPDATE one SET number=1/(number-number)")
        assert not store_stopped(failed.value) and not store_failed(failed.value)
        assert plain.in_transaction
        with plain.savepoint():
            with pytest.raises(KeyError), plain.savepoint():
                plain.add(3)
                raise KeyError
            plain.add(4)
    assert plain.numbers() == [1, 4]


def test_an_error_of_what_is_around_does_not_undo_what_is_around_that(plain):
    """A write that waits, of an outer savepoint, fails when an inner one begins: not even its end is taken for done."""
    with plain.transaction():
        with plain.savepoint():
            plain.add(0)
        with pytest.raises(Unavailable), plain.savepoint():
            plain.add(1)
            plain.numbers()
            plain.db.execute("UPDATE one SET number=1/(number-number)")
            with pytest.raises(Fault), plain.savepoint():
                plain.add(2)
            assert not plain.in_transaction
        assert plain.in_transaction
    assert plain.numbers() == [0]


def test_a_read_that_fails_where_no_savepoint_has_begun_spoils_all(plain):
    with pytest.raises(Unavailable, match="given up"), plain.transaction():
        plain.add(1)
        with pytest.raises(Fault, match="division"), plain.savepoint():
            plain.db.execute("SELECT 1/(number-number) FROM one").fetchone()
        assert not plain.in_transaction
        with pytest.raises(Unavailable):
            plain.numbers()
    assert plain.numbers() == [] and not plain.in_transaction


def test_two_that_write_the_same_row_conflict_and_the_whole_of_one_is_undone(open_plain):
    one, other = open_plain(), open_plain()
    one.add(1, "before")
    with pytest.raises(Conflict) as failed, one.transaction():
        with one.savepoint():
            one.add(2)
        one.numbers()
        other.db.execute("UPDATE one SET words='other' WHERE number=1")
        with one.savepoint():
            one.db.execute("UPDATE one SET words='one' WHERE number=1")
        pytest.fail("the end of the savepoint says so")
    assert again(failed.value) and store_stopped(failed.value) and store_failed(failed.value)
    assert one.numbers() == [1]
    with one.transaction():
        one.db.execute("UPDATE one SET words=words || ' and one' WHERE number=1")
    assert other.db.execute("SELECT words FROM one").fetchone() == ("other and one",)


def test_a_row_that_is_there_unseen_is_a_conflict_even_where_nothing_was_to_be_done(open_plain):
    one, other = open_plain(), open_plain()
    with pytest.raises(Conflict), one.transaction():
        assert one.numbers() == []
        other.add(1)
        with one.savepoint():
            one.db.execute("INSERT INTO one (number) VALUES (?) ON CONFLICT DO NOTHING", (1,))


@pytest.mark.parametrize("words", ["", "\0", "\x1a", "\x1a0\0\x1a1", "a\0b\x1ac", "\\ \" ' {} é\U0001f600"])
def test_text_is_as_it_was(plain, words):
    plain.add(1, words)
    plain.add(2, "other")
    read = plain.db.execute
    assert read("SELECT words FROM one WHERE words=?", (words,)).fetchall() == [(words,)]
    assert read("SELECT number, words FROM one ORDER BY number").fetchall() == [(1, words), (2, "other")]
    query = "SELECT number FROM one WHERE words IN (SELECT value FROM json_each(?))"
    assert read(query, ([words, "x"],)).fetchall() == [(1,)]
    query = "SELECT number FROM one WHERE words NOT IN (SELECT value FROM json_each(?))"
    assert read(query, ([words, "x"],)).fetchall() == [(2,)]


def test_other_values_are_as_they_were(plain):
    plain.db.execute(
        "INSERT INTO one (number, words, octets, live) VALUES (?4, ?3, ?2, ?1)",
        (True, b"\0\xff", None, -(1 << 60)),
    )
    assert plain.db.execute("SELECT * FROM one WHERE words IS ?", (None,)).fetchone() == (
        -(1 << 60),
        None,
        b"\0\xff",
        True,
    )
    query = "SELECT CAST(? AS DOUBLE PRECISION), CAST(? AS DOUBLE PRECISION), count(*) FROM one"
    assert plain.db.execute(query, (0.1, float("inf"))).fetchone() == (0.1, float("inf"), 1)
    with pytest.raises(TypeError, match="whole number"):
        plain.add(1.5)


def test_a_connection_that_is_cut_says_so_and_hangs_nobody(plain):
    with pytest.raises(Unavailable), plain.transaction():
        plain.add(1)
        plain.numbers()
        plain.db.cut()
        with pytest.raises(Unavailable):
            plain.numbers()
        assert not plain.in_transaction
    with pytest.raises(Unavailable), plain.transaction():
        pass
    assert plain.db.lost


def test_a_session_that_was_ended_is_told_in_one_sentence(open_plain):
    one, other = open_plain(), open_plain()
    other.db.link.execute("SELECT pg_terminate_backend(%s)", (one.db.link.pgconn.backend_pid,))
    with pytest.raises(Unavailable), one.transaction():
        one.numbers()
    assert "terminating connection" in one.db.lost or "closed the connection" in one.db.lost
    assert "probably" not in one.db.lost


@pytest.mark.parametrize(
    ("statement", "tables", "change", "columns"),
    [
        ("SELECT x FROM a JOIN b USING (c)", (), None, set()),
        ("INSERT INTO a (x) VALUES (?) ON CONFLICT (x) DO UPDATE SET y=excluded.y", ("a",), "INSERT", {"y"}),
        ("UPDATE a SET x=(SELECT max(z) FROM b WHERE c=1), y=? WHERE x=2", ("a",), "UPDATE", {"x", "y"}),
        ("DELETE FROM a WHERE x='UPDATE b SET'", ("a",), "DELETE", set()),
        ("WITH gone AS (DELETE FROM a RETURNING x) UPDATE b SET y=1", ("a", "b"), "UPDATE", {"y"}),
        ("WITH gone AS (DELETE FROM a RETURNING x) SELECT x FROM gone", ("a",), None, set()),
    ],
)
def test_what_a_statement_writes_is_read_from_it(statement, tables, change, columns):
    found = translate(statement)
    assert (found.tables, found.change, found.columns) == (tables, change, columns)


def test_the_few_words_that_differ():
    statement = (
        "SELECT '?''?' FROM a CROSS JOIN g ON g.x=a.x"
        " WHERE b=? AND c IS ? AND d IS NOT ?3 AND e=?2 AND +f IS NULL /*claim*/"
    )
    found = translate(statement)
    assert found.sql == (
        "SELECT '?''?' FROM a JOIN g ON g.x=a.x"
        " WHERE b=$1 AND c IS NOT DISTINCT FROM $2 AND d IS DISTINCT FROM $3 AND e=$2"
        " AND f IS NULL FOR UPDATE SKIP LOCKED"
    )
    assert found.order == (0, 1, 2)
