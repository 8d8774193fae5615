# SPDX-License-Identifier: MIT
"""Packages of pip beside what is installed, with a package of ours and no index."""

import zipfile

import pytest

from tools.errors import UsageError
from tools.programs import wheels


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A package `sample` 1.0, which needs another one that is not to be had."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    path = tmp_path / "sample-1.0-py3-none-any.whl"
    info = "sample-1.0.dist-info/"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sample/data.bin", b"octets")
        archive.writestr(
            info + "METADATA", "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\nRequires-Dist: other\n"
        )
        archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(info + "RECORD", "")
    return path


def test_it_is_fetched_once_and_alone(wheel, tmp_path):
    said = []
    folder = tmp_path / "unpacked/sample"
    assert wheels.unpack(wheel, folder, said.append) == folder
    assert (folder / "sample/data.bin").read_bytes() == b"octets"
    wheel.unlink()
    assert wheels.unpack(wheel, folder, said.append) == folder
    assert said == [f"fetching {wheel}"]
    assert [path.name for path in folder.parent.iterdir()] == ["sample"]


def test_what_cannot_be_had_is_said_and_leaves_nothing(wheel, tmp_path):
    folder = tmp_path / "unpacked/sample"
    with pytest.raises(UsageError, match=r"^pip can't have sample==2\.0: ERROR: .*sample==2\.0") as caught:
        wheels.unpack("sample==2.0", folder, print)
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="ERROR: No matching distribution found for other"):
        wheels.unpack(wheel, folder, print, alone=False)
    assert list(folder.parent.iterdir()) == []


def test_what_another_run_has_fetched_meanwhile_stays(wheel, tmp_path):
    folder = tmp_path / "sample"

    def say(_):
        folder.mkdir()
        (folder / "of the other").touch()

    assert wheels.unpack(wheel, folder, say) == folder
    assert [path.name for path in folder.iterdir()] == ["of the other"]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["sample"]
