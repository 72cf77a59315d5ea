"""The programs under attack: nodes that may be killed and paused, a PostgreSQL that may be restarted, a disk that may be full."""

import contextlib
import http.client
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import harness
import schedule

AIM_S = 4
START_S = 120  # a node that is started while its database is away or its disk full is started again
WRITE_LIMIT_BYTES = 2 * 1024 * 1024  # above what the log needs, below what files, database and log of changes need
DISK_BYTES = 1_500 * 1024 * 1024
OPTIONS = ("--bulk-jobs-waiting-max", "10000", "--bulk-uploads-community-max", "16")
POSTGRES_TOOL = harness.ROOT / "tools/throwaway_postgres.sh"


class Failure(AssertionError):
    """Something that must never happen."""


class Clock:
    """The time of a round, and one line for each thing that happens in it."""

    def __init__(self, say):
        self.say = say
        self.begin()

    def begin(self):
        self.began = time.monotonic()

    def now(self):
        return time.monotonic() - self.began

    def wait_until(self, at):
        time.sleep(max(0, at - self.now()))

    def line(self, text):
        self.say(f"  {self.now():6.2f} s  {text}")


class Postgres:
    """A server of this run alone."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fealty-crash-postgres-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = self.run("start")

    def run(self, action, *more):
        done = subprocess.run([POSTGRES_TOOL, action, self.folder, str(self.port), *more], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"throwaway_postgres.sh {action}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def restart(self, immediate, away_s):
        self.run("stop", *(["--immediate"] if immediate else []))
        time.sleep(away_s)
        self.run("start")

    def remove(self):
        with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
            self.run("stop")
        shutil.rmtree(self.folder, ignore_errors=True)


class Disk:
    """A small file system of its own below the data folder, when this user may mount one: it can be made full at will."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        self.is_mounted = self.mount(f"size={DISK_BYTES},mode=700")

    def mount(self, options):
        return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "fealty-crash", self.folder], capture_output=True).returncode == 0

    def resize(self, size):
        done = subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], capture_output=True, text=True)
        return done.returncode == 0

    def fill(self):
        """Makes it as small as what lies on it, so that no further block is to be had."""
        for _ in range(100):
            space = os.statvfs(self.folder)
            # Refused when more was written meanwhile.
            if self.resize(max((space.f_blocks - space.f_bfree) * space.f_frsize, 4096)):
                return
        raise RuntimeError(f"{self.folder} cannot be made full")

    def make_room(self):
        if not self.resize(DISK_BYTES):
            raise RuntimeError(f"{self.folder} cannot be given room again")

    def close(self, keep):
        """Unmounts it; what lay on it stays in the folder when it is to be kept."""
        if not self.is_mounted:
            return
        kept = self.folder.with_name("data-kept")
        if keep:
            shutil.copytree(self.folder, kept)
        subprocess.run(["umount", self.folder], check=False, capture_output=True)
        if keep:
            self.folder.rmdir()
            kept.rename(self.folder)


class Node:
    """A place where a server runs, again after each of its deaths."""

    def __init__(self, world, number):
        self.world = world
        self.number = number
        self.server = None
        self.lock = threading.Lock()  # one attack at a time
        self.wanted = False  # whether it should be alive: if it is not, it died of itself

    @property
    def name(self):
        return f"node {self.number}"

    def start(self):
        """Starts it, again when it cannot reach its storage yet."""
        end = time.monotonic() + START_S
        while True:
            try:
                self.server = self.world.installation.start(*OPTIONS)
                self.wanted = True
                return
            except AssertionError:
                server = self.world.installation.servers[-1]
                code = server.process.poll()
                server.kill()
                if not self.world.storage_is_away() or time.monotonic() > end or (code is not None and code < 0):
                    raise
                time.sleep(0.2)

    def api(self, key):
        return self.server.api(key)

    def kill(self):
        self.wanted = False
        self.server.kill()

    def pause(self, for_s):
        self.server.signal(signal.SIGSTOP)
        try:
            time.sleep(for_s)
        finally:
            self.server.signal(signal.SIGCONT)

    def stop(self):
        """SIGTERM; gives the exit status."""
        self.wanted = False
        try:
            return self.server.stop()
        except subprocess.TimeoutExpired:
            stacks = self.stacks()
            raise Failure(f"{self.name} was told to stop and is still there after {harness.STOP_S} s{stacks}") from None
        finally:
            self.server.kill()

    def stacks(self):
        """Where its threads stand, if there is a debugger."""
        if shutil.which("gdb") is None:
            return ""
        path = self.world.folder / "stacks.txt"
        with open(path, "wb") as out:
            subprocess.run(["gdb", "-p", str(self.server.pid), "-batch", "-ex", "thread apply all bt"], stdout=out, stderr=out, check=False, timeout=120)
        return f"; its threads: {path}"

    def limit_writes(self, for_s):
        """Files cannot grow beyond a size: writes fail, though the disk has room."""
        pid = self.server.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (WRITE_LIMIT_BYTES, hard))
        try:
            time.sleep(for_s)
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))

    def is_busy(self):
        """Whether it works on a job, by its own account; not known of one that is away."""
        try:
            text = self.server.api().get("/metrics").body.decode()
        except (OSError, http.client.HTTPException):
            return False
        return any(line.startswith("fealty_bulk_jobs_held ") and float(line.split()[1]) > 0 for line in text.splitlines())

    def died(self):
        return self.wanted and self.server.process.poll() is not None


class World:
    """One installation and all that it runs on, for some rounds."""

    def __init__(self, engine, folder, clock, postgres):
        self.engine = engine
        self.folder = pathlib.Path(folder)
        self.clock = clock
        self.postgres = postgres
        self.disk = Disk(self.folder / "data")
        self.storage_troubles = 0  # attacks under way that may keep a node from starting
        self.trouble_ended = 0.0
        self.counts = {}
        self.installation = harness.Installation(self.folder, engine, postgres.url if postgres else None)
        self.nodes = [Node(self, n) for n in range(schedule.NODES[engine])]

    def storage_is_away(self):
        """Now, or so short ago that a start may have met it."""
        return self.storage_troubles > 0 or time.monotonic() - self.trouble_ended < harness.READY_S + 5

    @contextlib.contextmanager
    def storage_trouble(self):
        self.storage_troubles += 1
        try:
            yield
        finally:
            self.storage_troubles -= 1
            self.trouble_ended = time.monotonic()

    def start_nodes(self):
        for node in self.nodes:
            if node.server is None or node.server.process.poll() is not None:
                node.start()

    def aim(self, attack):
        """Lets the attack meet a job under way, if one comes in time."""
        if "aim_s" not in attack.how:
            return
        nodes = [self.nodes[int(attack.target.split()[1])]] if attack.target.startswith("node") else self.nodes
        end = time.monotonic() + AIM_S
        while time.monotonic() < end and not any(node.is_busy() for node in nodes):
            time.sleep(0.01)
        time.sleep(attack.how["aim_s"])

    def attack(self, attack):
        self.aim(attack)
        self.counts[attack.kind] = self.counts.get(attack.kind, 0) + 1
        how = attack.how
        if attack.target.startswith("node"):
            node = self.nodes[int(attack.target.split()[1])]
            with node.lock:
                self.clock.line(str(attack))
                if attack.kind == "kill":
                    node.kill()
                    time.sleep(how["away_s"])
                    node.start()
                elif attack.kind == "stop":
                    code = node.stop()
                    if code != 0 and not self.storage_is_away():
                        raise Failure(f"{node.name} was told to stop and ended with status {code}")
                    time.sleep(how["away_s"])
                    node.start()
                elif attack.kind == "pause":
                    node.pause(how["for_s"])
                else:
                    with self.storage_trouble():
                        node.limit_writes(how["for_s"])
            self.clock.line(f"{node.name}: goes on")
        elif attack.target == "disk":
            self.clock.line(str(attack))
            with self.storage_trouble():
                self.disk.fill()
                try:
                    time.sleep(how["for_s"])
                finally:
                    self.disk.make_room()
            self.clock.line("disk: has room")
        elif attack.kind == "cut connections":
            self.clock.line(str(attack))
            with self.storage_trouble():
                self.cut_connections(random.Random(how["dice"]), how["share"], how["times"])
        else:
            self.clock.line(str(attack))
            with self.storage_trouble():
                self.postgres.restart(attack.kind == "crash", how["away_s"])
            self.clock.line("postgres: is back")

    def cut_connections(self, dice, share, times):
        for _ in range(times):
            pids = [row["pid"] for row in self.installation.database().rows(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY backend_start")]
            victims = [pid for pid in pids if dice.random() < share]
            if victims:
                self.installation.database().rows(f"SELECT pg_terminate_backend(pid) FROM unnest(ARRAY{victims}) AS v(pid)")
            time.sleep(dice.uniform(0, 0.2))

    def check_nodes(self):
        for node in self.nodes:
            if node.died():
                raise Failure(f"{node.name} ended by itself with status {node.server.process.returncode}; its log: {node.server.log_path}")

    def restart_peacefully(self):
        """Files without a job are removed at a start, of a shared folder those that nobody wrote to for ten minutes: time
        passes here by the clock of the files."""
        for path in self.installation.uploads.iterdir():
            os.utime(path, (1, 1))
        self.start_nodes()

    def close(self, keep):
        for node in self.nodes:
            if node.server is not None:
                node.kill()
        for server in self.installation.servers:
            server.kill()
        if keep and self.postgres:
            self.keep_database()
        self.installation.close()
        self.disk.close(keep)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def keep_database(self):
        with open(self.folder / "database.pgdump", "wb") as out:
            subprocess.run(["pg_dump", "--format=custom", f"--dbname={self.installation.database_url}"], stdout=out, check=False, timeout=600)
