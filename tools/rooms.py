#!/usr/bin/env python3
"""Checks the table of rooms (docs/architecture.md): who may include whom, where heavy headers live, where SQL stands.

    tools/rooms.py [SRC]     prints each problem as FILE:LINE: what is wrong, and what to do; exit code 1 when there is one
"""
import pathlib
import re
import sys

# A room and the rooms that it may include. Itself is always allowed.
ROOMS = {
    "base": [],
    "sql": ["base"],
    "api": ["base"],
    "access": ["base", "sql", "api"],
    "jobs": ["base", "sql", "api", "access"],
    "mail": ["base", "sql", "api", "access"],
    "ledger": ["base", "sql", "api", "access"],
    "members": ["base", "sql", "api", "access", "jobs", "mail", "ledger"],
    "identity": ["base", "sql", "api", "access", "jobs", "mail", "ledger", "members"],
    "http": ["base", "api", "access"],
}
ROOMS["app"] = [*ROOMS]

# Headers that are slow to compile or that tie a file to a library, and the room, or the one source file of a room, that wraps
# each of them for all others.
HOMES = [
    (re.compile(r"boost/(beast|asio)\b"), "http"),
    (re.compile(r"openssl/(crypto|evp)\.h$"), "base"),  # hashes
    (re.compile(r"openssl/"), "http"),                  # TLS
    (re.compile(r"prometheus/"), "http"),
    (re.compile(r"boost/json\b"), "api"),
    (re.compile(r"zlib\.h$"), "api"),
    (re.compile(r"(.*/)?(sqlite3|libpq-fe)\.h$"), "sql"),
    (re.compile(r"unicode/"), "base"),
    (re.compile(r"sodium(\.h$|/)"), "base"),
    (re.compile(r"spdlog/"), "base"),
    (re.compile(r"CLI/"), "app"),
    (re.compile(r"curl/"), ("app/api_client.cpp", "mail/smtp.cpp")),
    (re.compile(r"gd\.h$"), "members/avatar_image.cpp"),
]

# SQL stands in stores. The audit trail, the job queue and the dry run's memory are stores by another name.
SQL_FILES = re.compile(r"sql/.*|[^/]+/(.*_)?store\.cpp|access/audit\.cpp|jobs/node\.cpp|members/dry_run\.cpp")
SQL = re.compile(
    r"\bSELECT\s+[\w*('$]|\bINSERT\s+(OR\s+\w+\s+)?INTO\s|\bUPDATE\s+[\w.]+\s+(AS\s+\w+\s+)?SET\s|\bDELETE\s+FROM\s"
    r"|\b(CREATE|DROP|ALTER)\s+(TEMP\s+|TEMPORARY\s+|UNIQUE\s+)*(TABLE|INDEX|VIEW|DATABASE)\b|\bPRAGMA\s+\w")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]')
TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|(?P<raw>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\((?P<raw_text>.*?)\)(?P=mark)")'
    r'|(?P<text>(?:u8|[uUL])?"(?P<plain>(?:\\.|[^"\\\n])*)")'
    r"|(?P<number>\b\d[\w']*)"
    r"|(?P<char>'(?:\\.|[^'\\\n])+')"
    r"|(?P<space>\s+)|(?P<other>.)", re.S)


def literals(source: str):
    """Yields (line, text) of each string literal; literals that the compiler would join are one."""
    text, start = None, 0
    for token in TOKEN.finditer(source):
        kind = token.lastgroup
        if kind in ("comment", "space"):
            continue
        if kind in ("raw", "text"):
            if text is None:
                text, start = "", token.start()
            text += token["raw_text"] if kind == "raw" else token["plain"].replace("\\n", " ")
        elif text is not None:
            yield source.count("\n", 0, start) + 1, text
            text = None
    if text is not None:
        yield source.count("\n", 0, start) + 1, text


def include_problem(file: str, bracket: str, target: str):
    """What is wrong with an include of `target` in `file` (its path below src), or None."""
    room = file.split("/")[0]
    if "../" in target or target.startswith("./"):
        return f'"{target}" is a relative path. Write "<room>/<file>.h", as all others do.'
    other = target.split("/")[0]
    if bracket == '"':
        if other not in ROOMS or "/" not in target:
            return f'"{target}" names no room. Write "<room>/<file>.h" for our own headers and <…> for those of libraries.'
        if other != room and other not in ROOMS[room]:
            return (f"{room} may not include {other} ({target}). Move what both need to a lower room, or pass it in from app as an "
                    "interface or a function; docs/architecture.md has the table.")
        if other != room and re.search(r"(_store|_impl)\.h$", target):
            return f"{target} is private to {other}. Call {other}'s service, or add there what is missing."
        if other != room and target.count("/") > 1:
            return f"{target} lies in an inner folder of {other}. Include one of the headers directly in src/{other}, or add one there."
    for pattern, home in HOMES:
        if pattern.match(target):
            homes = home if isinstance(home, tuple) else (home,)
            if room in homes or file in homes:
                return None
            home = " and ".join(homes)
            return f"<{target}> belongs to {home} alone. Use what {home} offers, or add there a function that hides it."
    return None


def problems(src: pathlib.Path):
    files = sorted(f for f in src.rglob("*") if f.suffix in {".h", ".cpp"})
    if not files:
        yield f"{src}: holds no source file. Give the folder of the rooms."
    for file in files:
        inside = file.relative_to(src)
        room = inside.parts[0]
        if len(inside.parts) < 2 or room not in ROOMS:
            yield f"{file}:1: is in no room of the table. Put it into one, or add its room to tools/rooms.py and docs/architecture.md."
            continue
        source = file.read_text(encoding="utf-8")
        for number, line in enumerate(source.splitlines(), 1):
            found = INCLUDE.match(line)
            problem = found and include_problem(inside.as_posix(), found[1], found[2])
            if problem:
                yield f"{file}:{number}: {problem}"
        if SQL_FILES.fullmatch(inside.as_posix()):
            continue
        for number, text in literals(source):
            if SQL.search(text):
                yield f"{file}:{number}: SQL stands in *_store.cpp alone. Move the statement to the store of {room} and call it from here."


def main(arguments):
    src = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent.parent / "src"
    found = list(problems(src))
    for problem in found:
        print(problem)
    if found:
        print(f"rooms: {len(found)} {'problem' if len(found) == 1 else 'problems'}", file=sys.stderr)
        return 1
    print("rooms: all includes and statements are where they may be")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
