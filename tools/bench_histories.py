#!/usr/bin/env python3
"""Measures the histories of a large community: the lists, their first and last pages, what the nightly removal of old items costs
callers, and users/info with hundreds of custom fields.

The histories are made by the program itself: an import of as many members as --rows and --jobs jobs that change five fields of
each (so about rows × (2 + 5 × jobs) items), then single changes. SQLite; what is measured is the time from the request to the
whole answer, over one kept connection.
"""
import argparse
import base64
import hashlib
import http.client
import json
import os
import shutil
import sqlite3
import statistics
import struct
import subprocess
import tempfile
import time

from bench_bulk import NUMBERS, Server, log, write_data

DAY = 86_400_000
SINGLE_CHANGES = 2_000
LIST = "/v1/communities/{c}/user-field-histories"


def create_fields(server, fields):
    made = {}
    for name, kind in fields:
        made[name] = server.command("field", "create", "--community", server.community, "--name", name, "--type", kind,
                                    "--custom-fields-max", "1000")["_id"]
    return made


class Caller:
    def __init__(self, server):
        self.server = server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)

    def ask(self, method, path, body=None):
        """Milliseconds and the answer."""
        began = time.perf_counter()
        self.connection.request(method, path, json.dumps(body) if body is not None else None,
                                {"Authorization": "Bearer " + self.server.key, "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        content = answer.read()
        took = (time.perf_counter() - began) * 1000
        assert answer.status == 200, (answer.status, content[:500])
        return took, json.loads(content)


def deep_cursor(cursor, question, number):
    """The cursor of the same list at another item (src/api/cursor.cpp): nobody walks 100,000 pages to measure the last one."""
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[24:32] = struct.pack(">q", number)
    payload = bytes(raw[16:])
    digest = hashlib.sha256(f"cursor.1:{len(question)}:".encode() + question + payload).digest()[:16]
    return base64.urlsafe_b64encode(digest + payload).decode().rstrip("=")


def median_ms(times):
    return round(statistics.median(times), 2)


def measure_list(caller, path, question, middle):
    """First page with its total and without, then pages by cursor at the beginning and far behind it."""
    separator = "&" if "?" in path else "?"
    totals = [caller.ask("GET", f"{path}{separator}limit=100")[0] for _ in range(5)]
    first = [caller.ask("GET", f"{path}{separator}limit=100&skipTotal=true") for _ in range(20)]
    _, page = first[0]
    _, counted = caller.ask("GET", f"{path}{separator}limit=100")
    out = {"total": counted["meta"]["total"], "first_with_total_ms": median_ms(totals), "first_ms": median_ms([t for t, _ in first])}
    cursor = page["meta"]["nextCursor"]
    if cursor is None:
        return out
    times = []
    for _ in range(20):
        took, page = caller.ask("GET", f"{path}{separator}limit=100&skipTotal=true&cursor={cursor}")
        times.append(took)
        cursor = page["meta"]["nextCursor"] or cursor
    out["next_ms"] = median_ms(times)
    if middle:
        times = []
        cursor = deep_cursor(cursor, question, middle)
        for _ in range(20):
            took, page = caller.ask("GET", f"{path}{separator}limit=100&skipTotal=true&cursor={cursor}")
            times.append(took)
            cursor = page["meta"]["nextCursor"] or cursor
        out["far_behind_ms"] = median_ms(times)
    return out


def question_of(community, member, field):
    return f"{community}:histories:{member}:{field}".encode() + b"\0\1" * 4


def load(options, server, path, seconds, method="POST", body=None, rate=None):
    words = [options.load, "--url", f"http://127.0.0.1:{server.port}{path}", "--header", "Authorization: Bearer " + server.key,
             "--header", "Content-Type: application/json", "--method", method, "--connections", "4", "--seconds", str(seconds)]
    if body:
        words += ["--body", body]
    if rate:
        words += ["--rate", str(rate)]
    result = json.loads(subprocess.check_output(words))
    assert not result["transport_errors"] and set(result["statuses"]) == {"200"}, result
    return {"requests_per_s": round(result["requests_per_s"]), "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"]}


def make_older(database, days):
    """As if all histories had been written that much earlier, by jobs whose results are not kept any more."""
    shift = days * DAY << 22
    connection = sqlite3.connect(database, isolation_level=None, timeout=60)
    connection.execute("BEGIN")
    for table, columns in (("field_history", ("history_id", "previous_id")), ("field_values", ("history_id",)),
                           ("history_spans_of_fields", ("last_id", "first_id")), ("history_spans_of_members", ("last_id", "first_id")),
                           ("history_totals", ("through_id",))):
        changes = ", ".join(f"{c} = CASE WHEN {c} = 0 THEN 0 ELSE {c} - {shift} END" for c in columns)
        connection.execute(f"UPDATE {table} SET {changes}")
    connection.execute("UPDATE bulk_jobs SET file_key = '', expires_at = 1")
    connection.execute("UPDATE communities SET history_cut_at = 0")
    connection.execute("COMMIT")
    connection.close()


def measure_retention(options, server, made):
    """p99 of reads and single changes, alone and while old items are removed."""
    database = os.path.join(options.folder, "data", "fealty.db")
    changes = (f"/v1/communities/{server.community}/users/7/user-fields", "PATCH",
               json.dumps({"customFields": [{"fieldIdorName": made["Deposits"], "op": "add", "value": 1}]}))
    reads = (f"/v1/communities/{server.community}/user-fields/{made['Trades']}/histories?skipTotal=true", "GET", None)

    def both(seconds):
        return {"reads": load(options, server, reads[0], seconds, reads[1], reads[2], 100),
                "changes": load(options, server, changes[0], seconds, changes[1], changes[2], 100)}

    before = sqlite3.connect(database).execute("SELECT count(*) FROM field_history").fetchone()[0]
    idle = both(10)
    server.stop()
    make_older(database, 400)
    server.start()
    beside = both(10)
    went_on = sqlite3.connect(database).execute("SELECT history_cut_at FROM communities").fetchone()[0] == 0
    began = time.monotonic()
    while sqlite3.connect(database).execute("SELECT history_cut_at FROM communities").fetchone()[0] == 0:
        time.sleep(0.5)
    after = sqlite3.connect(database).execute("SELECT count(*) FROM field_history").fetchone()[0]
    return {"items_before": before, "items_after": after, "idle": idle, "while_removing": beside, "still_removing_at_the_end": went_on,
            "seconds_after": round(time.monotonic() - began, 1)}


def measure_wide(options, server):
    """users/info where the community has 500 custom fields, and a member a value of each."""
    fields = create_fields(server, [(f"Wide {n}", ("text", "number")[n % 2]) for n in range(500 - len(NUMBERS) - 1)])
    caller = Caller(server)
    ids = list(fields.values())
    for member in range(2, 52):
        for at in range(0, len(ids), 100):
            caller.ask("PATCH", f"/v1/communities/{server.community}/users/{member}/user-fields",
                       {"customFields": [{"fieldIdorName": id_, "value": str(member * 1000 + n)} for n, id_ in enumerate(ids[at:at + 100])]})
    body = '{"idOrEmail":"{random:2:51}"}'
    return {"one connection": load(options, server, "/v1/users/info", 5, "POST", body, 100),
            "closed loop of 4": load(options, server, "/v1/users/info", 5, "POST", body)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="members")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--binary", default="build/release/fealty")
    parser.add_argument("--load", default="build/release/http_load", help="the load generator")
    parser.add_argument("--skip-retention", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the folder with data and logs")
    options = parser.parse_args()
    options.folder = tempfile.mkdtemp(prefix="fealty-bench-", dir=os.environ.get("FEALTY_TEST_FOLDER"))
    server = None
    try:
        server = Server(options.binary, options.folder, None, ["--custom-fields-max", "1000"])
        made = create_fields(server, [*((name, "numerical") for name in NUMBERS), ("Segment", "text")])
        members, _, _, wide = write_data(options.folder, options.rows)
        log(f"Importing {options.rows:,} members …")
        server.run_job("/v1/users/bulk-import", members)
        for n in range(options.jobs):
            log(f"Job {n + 1} of {options.jobs} …")
            # Two rows of one member with equal texts would change nothing: the second job has other ones.
            path = wide if n == 0 else other_segments(wide, n)
            seconds, _, state = server.run_job("/v1/users/bulk-update", path)
            log(f"  {state['updated']:,} rows, {options.rows / seconds:,.0f} a second")
        caller = Caller(server)
        for n in range(SINGLE_CHANGES):
            caller.ask("PATCH", f"/v1/communities/{server.community}/users/{2 + n % 50}/user-fields",
                       {"customFields": [{"fieldIdorName": "Deposits", "op": "add", "value": 1}]})
        database = sqlite3.connect(os.path.join(options.folder, "data", "fealty.db"))
        number = int(server.community[8:], 16)
        low, high = database.execute("SELECT min(history_id), max(history_id) FROM field_history").fetchone()
        far = low + (high - low) // 50
        field = made["Trades"]
        paths = {
            "community": (LIST.format(c=server.community), question_of(number, 0, 0), far),
            "field": (f"/v1/communities/{server.community}/user-fields/{field}/histories",
                      question_of(number, 0, int(field[8:], 16)), database.execute(
                          "SELECT last_id FROM history_spans_of_fields WHERE field_id = ? ORDER BY last_id LIMIT 1 OFFSET 3",
                          (int(field[8:], 16),)).fetchone()[0]),
            "member": (f"/v1/communities/{server.community}/users/7/user-field-histories", question_of(number, 7, 0), None),
            "member, field": (f"/v1/communities/{server.community}/users/7/user-fields/{made['Deposits']}/histories", b"", None),
        }
        results = {"items": database.execute("SELECT count(*) FROM field_history").fetchone()[0],
                   "spans": {t: database.execute(f"SELECT count(*) FROM {t}").fetchone()[0]
                             for t in ("history_spans_of_fields", "history_spans_of_members")},
                   "lists": {name: measure_list(caller, *rest) for name, rest in paths.items()}}
        database.close()
        log("users/info with 500 fields …")
        results["users/info, 500 fields"] = measure_wide(options, server)
        if not options.skip_retention:
            log("Removing what is old …")
            results["retention"] = measure_retention(options, server, made)
        server.stop()
        print(json.dumps(results, indent=1))
    finally:
        if server and server.process.poll() is None:
            server.process.kill()
        if options.keep:
            log("Kept: " + options.folder)
        else:
            shutil.rmtree(options.folder, ignore_errors=True)


def other_segments(path, n):
    out = path.replace(".csv", f"{n}.csv")
    with open(path, encoding="ascii", newline="") as source, open(out, "w", encoding="ascii", newline="") as target:
        for line in source:
            target.write(line.replace("segment ", f"segment {n}"))
    return out


if __name__ == "__main__":
    main()
