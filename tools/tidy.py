#!/usr/bin/env python3
"""Runs clang-tidy over sources, several at once, and remembers which are clean.

    tools/tidy.py BUILD JOBS FILE…     BUILD holds compile_commands.json

A file is looked at again when its preprocessed text, its flags, .clang-tidy or the tool's version change. The memory lies in
$XDG_CACHE_HOME/fealty-tidy (~/.cache/fealty-tidy), so that a second clone gains from the first. Exit code 1 on findings.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

TIDY = "clang-tidy-19"
KEPT_DAYS = 60


def commands(build):
    """File → its compiler's arguments without the output and without the launcher."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        arguments = shlex.split(entry["command"])
        if "ccache" in arguments[0]:
            arguments = arguments[1:]
        if "-o" in arguments:
            at = arguments.index("-o")
            del arguments[at:at + 2]
        found[pathlib.Path(entry["file"]).resolve()] = (arguments, entry["directory"])
    return found


class Tidy:
    def __init__(self, root, build):
        self.root, self.build = root, build
        self.commands = commands(build)
        self.cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "fealty-tidy"
        self.cache.mkdir(parents=True, exist_ok=True)
        version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
        self.salt = version + (root / ".clang-tidy").read_bytes()

    def key(self, file):
        """What the findings depend on. Comments count: NOLINT is one. Paths of this clone do not."""
        arguments, directory = self.commands[file]
        text = subprocess.run([*[a for a in arguments if a != "-c"], "-E", "-P", "-CC"], cwd=directory, capture_output=True)
        if text.returncode:
            return None
        flags = " ".join(arguments).replace(str(self.root), "").encode()
        return hashlib.sha256(self.salt + flags + b"\0" + text.stdout).hexdigest()

    def check(self, file):
        """The findings of one file, or nothing."""
        if file not in self.commands:
            return f"{file}: is in no compile command. Is it part of a room?"
        key = self.key(file)
        clean = self.cache / key if key else None
        if clean and clean.exists():
            clean.touch()
            return None
        result = subprocess.run([TIDY, "--quiet", "-p", str(self.build), str(file)], capture_output=True, text=True, errors="replace")
        if result.returncode:
            return result.stdout + ("" if result.stdout.strip() else result.stderr)
        if clean:
            clean.touch()
        return None

    def forget_old(self):
        for file in self.cache.iterdir():
            if file.stat().st_mtime < time.time() - KEPT_DAYS * 86_400:
                file.unlink(missing_ok=True)


def main(arguments):
    if len(arguments) < 3 or not arguments[1].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    root = pathlib.Path(__file__).resolve().parent.parent
    tidy = Tidy(root, pathlib.Path(arguments[0]).resolve())
    files = [pathlib.Path(f).resolve() for f in arguments[2:]]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max(1, int(arguments[1]))) as pool:
        for findings in pool.map(tidy.check, files):
            if findings:
                failed += 1
                print(findings.replace(f"{root}/", ""), flush=True)
    tidy.forget_old()
    print(f"clang-tidy: {len(files)} files, {failed} with findings", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
