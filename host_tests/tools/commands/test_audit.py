# SPDX-License-Identifier: MIT
"""`make audit` tells apart: no hole, a hole, no data. What the two programs say is written from their documentation."""

import json
from subprocess import CompletedProcess

from tools.project import audit


def said(stdout, code=0, stderr=""):
    return lambda command, **options: CompletedProcess(command, code, stdout, stderr)


def pip(*packages):
    return json.dumps({"dependencies": packages, "fixes": []})


GOOD = {"name": "aiocoap", "version": "0.4.17", "vulns": []}
BAD = {"name": "aiohttp", "version": "3.0", "vulns": [{"id": "PYSEC-2021-76", "fix_versions": ["3.7.4"]}]}
SKIPPED = {"name": "rich", "skip_reason": "Dependency not found on PyPI"}


def test_python_packages(capsys):
    assert audit.python_packages(said(pip(GOOD))) == audit.NONE
    assert audit.python_packages(said(pip(GOOD, BAD), 1)) == audit.SOME
    assert "aiohttp has known holes: PYSEC-2021-76" in capsys.readouterr().out
    assert audit.python_packages(said("", 1, "ERROR: could not connect\n")) == audit.UNKNOWN
    assert "NOT CHECKED, the data could not be had: ERROR: could not connect" in capsys.readouterr().err


def test_what_was_not_looked_up_is_not_without_holes(capsys):
    assert audit.python_packages(said(pip(GOOD, SKIPPED))) == audit.UNKNOWN
    assert "1 of 2 NOT CHECKED, no data: rich" in capsys.readouterr().out
    assert audit.python_packages(said(pip(SKIPPED))) == audit.UNKNOWN
    assert "no hole is known" not in capsys.readouterr().out
    assert audit.python_packages(said(pip())) == audit.UNKNOWN
    assert audit.python_packages(said(pip(BAD, SKIPPED), 1)) == audit.SOME


def test_npm_packages(capsys):
    assert audit.npm_packages(audit.SITE, said('{"vulnerabilities": {}, "metadata": {}}')) == audit.NONE
    found = '{"vulnerabilities": {"rp2040js": {"name": "rp2040js", "severity": "high"}}}'
    assert audit.npm_packages(audit.SITE, said(found, 1)) == audit.SOME
    assert "rp2040js has known holes: high" in capsys.readouterr().out
    assert audit.npm_packages(audit.SITE, said('{"error": {"code": "ENOAUDIT"}}', 1)) == audit.UNKNOWN


def test_a_hole_counts_more_than_missing_data(monkeypatch):
    for python, npm, expected in ((0, 0, 0), (0, 2, 2), (2, 1, 1), (1, 0, 1), (2, 0, 2)):
        monkeypatch.setattr(audit, "python_packages", lambda value=python: value)
        monkeypatch.setattr(
            audit, "npm_packages", lambda folder, value=npm: value if folder == audit.SITE else 0
        )
        assert audit.main() == expected
