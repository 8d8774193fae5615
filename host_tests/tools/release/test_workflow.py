# SPDX-License-Identifier: MIT
""".github/workflows: by the schema of who runs them, with commands that there are, pinned, and no right too many."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*"))
PROGRAMS = {"make", "gh"}  # that a step may start


def read(path):
    """The workflow; YAML 1.1 takes the key `on` for true."""
    return yaml.safe_load(path.read_text())


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_is_one():
    assert [path.name for path in WORKFLOWS] == ["ci.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_it_is_what_a_workflow_is(path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_others_wrote_is_pinned(path):
    """By the hash of a commit: a tag may be moved."""
    used = [step["uses"] for step in steps(read(path)) if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", each) for each in used)
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert all(re.search(r"# v\d+\.\d+\.\d+$", line) for line in lines)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_it_runs_commands_that_there_are(path):
    verbs = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = [line for step in steps(read(path)) for line in step.get("run", "").splitlines()]
    assert {command.split()[0] for command in commands} <= PROGRAMS
    run = {command.split()[1] for command in commands if command.startswith("make ")}
    assert {"test", "release"} <= run <= verbs
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("make test")  # the same


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_step_has_more_rights_than_it_needs(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert more == {"release": {"contents": "write"}}
    assert workflow["jobs"]["release"]["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert workflow["jobs"]["release"]["needs"] == "test"
    # pull_request_target and workflow_run would run the code of strangers with our rights
    assert set(workflow[True]) == {"push", "pull_request"}
    for step in steps(workflow):
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False
        # What somebody else may name, a branch or a tag, is no part of a script.
        assert "${{" not in step.get("run", "")
    assert all(job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())
