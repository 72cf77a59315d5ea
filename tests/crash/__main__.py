"""./dev crash: the whole program under a seeded schedule of attacks, proved after every round.

A round is some ten seconds of uploads (bulk updates, premium currency, imports, dry runs; lost answers, broken connections,
repeats under Idempotency-Keys), cancels, reverts and live changes, on one node with SQLite or on two nodes with one PostgreSQL,
while nodes are killed and paused beyond their lease, PostgreSQL is restarted and its connections are cut, and the disk is full.
Then all jobs must end, `fealty doctor` must find nothing, and a model that knows only the files must come to the same outcomes,
counters, ledger sums, histories and balances.

The same seed gives the same files, options and attacks at the same planned moments. What it cannot give is the same order of
threads and processes: the kernel decides which row a kill -9 meets. Run a failing seed several times.
"""

import argparse
import os
import pathlib
import random
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import rounds  # noqa: E402  (found by the path above)


def arguments():
    parser = argparse.ArgumentParser(prog="./dev crash", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5, help="how long, for all engines together (5)")
    parser.add_argument("--engine", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--seed", type=int, help="repeats the files and attacks of an earlier run")
    parser.add_argument("--rounds", type=int, help="so many rounds instead of minutes")
    parser.add_argument("--round-seconds", type=float, metavar="N", help="shorter rounds, as the tests use them")
    parser.add_argument("--from", type=int, default=1, dest="first", metavar="ROUND",
                        help=f"the first round; installations are made anew in the rounds 1, {1 + rounds.ROUNDS_PER_INSTALLATION}, "
                        f"{1 + 2 * rounds.ROUNDS_PER_INSTALLATION} …")
    parser.add_argument("--folder", type=pathlib.Path, default=HERE.parents[1] / "build/crash", help="where installations lie (build/crash)")
    return parser.parse_args()


def main():
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started and mounted is taken down
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**9)
    print(f"seed {seed}", flush=True)
    engines = ("sqlite", "postgres") if asked.engine == "both" else (asked.engine,)
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    good = True
    for engine in engines:
        until = None if asked.rounds else time.monotonic() + asked.minutes * 60 / len(engines)
        good &= rounds.run(engine, seed, asked.folder, first=asked.first, count=asked.rounds, until=until, lasts_s=asked.round_seconds)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
