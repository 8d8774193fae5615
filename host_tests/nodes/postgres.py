# SPDX-License-Identifier: MIT
"""A PostgreSQL for the tests that ask for one: a server a worker, a database of its own for each test."""

import pytest

from tools.errors import UsageError
from tools.programs.postgres import Cluster

TEMPLATE = "template1"


def started():
    """A Cluster that runs. Raises UsageError where there is no PostgreSQL."""
    cluster = Cluster(settings={"shared_buffers": "32MB"})
    cluster.start()
    return cluster


@pytest.fixture(scope="session")
def postgres():
    """A server of this worker, a Cluster, for what tests of it do to databases. Who kills it takes one of its own."""
    try:
        cluster = started()
    except UsageError as error:
        # Not a skip: a test that quietly does not run proves nothing.
        pytest.fail(str(error), pytrace=False)
    yield cluster
    cluster.close()


@pytest.fixture
def database(postgres):
    """The URI of a new database, for `--store`. It goes with the test, whoever is still connected."""
    name = postgres.create(template=TEMPLATE)
    yield postgres.uri(name)
    postgres.drop(name)
