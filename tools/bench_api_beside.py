#!/usr/bin/env python3
"""Measures single balance changes over the API: on an idle server, and beside a bulk job of another and of the same community.

Two loads each: a closed loop of 16 connections, each sending its next request when it has its answer, which says how much
can be done; and a fixed rate of 200 requests a second, whose times count from when each request was due, which says what
callers feel. The bounds: beside a job a change takes at most 150 ms (99 of 100), and at most half of the idle rate is lost.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

from bench_bulk import Server, log

PREMIUM = "/v1/users/bulk-update-premium-currency"
P99_MS_MAX = 150
LOSS_MAX = 0.5


def write_files(folder, rows):
    """The members, and a job with one row for each of them, in random order."""
    members, job = (os.path.join(folder, name) for name in ("members.csv", "job.csv"))
    with open(members, "w", encoding="ascii", newline="") as f:
        f.write("First Name,Last Name,Username,Email\r\n")
        for i in range(rows):
            f.write(f"First{i},Last{i},user{i},member{i}@example.org\r\n")
    order = list(range(rows))
    random.Random(20260407).shuffle(order)
    with open(job, "w", encoding="ascii", newline="") as f:
        f.write("Email,Premium Currency,Premium Currency_op\r\n")
        for i in order:
            f.write(f"member{i}@example.org,1,add\r\n")
    return members, job


class Community:
    """Requests of one community of the server."""

    def __init__(self, server, title):
        self.server = server
        made = server.command("community", "create", "--title", title, "--owner-email", "owner@example.org")
        self.key = server.command("api-key", "create", "--community", made["communityId"], "--name", "bench", "--permissions", "all")["key"]

    def upload(self, path, file):
        self.server.key = self.key
        return self.server.upload(path, file)

    def state(self, job):
        status, answer = self.server.request("GET", f"/v1/users/bulk-update/{job}/status", headers={"Authorization": "Bearer " + self.key})
        if status != 200:
            sys.exit(f"The job's status was refused: {answer.decode()}")
        return json.loads(answer)["data"]

    def is_running(self, job):
        return self.state(job)["status"] in ("queued", "processing")

    def run(self, path, file):
        """Seconds that the job took."""
        began, job = time.monotonic(), self.upload(path, file)
        while self.is_running(job):
            time.sleep(0.1)
        state = self.state(job)
        if state["status"] != "completed" or state["failed"]:
            sys.exit("The job did not succeed: " + json.dumps(state))
        return time.monotonic() - began


class Bench:
    def __init__(self, options, server, rows):
        self.options, self.server, self.rows = options, server, rows

    def load(self, community, seconds, rate):
        body = ('{"identifier":"member{random:0:%d}@example.org","currency":"premium","op":"add","amount":1,"sourceId":"{run}-{n}"}'
                % (self.rows - 1))
        words = [self.options.load, "--url", f"http://127.0.0.1:{self.server.port}/v1/users/balances/adjust", "--header",
                 "Authorization: Bearer " + community.key, "--body", body, "--connections", str(self.options.connections), "--seconds",
                 str(seconds)]
        # At a fixed rate there are connections enough for every request that waits.
        if rate:
            words += ["--rate", str(rate), "--connections", str(max(self.options.connections, 64))]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def result_of(load):
        out, _ = load.communicate()
        if load.returncode:
            sys.exit("The load generator failed.")
        result = json.loads(out)
        if result["transport_errors"] or set(result["statuses"]) - {"200"}:
            log("Not every request succeeded: " + out.strip())
        return result

    def idle(self, community, rate):
        self.result_of(self.load(community, 1, rate))
        return self.result_of(self.load(community, self.options.seconds, rate))

    def beside(self, community, worker, file, rate):
        """The load while a job of `worker` runs, and the rows a second that the job did meanwhile."""
        job = worker.upload(PREMIUM, file)
        while worker.state(job)["processed"] == 0 and worker.is_running(job):
            time.sleep(0.01)
        before, began = worker.state(job)["processed"], time.monotonic()
        load = self.load(community, self.options.seconds, rate)
        while load.poll() is None and worker.is_running(job):
            time.sleep(0.05)
        state, seconds = worker.state(job), time.monotonic() - began
        if load.poll() is None:
            load.send_signal(signal.SIGTERM)
        result = self.result_of(load)
        result["job_rows_per_s"] = round((state["processed"] - before) / seconds)
        while worker.is_running(job):
            time.sleep(0.1)
        return result


def report(results, job_alone):
    print(f"{'':34} {'changes/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'job rows/s':>11}")
    print(f"{'job alone':34} {'':>10} {'':>8} {'':>8} {'':>8} {job_alone:>11,}")
    good = True
    for load in ("closed loop", "fixed rate"):
        idle = results[load]["idle"]
        for where, result in results[load].items():
            print(f"{load + ', ' + where:34} {result['requests_per_s']:>10,.0f} {result['p50_ms']:>8.1f} {result['p99_ms']:>8.1f} "
                  f"{result['max_ms']:>8.1f} {result.get('job_rows_per_s', ''):>11}")
        for where, result in results[load].items():
            if where == "idle":
                continue
            loss = 1 - result["requests_per_s"] / idle["requests_per_s"]
            for met, text in ((result["p99_ms"] <= P99_MS_MAX, f"p99 {result['p99_ms']:.0f} ms, bound {P99_MS_MAX} ms"),
                              (loss <= LOSS_MAX, f"loses {max(loss, 0):.0%} of the idle rate, bound {LOSS_MAX:.0%}")):
                good = good and met
                print(f"  {'met   ' if met else 'MISSED'} {load}, {where}: {text}")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="members of each community and rows of the job")
    parser.add_argument("--seconds", type=float, default=15, help="of each load; less when the job ends before")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--postgres-url", default=os.environ.get("FEALTY_TEST_POSTGRES"), help="a server on which databases can be made")
    parser.add_argument("--binary", default="build/release/fealty")
    parser.add_argument("--load", default="build/release/http_load", help="the load generator")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the folder with data and logs")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="fealty-bench-", dir=os.environ.get("FEALTY_TEST_FOLDER"))
    os.chmod(folder, 0o755)
    database = None
    if options.engine == "postgres":
        if not options.postgres_url:
            sys.exit("Name a PostgreSQL server with --postgres-url, or run: ./dev bench api-writes --engine postgres")
        name = "fealty_bench_" + os.urandom(4).hex()
        subprocess.run(["psql", "-q", options.postgres_url, "-c", f"CREATE DATABASE {name}"], check=True)
        database = urllib.parse.urlunsplit(urllib.parse.urlsplit(options.postgres_url)._replace(path="/" + name))
    try:
        members, job = write_files(folder, options.rows)
        server = Server(options.binary, folder, database)
        here, other = Community(server, "Here"), Community(server, "Other")
        log(f"Importing {options.rows:,} members into two communities …")
        for community in (here, other):
            community.run("/v1/users/bulk-import", members)
            community.run(PREMIUM, job)
        log("Running the job alone …")
        job_alone = round(options.rows / other.run(PREMIUM, job))
        bench = Bench(options, server, options.rows)
        results = {}
        for load, rate in (("closed loop", 0), ("fixed rate", options.rate)):
            log(f"Measuring, {load} …")
            results[load] = {"idle": bench.idle(here, rate), "beside another's job": bench.beside(here, other, job, rate),
                             "beside its own job": bench.beside(here, here, job, rate)}
        server.stop()
        storage = ["--data", os.path.join(folder, "data")] + (["--database", database] if database else [])
        subprocess.run([options.binary, "doctor", *storage], check=True, stdout=subprocess.DEVNULL)
        if options.json:
            print(json.dumps({"engine": options.engine, "rows": options.rows, "job_alone_rows_per_s": job_alone, "loads": results}))
        elif not report(results, job_alone):
            sys.exit(1)
    finally:
        if database:
            subprocess.run(["psql", "-q", options.postgres_url, "-c", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"], check=False)
        if options.keep:
            log("Kept: " + folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
