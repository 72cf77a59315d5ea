"""Fixtures of the whole-program tests.

FEALTY_BINARY         the program; default build/release/fealty
FEALTY_TEST_POSTGRES  URL of a PostgreSQL server on which the tests may make databases; without it the tests fail
FEALTY_TEST_SLOW=1    also runs what takes minutes
FEALTY_TEST_KILLS     kills per engine of the crash test
FEALTY_TEST_SEED      repeats the random moments of an earlier run
"""

import os
import random
import types

import pytest

from files import members
from harness import Installation

import client

LOG_CHARACTERS_SHOWN = 2_000


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes minutes; runs with FEALTY_TEST_SLOW=1")


def pytest_collection_modifyitems(items):
    if os.environ.get("FEALTY_TEST_SLOW") == "1":
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: runs with FEALTY_TEST_SLOW=1"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows what its servers logged."""
    report = (yield).get_result()
    if not report.failed:
        return
    for value in getattr(item, "funcargs", {}).values():
        installation = getattr(value, "installation", value)
        if not isinstance(installation, Installation):
            continue
        for server in installation.servers:
            report.sections.append((str(server.log_path), server.log()[-LOG_CHARACTERS_SHOWN:]))


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def engine(request):
    return request.param


@pytest.fixture
def installation(tmp_path, engine):
    made = Installation(tmp_path, engine)
    yield made
    made.close()


def open_club(installation, members_count=5, *options):
    """A running server with a community, a key for everything, and members."""
    server = installation.start(*options)
    community = installation.create_community()
    key = community.create_key()
    api = server.api(key)
    if members_count:
        status = api.run(client.IMPORT, members(members_count))
        assert status["created"] == members_count, status
    return types.SimpleNamespace(installation=installation, server=server, community=community, key=key, api=api)


@pytest.fixture(scope="module")
def club(tmp_path_factory, engine):
    """One server for all tests of a file that do not harm it."""
    installation = Installation(tmp_path_factory.mktemp("club"), engine)
    yield open_club(installation)
    installation.close()


@pytest.fixture
def own_club(installation):
    """A server of the test's own."""
    return open_club(installation)


@pytest.fixture
def dice():
    """Random moments that can be repeated: the seed is printed with a failure."""
    seed = int(os.environ.get("FEALTY_TEST_SEED", random.SystemRandom().randrange(10**9)))
    print(f"FEALTY_TEST_SEED={seed}")
    return random.Random(seed)
