# SPDX-License-Identifier: MIT
"""docs/clauses.md is what the conformance tests say, each clause has its tests at each side that it concerns, and each
file of them says which code it is about."""

import re

import pytest

from tools.project import clauses

FILES = sorted(clauses.TESTS.rglob("test_*.py"))
LISTED = clauses.listed()


def within(number, other):
    """Whether one of both clauses lies in the other, or is it."""
    return (number + ".").startswith(other + ".") or (other + ".").startswith(number + ".")


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
    assert found.number.startswith("TS ") or any(within(found.number, number) for number in LISTED)
    assert any(within(each.clause, found.number) for each in found.demands)


@pytest.mark.parametrize("number", LISTED)
def test_each_clause_has_its_tests_at_each_side(number):
    about = LISTED[number]
    assert about["what"] and about["at"]
    meant = about.get("by", [number])
    tested = {
        each.side
        for each in clauses.all_clauses()
        for tried in each.numbers
        for one in meant
        if within(tried, one)
    }
    if "no_test" in about:
        assert not tested and about["no_test"]
    else:
        assert tested >= set(about["at"])


def test_what_a_file_lacks_is_said(tmp_path):
    text = (
        '"""TS 24.538 clause 6.3.4, what it is, at the server."""\nMODULES = ("tools/cli.py",)\n'
        "def test_6_3_4_1_a_b():\n    pass\n"
    )
    path = tmp_path / "test_clause_6_3_4_server.py"
    path.write_text(text)
    assert clauses.read(path).demands == (clauses.Demand("test_6_3_4_1_a_b", "6.3.4.1", "a b"),)
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
