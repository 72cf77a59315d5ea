"""The real program under test: installations on either engine, running servers, and what lies in their databases."""

import itertools
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import time
import urllib.parse

from client import Api

ROOT = pathlib.Path(__file__).resolve().parents[2]
XP, COINS, PREMIUM = 1, 2, 3
READY_S = 30
STOP_S = 60


def binary():
    path = pathlib.Path(os.environ.get("FEALTY_BINARY", ROOT / "build/release/fealty"))
    assert path.exists(), f"There is no program {path}: build it, or name it in FEALTY_BINARY."
    return str(path)


def clean_environment(extra=None):
    """Without the settings of whoever runs the tests: the program refuses names that it does not know."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FEALTY_")}
    environment.update(extra or {})
    return environment


def wait_until(condition, deadline_s, what):
    """Polls, because the thing waited for is in another process. Gives what the condition gave."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"After {deadline_s} s still not so: {what}"
        time.sleep(0.02)


def wait_until_uploads(installation, count):
    wait_until(lambda: sum(name.endswith(".part") for name in installation.upload_files()) == count, 10, f"{count} uploads are under way")


class SqliteReader:
    def __init__(self, path):
        self.path = path

    def rows(self, query):
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]
        finally:
            connection.close()

    def execute(self, statement):
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            with connection:
                connection.execute(statement)
        finally:
            connection.close()


class PostgresReader:
    def __init__(self, url):
        self.url = url

    def rows(self, query):
        text = psql(self.url, f"SELECT coalesce(json_agg(t), '[]') FROM ({query}) t")
        return json.loads(text)

    def execute(self, statement):
        psql(self.url, statement)


def psql(url, statement):
    done = subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", f"--dbname={url}", f"--command={statement}"],
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


class PostgresServer:
    """Databases of their own for tests, on the server that FEALTY_TEST_POSTGRES names."""

    numbers = itertools.count(1)

    def __init__(self, url=None):
        self.url = url or os.environ.get("FEALTY_TEST_POSTGRES")
        assert self.url, "FEALTY_TEST_POSTGRES must be the URL of a PostgreSQL server; tools/throwaway_postgres.sh starts one."

    def create(self):
        name = f"fealty_e2e_{os.getpid()}_{next(self.numbers)}"
        psql(self.url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        return urllib.parse.urlsplit(self.url)._replace(path="/" + name).geturl()

    def drop(self, url):
        psql(self.url, f"DROP DATABASE IF EXISTS {urllib.parse.urlsplit(url).path[1:]} WITH (FORCE)")


class Installation:
    """A data folder and a database: what stays when a server ends."""

    def __init__(self, folder, engine, postgres_url=None):
        """`postgres_url`: a server of the caller's own, which it may stop; otherwise the one of the test run."""
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.engine = engine
        self.postgres = PostgresServer(postgres_url) if engine == "postgres" else None
        self.database_url = self.postgres.create() if self.postgres else None
        self.servers = []

    @property
    def uploads(self):
        return self.data / "uploads"

    def storage_options(self):
        return ["--data", str(self.data)] + (["--database", self.database_url] if self.database_url else [])

    def command(self, *arguments, check=True, timeout=120):
        """A command of the program on this installation."""
        done = subprocess.run([binary(), *arguments, *self.storage_options()], capture_output=True, text=True, timeout=timeout,
                              env=clean_environment(), cwd=self.folder)
        if check:
            assert done.returncode == 0, f"{arguments}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def command_json(self, *arguments):
        return json.loads(self.command(*arguments, "--json").stdout)

    def start(self, *options, environment=None):
        server = Server(self, options, environment)
        self.servers.append(server)
        server.wait_until_ready()
        return server

    def database(self):
        return PostgresReader(self.database_url) if self.database_url else SqliteReader(self.data / "fealty.db")

    def create_community(self, title="Test club"):
        return Community(self, self.command_json("community", "create", "--title", title, "--owner-email", "owner@example.org"))

    def balances(self, currency=PREMIUM):
        """Every balance in millionths by e-mail, read from the database itself."""
        rows = self.database().rows("SELECT a.email, b.amount FROM balances b JOIN accounts a ON a.account_id = b.member_id "
                                    f"WHERE b.currency_id = {currency}")
        return {row["email"]: int(row["amount"]) for row in rows}

    def jobs(self):
        return self.database().rows("SELECT job_id, status, total, updated, unchanged, created, failed, file_key FROM bulk_jobs ORDER BY job_id")

    def upload_files(self):
        return sorted(path.name for path in self.uploads.iterdir()) if self.uploads.exists() else []

    def files_match_jobs(self):
        """No file without its job, no job without its file. Files beside an upload bear its name, a dot and something more."""
        keys = {job["file_key"] for job in self.jobs()} - {"", "reversal"}  # erased, or none by nature
        files = self.upload_files()
        return keys <= set(files) and all(name.split(".")[0] in keys and not name.endswith(".part") for name in files)

    def everything_stored(self):
        """(place, bytes) of all files, the log among them, and of all tables."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()
        if self.postgres:
            for table in self.database().rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"):
                yield table["table_name"], str(self.database().rows(f"SELECT * FROM {table['table_name']}")).encode()

    def assert_healthy(self):
        """The doctor finds nothing, and no row of a file stands in the ledger twice."""
        done = self.command("doctor", "--json", check=False)
        assert done.returncode == 0 and json.loads(done.stdout)["ok"], done.stdout + done.stderr
        doubles = self.database().rows("SELECT source_id, source_row, currency_id, count(*) AS times FROM ledger_entries WHERE source_row > 0 "
                                       "GROUP BY community_id, source_id, source_row, currency_id HAVING count(*) > 1")
        assert doubles == []

    def close(self):
        for server in self.servers:
            server.kill()
        if self.postgres:
            self.postgres.drop(self.database_url)


class Community:
    def __init__(self, installation, made):
        self.installation = installation
        self.id = made["communityId"]
        self.system_key = made["systemKey"]
        self.names = itertools.count(1)

    def create_key(self, permissions="all"):
        made = self.installation.command_json("api-key", "create", "--community", self.id, "--name", f"key {next(self.names)}",
                                              "--permissions", permissions)
        return Key(made["_id"], made["key"])

    def revoke(self, key):
        self.installation.command("api-key", "revoke", "--community", self.id, "--id", key.id)


class Key:
    def __init__(self, id_, text):
        self.id = id_
        self.text = text


class Server:
    """One process of the program. Its log stays in the installation's folder."""

    def __init__(self, installation, options, environment):
        self.installation = installation
        self.log_path = installation.folder / f"server-{len(installation.servers) + 1}.log"
        self.log_file = open(self.log_path, "wb")
        listen = [] if "--listen" in options else ["--listen", "127.0.0.1:0"]
        # Tests ask faster than people may; those of the limit set their own.
        environment = {"FEALTY_RATE_LIMIT_PER_MINUTE": "0", **(environment or {})}
        self.process = subprocess.Popen([binary(), "serve", *installation.storage_options(), *listen, *options], stdout=self.log_file,
                                        stderr=subprocess.STDOUT, env=clean_environment(environment), cwd=installation.folder)
        self.url = None

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self):
        def ready():
            assert self.process.poll() is None, f"The server ended with {self.process.returncode}:\n{self.log()}"
            if self.url is None:
                found = re.search(r'server\.ready.*?url"?[=:] ?"?(https?://[^\s",]+)', self.log())
                self.url = found.group(1) if found else None
            return self.url and (self.url.startswith("https:") or Api(self.url).get("/health/ready").status == 200)

        wait_until(ready, READY_S, "the server is ready")

    def api(self, key=None):
        return Api(self.url, key.text if isinstance(key, Key) else key)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM, as an operator's service manager sends it. Gives the exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_S)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log_file.close()

    def memory_kib(self):
        """Anonymous memory: what the program holds itself, without pages of files that the kernel may take back."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
        raise AssertionError("no RssAnon in /proc")
