"""Every code that a bulk upload, a row or a job can end with stands in docs/bulk.md with what to do, and no other."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/bulk.md").read_text(encoding="utf-8")
CODE = r'"([a-z]+(?:_[a-z0-9]+)*)"'


def source(*patterns):
    texts = [path.read_text(encoding="utf-8") for pattern in patterns for path in sorted((ROOT / "src").glob(pattern))]
    assert texts, patterns
    return "\n".join(texts)


def found(text, *expressions):
    return {code for expression in expressions for match in re.finditer(expression, text) for code in match.groups() if code}


def documented(heading):
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return {match.group(1) for match in re.finditer(r"^\| `([a-z_]+)`[^|]*\|", section, re.M)}


FILE_DEFS = r"ErrorDef k\w+\{" + CODE + r", \d+\}"


def test_codes_of_files_and_requests():
    header = source("members/bulk_columns.cpp")
    columns = found(header, r"wrong\([^\"]*?" + CODE, r'\{"",\s*' + CODE)
    definitions = found(source("api/file_problem.h", "jobs/bulk_jobs.h", "members/bulk_columns.h"), FILE_DEFS)
    issues = found(source("jobs/bulk_upload.cpp"), r'\{"data", ' + CODE)
    assert len(columns) > 8 and len(definitions) > 20
    assert documented("Why a file is refused") | documented("Why a request is refused") == columns | definitions | issues


def test_codes_of_rows():
    text = source("members/bulk_session.cpp", "members/member_changes.cpp", "members/fields_rules.cpp", "members/revert_session.cpp")
    rows = found(
        text,
        r'push_back\(\s*\{[^;"]*?(?:"[A-Za-z]*")?[^;"]*?, ' + CODE,
        r'issues[^;]*?\{"",\s*' + CODE,
        r"problem\(" + CODE,
        r'problem\(roles \? ' + CODE + " : " + CODE,
        r"ValueProblem\{" + CODE,
        r"return \{" + CODE + ",",
    )
    reached = found(source("jobs/results_body.cpp"), r'cancelled \? ' + CODE + " : " + CODE)
    assert len(rows) > 30 and len(reached) == 2
    assert documented("Why a row fails") == rows | reached


def test_codes_of_jobs():
    text = source("jobs/job_run.cpp")
    assert documented("Why a job ends as failed") == found(text, r'"failed",\s*' + CODE)
