#!/usr/bin/env python3
"""Measures exports of members: seconds, members a second, and the server's peak of anonymous memory.

Members are imported with names, balances, a country and two custom fields; then the whole community is exported in both layouts,
packed, and by a filter that no index helps, each file read to its end and its rows counted. On SQLite the engine's own shell writes
the same columns of the same members in one statement, as the yardstick.
"""
import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from bench_api import CUSTOM_FIELDS, members_file
from bench_bulk import Server, log

PEAK_MIB_MAX = 64

YARDSTICK = """.headers on
.mode csv
.output {target}
SELECT m.member_id AS "User ID", a.email AS "Email", m.first_name, m.last_name, m.display_name, m.phone, m.country, m.language,
  (SELECT group_concat(r.title, ', ') FROM member_roles s JOIN roles r ON r.community_id = s.community_id AND r.role_id = s.role_id
     WHERE s.community_id = m.community_id AND s.member_id = m.member_id) AS "Role",
  (SELECT group_concat(t.name, ', ') FROM member_tags s JOIN tags t ON t.community_id = s.community_id AND t.tag_id = s.tag_id
     WHERE s.community_id = m.community_id AND s.member_id = m.member_id) AS "Tag",
  (SELECT b.amount / 1e6 FROM balances b WHERE b.community_id = m.community_id AND b.member_id = m.member_id AND b.currency_id = 1) AS "XP",
  (SELECT b.amount / 1e6 FROM balances b WHERE b.community_id = m.community_id AND b.member_id = m.member_id AND b.currency_id = 2) AS "Coins",
  (SELECT b.amount / 1e6 FROM balances b WHERE b.community_id = m.community_id AND b.member_id = m.member_id AND b.currency_id = 3) AS "Premium",
  m.joined_at, m.last_online_at, m.referred_by, a.created_at, m.state,
  (SELECT v.number / 1e6 FROM field_values v WHERE v.community_id = m.community_id AND v.member_id = m.member_id AND v.field_id = 101) AS "Deposits",
  (SELECT v.text FROM field_values v WHERE v.community_id = m.community_id AND v.member_id = m.member_id AND v.field_id = 102) AS "Segment",
  (SELECT v.text FROM field_values v WHERE v.community_id = m.community_id AND v.member_id = m.member_id AND v.field_id = 103) AS "Renewal"
FROM memberships m JOIN accounts a ON a.account_id = m.member_id
WHERE m.community_id = (SELECT max(community_id) FROM communities) AND m.state IN (0, 2, 3) ORDER BY m.joined_at, m.member_id;
"""


class Peak(threading.Thread):
    """The highest value of the server's anonymous memory, looked at 50 times a second."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.idle = server, server.memory_kib()
        self.highest, self.ended = self.idle, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.02):
            self.highest = max(self.highest, self.server.memory_kib())

    def mib(self):
        """The peak, and by how much it lies over what the server held before."""
        self.ended.set()
        self.join()
        return self.highest / 1024, (self.highest - self.idle) / 1024


def export(server, body, headers=None):
    """Seconds, bytes, lines (of plain files)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    began = time.monotonic()
    connection.request("POST", "/v1/users/export", json.dumps(body), {"Authorization": "Bearer " + server.key, **(headers or {})})
    answer = connection.getresponse()
    if answer.status != 200:
        sys.exit(f"The export was refused: {answer.read().decode()}")
    size = lines = 0
    while piece := answer.read(1 << 20):
        size += len(piece)
        lines += piece.count(b"\n")
    connection.close()
    return time.monotonic() - began, size, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--postgres-url", default=os.environ.get("FEALTY_TEST_POSTGRES"), help="a server on which databases can be made")
    parser.add_argument("--binary", default="build/release/fealty")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="fealty-bench-", dir=os.environ.get("FEALTY_TEST_FOLDER"))
    server = database = None
    if options.engine == "postgres":
        if not options.postgres_url:
            sys.exit("Name a PostgreSQL server with --postgres-url, or run: ./dev bench export --engine postgres")
        database_name = "fealty_bench_" + os.urandom(4).hex()
        subprocess.run(["psql", "-q", options.postgres_url, "-c", f"CREATE DATABASE {database_name}"], check=True)
        database = urllib.parse.urlunsplit(urllib.parse.urlsplit(options.postgres_url)._replace(path="/" + database_name))
    try:
        server = Server(options.binary, folder, database)
        for name in CUSTOM_FIELDS:
            kind = {"Deposits": "numerical", "Segment": "text", "Renewal": "date"}[name]
            server.command("field", "create", "--community", server.community, "--name", name, "--type", kind)
        log(f"Importing {options.members:,} members …")
        _, _, state = server.run_job("/v1/users/bulk-import", members_file(folder, options.members))
        if state["created"] != options.members:
            sys.exit("The import did not succeed: " + json.dumps(state))
        good = True
        print(f"{'':34} {'s':>7} {'members/s':>10} {'MiB':>6} {'peak MiB':>9} {'grown':>7}", flush=True)
        for what, body, headers in (("bulk layout, all columns", {}, None), ("plain layout, all columns", {"layout": "plain"}, None),
                                    ("e-mail and user id", {"fields": ["user_id", "email"]}, None),
                                    ("all columns, packed", {}, {"Accept-Encoding": "gzip"}),
                                    ("by a condition without index", {"filter": {"Segment": {"contains": "ent 4"}}}, None)):
            peak = Peak(server)
            seconds, size, lines = export(server, body, headers)
            highest, over = peak.mib()
            if headers is None and "filter" not in body and lines != options.members + 2:  # the header and the owner
                sys.exit(f"{lines - 1:,} members were exported, not {options.members + 1:,}.")
            good = good and over <= PEAK_MIB_MAX
            count = lines - 1 if headers is None else options.members + 1
            print(f"{what:34} {seconds:7.2f} {count / seconds:10,.0f} {size / 1048576:6.0f} {highest:9.0f} {over:7.1f}", flush=True)
        if options.engine == "sqlite":
            began = time.monotonic()
            target = os.path.join(folder, "yardstick.csv")
            subprocess.run(["sqlite3", "-readonly", os.path.join(folder, "data", "fealty.db")], input=YARDSTICK.format(target=target),
                           text=True, check=True)
            seconds = time.monotonic() - began
            print(f"{'the sqlite3 shell, one statement':34} {seconds:7.2f} {options.members / seconds:10,.0f} {os.path.getsize(target) / 1048576:6.0f}")
        server.stop()
        if not good:
            sys.exit(f"An export made the server grow by more than {PEAK_MIB_MAX} MiB.")
    finally:
        if server and server.process.poll() is None:
            server.process.kill()
        if database:
            subprocess.run(["psql", "-q", options.postgres_url, "-c", f"DROP DATABASE IF EXISTS {database_name} WITH (FORCE)"], check=False)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
