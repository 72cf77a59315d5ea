"""Rounds of work under attack, and the proof after each."""

import contextlib
import pathlib
import shutil
import threading
import time
import traceback

import callers
import client
import proof
import schedule
import workload
from world import Clock, Failure, Postgres, World

ROUNDS_PER_INSTALLATION = 6  # then a fresh one: the proofs read whole tables
THREAD_S = 400


def say(text):
    print(text, flush=True)


def members_csv(club):
    rows = (f"m{n}@{club}.example,{club}.m{n},First{n},Last{n}" for n in range(1, workload.MEMBERS + 1))
    return ("Email,Username,First Name,Last Name\n" + "\n".join(rows) + "\n").encode()


class Stage:
    """An installation with its clubs, and what is known of it."""

    def __init__(self, engine, folder, clock, postgres):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.world = World(engine, folder, clock, postgres)
        self.world.start_nodes()
        self.keys, communities = {}, {}
        installation = self.world.installation
        for name in schedule.CLUBS:
            community = installation.create_community(name)
            self.keys[name] = community.create_key()
            installation.command("field", "create", "--community", community.id, "--name", "Score", "--type", "numerical")
            installation.command("field", "create", "--community", community.id, "--name", "Note", "--type", "single-line-text")
            for tag in workload.TAGS:
                installation.command("tag", "create", "--community", community.id, "--name", tag)
            communities[name] = int(community.id[8:], 16)  # seconds, then the number
            api = self.world.nodes[0].api(self.keys[name])
            status = api.run(client.IMPORT, members_csv(name))
            assert status["created"] == workload.MEMBERS, status
        self.prover = proof.Prover(self.world, self.keys, communities)
        self.prover.proved = {job["job_id"] for job in self.prover.rows_of(proof.JOBS)}
        self.abilities = self.find_abilities()

    def find_abilities(self):
        """Optional operations that this program has, and attacks that this machine allows."""
        api = self.world.nodes[0].api(self.keys[schedule.CLUBS[0]])
        nobody = "0" * 24
        found = set()
        for name, path in (("revert", f"{client.UPDATE}/{nobody}/revert"), ("adjust", callers.ADJUST)):
            answer = api.post(path, b"{}", {"Content-Type": "application/json"})
            if not (answer.status == 405 or (answer.status == 404 and answer.code in ("not_found", "route_not_found"))):
                found.add(name)
        if self.world.disk.is_mounted:
            found.add("full disk")
        found.add("write limit")
        return frozenset(found)


def left_out(abilities):
    reasons = {"revert": "this program has no POST …/revert", "adjust": f"this program has no POST {callers.ADJUST}",
               "full disk": "this user may not mount a small file system"}
    for name, reason in reasons.items():
        if name not in abilities:
            say(f"  left out: {name} ({reason})")


class Errors:
    """The first exception of any thread."""

    def __init__(self):
        self.first = None
        self.lock = threading.Lock()

    def guard(self, function, *values):
        try:
            function(*values)
        except BaseException as error:  # noqa: BLE001  (it is raised again where the round ends)
            with self.lock:
                self.first = self.first or error


def run_round(stage, plan, clock):
    world, prover = stage.world, stage.prover
    say(f"round {plan.number} on {world.engine}: {len(plan.uploads)} uploads, {len(plan.lives) if 'adjust' in stage.abilities else 0} live changes, "
        f"{len(plan.attacks)} attacks in {plan.lasts_s:.1f} s")
    clock.begin()
    crowd = callers.Callers(world, stage.keys, clock, stage.abilities)
    errors, threads = Errors(), []

    def start(function, *values):
        thread = threading.Thread(target=errors.guard, args=(function, *values), daemon=True)
        thread.start()
        threads.append(thread)

    def attack_in_turn(attacks):
        for attack in attacks:
            clock.wait_until(attack.at)
            world.attack(attack)

    for upload in plan.uploads:
        start(crowd.upload, upload)
    if "adjust" in stage.abilities:
        for live in plan.lives:
            start(crowd.adjust, live)
    for target in sorted({attack.target for attack in plan.attacks}):
        start(attack_in_turn, [attack for attack in plan.attacks if attack.target == target])
    watcher = threading.Thread(target=errors.guard, args=(crowd.watch, plan.proof_seed), daemon=True)
    watcher.start()
    end = time.monotonic() + THREAD_S
    for thread in threads:
        while thread.is_alive() and errors.first is None and time.monotonic() < end:
            thread.join(0.2)
        if thread.is_alive() and errors.first is None:
            raise Failure(f"the round did not end in {THREAD_S} s")
    if errors.first is None:
        prover.settle()
    crowd.watching = False
    watcher.join(60)
    if errors.first is not None:
        raise errors.first
    calm = clock.now()
    before = prover.rows, prover.jobs
    reports = prover.collect(crowd, plan.proof_seed)
    prover.prove(crowd, reports, plan.proof_seed)
    world.check_nodes()
    prover.doctor()  # beside running servers
    for node in world.nodes:
        if plan.end == "kill":
            node.kill()
        elif (code := node.stop()) != 0:
            raise Failure(f"{node.name} was told to stop and ended with status {code}")
    prover.doctor()
    world.restart_peacefully()
    prover.files()
    answers = ", ".join(f"{count}× {answer}" for answer, count in sorted(crowd.answers.items()))
    say(f"  {clock.now():6.2f} s  proved: {prover.jobs - before[1]} jobs, {prover.rows - before[0]} rows; all quiet after {calm:.1f} s; answers: {answers}")
    while prover.notes:
        say(f"  note: {prover.notes.pop(0)}")


def run(engine, seed, folder, first=1, count=None, until=None, lasts_s=None):
    """Rounds until their number or their time is over. Gives whether all was well. `lasts_s` shortens the rounds."""
    say(f"{engine}: seed {seed}")
    first -= (first - 1) % ROUNDS_PER_INSTALLATION  # a round needs those before it on the same installation
    clock, number, stage, postgres, counts, rows, jobs = Clock(say), first, None, None, {}, 0, 0
    place = pathlib.Path(folder).resolve() / f"{engine}-{seed}"
    good = False
    try:
        if engine == "postgres":
            postgres = Postgres()
        while (count is None or number < first + count) and (until is None or time.monotonic() < until):
            if stage is None:
                stage = Stage(engine, place / f"from-{number}", clock, postgres)
                if number == first:
                    left_out(stage.abilities)
            plan = schedule.Round(seed, engine, number, stage.abilities)
            if lasts_s:
                plan.shorten(lasts_s)
            run_round(stage, plan, clock)
            number += 1
            if (number - 1) % ROUNDS_PER_INSTALLATION == 0:
                rows, jobs, counts = add_up(stage, rows, jobs, counts)
                stage.world.close(keep=False)
                stage = None
        good = True
    except (KeyboardInterrupt, SystemExit):
        say("broken off")
        raise
    except BaseException as error:  # noqa: BLE001  (whatever it is, the folder is kept and the way to repeat it is said)
        say(f"FAILED in round {number} on {engine}: {error}" if isinstance(error, Failure) else traceback.format_exc())
        say(f"  kept: {place}")
        installed_at = number - (number - 1) % ROUNDS_PER_INSTALLATION
        start = f" --from {installed_at}" if installed_at > 1 else ""
        length = f" --round-seconds {lasts_s:g}" if lasts_s else ""
        say(f"  again: ./dev crash --engine {engine} --seed {seed}{start} --rounds {number - installed_at + 1}{length}")
    finally:
        if stage is not None:
            rows, jobs, counts = add_up(stage, rows, jobs, counts)
            with contextlib.suppress(Exception):
                stage.world.close(keep=not good)
        if postgres is not None:
            postgres.remove()
        if good:
            shutil.rmtree(place, ignore_errors=True)
    attacks = ", ".join(f"{n}× {kind}" for kind, n in sorted(counts.items()))
    say(f"{engine}: {number - first} rounds, {jobs} jobs, {rows} rows; {attacks or 'no attack'}; {'all proved' if good else 'FAILED'}")
    return good


def add_up(stage, rows, jobs, counts):
    for kind, count in stage.world.counts.items():
        counts[kind] = counts.get(kind, 0) + count
    return rows + stage.prover.rows, jobs + stage.prover.jobs, counts
