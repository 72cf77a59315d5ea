"""The closing line of ./dev test must never say less than what failed."""
import pathlib
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "tools/test_summary.py"

PASSED = '<testcase name="{0}" classname="Suite" status="run"/>'
FAILED = '<testcase name="{0}" classname="Suite" status="run"><failure message="no"/></testcase>'


def suite(*cases):
    return "<testsuites><testsuite>" + "".join(cases) + "</testsuite></testsuites>"


def binary(name, status="run"):
    return f'<testcase name="{name}" status="{status}"/>'


def run(tmp_path, files, *arguments):
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    result = subprocess.run([sys.executable, PROGRAM, tmp_path, *arguments], capture_output=True, text=True)
    return result.returncode, result.stdout.splitlines()[-1], result.stdout


def test_sums_all_runners_and_checks(tmp_path):
    code, line, _ = run(tmp_path, {
        "ctest.xml": suite(binary("base"), binary("sql")),
        "gtest/test_base.xml": suite(PASSED.format("A"), PASSED.format("B")),
        "gtest/test_sql.xml": suite(PASSED.format("C")),
        "pytest-e2e.xml": suite(PASSED.format("d"), '<testcase name="e" classname="x"><skipped/></testcase>'),
        "node-browser.xml": "<testsuites>" + PASSED.format("f") + "</testsuites>",
    }, "--passed-check", "rooms")
    assert (code, line) == (0, "6 passed, 0 failed, 1 skipped")


def test_a_failure_in_the_browser_is_one(tmp_path):
    code, line, text = run(tmp_path, {"node-browser.xml": "<testsuites>" + PASSED.format("f") + FAILED.format("g") + "</testsuites>"})
    assert (code, line) == (1, "1 passed, 1 failed")
    assert "FAILED Suite::g" in text


def test_a_report_with_the_colours_of_a_terminal_is_read(tmp_path):
    code, line, _ = run(tmp_path, {"node-browser.xml": suite(PASSED.format("f"), '<testcase name="g"><failure>\x1b[2mno\x1b[22m</failure></testcase>')})
    assert (code, line) == (1, "1 passed, 1 failed")


def test_names_what_failed(tmp_path):
    code, line, text = run(tmp_path, {"ctest.xml": suite(binary("base", "fail")),
                                      "gtest/test_base.xml": suite(PASSED.format("A"), FAILED.format("B"))}, "--failed-check", "openapi")
    assert (code, line) == (1, "1 passed, 2 failed")
    assert "FAILED Suite.B" in text and "FAILED openapi" in text


@pytest.mark.parametrize("files, says", [
    ({"ctest.xml": suite(binary("base", "fail"))}, "test_base ended badly"),
    ({"ctest.xml": suite(binary("base"))}, "test_base wrote no report"),
    ({"ctest.xml": suite(binary("base", "fail")), "gtest/test_base.xml": suite(PASSED.format("A"))}, "test_base ended badly"),
    ({"ctest.xml": suite(binary("base")), "gtest/test_base.xml": "<testsuites><test"}, "cannot be read"),
    ({"ctest.xml": "not xml"}, "cannot be read"),
])
def test_a_binary_that_dies_is_a_failure(tmp_path, files, says):
    code, line, text = run(tmp_path, files)
    assert code == 1 and line.endswith("1 failed") and says in text


def test_nothing_at_all_is_no_success(tmp_path):
    code, line, _ = run(tmp_path, {})
    assert (code, line) == (1, "0 passed, 0 failed")
