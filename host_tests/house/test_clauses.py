# SPDX-License-Identifier: MIT
"""docs/clauses.md is what the conformance tests say, each clause has its tests at each side that it concerns, and each
file of them says which code it is about."""

import ast
import re

import pytest

from tools.project import clauses

FILES = sorted(clauses.TESTS.rglob("test_*.py"))
LISTED = clauses.listed()


def within(number, other):
    """Whether the first clause is the other, or lies in it."""
    return (number + ".").startswith(other + ".")


def meant(number):
    """The clauses whose tests are on one that is listed."""
    return LISTED[number].get("by", [number])


def test_the_page_is_current():
    """With all that is demanded held: this run of the tests shows whether it is."""
    assert clauses.PAGE.read_text() == clauses.page(), "make clauses"


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_file_says_its_clause_and_its_code(path):
    found = clauses.read(path)
    assert found.side == path.relative_to(clauses.TESTS).parts[0]
    for name in (*found.modules, *found.also):
        assert (clauses.ROOT / name).is_file(), name
    own = ("firmware/", "boards/") if found.side == "device" else ("tools/",)
    assert all(name.startswith(own) for name in found.modules)
    for clause in {clause for each in found.demands for clause in each.clauses}:
        assert any(within(clause, one) for number in LISTED for one in meant(number)), clause
    assert any(within(clause, found.number) for each in found.demands for clause in each.clauses)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_nothing_of_a_file_is_left_out_when_it_runs(path):
    """What is skipped does not fail, and a second test of a name is the only one: the page would say that both hold."""
    tree = ast.parse(path.read_text())
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not used & {"skip", "skipif", "xfail", "importorskip"}
    names = [each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert len(names) == len(set(names))
    assert not any(isinstance(each, ast.ClassDef) and each.name.startswith("Test") for each in tree.body)


@pytest.mark.parametrize("number", LISTED)
def test_each_clause_has_its_tests_at_each_side(number):
    """Of its own: those of a file on a wider clause are on it where their names say so."""
    about = LISTED[number]
    assert about["what"] and about["at"] and about.get("otherwise") != ""
    assert about.keys() <= {"what", "at", "by", "no_test", "otherwise"}
    tested = {
        each.side
        for each in clauses.all_clauses()
        for demand in each.demands
        for clause in demand.clauses
        if any(within(clause, one) for one in meant(number))
    }
    if "no_test" in about:
        assert not tested and about["no_test"]
    else:
        assert tested >= set(about["at"])


def test_a_name_says_which_clauses_it_is_about():
    for name, number, said, words in (
        ("test_a_b", "6.5", ("6.5",), "a b"),
        ("test_6_5_3_4_a_b", "6.5", ("6.5.3.4",), "a b"),
        ("test_7_3_3_4_and_5_a_b", "7.3.3", ("7.3.3.4", "7.3.3.5"), "a b"),
        ("test_a_3_1_7_to_9_a_b", "A.3", ("A.3.1.7", "A.3.1.8", "A.3.1.9"), "a b"),
        ("test_8_7_4_a_b", "TS 23.554 8.3.4", ("TS 23.554 8.7.4",), "a b"),
        ("test_24_544_6_2_7_a_b", "6.8.3", ("TS 24.544 6.2.7",), "a b"),
        ("test_6_4_1_1_6_b_one_of_2", "6.4.1.1.6.b", ("6.4.1.1.6.b",), "one of 2"),
        ("test_6_4_1_1_2_items_1_to_3_and_9_a", "6.4.1.1.2", ("6.4.1.1.2",), "items 1 to 3 and 9 a"),
    ):
        assert clauses.demand(name, number) == clauses.Demand(name, said, words)
    assert clauses.number_of(clauses.TESTS / "test_clause_a_2_gateway.py") == ("A.2", "gateway")


def test_what_a_file_lacks_is_said(tmp_path):
    text = (
        '"""TS 24.538 clause 6.3.4, what it is, at the server."""\nMODULES = ("tools/device.py",)\n'
        "def test_6_3_4_1_a_b():\n    pass\n"
    )
    path = tmp_path / "test_clause_6_3_4_server.py"
    path.write_text(text)
    assert clauses.read(path).demands == (clauses.Demand("test_6_3_4_1_a_b", ("6.3.4.1",), "a b"),)
    for cut, said in (("TS 24.538", "docstring"), ("MODULES", "code"), ("test_", "test")):
        path.write_text(re.sub(cut, "x", text))
        with pytest.raises(ValueError, match=said):
            clauses.read(path)
    with pytest.raises(ValueError, match="not called"):
        clauses.number_of(tmp_path / "test_registration.py")


def test_a_test_that_fails_stands_there_as_one():
    each = clauses.all_clauses()[0]
    results = {(one.file, demand.function): True for one in clauses.all_clauses() for demand in one.demands}
    assert clauses.page(results) == clauses.page()
    results[each.file, each.demands[0].function] = False
    page = clauses.page(results)
    assert page.count(clauses.FAILS) == 2  # of the test, and of its file
    del results[each.file, each.demands[0].function]  # it did not run
    assert clauses.page(results) == page
