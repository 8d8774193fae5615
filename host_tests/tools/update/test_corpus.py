# SPDX-License-Identifier: MIT
"""What the corpus says of its bundles is so, by pyhsslms and by the form's reader."""

import json

import pytest

from host_tests.tools.update import corpus
from tools.update import format, shown

CASES = {case.name: case for case in corpus.bad()}


def is_signed(case):
    return shown.is_signed(corpus.public(), case.manifest, case.signature)


def reads(case):
    try:
        return format.read(case.octets)
    except format.FormatError:
        return None


def test_a_good_one():
    case = corpus.good()
    assert is_signed(case) and case.cause is None
    bundle = reads(case)
    assert (bundle.id, bundle.signature, bundle.contents) == (case.id, case.signature, case.contents)
    assert bundle.octets() == case.octets
    assert len(corpus.public()) == 60
    config = corpus.config({"refresh": None}, boards=("any",))
    assert is_signed(config) and json.loads(reads(config).contents) == {"refresh": None}


def test_each_has_a_name_of_its_own():
    assert len(CASES) == len(corpus.bad()) > 70


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_is_wrong_in_what_it_says_only(case):
    assert is_signed(case) == (case.cause != "signature")
    assert (reads(case) is None) == (case.cause in ("manifest", "hash"))


def test_each_octet_turned():
    whole = corpus.good()
    cases = list(corpus.flipped(whole))
    assert len(cases) == len(whole.manifest) + len(whole.signature) + len(whole.contents)
    for place, case in cases[:: len(cases) // 60]:
        assert sum(a != b for a, b in zip(case.octets, whole.octets, strict=True)) == 1, place
        assert is_signed(case) == (case.cause == "hash"), place
        assert reads(case) is None or case.cause != "hash", place
