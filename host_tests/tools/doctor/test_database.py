# SPDX-License-Identifier: MIT
"""What doctor says of a store in a PostgreSQL database, and that it changes nothing there."""

import contextlib

import psycopg

from tools.doctor import stores
from tools.doctor.finding import LACKS, OK
from tools.programs.ports import free_port
from tools.store.opening import open_store


def look(args, where):
    return list(stores.store(None, args(store=where)))


def made(database):
    open_store(database, serving=False, create=True).close()


def write(database, *statements):
    with contextlib.closing(psycopg.connect(database, autocommit=True)) as link:
        for each in statements:
            link.execute(each)


def test_nobody_answers(args):
    where = "postgresql://msgin5g:secret@127.0.0.1:%d/none" % free_port()
    (found,) = look(args, where)
    assert found.state == LACKS and "cannot be reached" in found.said
    assert "secret" not in found.line()


def test_a_new_database_is_left_as_it_is(args, database):
    with contextlib.closing(psycopg.connect(database, autocommit=True)) as link:
        link.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    answers, tables = look(args, database)
    assert answers.state == OK and "PostgreSQL" in answers.said
    assert tables.state == OK and tables.said == "has no tables yet"
    assert look(args, database)[1].said == "has no tables yet"


def test_one_of_another_program(args, database):
    write(database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "CREATE TABLE theirs (a INTEGER)")
    assert [each.state for each in look(args, database)] == [OK, LACKS]


def test_one_that_is_right(args, database):
    made(database)
    _, version, nodes = look(args, database)
    assert version.state == OK and "0 keys" in version.said
    assert nodes.state == OK and "no node" in nodes.said


def test_one_of_a_newer_version_and_of_an_older_one(args, database):
    made(database)
    write(database, "INSERT INTO migration (number, name, digest) VALUES (9999, '9999_new.sql', 'x')")
    newer = look(args, database)[1]
    assert newer.state == LACKS and "version 9999" in newer.said
    write(database, "DELETE FROM migration WHERE number=9999 OR number=(SELECT max(number) FROM migration)")
    write(
        database, "DELETE FROM migration WHERE number=(SELECT max(number) FROM migration WHERE number<9999)"
    )
    older = look(args, database)[1]
    assert older.state == OK and older.todo == "msgin5g server brings them there when it starts"


def test_nodes_are_told_by_their_signs_of_life(args, database):
    made(database)
    clock = "extract(epoch FROM clock_timestamp())"
    row = "INSERT INTO node (name, shard, beat, state) VALUES ('%s', %d, %s - %d, '%s')"
    write(
        database,
        row % ("a", 1, clock, 0, "up"),
        row % ("b", 2, clock, 0, "draining"),
        row % ("c", 3, clock, 999, "down"),
    )
    nodes = look(args, database)[2]
    assert nodes.state == OK and nodes.said == "2 nodes up, ended: c"
    write(database, row % ("d", 4, clock, 60, "up"))
    nodes = look(args, database)[2]
    assert nodes.state == LACKS and "not heard: d (silent for 60 s)" in nodes.said


def test_the_disk_of_a_database_is_not_ours(args):
    found = list(stores.disk(None, args(store="postgresql:///none")))
    assert all("postgresql" not in each.said for each in found)
