# SPDX-License-Identifier: MIT
"""An image that is there is not made again, as long as it is whole and of what there is now. Compiling is left out."""

import contextlib
from pathlib import Path

import pytest

from tools.image import rp2, sizes, workshop


@pytest.fixture
def build(tmp_path, monkeypatch):
    """build(inputs) gives what is in the image then; `build.made` counts."""

    def compile_(board, folder, *_):
        run.made += 1
        (folder / "work").mkdir(exist_ok=True)
        (folder / "work" / rp2.IMAGE).write_text(run.inputs)

    def run(inputs):
        run.inputs = inputs
        return rp2.build("rp2040", tmp_path, lambda sentence: None).read_text()

    run.made = 0
    monkeypatch.setattr(rp2, "digest", lambda board: run.inputs)
    monkeypatch.setattr(rp2, "_compile", compile_)
    monkeypatch.setattr(rp2, "run", lambda *_: None)
    monkeypatch.setattr(sizes, "report", lambda *_: {})
    for name, value in (("host_tools", None), ("sources", tmp_path), ("compiler", (tmp_path, {}))):
        monkeypatch.setattr(workshop, name, lambda *_, value=value: value)
    return run


def test_it_is_made_once_for_the_same_inputs(build):
    assert [build("one"), build("one"), build("two"), build("two")] == ["one", "one", "two", "two"]
    assert build.made == 2


@pytest.mark.parametrize("name", (rp2.IMAGE, "report.json"))
def test_what_was_removed_is_made_again(build, tmp_path, name):
    build("one")
    (tmp_path / name).unlink()
    assert build("one") == "one" and (tmp_path / name).exists()
    assert build.made == 2


def test_one_that_ended_in_the_middle_counts_for_nothing(build, monkeypatch):
    """The file of the inputs is written last. What they were before must not stand for what the image is now."""
    build("one")
    write = Path.write_text

    def cut(path, text):
        if text == "two" and path.name == "inputs.sha256":
            raise KeyboardInterrupt
        return write(path, text)

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(Path, "write_text", cut)
        build("two")
    assert build("one") == "one"
