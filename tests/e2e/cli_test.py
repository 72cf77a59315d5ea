"""The command line: settings, commands beside a running server, backup and restore."""

import json
import os
import pathlib
import subprocess

import pytest

from client import PREMIUM, UPDATE
from conftest import open_club
from files import add_to_all, email, premium
from harness import ROOT, Installation, binary, clean_environment

SETTINGS = ["data", "database", "listen", "tls-certificate", "tls-key", "behind-proxy", "trusted-proxy", "cors-origin", "metrics-open", "log-format",
            "log-level", "access-log", "io-threads", "request-threads", "job-threads", "connections-max", "bulk-file-bytes-max", "bulk-rows-max",
            "bulk-jobs-waiting-max", "bulk-uploads-community-max", "bulk-uploads-node-max", "shutdown-grace-ms"]


def run(*arguments, environment=None, folder=None):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60, env=clean_environment(environment), cwd=folder)


def test_help_lists_every_setting_with_its_variable():
    text = run("serve", "--help").stdout
    for setting in SETTINGS:
        assert f"--{setting} " in text
        assert f"Env:FEALTY_{setting.upper().replace('-', '_')})" in text
    everything = run("--help").stdout
    for command in ("serve", "community", "api-key", "migrate", "openapi", "doctor", "backup", "restore", "version"):
        assert command in everything


def test_the_version_is_said():
    done = run("version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "fealty")


# name: (arguments, environment, text of the settings file, what is said)
WRONG = {
    "an unknown flag": (["--verbose"], {}, None, "--verbose"),
    "an unknown variable": ([], {"FEALTY_LISTN": "127.0.0.1:0"}, None, "FEALTY_LISTN"),
    "an unknown name in the file": ([], {}, '[serve]\nlistn = "127.0.0.1:0"\n', "listn"),
    "no command at all": (None, {}, None, "subcommand"),
    "a number out of its range": (["--bulk-rows-max", "0"], {}, None, "bulk-rows-max"),
    "a variable out of its range": ([], {"FEALTY_IO_THREADS": "many"}, None, "FEALTY_IO_THREADS|io-threads"),
    "an open address without TLS": (["--listen", "0.0.0.0:0"], {}, None, "TLS"),
    "an open IPv6 address without TLS": (["--listen", "[::]:0"], {}, None, "TLS"),
    "a certificate without its key": (["--tls-certificate", "/dev/null"], {}, None, "--tls-key"),
    "a key without its certificate": (["--tls-key", "/dev/null"], {}, None, "--tls-certificate"),
    "TLS here and in a proxy": (["--tls-certificate", "/dev/null", "--tls-key", "/dev/null", "--behind-proxy"], {}, None, "--behind-proxy"),
    "a trusted proxy without a proxy": (["--trusted-proxy", "10.0.0.1"], {}, None, "--behind-proxy"),
    "a port that is none": (["--listen", "127.0.0.1:70000"], {}, None, "ADDRESS:PORT"),
    "a listener without port": (["--listen", "localhost"], {}, None, "ADDRESS:PORT"),
    "a database of another kind": (["--database", "mysql://host/x"], {}, None, "postgresql://"),
    "an origin that is none": (["--cors-origin", "example.org"], {}, None, "origin"),
    "a community limit above the node's": (["--bulk-uploads-community-max", "20"], {}, None, "--bulk-uploads-node-max"),
}


def test_a_settings_file_that_is_named_and_not_there_is_an_error(tmp_path):
    for arguments, environment in ((["--config", str(tmp_path / "none.toml")], {}), ([], {"FEALTY_CONFIG": str(tmp_path / "none.toml")})):
        done = run(*arguments, "serve", "--data", str(tmp_path / "data"), environment=environment)
        assert done.returncode == 2 and "none.toml" in done.stdout + done.stderr, done


def test_a_settings_file_of_the_server_does_not_disturb_other_commands(installation):
    config = installation.folder / "fealty.toml"
    config.write_text('[serve]\nbulk-rows-max = 3\n')
    for named in ([], ["--config", str(config)]):
        done = subprocess.run([binary(), *named, "version"], capture_output=True, text=True, timeout=60, env=clean_environment({"FEALTY_CONFIG": str(config)}))
        assert (done.returncode, done.stdout.split()[0]) == (0, "fealty"), done
    done = run("--config", str(config), "migrate", *installation.storage_options())
    assert done.returncode == 0 and "Applied" in done.stdout, done


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings_refuse_to_start_with_status_two(tmp_path, name):
    arguments, environment, text, said = WRONG[name]
    command = ["serve", "--data", str(tmp_path / "data"), *arguments] if arguments is not None else []
    if text is not None:
        (tmp_path / "fealty.toml").write_text(text)
        command = ["--config", str(tmp_path / "fealty.toml"), *command]
    done = run(*command, environment=environment, folder=tmp_path)
    assert done.returncode == 2, done
    assert any(word in done.stdout + done.stderr for word in said.split("|")), done
    assert not (tmp_path / "data").exists()


def test_a_flag_wins_over_the_settings_file_and_the_file_over_a_variable(installation):
    config = installation.folder / "fealty.toml"
    config.write_text('[serve]\nlog-format = "json"\nbulk-rows-max = 3\n')
    environment = {"FEALTY_CONFIG": str(config), "FEALTY_LOG_FORMAT": "text", "FEALTY_BULK_FILE_BYTES_MAX": "1024"}
    server = installation.start("--bulk-rows-max", "2", environment=environment)
    assert all(json.loads(line)["event"] for line in server.log().splitlines())
    api = server.api(installation.create_community().create_key())
    by_flag = api.upload(PREMIUM, premium([(email(1), "add", 1)] * 3))
    assert (by_flag.code, "more than 2 rows" in by_flag.json["message"]) == ("too_many_rows", True), by_flag
    by_variable = api.upload(PREMIUM, premium([("x" * 1_100 + "@example.org", "add", 1)]))
    assert (by_variable.status, by_variable.code) == (413, "file_too_large"), by_variable
    assert server.stop() == 0


def test_a_second_server_on_the_same_sqlite_folder_refuses(tmp_path):
    installation = Installation(tmp_path, "sqlite")
    try:
        installation.start()
        done = installation.command("serve", "--listen", "127.0.0.1:0", check=False)
        assert done.returncode == 1 and "Another server runs on the data folder" in done.stderr
    finally:
        installation.close()


def test_a_port_that_is_taken_is_named(installation, tmp_path_factory):
    server = installation.start()
    other = Installation(tmp_path_factory.mktemp("other"), "sqlite")
    done = other.command("serve", "--listen", f"127.0.0.1:{server.api().url.port}", check=False)
    assert done.returncode == 1 and str(server.api().url.port) in done.stderr


def test_a_folder_that_everybody_may_write_to_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o777)
    done = run("serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "chmod o-w" in done.stderr


def test_the_data_folder_is_for_its_owner_alone(installation):
    open_club(installation)
    assert installation.data.stat().st_mode & 0o077 == 0
    for path in installation.data.rglob("*"):
        if path.is_dir() or path.parent == installation.uploads:
            assert path.stat().st_mode & 0o077 == 0, path


def test_commands_work_while_the_server_runs_and_before_it_ever_ran(installation):
    early = installation.create_community("Early club")
    server = installation.start()
    late = installation.create_community("Late club")
    for community in (early, late):
        key = community.create_key("bulkUpdateUser,createUser")
        assert server.api(key).get(UPDATE).status == 200
        listed = installation.command_json("api-key", "list", "--community", community.id)
        mine = next(entry for entry in listed if entry["_id"] == key.id)
        assert (mine["state"], sorted(mine["permissions"])) == ("active", ["bulkUpdateUser", "createUser"])
        assert key.text not in json.dumps(listed)
        community.revoke(key)
        assert server.api(key).get(UPDATE).status == 401
    titles = {entry["title"] for entry in installation.command_json("community", "list")}
    assert titles == {"Early club", "Late club"}


def test_wrong_commands_say_what_to_do(installation):
    community = installation.create_community()
    for arguments, said in [
        (["api-key", "create", "--community", "xyz", "--name", "n", "--permissions", "all"], "24 hex digits"),
        (["api-key", "create", "--community", "6b0000000000000000000001", "--name", "n", "--permissions", "all"], "no community"),
        (["api-key", "create", "--community", community.id, "--name", "n", "--permissions", "flyToTheMoon"], "bulkUpdateUser"),
        (["api-key", "revoke", "--community", community.id, "--id", "6b0000000000000000000001"], "no key"),
        (["community", "create", "--title", "", "--owner-email", "x@example.org"], "title"),
        (["community", "create", "--title", "T", "--owner-email", "nonsense"], "mail"),
    ]:
        done = installation.command(*arguments, check=False)
        assert done.returncode == 1 and said.lower() in done.stderr.lower(), done


def test_migrate_makes_the_schema_and_is_repeatable(installation):
    assert "Applied" in installation.command("migrate").stdout
    assert "up to date" in installation.command("migrate").stdout
    installation.assert_healthy()


def test_the_doctor_names_a_balance_that_is_wrong(installation):
    club = open_club(installation)
    club.api.run(PREMIUM, premium([(email(1), "add", 1)]))
    installation.assert_healthy()
    installation.database().execute("UPDATE balances SET amount = amount + 1")
    done = installation.command("doctor", check=False)
    assert (done.returncode, "WRONG  balances" in done.stdout) == (1, True), done


def test_a_backup_made_while_serving_is_restored_whole(installation, tmp_path_factory):
    club = open_club(installation, 100)
    first = club.api.run(PREMIUM, add_to_all(100), fields={"log_name": "before"})
    job = club.api.queue(PREMIUM, add_to_all(100, times=3_000))
    copy = installation.folder / "backup"
    said = installation.command("backup", str(copy)).stdout
    assert "Backed up the database" in said
    assert copy.stat().st_mode & 0o077 == 0
    again = installation.command("backup", str(copy), check=False)
    assert again.returncode == 1 and "not empty" in again.stderr
    club.api.wait_for_job(job)

    restored = Installation(tmp_path_factory.mktemp("restored"), installation.engine)
    try:
        assert "every check of the doctor passed" in restored.command("restore", str(copy)).stdout
        restored.assert_healthy()
        assert restored.command("restore", str(copy), check=False).returncode == 1
        api = restored.start().api(club.key)
        # The job that ran at the time of the backup goes on from where the backup saw it.
        assert api.wait_for_job(job)["updated"] == 300_000
        assert restored.balances() == installation.balances()
        for path in (f"{UPDATE}/{first['_id']}/status", f"{UPDATE}/{first['_id']}/details?limit=500"):
            assert api.get(path).json["data"] == club.api.get(path).json["data"]
        assert api.run(PREMIUM, premium([(email(1), "add", 1)]))["updated"] == 1
        restored.assert_healthy()
    finally:
        restored.close()


def test_the_openapi_document_is_the_same_everywhere(installation):
    printed = run("openapi", folder=installation.folder)
    assert printed.returncode == 0 and list(installation.folder.glob("fealty-data")) == []
    document = json.loads(printed.stdout)
    assert document["openapi"].startswith("3.1")
    assert {PREMIUM, UPDATE, UPDATE + "/{id}/status", UPDATE + "/{id}/details"} <= set(document["paths"])
    assert installation.start().api().get("/openapi.json").json == document
    kept = pathlib.Path(ROOT / "docs/openapi.json")
    if kept.exists():
        assert json.loads(kept.read_text()) == document


def test_an_unreachable_database_is_said_without_its_password(tmp_path):
    done = run("serve", "--data", str(tmp_path / "data"), "--database", "postgresql://fealty:hunter2@127.0.0.1:1/none", "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "hunter2" not in done.stdout + done.stderr and done.stderr.strip()


def test_the_server_speaks_tls_with_a_certificate(installation):
    certificate, key = installation.folder / "cert.pem", installation.folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    server = installation.start("--tls-certificate", str(certificate), "--tls-key", str(key))
    done = subprocess.run(["curl", "--silent", "--show-error", "--cacert", str(certificate), server.url + "/health/ready"], capture_output=True, text=True,
                          timeout=30, env={**os.environ, "no_proxy": "*"})
    assert done.stdout == "ready\n", done
    assert server.stop() == 0
    wrong = installation.folder / "wrong.pem"
    wrong.write_text("no certificate")
    done = installation.command("serve", "--listen", "127.0.0.1:0", "--tls-certificate", str(wrong), "--tls-key", str(key), check=False)
    assert done.returncode == 1 and "wrong.pem" in done.stderr, done
