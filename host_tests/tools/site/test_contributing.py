# SPDX-License-Identifier: MIT
"""CONTRIBUTING.md, typed as it stands: each of its tests fails, then its procedure and its row are there, and all
pass. The forms of the issues are such as their host takes."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tools.project.site.places import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
FORMS = ROOT / ".github/ISSUE_TEMPLATE"
# What a form of GitHub's may have: "Syntax for GitHub's form schema" of its documentation.
KINDS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}
RUN = """
import test_ping
for name in sorted(dir(test_ping)):
    if name.startswith("test_"):
        try:
            getattr(test_ping, name)()
            print("passed", name)
        except Exception as error:
            print("failed", name, repr(error))
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of the firmware and of what its tests share."""
    nothing = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "firmware", tmp_path / "firmware", ignore=nothing)
    shutil.copytree(ROOT / "host_tests/device/helpers", tmp_path / "helpers", ignore=nothing)
    return tmp_path


def run(copy):
    path = ":".join(str(copy / each) for each in (".", "firmware", "helpers", "helpers/endpoints"))
    done = subprocess.run(
        [sys.executable, "-c", RUN], env={"PYTHONPATH": path}, capture_output=True, text=True, cwd=copy
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_change_is_one(copy):
    test, procedure, row = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    (copy / "test_ping.py").write_text(test)
    said = run(copy)
    assert "passed" not in said and said.count("failed") == test.count("def test_") == 2
    assert "expected 68" in said  # 2.04; what comes is 4.00
    (copy / "firmware/msgin5g/procedures/ping.py").write_text(procedure)
    table = copy / "firmware/msgin5g/procedures/__init__.py"
    rows, end, rest = table.read_text().partition('",\n)')
    table.write_text(rows + end.removesuffix(")") + row + ")" + rest)
    said = run(copy)
    assert "failed" not in said and said.count("passed") == 2


def test_the_files_of_the_first_change_would_lie_beside_these():
    for name in ("firmware/msgin5g/procedures/triggers.py", "host_tests/device/procedures/test_triggers.py"):
        assert (ROOT / name).exists() and name.rpartition("/")[0] in PAGE


@pytest.mark.parametrize("name", ["fault", "board", "question"])
def test_a_form_of_an_issue_is_one(name):
    form = yaml.safe_load((FORMS / f"{name}.yml").read_text())
    assert set(form) == {"name", "description", "labels", "body"}
    names = [each["id"] for each in form["body"] if each["type"] != "markdown"]
    assert names and len(names) == len(set(names))
    for each in form["body"]:
        assert each["type"] in KINDS
        if each["type"] == "markdown":
            assert set(each["attributes"]) == {"value"}
            continue
        assert each["attributes"]["label"]
        assert set(each.get("validations", {})) <= {"required"}
        if each["type"] in ("dropdown", "checkboxes"):
            assert len(each["attributes"]["options"]) > 1


def test_there_is_no_other_form():
    assert sorted(path.stem for path in FORMS.glob("*.yml")) == ["board", "config", "fault", "question"]
