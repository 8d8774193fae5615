# SPDX-License-Identifier: MIT
"""Packages of npm: fetched once, whoever asks for them at the same time."""

import json
import threading

import pytest

from tools.errors import UsageError
from tools.programs import npm

NODE = "#!/bin/sh\necho v22.0.0\n"
# As the real one it begins by removing what is there. Two at once would see each other's folder.
NPM = """#!/bin/sh
echo run >> runs
mkdir busy || exit 1
rm -rf node_modules
mkdir -p node_modules/made
sleep 0.2
echo '{"version": "1.2.3"}' > node_modules/made/package.json
rmdir busy
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    for name, text in (("node", NODE), ("npm", NPM)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    folder = tmp_path / "of packages"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"dependencies": {"made": "1.2.3"}}))
    return folder


def test_several_at_once_fetch_them_once(folder):
    failures, said = [], []

    def provide():
        try:
            npm.provide(folder, "a test", said.append)
        except UsageError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=provide) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and said == ["fetching what a test is built on: made"]
    assert (folder / "runs").read_text() == "run\n"


def test_another_version_is_fetched_anew(folder):
    npm.provide(folder, "a test", lambda sentence: None)
    package = folder / "node_modules/made/package.json"
    package.write_text('{"version": "1.2.2"}')
    npm.provide(folder, "a test", lambda sentence: None)
    assert json.loads(package.read_text()) == {"version": "1.2.3"}


def test_npm_that_fails_is_told(folder):
    (folder / "busy").mkdir()
    with pytest.raises(UsageError, match="npm ci failed in .*of packages"):
        npm.provide(folder, "a test", lambda sentence: None)
