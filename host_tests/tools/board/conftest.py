# SPDX-License-Identifier: MIT
"""For all tests of `msgin5g provision`."""

import pytest

from tools import cli


@pytest.fixture
def run(capsys):
    """run(*arguments) gives (exit code, stdout, stderr) of `msgin5g provision`."""

    def provision(*arguments):
        code = cli.main(["provision", *map(str, arguments)])
        return code, *capsys.readouterr()

    return provision
