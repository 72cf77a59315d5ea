#!/usr/bin/env python3
"""Measures reads over the API beside the same answers from Fastify with better-sqlite3, in one run on one machine.

Both servers answer from equal copies of one SQLite file, check the key of each request, and are driven by the same load
generator, one after the other. Before anything is measured their answers are compared: they must say the same. What counts is
requests for a second of the server's CPU time: the load generator needs a core of its own, so that on a small machine the
requests a second say more about it than about the servers. It never sleeps, so that no server pays for waking it: of the 47 µs of a
look-up that was 18 on an idle machine, more than any other part. The bound: at least 4 times as many as Fastify. The same with a
generator that sleeps is told beside it.

Logins are measured beside the bare cost of their hash (Argon2id, 19 MiB, two passes) on the same number of threads.
"""
import argparse
import ctypes
import ctypes.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from bench_bulk import Server, log

RATIO_MIN = 4
PASSWORD = "correct horse, battery staple"
CUSTOM_FIELDS = ("Deposits", "Segment", "Renewal")


def members_file(folder, count):
    path = os.path.join(folder, "members.csv")
    with open(path, "w", encoding="ascii", newline="") as f:
        f.write("First Name,Last Name,Username,Email,XP,XP_op,Coins,Coins_op,Country,Deposits,Deposits_op,Segment\r\n")
        for i in range(count):
            f.write(f"First{i},Last{i},user{i},member{i}@example.org,{i % 1000},add,{i % 77},add,,{i % 5000}.5,overwrite,segment {i % 9}\r\n")
    return path


# name: (path, body)
def operations(count):
    some = "member{random:0:%d}@example.org" % (count - 1)
    return {
        "users/info": ("/v1/users/info", '{"idOrEmail":"%s"}' % some),
        "users/filter by e-mail": ("/v1/users/filter", '{"filter":{"email":"%s"}}' % some),
        "users/filter, a page of 200": ("/v1/users/filter", "{}"),
        "users/balances": ("/v1/users/balances", '{"identifier":"%s"}' % some),
    }


class Baseline:
    """The answers from Fastify, off a copy of the database."""

    def __init__(self, script, database):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen(["node", script, database, str(self.port)], env={**os.environ, "NODE_ENV": "production"})
        deadline = time.monotonic() + 30
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit("The baseline did not start.")
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(port, path, key, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body.encode(), {"Authorization": "Bearer " + key, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def without_cursor(answer):
    # A cursor is opaque, and each server has its own.
    return re.sub(r'"next_cursor": "[^"]*"', '"next_cursor": "…"', json.dumps(answer, sort_keys=True))


def measure(options, port, pid, key, path, body, awake):
    words = [options.load, "--url", f"http://127.0.0.1:{port}{path}", "--header", "Authorization: Bearer " + key, "--body", body,
             "--awake", "true" if awake else "false", "--connections", str(options.connections), "--seconds", str(options.seconds)]
    subprocess.run([*words[:-1], "1"], check=True, stdout=subprocess.DEVNULL)  # warm
    before = cpu_seconds(pid)
    result = json.loads(subprocess.check_output(words))
    cpu = cpu_seconds(pid) - before
    if result["transport_errors"] or set(result["statuses"]) - {"200"}:
        sys.exit(f"Not every request of {path} succeeded: {result}")
    return {"requests_per_s": round(result["requests_per_s"]), "p99_ms": result["p99_ms"], "requests_per_cpu_s": round(result["requests"] / cpu)}


def bare_hashes_per_s(threads, seconds):
    """Argon2id with the parameters of stored passwords, without anything around it."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
    sodium.sodium_init()
    done = [0] * threads
    end = time.monotonic() + seconds

    def work(n):
        out = ctypes.create_string_buffer(32)
        salt = os.urandom(16)
        while time.monotonic() < end:
            sodium.crypto_pwhash(out, ctypes.c_ulonglong(32), PASSWORD.encode(), ctypes.c_ulonglong(len(PASSWORD)), salt, ctypes.c_ulonglong(2),
                                 ctypes.c_size_t(19 * 1024 * 1024), ctypes.c_int(2))
            done[n] += 1

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    began = time.monotonic()
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return sum(done) / (time.monotonic() - began)


def measure_logins(options, server):
    link = server.command("account", "claim-link", "--email", "owner@example.org")["token"]
    body = json.dumps({"token": link, "password": PASSWORD, "confirmPassword": PASSWORD})
    status, answer = server.request("POST", "/auth/claim", body, {"Content-Type": "application/json"})
    if status != 200:
        sys.exit("The owner could not claim the account: " + answer.decode())
    login = json.dumps({"email": "owner@example.org", "password": PASSWORD})
    words = [options.load, "--url", f"http://127.0.0.1:{server.port}/auth/login", "--body", login, "--connections", "4", "--seconds", str(options.seconds)]
    result = json.loads(subprocess.check_output(words))
    if set(result["statuses"]) - {"200"}:
        sys.exit(f"Not every login succeeded: {result}")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=6, help="of each load")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--binary", default="build/release/fealty")
    parser.add_argument("--load", default="build/release/http_load", help="the load generator")
    parser.add_argument("--baseline", default="bench/api_baseline/server.js")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the folder with data and logs")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="fealty-bench-", dir=os.environ.get("FEALTY_TEST_FOLDER"))
    running = []
    try:
        server = Server(options.binary, folder, None)
        running.append(server.process)
        for name in CUSTOM_FIELDS:
            kind = {"Deposits": "numerical", "Segment": "text", "Renewal": "date"}[name]
            server.command("field", "create", "--community", server.community, "--name", name, "--type", kind)
        log(f"Importing {options.members:,} members …")
        _, _, state = server.run_job("/v1/users/bulk-import", members_file(folder, options.members))
        if state["created"] != options.members:
            sys.exit("The import did not succeed: " + json.dumps(state))
        logins = measure_logins(options, server)
        bare = bare_hashes_per_s(min(2, os.cpu_count()), options.seconds)
        copy = os.path.join(folder, "copy.db")
        subprocess.run(["sqlite3", os.path.join(folder, "data", "fealty.db"), f"VACUUM INTO '{copy}'"], check=True)
        baseline = Baseline(options.baseline, copy)
        running.append(baseline.process)
        results = {}
        for name, (path, body) in operations(options.members).items():
            fixed = re.sub(r"\{random:[^}]*\}", "42", body)
            ours, theirs = (without_cursor(ask(port, path, server.key, fixed)) for port in (server.port, baseline.port))
            if ours != theirs:
                sys.exit(f"The two servers answer {name} differently:\n{ours}\n{theirs}")
            log(f"Measuring {name} …")
            both = {"fealty": (server.port, server.process.pid), "fastify": (baseline.port, baseline.process.pid)}
            asleep, results[name] = ({who: measure(options, *at, server.key, path, body, awake) for who, at in both.items()}
                                     for awake in (False, True))
            results[name]["ratio"], results[name]["ratio_asleep"] = (
                round(r["fealty"]["requests_per_cpu_s"] / r["fastify"]["requests_per_cpu_s"], 2) for r in (results[name], asleep))
        baseline.stop()
        server.stop()
        results["login"] = {"per_s": round(logins["requests_per_s"], 1), "p99_ms": logins["p99_ms"], "bare_hashes_per_s": round(bare, 1)}
        if options.json:
            print(json.dumps({"members": options.members, **results}))
            return
        print(f"{'':30} {'':8} {'requests/s':>11} {'p99 ms':>8} {'requests/CPU s':>15}")
        good = True
        for name, r in results.items():
            if name == "login":
                continue
            for who in ("fealty", "fastify"):
                print(f"{name if who == 'fealty' else '':30} {who:8} {r[who]['requests_per_s']:>11,} {r[who]['p99_ms']:>8.1f} {r[who]['requests_per_cpu_s']:>15,}")
            met = r["ratio"] >= RATIO_MIN
            good = good and met
            print(f"  {'met   ' if met else 'MISSED'} {r['ratio']} times as many requests for a CPU second, bound {RATIO_MIN}; "
                  f"{r['ratio_asleep']} with a load generator that sleeps")
        print(f"{'login':30} {'fealty':8} {results['login']['per_s']:>11,} {results['login']['p99_ms']:>8.1f}")
        print(f"  the bare hash: {results['login']['bare_hashes_per_s']:,} a second")
        if not good:
            sys.exit(1)
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
        if options.keep:
            log("Kept: " + folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
