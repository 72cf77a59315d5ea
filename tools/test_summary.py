#!/usr/bin/env python3
"""Adds up what the test runners wrote and prints the closing line "N passed, N failed".

    tools/test_summary.py FOLDER [--failed-check NAME]... [--passed-check NAME]...

FOLDER/ctest.xml is ctest's report, one case a test binary; FOLDER/gtest/*.xml are the binaries' own, one case a test;
FOLDER/pytest*.xml are pytest's, FOLDER/node*.xml those of Node's runner and of Vitest. A check is one step that is no test of these runners and counts as one. Exit code 1 when
something failed or nothing ran at all.
"""
import argparse
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

NO_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped, self.failures = 0, 0, 0, []

    def fail(self, name):
        self.failed += 1
        self.failures.append(name)

    def case(self, name, case):
        if case.find("failure") is not None or case.find("error") is not None:
            self.fail(name)
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            self.skipped += 1
        else:
            self.passed += 1


def cases(tally, path):
    """The cases of a report; one that a dying process left half-written is a failure, not an exception."""
    try:
        # Node's runner copies what a test said as it is, colours of a terminal included, which XML has no place for.
        text = NO_XML.sub("", path.read_text(encoding="utf-8", errors="replace"))
        return list(xml.fromstring(text.encode()).iter("testcase"))
    except xml.ParseError as error:
        tally.fail(f"{path} cannot be read: {error}")
        return []


def add_cpp(tally, folder):
    report = folder / "ctest.xml"
    if not report.exists():
        return
    for binary in cases(tally, report):
        name, status = binary.get("name"), binary.get("status")
        own = folder / "gtest" / f"test_{name}.xml"
        before = tally.failed
        if own.exists():
            for case in cases(tally, own):
                tally.case(f"{case.get('classname')}.{case.get('name')}", case)
        # A binary that died wrote no report, or failed after its last test, as a sanitizer's leak check does.
        if status != "run" and tally.failed == before:
            tally.fail(f"test_{name} ended badly")
        elif not own.exists() and status == "run":
            tally.fail(f"test_{name} wrote no report")


def add_flat(tally, folder):
    for report in sorted([*folder.glob("pytest*.xml"), *folder.glob("node*.xml")]):
        for case in cases(tally, report):
            tally.case(f"{case.get('classname')}::{case.get('name')}", case)


def summary(folder, passed_checks=(), failed_checks=()):
    tally = Tally()
    add_cpp(tally, folder)
    add_flat(tally, folder)
    tally.passed += len(passed_checks)
    for name in failed_checks:
        tally.fail(name)
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--failed-check", action="append", default=[], metavar="NAME")
    parser.add_argument("--passed-check", action="append", default=[], metavar="NAME")
    arguments = parser.parse_args()
    tally = summary(arguments.folder, arguments.passed_check, arguments.failed_check)
    for name in tally.failures:
        print(f"FAILED {name}")
    skipped = f", {tally.skipped} skipped" if tally.skipped else ""
    if tally.passed + tally.failed == 0:
        print("No test ran.", file=sys.stderr)
    print(f"{tally.passed} passed, {tally.failed} failed{skipped}", flush=True)
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
