"""What tools/rooms.py lets through and what it stops, and that its messages say what to do."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import rooms  # noqa: E402


def check(tmp_path, name, text):
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return [problem.removeprefix(f"{tmp_path}/") for problem in rooms.problems(tmp_path)]


@pytest.mark.parametrize("name, text", [
    ("members/a.cpp", '#include "ledger/ledger.h"\n#include "sql/sql.h"\n#include "members/member_store.h"\n#include <vector>\n'),
    ("app/main.cpp", '#include "http/server.h"\n#include <CLI/CLI.hpp>\n#include "members/members.h"\n'),
    ("http/a.cpp", "#include <boost/asio/ip/tcp.hpp>\n#  include <openssl/ssl.h>\n#include <boost/url/parse.hpp>\n"),
    ("sql/sqlite/a.cpp", '#include <sqlite3.h>\n#include "sql/sqlite/connection.h"\n'),
    ("api/a.cpp", "#include <boost/json/parse.hpp>\n#include <zlib.h>\n"),
    ("base/a.cpp", "#include <unicode/unistr.h>\n#include <sodium.h>\n#include <openssl/evp.h>\n#include <spdlog/spdlog.h>\n"),
    ("app/api_client.cpp", "#include <curl/curl.h>\n"),
    ("base/b.cpp", '// #include "sql/sql.h"\nint a;\n'),
])
def test_allowed_includes_pass(tmp_path, name, text):
    assert check(tmp_path, name, text) == []


@pytest.mark.parametrize("name, include, says", [
    ("base/a.cpp", '"sql/sql.h"', "base may not include sql"),
    ("sql/a.cpp", '"api/route.h"', "sql may not include api"),
    ("ledger/a.cpp", '"members/members.h"', "ledger may not include members"),
    ("ledger/a.cpp", '"jobs/bulk_kind.h"', "ledger may not include jobs"),
    ("http/a.cpp", '"sql/sql.h"', "http may not include sql"),
    ("members/a.cpp", '"http/server.h"', "members may not include http"),
    ("members/a.cpp", '"ledger/ledger_store.h"', "ledger/ledger_store.h is private to ledger"),
    ("app/a.cpp", '"sql/sqlite/connection.h"', "lies in an inner folder of sql"),
    ("members/a.cpp", '"member_store.h"', "names no room"),
    ("members/a.cpp", '"../ledger/ledger.h"', "is a relative path"),
    ("members/a.cpp", "<boost/beast/http.hpp>", "belongs to http alone"),
    ("api/a.cpp", "<boost/asio.hpp>", "belongs to http alone"),
    ("members/a.cpp", "<boost/json.hpp>", "belongs to api alone"),
    ("app/a.cpp", "<sqlite3.h>", "belongs to sql alone"),
    ("jobs/a.cpp", "<postgresql/libpq-fe.h>", "belongs to sql alone"),
    ("jobs/a.cpp", "<libpq-fe.h>", "belongs to sql alone"),
    ("members/a.cpp", "<unicode/unistr.h>", "belongs to base alone"),
    ("http/a.cpp", "<CLI/CLI.hpp>", "belongs to app alone"),
    ("app/a.cpp", "<prometheus/counter.h>", "belongs to http alone"),
    ("api/a.cpp", "<openssl/ssl.h>", "belongs to http alone"),
    ("http/a.cpp", "<openssl/evp.h>", "belongs to base alone"),
    ("http/a.cpp", "<curl/curl.h>", "belongs to app/api_client.cpp and mail/smtp.cpp alone"),
    ("app/main.cpp", "<curl/curl.h>", "belongs to app/api_client.cpp and mail/smtp.cpp alone"),
    ("app/api_client.h", "<curl/curl.h>", "belongs to app/api_client.cpp and mail/smtp.cpp alone"),
])
def test_forbidden_includes_are_named_with_their_line(tmp_path, name, include, says):
    found = check(tmp_path, name, f"#pragma once\n#include {include}\n")
    assert len(found) == 1
    assert found[0].startswith(f"{name}:2: ") and says in found[0]


@pytest.mark.parametrize("text", [
    'auto s = "SELECT id FROM members";',
    'auto s = "INSERT INTO members(id) VALUES ($1)";',
    'auto s = "UPDATE members "\n         "SET name = $1";',
    'auto s = R"(\n  DELETE FROM members\n)";',
    'auto s = R"sql(WITH a AS (SELECT 1) SELECT * FROM a)sql";',
    'auto s = "CREATE UNIQUE INDEX a ON b(c)";',
    "int n = 1'000; auto s = \"PRAGMA user_version\";",
])
def test_sql_outside_stores_is_found(tmp_path, text):
    found = check(tmp_path, "members/service.cpp", text)
    assert len(found) == 1 and "members/service.cpp:1: SQL stands in *_store.cpp alone" in found[0]


@pytest.mark.parametrize("name", ["members/member_store.cpp", "sql/migrate.cpp", "sql/sqlite/writer.cpp", "jobs/node.cpp",
                                  "members/dry_run.cpp", "access/audit.cpp"])
def test_sql_is_at_home_in_stores(tmp_path, name):
    assert check(tmp_path, name, 'auto s = "SELECT 1";') == []


@pytest.mark.parametrize("text", [
    '// "SELECT id FROM members"\n',
    '/* "DELETE FROM members" */',
    'auto s = "Select a file from the list";',
    'auto s = "The update sets a value, delete from here";',
    "char c = '\"'; // SELECT a FROM b\n",
    'auto s = "UPDATE"; f(s); auto t = "SET";',
    'auto s = "say \\"hello\\""; int SELECT = 1;',
])
def test_words_and_comments_are_no_sql(tmp_path, text):
    assert check(tmp_path, "members/service.cpp", text) == []


def test_a_file_outside_the_rooms_is_a_problem(tmp_path):
    assert "is in no room" in check(tmp_path, "shop/a.cpp", "int a;")[0]
    assert any("main.cpp:1: is in no room" in p for p in check(tmp_path, "main.cpp", "int a;"))


def test_a_folder_without_sources_is_a_problem_and_not_a_success(tmp_path):
    assert "holds no source file" in next(rooms.problems(tmp_path))


def test_lower_rooms_never_reach_upwards():
    levels = {"base": 0, "sql": 1, "api": 1, "access": 2, "mail": 3, "jobs": 3, "ledger": 3, "members": 4, "identity": 5, "http": 8, "app": 9}
    for room, others in rooms.ROOMS.items():
        assert all(levels[other] < levels[room] for other in others), room


def test_the_exit_code_tells(tmp_path):
    program = [sys.executable, str(ROOT / "tools/rooms.py"), str(tmp_path)]
    (tmp_path / "base").mkdir()
    (tmp_path / "base/a.cpp").write_text("#include <vector>\n")
    assert subprocess.run(program, capture_output=True).returncode == 0
    (tmp_path / "base/a.cpp").write_text('#include "app/x.h"\n')
    assert subprocess.run(program, capture_output=True).returncode == 1
