# SPDX-License-Identifier: MIT
"""An NGINX for the tests that ask for one."""

import contextlib

import pytest

from tools.errors import UsageError
from tools.programs.nginx import Nginx


@pytest.fixture
def nginx():
    """A function that starts one with a configuration, a text or a function of its folder: an Nginx, which ends with
    the test.
    """
    with contextlib.ExitStack() as stack:

        def started(configuration):
            try:
                return stack.enter_context(Nginx(configuration))
            except UsageError as error:
                # Not a skip: a test that quietly does not run proves nothing.
                pytest.fail(str(error), pytrace=False)

        yield started
