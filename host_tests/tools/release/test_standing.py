# SPDX-License-Identifier: MIT
"""What is no release is refused, and each reason says what to do."""

import subprocess

import pytest

from tools.project.release import __main__ as release
from tools.project.release import standing as standings

CHANGES = "# Changes\n\n## Unreleased\n%s\n## 7.8.9\n\n- All of it.\n"
WHO = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with one commit, whose version is 7.8.9; git(words) runs git there."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setattr(standings, "version", lambda: "7.8.9")

    def git(*words):
        subprocess.run(["git", *WHO, *words], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "CHANGELOG.md").write_text(CHANGES % "")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "all", "--date", "2026-01-02T03:04:05Z")
    return tmp_path, git


def objections(folder, **more):
    return standings.standing(root=folder, **more).objections


def test_a_commit_with_its_tag_is_one(clone):
    folder, git = clone
    git("tag", "v7.8.9")
    found = standings.standing(root=folder)
    said = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=folder, capture_output=True, text=True)
    assert (found.objections, found.version, found.epoch) == ((), "7.8.9", int(said.stdout))
    assert objections(folder, tag="v7.8.9") == ()


def test_what_is_in_no_commit(clone):
    folder, git = clone
    git("tag", "v7.8.9")
    (folder / "new").write_text("")
    assert ["git status" in each for each in objections(folder)] == [True]


@pytest.mark.parametrize(
    "text, said",
    [
        ("# Changes\n\n## 0.0.9\n\n- Old.\n", 'no section "## 7.8.9"'),
        (CHANGES % "\n- New.\n", 'changes under "Unreleased"'),
        ("# Changes\n\n## 7.8.91\n", 'no section "## 7.8.9"'),
    ],
)
def test_a_changelog_that_does_not_have_it(clone, text, said):
    folder, git = clone
    (folder / "CHANGELOG.md").write_text(text)
    git("commit", "-qam", "changes")
    git("tag", "v7.8.9")
    (found,) = objections(folder)
    assert said in found and "VERSION" in found


def test_a_tag_that_is_another_or_elsewhere(clone):
    folder, git = clone
    assert "git tag -a v7.8.9" in objections(folder)[0]
    git("tag", "v7.8.9")
    git("commit", "-q", "--allow-empty", "-m", "more")
    assert "is on another commit" in objections(folder)[0]
    assert objections(folder, tag="v7.9.0") == (
        "the tag is v7.9.0, and the version 7.8.9: its tag is v7.8.9",
    )


def test_a_folder_that_is_no_clone(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "CHANGELOG.md").write_text((CHANGES % "").replace("7.8.9", standings.version()))
    assert "no clone" in objections(tmp_path)[0]


def test_the_time_can_be_given_and_is_one_that_a_zip_knows(clone, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert standings.standing(root=clone[0]).epoch == 1_700_000_000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert standings.standing(root=clone[0]).epoch == 315_532_800  # 1980-01-01


def test_the_command_refuses_and_builds_a_draft(monkeypatch, tmp_path, capsys):
    found = standings.Standing("7.8.9", 1_700_000_000, ("it is not", "and not that"))
    monkeypatch.setattr(release, "standing", lambda tag: found)
    monkeypatch.setattr(release, "FOLDER", tmp_path / "release")
    monkeypatch.setitem(release.BUILDERS, "mip", lambda version, epoch, say: {"a": b"1"})
    assert release.main([]) == 2
    told = capsys.readouterr()
    assert "it is not" in told.err and "and not that" in told.err and "--draft" in told.err
    assert not (tmp_path / "release").exists()
    assert release.main(["--draft", "--only", "mip"]) == 0
    assert {path.name for path in (tmp_path / "release").iterdir()} == {"a", "SHA256SUMS"}
    assert "A DRAFT: it is not" in capsys.readouterr().out


def test_a_disk_that_is_full_is_one_line(monkeypatch, tmp_path, capsys):
    def full(version, epoch, say):
        raise OSError(28, "No space left on device", "build/release")

    monkeypatch.setattr(release, "standing", lambda tag: standings.Standing("7.8.9", 1_700_000_000, ()))
    monkeypatch.setattr(release, "FOLDER", tmp_path / "release")
    monkeypatch.setitem(release.BUILDERS, "mip", full)
    assert release.main(["--only", "mip"]) == 2
    assert capsys.readouterr().err.startswith("make release: build/release: No space left on device: ")
