#!/usr/bin/env python3
"""Follows a bulk job until it has ended, then says what came of it and which rows were refused, and why.

    FEALTY_KEY=… tools/watch_job.py URL JOB [--failed N]

URL is the server's ("http://127.0.0.1:3333"), JOB the id that the upload answered. Exit code 0 when the job completed, and,
with --failed, when exactly N rows were refused.
"""
import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request

FINAL = {"completed", "failed", "cancelled", "reverted"}
POLL_S = 0.2
STALLED_S = 120    # a job without any progress for so long is given up
SHOWN_ROWS = 20


class Refused(Exception):
    pass


def get(arguments, path):
    request = urllib.request.Request(arguments.url + path, headers={"Authorization": f"Bearer {os.environ['FEALTY_KEY']}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(f"GET {path} answered {error.code}: {error.read().decode(errors='replace')}") from error
    except OSError as error:
        raise Refused(f"GET {path} failed: {error}") from error


def progress_line(job):
    done, total = job["processed"], job["total"]
    share = int(30 * done / total) if total else 30
    return f"  [{'#' * share}{'.' * (30 - share)}] {done:,} of {total:,} rows, {job['status']}"


def follow(arguments):
    """Polls until the job has ended; on a terminal one line shows how far it is."""
    seen, since = None, time.monotonic()
    while True:
        job = get(arguments, f"/v1/users/bulk-update/{arguments.job}/status")["data"]
        if sys.stdout.isatty():
            print("\r" + progress_line(job), end="\033[K", flush=True)
        if job["status"] in FINAL:
            print() if sys.stdout.isatty() else print(progress_line(job))
            return job
        if (job["status"], job["processed"]) != seen:
            seen, since = (job["status"], job["processed"]), time.monotonic()
        elif time.monotonic() - since > STALLED_S:
            print()
            raise Refused(f"The job has not moved for {STALLED_S} s; the server's log says more.")
        time.sleep(POLL_S)


def report(arguments, job):
    counts = [f"{job[name]:,} {name}" for name in ("created", "updated", "unchanged", "failed", "not_processed") if job.get(name)]
    print(f"  {job['status']}: {', '.join(counts) or 'no rows'}")
    if job.get("error"):
        print(f"  {job['error'].get('code')}: {job['error'].get('message')}")
    if job["failed"]:
        rows = get(arguments, f"/v1/users/bulk-update/{arguments.job}/details?status=failed&limit={SHOWN_ROWS}")["data"]["rows"]
        print("  Refused rows, of which nothing was applied:")
        for row in rows:
            for error in row["errors"]:
                column = f"{error['column']}: " if error.get("column") else ""
                print(f"    row {row['row']:,}, {row['key']}\n      {column}{error['message']} ({error['code']})")
        if job["failed"] > len(rows):
            print(f"    … and {job['failed'] - len(rows):,} more")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("job")
    parser.add_argument("--failed", type=int, metavar="N", help="how many rows must have been refused")
    arguments = parser.parse_args()
    if "FEALTY_KEY" not in os.environ:
        parser.error("set FEALTY_KEY to an API key with the permission bulkUpdateUser")
    try:
        job = follow(arguments)
        report(arguments, job)
    except Refused as problem:
        print(problem, file=sys.stderr)
        return 1
    if job["status"] != "completed":
        return 1
    if arguments.failed is not None and job["failed"] != arguments.failed:
        print(f"  {arguments.failed} rows should have been refused, {job['failed']} were.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
