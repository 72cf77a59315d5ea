"""A short run of ./dev crash: one round under attack with a known seed, and one with a new one."""

import os
import pathlib
import random
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "crash"))

import rounds  # noqa: E402  (found by the path above)

KNOWN_SEED = 7
LASTS_S = 8


@pytest.mark.parametrize("seed", [KNOWN_SEED, None], ids=["known seed", "new seed"])
def test_what_was_attacked_is_whole(tmp_path, engine, seed):
    if seed is None:
        seed = int(os.environ.get("FEALTY_TEST_SEED", random.SystemRandom().randrange(10**9)))
    assert rounds.run(engine, seed, tmp_path, count=1, lasts_s=LASTS_S), f"The output above says how to repeat seed {seed}."
