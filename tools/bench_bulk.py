#!/usr/bin/env python3
"""Measures a whole bulk job, from the POST to its end, against the engine's own shell doing the same data work.

The yardstick runs in the same minute on the same machine: the sqlite3 shell imports the file into a temporary table, joins
it to the members, updates the balances, and writes a ledger row for each change, in one durable transaction; psql does the
same with \\copy into an unlogged table. The rows are in random order: 80 % add, 10 % subtract, 10 % overwrite.
"""
import argparse
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

PREMIUM = "/v1/users/bulk-update-premium-currency"
BOUNDARY = "fealty-bench-boundary"
NUMBERS = ("Deposits", "Trades", "Visits", "Score")
PHASES = ("read_cpu_ms", "plan_cpu_ms", "apply_cpu_ms", "commit_ms")


def log(text):
    print(text, file=sys.stderr, flush=True)


def write_data(folder, rows):
    """The members' file, a first gift of 1,000 to each, and the job's file; every member has exactly one row in each."""
    members, gift, job = (os.path.join(folder, name) for name in ("members.csv", "gift.csv", "job.csv"))
    rng = random.Random(20260407)
    with open(members, "w", encoding="ascii", newline="") as f:
        f.write("First Name,Last Name,Username,Email\r\n")
        for i in range(rows):
            f.write(f"First{i},Last{i},user{i},member{i}@example.org\r\n")
    with open(gift, "w", encoding="ascii", newline="") as f:
        f.write("Email,Premium Currency,Premium Currency_op\r\n")
        for i in range(rows):
            f.write(f"member{i}@example.org,1000,add\r\n")
    order = list(range(rows))
    rng.shuffle(order)
    with open(job, "w", encoding="ascii", newline="") as f:
        f.write("Email,Premium Currency,Premium Currency_op\r\n")
        for i in order:
            draw = rng.random()
            op = "add" if draw < 0.8 else "subtract" if draw < 0.9 else "overwrite"
            f.write(f"member{i}@example.org,{rng.randint(1, 100)},{op}\r\n")
    # Two currencies and four numbers with their operators, and a text; of the same members in the same order.
    wide = os.path.join(folder, "wide.csv")
    with open(wide, "w", encoding="ascii", newline="") as f:
        f.write("Email,XP,XP_op,Coins,Coins_op," + ",".join(f"{name},{name}_op" for name in NUMBERS) + ",Segment\r\n")
        for i in order:
            cells = ",".join(f"{rng.randint(1, 100)},{'add' if rng.random() < 0.8 else 'overwrite'}" for _ in range(2 + len(NUMBERS)))
            f.write(f"member{i}@example.org,{cells},segment {rng.randint(1, 9)}\r\n")
    return members, gift, job, wide


class Server:
    def __init__(self, binary, folder, database, more=()):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.binary, self.storage = binary, ["--data", os.path.join(folder, "data")]
        if database:
            self.storage += ["--database", database]
        self.words = [binary, "serve", *self.storage, "--listen", f"127.0.0.1:{self.port}", "--access-log", "false",
                      "--rate-limit-per-minute", "0", "--bulk-file-bytes-max", str(8 << 30), "--bulk-rows-max", "1000000000", *more]
        self.log_path = os.path.join(folder, "server.log")
        self.start()
        made = self.command("community", "create", "--title", "Bench", "--owner-email", "owner@example.org")
        self.community = made["communityId"]
        self.key = self.command("api-key", "create", "--community", made["communityId"], "--name", "bench", "--permissions", "all")["key"]

    def start(self):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.words, stderr=self.log)
        deadline = time.monotonic() + 30
        while True:
            try:
                if self.request("GET", "/health/ready")[0] == 200:
                    break
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("The server did not start; see " + self.log.name)
            time.sleep(0.05)

    def command(self, *words):
        return json.loads(subprocess.check_output([self.binary, *words, *self.storage, "--json"]))

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def upload(self, path, file):
        headers = {"Authorization": "Bearer " + self.key, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        with open(file, "rb") as f:
            content = f.read()
        body = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="data"; filename="bench.csv"\r\n\r\n'.encode() + content +
                f"\r\n--{BOUNDARY}--\r\n".encode())
        status, answer = self.request("POST", path, body, headers)
        if status != 200:
            sys.exit(f"The upload was refused: {answer.decode()}")
        return json.loads(answer)["data"]["id"]

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            fields = dict(line.split(":", 1) for line in f)
        return int(fields["RssAnon"].split()[0])

    def run_job(self, path, file):
        """Seconds from the POST to the end, and the most anonymous memory seen."""
        began = time.monotonic()
        return self.watch(self.upload(path, file), began)

    def run_revert(self, job):
        """The same for taking a job back."""
        began = time.monotonic()
        headers = {"Authorization": "Bearer " + self.key, "Content-Type": "application/json"}
        status, answer = self.request("POST", f"/v1/users/bulk-update/{job}/revert", json.dumps({"reason": "bench"}), headers)
        if status != 200:
            sys.exit(f"The reversal was refused: {answer.decode()}")
        return self.watch(json.loads(answer)["data"]["id"], began)

    def watch(self, job, began):
        peak = 0
        while True:
            _, answer = self.request("GET", f"/v1/users/bulk-update/{job}/status", headers={"Authorization": "Bearer " + self.key})
            state = json.loads(answer)["data"]
            peak = max(peak, self.memory_kib())
            if state["status"] in ("completed", "failed", "cancelled"):
                return time.monotonic() - began, peak, state
            time.sleep(0.05)

    def written_bytes(self):
        """What this process has given to the disk; on PostgreSQL the server's log is asked instead."""
        with open(f"/proc/{self.process.pid}/io", encoding="ascii") as f:
            return int(dict(line.split(": ") for line in f)["write_bytes"])

    def phases_of_last_job(self):
        """Milliseconds by phase, from the line that the server logs at the end of a job."""
        with open(self.log.name, encoding="utf-8") as f:
            line = [line for line in f if "bulk.finished" in line][-1]
        fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
        return {phase: int(fields[phase]) for phase in PHASES}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()


def sqlite_yardstick(folder, rows, job):
    database = os.path.join(folder, "yardstick.db")
    setup = f"""PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
CREATE TABLE members(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);
CREATE TABLE balances(member INTEGER PRIMARY KEY, amount INTEGER NOT NULL);
CREATE TABLE ledger(id INTEGER PRIMARY KEY, member INTEGER NOT NULL, delta INTEGER NOT NULL, balance_after INTEGER NOT NULL, job INTEGER NOT NULL, row INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE INDEX ledger_by_member ON ledger(member, id);
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {rows}) INSERT INTO members SELECT i + 1, 'member' || i || '@example.org' FROM n;
INSERT INTO balances SELECT id, 1000 FROM members;
PRAGMA wal_checkpoint(TRUNCATE);"""
    subprocess.run(["sqlite3", database], input=setup, text=True, check=True, stdout=subprocess.DEVNULL)
    script = f"""PRAGMA synchronous=FULL;
CREATE TEMP TABLE rows(email TEXT, amount INTEGER, op TEXT);
.mode csv
.import --skip 1 {job} rows
BEGIN IMMEDIATE;
CREATE TEMP TABLE work AS SELECT r.rowid AS row, m.id AS member, b.amount AS before,
  CASE r.op WHEN 'add' THEN b.amount + r.amount WHEN 'subtract' THEN b.amount - r.amount ELSE r.amount END AS after
  FROM rows r JOIN members m ON m.email = r.email JOIN balances b ON b.member = m.id;
UPDATE balances SET amount = w.after FROM work w WHERE balances.member = w.member;
INSERT INTO ledger(member, delta, balance_after, job, row, at) SELECT member, after - before, after, 1, row, 1700000000000 FROM work;
COMMIT;"""
    began = time.monotonic()
    subprocess.run(["sqlite3", database], input=script, text=True, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


ACCOUNTS = """CREATE TABLE people(account_id {key}, email TEXT NOT NULL, email_key TEXT NOT NULL, username TEXT NOT NULL, username_key TEXT NOT NULL, state BIGINT NOT NULL, created_at BIGINT NOT NULL);
CREATE UNIQUE INDEX people_by_email ON people(email_key); CREATE UNIQUE INDEX people_by_username ON people(username_key);
CREATE TABLE joined(community_id BIGINT NOT NULL, member_id BIGINT NOT NULL, state BIGINT NOT NULL, first_name TEXT, last_name TEXT, display_name TEXT, phone TEXT, country TEXT, language TEXT, joined_at BIGINT NOT NULL, PRIMARY KEY(community_id, member_id)){clustered};
CREATE TABLE heads(community_id BIGINT NOT NULL, member_id BIGINT NOT NULL, field_id BIGINT NOT NULL, number BIGINT, text TEXT, history_id BIGINT NOT NULL, PRIMARY KEY(community_id, member_id, field_id)){clustered};
CREATE TABLE items(history_id {key}, community_id BIGINT NOT NULL, member_id BIGINT NOT NULL, field_id BIGINT NOT NULL, operator BIGINT NOT NULL, before_text TEXT, after_text TEXT, previous_id BIGINT NOT NULL, source_id BIGINT NOT NULL, source_row BIGINT NOT NULL);"""
INSERT_PEOPLE = """INSERT INTO people SELECT row, e, lower(e), u, lower(u), 0, 1700000000000 FROM fresh;
INSERT INTO joined SELECT 1, row, 0, f, l, f, NULL, NULL, NULL, 1700000000000 FROM fresh;"""
INSERT_HISTORIES = """INSERT INTO heads SELECT 1, row, 1, NULL, NULL, row * 2 FROM fresh;
INSERT INTO heads SELECT 1, row, 2, NULL, NULL, row * 2 + 1 FROM fresh;
INSERT INTO items SELECT row * 2, 1, row, 1, 2, NULL, f, 0, 1, row FROM fresh;
INSERT INTO items SELECT row * 2 + 1, 1, row, 2, 2, NULL, l, 0, 1, row FROM fresh;"""


def sqlite_import_yardstick(folder, members, histories):
    """Seconds in which the shell inserts the same people: accounts with their two indexes and memberships; with `histories`
    also what every import keeps of each name."""
    database = os.path.join(folder, f"people{int(histories)}.db")
    setup = "PRAGMA journal_mode=WAL;" + ACCOUNTS.format(key="INTEGER PRIMARY KEY", clustered=" WITHOUT ROWID")
    subprocess.run(["sqlite3", database], input=setup, text=True, check=True, stdout=subprocess.DEVNULL)
    script = f"""PRAGMA synchronous=FULL;
CREATE TEMP TABLE raw(f TEXT, l TEXT, u TEXT, e TEXT);
.mode csv
.import --skip 1 {members} raw
BEGIN IMMEDIATE;
CREATE TEMP VIEW fresh AS SELECT rowid AS row, * FROM raw;
{INSERT_PEOPLE}{INSERT_HISTORIES if histories else ""}
COMMIT;"""
    began = time.monotonic()
    subprocess.run(["sqlite3", database], input=script, text=True, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def postgres_import_yardstick(database, members, histories):
    schema = f"people{int(histories)}"
    def psql(text):
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", database], input=f"SET search_path = {schema};" + text, text=True, check=True, stdout=subprocess.DEVNULL)
    psql(f"CREATE SCHEMA {schema};" + ACCOUNTS.format(key="bigint PRIMARY KEY", clustered="") + "CHECKPOINT;")
    began = time.monotonic()
    psql(f"""CREATE UNLOGGED TABLE fresh(row bigserial, f text, l text, u text, e text);
\\copy fresh(f, l, u, e) FROM '{members}' WITH (FORMAT csv, HEADER)
BEGIN;
{INSERT_PEOPLE}{INSERT_HISTORIES if histories else ""}
COMMIT;""")
    return time.monotonic() - began


def postgres_written(database):
    return int(subprocess.check_output(["psql", "-qAt", database, "-c", "SELECT wal_bytes FROM pg_stat_wal"], text=True))


def postgres_yardstick(database, rows, job):
    def psql(text):
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", database], input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    psql(f"""CREATE SCHEMA yardstick; SET search_path = yardstick;
CREATE TABLE members(id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE balances(member bigint PRIMARY KEY, amount bigint NOT NULL);
CREATE TABLE ledger(id bigserial PRIMARY KEY, member bigint NOT NULL, delta bigint NOT NULL, balance_after bigint NOT NULL, job bigint NOT NULL, row bigint NOT NULL, at bigint NOT NULL);
CREATE INDEX ledger_by_member ON ledger(member, id);
INSERT INTO members SELECT i + 1, 'member' || i || '@example.org' FROM generate_series(0, {rows} - 1) i;
INSERT INTO balances SELECT id, 1000 FROM members; ANALYZE; CHECKPOINT;""")
    began = time.monotonic()
    psql(f"""SET search_path = yardstick;
CREATE UNLOGGED TABLE rows(row bigserial, email text, amount bigint, op text);
\\copy rows(email, amount, op) FROM '{job}' WITH (FORMAT csv, HEADER)
BEGIN;
CREATE TEMP TABLE work AS SELECT r.row, m.id AS member, b.amount AS before,
  CASE r.op WHEN 'add' THEN b.amount + r.amount WHEN 'subtract' THEN b.amount - r.amount ELSE r.amount END AS after
  FROM rows r JOIN members m ON m.email = r.email JOIN balances b ON b.member = m.id;
UPDATE balances SET amount = w.after FROM work w WHERE balances.member = w.member;
INSERT INTO ledger(member, delta, balance_after, job, row, at) SELECT member, after - before, after, 1, row, 1700000000000 FROM work;
COMMIT;""")
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--postgres-url", default=os.environ.get("FEALTY_TEST_POSTGRES"), help="a server on which databases can be made")
    parser.add_argument("--binary", default="build/release/fealty")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="leave the job with six numerical columns out")
    parser.add_argument("--keep", action="store_true", help="keep the folder with data and logs")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="fealty-bench-", dir=os.environ.get("FEALTY_TEST_FOLDER"))
    os.chmod(folder, 0o755)
    database = None
    if options.engine == "postgres":
        if not options.postgres_url:
            sys.exit("Name a PostgreSQL server with --postgres-url, or run: ./dev bench bulk --engine postgres")
        name = "fealty_bench_" + os.urandom(4).hex()
        subprocess.run(["psql", "-q", options.postgres_url, "-c", f"CREATE DATABASE {name}"], check=True)
        database = urllib.parse.urlunsplit(urllib.parse.urlsplit(options.postgres_url)._replace(path="/" + name))
    try:
        rows = options.rows
        log(f"Writing {rows:,} members and rows …")
        members, gift, job, wide = write_data(folder, rows)
        server = Server(options.binary, folder, database)
        idle = server.memory_kib()
        written = (lambda: postgres_written(database)) if database else server.written_bytes
        result = {"engine": options.engine, "rows": rows}
        peaks = {}

        def run(name, path, file):
            log(f"Running: {name} …")
            before = written()
            seconds, peaks[name], state = server.run_job(path, file)
            if state["updated"] + state["created"] < 0.99 * rows or state["failed"] > 0:
                sys.exit(f"The job {name} did not change every member: " + json.dumps(state))
            result[f"{name}_rows_per_s"] = round(rows / seconds)
            result[f"{name}_written_bytes_per_row"] = round((written() - before) / rows)
            phases = server.phases_of_last_job()
            result[f"{name}_seconds_per_million_rows"] = {phase.removesuffix("_ms"): round(ms * 1_000 / rows, 2) for phase, ms in phases.items()}
            return seconds, state

        import_s, _ = run("import", "/v1/users/bulk-import", members)
        run("ordered", PREMIUM, gift)
        job_s, state = run("job", PREMIUM, job)
        log("Taking it back …")
        revert_s, peaks["revert"], reverted = server.run_revert(state["_id"])
        if reverted["updated"] != state["updated"]:
            sys.exit("The reversal did not take every row back: " + json.dumps(reverted))
        result["revert_rows_per_s"] = round(rows / revert_s)
        if not options.quick:
            for name in NUMBERS:
                server.command("field", "create", "--community", server.community, "--name", name, "--type", "numerical")
            server.command("field", "create", "--community", server.community, "--name", "Segment", "--type", "single-line-text")
            run("wide_first", "/v1/users/bulk-update", wide)
            wide_s, _ = run("wide", "/v1/users/bulk-update", wide)
            result["wide_to_job"] = round(job_s / wide_s, 2)
        server.stop()
        log("Running the yardsticks …")
        yard_s = sqlite_yardstick(folder, rows, job) if database is None else postgres_yardstick(database, rows, job)
        result |= {"yardstick_rows_per_s": round(rows / yard_s), "job_to_yardstick": round(yard_s / job_s, 2)}
        for histories in (False, True):
            people_s = sqlite_import_yardstick(folder, members, histories) if database is None else postgres_import_yardstick(database, members, histories)
            name = "import_yardstick" + ("_with_histories" if histories else "")
            result |= {f"{name}_rows_per_s": round(rows / people_s), f"import_to_{name.removeprefix('import_')}": round(people_s / import_s, 2)}
        result["memory_over_idle_mib"] = {name: round((peak - idle) / 1024, 1) for name, peak in peaks.items()}
        if options.json:
            print(json.dumps(result))
        else:
            for figure, value in result.items():
                print(f"{figure:40} {value:,}" if isinstance(value, int) else f"{figure:40} {value}")
    finally:
        if database:
            subprocess.run(["psql", "-q", options.postgres_url, "-c", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"], check=False)
        if options.keep:
            log("Kept: " + folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
