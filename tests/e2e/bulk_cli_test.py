"""`fealty bulk` against the real server: what an operator or cron sees, and the exit statuses."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time

import pytest

from client import PREMIUM, UPDATE
from conftest import open_club
from files import HEADER, add_to_all, email, premium
from harness import binary, clean_environment, wait_until

LONG_TIMES = 3_000  # 300,000 rows on 100 members: some seconds of work


def environment_of(club, **more):
    return clean_environment({"FEALTY_SERVER": club.server.url, "FEALTY_API_KEY": club.key.text, **more})


def bulk(club, *arguments, data=None, env=None, timeout=120):
    """Without a terminal, as cron runs it."""
    source = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run([binary(), "bulk", *arguments], capture_output=True, timeout=timeout, env=env or environment_of(club), **source)


def start(club, *arguments, env=None, **streams):
    return subprocess.Popen([binary(), "bulk", *arguments], stdin=streams.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=env or environment_of(club), **streams)


def file_of(folder, data, name="rows.csv"):
    path = folder / name
    path.write_bytes(data)
    return str(path)


def job_id(text):
    return re.search(rb"[0-9a-f]{24}", text).group(0).decode()


@pytest.fixture
def no_engine(tmp_path):
    """A place that no server is at."""
    return clean_environment({"FEALTY_SERVER": "http://127.0.0.1:1", "FEALTY_API_KEY": "fk_nobody"})


def test_an_upload_is_watched_to_its_end(club, tmp_path):
    done = bulk(club, "upload", file_of(tmp_path, add_to_all(5)), "--kind", "premium", "--log-name", "from the shell")
    assert done.returncode == 0, done
    job = club.api.job(job_id(done.stdout))
    assert (job["status"], job["updated"], job["log_name"], job["file"]["name"]) == ("completed", 5, "from the shell", "rows.csv")
    assert re.match(rb"Job [0-9a-f]{24} completed: 5 rows in \d+\.\d s: 5 updated\.\n$", done.stdout), done
    assert b"is queued: 5 rows." in done.stderr and b"\r" not in done.stderr and b"\033" not in done.stderr


def test_every_kind_has_its_way(club, tmp_path):
    imported = bulk(club, "upload", file_of(tmp_path, b"Email,Username,First Name,Last Name\nkind@example.org,kindness,Kim,Kind\n"), "--kind", "import", "--json")
    updated = bulk(club, "upload", file_of(tmp_path, b"Email,First Name\nkind@example.org,Kimberly\n"), "--kind", "update", "--json")
    paid = bulk(club, "upload", file_of(tmp_path, premium([("kind@example.org", "add", 5)])), "--kind", "premium", "--json")
    assert [json.loads(d.stdout)["type"] for d in (imported, updated, paid)] == ["bulk_import", "bulk_update", "bulk_update_premium_currency"]
    assert [json.loads(d.stdout)["success"] for d in (imported, updated, paid)] == [1, 1, 1]


def test_a_thousand_rows_with_failures_exit_with_one_and_say_which(club, tmp_path):
    rows = [(email(n % 5 + 1) if n % 100 else "nobody@example.org", "add", 1) for n in range(1_000)]
    done = bulk(club, "upload", file_of(tmp_path, premium(rows)), "--kind", "premium")
    assert done.returncode == 1, done
    text = done.stdout.decode()
    assert "completed: 1,000 rows" in text and "990 updated, 10 failed" in text
    assert "row 2, nobody@example.org: " in text and "(user_not_found)" in text
    assert f"fealty bulk results {job_id(done.stdout)} --status failed,not_processed" in text


def test_cron_hears_nothing_while_all_is_well_and_the_reason_when_not(club, tmp_path):
    cron = {"FEALTY_SERVER": club.server.url, "FEALTY_API_KEY": club.key.text, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SHELL": "/bin/sh"}
    well = bulk(club, "upload", file_of(tmp_path, add_to_all(5)), "--kind", "premium", "--quiet", env=cron)
    assert (well.returncode, well.stdout, well.stderr) == (0, b"", b"")
    bad = bulk(club, "upload", file_of(tmp_path, premium([("nobody@example.org", "add", 1)])), "--kind", "premium", "--quiet", env=cron)
    assert (bad.returncode, bad.stdout) == (1, b""), bad
    assert b"1 failed" in bad.stderr and b"user_not_found" in bad.stderr


def test_json_is_the_whole_answer_on_standard_output(club, tmp_path):
    path = file_of(tmp_path, add_to_all(5, value=7))
    waited = bulk(club, "upload", path, "--kind", "premium", "--json")
    assert json.loads(waited.stdout) == club.api.job(json.loads(waited.stdout)["_id"])
    queued = json.loads(bulk(club, "upload", path, "--kind", "premium", "--no-wait", "--json").stdout)
    assert (queued["rows"], queued["duplicate_of"]) == (5, json.loads(waited.stdout)["_id"])
    watched = json.loads(bulk(club, "watch", queued["id"], "--json").stdout)
    assert (watched["_id"], watched["status"]) == (queued["id"], "completed")
    refused = bulk(club, "upload", file_of(tmp_path, b"Email,Coin\na@example.org,1\n"), "--kind", "update", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (3, "invalid_header")


def test_quiet_without_waiting_gives_the_id_alone(club, tmp_path):
    done = bulk(club, "upload", file_of(tmp_path, add_to_all(5)), "--kind", "premium", "--no-wait", "--quiet")
    assert re.fullmatch(rb"[0-9a-f]{24}\n", done.stdout) and done.stderr == b"", done
    assert club.api.wait_for_job(done.stdout.decode().strip())["updated"] == 5


def test_options_reach_the_server(club, tmp_path):
    before = club.installation.balances()
    dry = bulk(club, "upload", file_of(tmp_path, add_to_all(5)), "--kind", "premium", "--dry-run")
    assert dry.returncode == 0 and b"dry run: nothing was written" in dry.stdout and club.installation.balances() == before
    rows = premium([("nobody@example.org", "add", 1)] * 3 + [(email(1), "add", 1)])
    for options, failed in ((["--max-errors", "1"], 2), (["--stop-on-error"], 1)):
        stopped = bulk(club, "upload", file_of(tmp_path, rows), "--kind", "premium", *options)
        assert (stopped.returncode, b"too_many_errors" in stopped.stdout) == (5, True), stopped
        assert f"{failed} failed".encode() in stopped.stdout
    assert club.installation.balances() == before


def resident_most_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def test_standard_input_is_streamed_and_not_held_in_memory(club):
    """40 MB through a pipe. The program and its libraries alone take about 20 MB."""
    block = (email(1) + ",0,add\n").encode() * 40_000
    process = start(club, "upload", "-", "--kind", "premium", "--no-wait", "--quiet", "--dry-run", stdin=subprocess.PIPE)
    process.stdin.write((HEADER + "\n").encode())
    for _ in range(40):
        process.stdin.write(block)
    process.stdin.flush()
    assert resident_most_kib(process.pid) < 40 * 1024
    process.stdin.close()
    id_ = process.stdout.read().decode().strip()
    assert process.wait(timeout=60) == 0, process.stderr.read()
    status = club.api.job(id_)
    assert (status["total"], status["file"]["name"]) == (1_600_000, "stdin.csv")
    assert bulk(club, "cancel", id_).returncode == 0


@pytest.mark.parametrize("options", [[], ["--gzip"]])
def test_pipes_and_packed_files_arrive_as_they_are(club, tmp_path, options):
    data = add_to_all(5, times=200)
    piped = bulk(club, "upload", "-", "--kind", "premium", "--json", *options, data=data)
    stored = bulk(club, "upload", file_of(tmp_path, data), "--kind", "premium", "--json", *options)
    jobs = [json.loads(d.stdout) for d in (piped, stored)]
    assert [j["updated"] for j in jobs] == [1_000, 1_000] and {j["file"]["size"] for j in jobs} == {len(data)}
    assert len({j["file"]["sha256"] for j in jobs}) == 1


def test_a_refused_header_is_told_with_its_suggestions(club, tmp_path):
    done = bulk(club, "upload", file_of(tmp_path, b"Email,Coin,Coin_op,Nonsense\na@example.org,1,add,x\n"), "--kind", "update")
    assert (done.returncode, done.stdout) == (3, b""), done
    text = done.stderr.decode()
    assert "400 invalid_header" in text and "Coin, column 2: " in text and "Suggestions: Coins" in text and "Nonsense, column 4: " in text
    request_id = re.search(r"Request id: (\S+)", text).group(1)
    wait_until(lambda: request_id in club.server.log(), 10, "the request id leads to the log")


@pytest.mark.parametrize("source", ["file", "pipe", "packed"])
def test_a_refusal_in_the_middle_of_a_large_upload_is_heard(club, tmp_path, source):
    """The server answers at the header's line and closes while the rest is still being sent."""
    data = b"Email,Coin,Coin_op\n" + os.urandom(10_000_000).hex().encode()
    path = file_of(tmp_path, data)
    for _ in range(5):
        if source == "pipe":
            done = bulk(club, "upload", "-", "--kind", "update", "--timeout", "0", data=data)
        else:
            done = bulk(club, "upload", path, "--kind", "update", "--timeout", "0", *(["--gzip"] if source == "packed" else []))
        assert done.returncode == 3 and b"invalid_header" in done.stderr, done


def test_a_wrong_key_is_refused_and_never_repeated(club, tmp_path):
    wrong = environment_of(club, FEALTY_API_KEY="fk_SecretThatIsWrong")
    path = file_of(tmp_path, add_to_all(5))
    for arguments in (["list"], ["upload", path, "--kind", "premium"], ["watch", "66b0c0ffee0000000000a101"]):
        done = bulk(club, *arguments, env=wrong)
        assert (done.returncode, done.stdout) == (3, b""), done
        assert b"401 unauthorized" in done.stderr and b"SecretThatIsWrong" not in done.stderr


def test_a_key_file_must_be_for_its_owner_alone(club, tmp_path):
    key = tmp_path / "crm.key"
    key.write_text(club.key.text + "\n")
    without = clean_environment({"FEALTY_SERVER": club.server.url})
    for mode in (0o644, 0o640, 0o604):
        key.chmod(mode)
        done = bulk(club, "list", "--key-file", str(key), env=without)
        assert (done.returncode, f"chmod 600 {key}" in done.stderr.decode(), club.key.text in done.stderr.decode()) == (2, True, False), done
    key.chmod(0o600)
    assert bulk(club, "list", "--key-file", str(key), env=without).returncode == 0
    assert bulk(club, "list", "--key-file", "-", env=without, data=club.key.text.encode()).returncode == 0
    none = bulk(club, "list", env=without)
    assert none.returncode == 2 and b"--key-file" in none.stderr and b"FEALTY_API_KEY" in none.stderr


def test_jobs_are_listed_and_shown(club, tmp_path):
    ids = [job_id(bulk(club, "upload", file_of(tmp_path, add_to_all(5)), "--kind", "premium", "--log-name", "listed").stdout) for _ in range(3)]
    table = bulk(club, "list", "--log-name", "listed", "--type", "premium").stdout.decode().splitlines()
    assert table[0].split()[:3] == ["JOB", "STATE", "TYPE"]
    assert [line.split()[:6] for line in table[1:]] == [[id_, "completed", "premium", "5", "5", "0"] for id_ in reversed(ids)]
    assert [j["_id"] for j in json.loads(bulk(club, "list", "--log-name", "listed", "--limit", "2", "--json").stdout)] == ids[:0:-1]
    assert b"no such job" in bulk(club, "list", "--status", "queued", "--log-name", "listed").stdout
    shown = bulk(club, "status", ids[0]).stdout.decode()
    assert "State       completed\n" in shown and "Rows        5 of 5 (100 %)\n" in shown and "Log name    listed\n" in shown
    assert json.loads(bulk(club, "status", ids[0], "--json").stdout) == club.api.job(ids[0])
    assert bulk(club, "list", "--type", "nonsense").returncode == 3
    missing = bulk(club, "status", "66b0c0ffee0000000000a101")
    assert missing.returncode == 3 and b"404 job_not_found" in missing.stderr


def test_a_list_longer_than_a_page_is_whole(club):
    existing = len(club.installation.jobs())
    for _ in range(max(0, 105 - existing)):
        assert club.api.run(PREMIUM, premium([(email(1), "add", 1)]))["updated"] == 1
    listed = [j["_id"] for j in json.loads(bulk(club, "list", "--limit", "10000", "--json").stdout)]
    assert len(listed) == len(set(listed)) == len(club.installation.jobs()) >= 105
    assert listed == sorted(listed, reverse=True)


def test_the_same_key_makes_one_job(club, tmp_path):
    path = file_of(tmp_path, add_to_all(5))
    once, again = (bulk(club, "upload", path, "--kind", "premium", "--idempotency-key", f"nightly-{tmp_path.name}", "--json") for _ in range(2))
    assert json.loads(once.stdout)["_id"] == json.loads(again.stdout)["_id"]
    other = bulk(club, "upload", file_of(tmp_path, add_to_all(4)), "--kind", "premium", "--idempotency-key", f"nightly-{tmp_path.name}")
    assert other.returncode == 3 and b"409 idempotency_key_reused" in other.stderr


def test_a_job_is_cancelled_and_its_watcher_told(installation, tmp_path):
    club = open_club(installation, 100)
    id_ = bulk(club, "upload", file_of(tmp_path, add_to_all(100, times=LONG_TIMES)), "--kind", "premium", "--no-wait", "--quiet").stdout.decode().strip()
    watcher = start(club, "watch", id_)
    wait_until(lambda: club.api.job(id_)["processed"] > 0, 30, "the job has begun")
    done = bulk(club, "cancel", id_)
    assert done.returncode == 0 and (b"stops at the end of its chunk" in done.stdout or b"cancelled" in done.stdout), done
    out, _ = watcher.communicate(timeout=60)
    assert watcher.returncode == 5 and f"Job {id_} cancelled: 300,000 rows".encode() in out and b"not processed" in out, out
    assert f"revert {id_}".encode() in out
    late = bulk(club, "cancel", id_)
    assert late.returncode in (0, 3)


def test_watching_survives_a_server_that_is_killed_and_started_anew(installation, tmp_path):
    club = open_club(installation, 100)
    port = club.api.url.port
    process = start(club, "upload", file_of(tmp_path, add_to_all(100, times=LONG_TIMES)), "--kind", "premium")
    wait_until(lambda: [j for j in club.api.get(UPDATE).json["data"] if j["type"] == "bulk_update_premium_currency" and j["processed"] > 0], 30, "the job runs")
    club.server.kill()
    lines = []
    threading.Thread(target=lambda: lines.extend(process.stderr), daemon=True).start()
    wait_until(lambda: any(b"trying again" in line for line in lines), 10, "it is said that the server is away")
    installation.start("--listen", f"127.0.0.1:{port}")
    assert process.wait(timeout=120) == 0, lines
    assert b"completed: 300,000 rows" in process.stdout.read()
    assert any(b"It goes on" in line for line in lines)
    assert sum(installation.balances().values()) == 300_000 * 1_000_000
    installation.assert_healthy()


def test_an_upload_waits_for_a_server_that_is_not_there_yet_and_is_made_once(installation, tmp_path):
    club = open_club(installation)
    port, jobs = club.api.url.port, len(installation.jobs())
    club.server.kill()
    process = start(club, "upload", file_of(tmp_path, add_to_all(5)), "--kind", "premium")
    assert b"cannot be reached; trying again" in process.stderr.readline()
    installation.start("--listen", f"127.0.0.1:{port}")
    assert process.wait(timeout=60) == 0
    assert len(installation.jobs()) == jobs + 1 and installation.balances()[email(1)] == 1_000_000


def test_ctrl_c_ends_the_watching_and_not_the_job(installation, tmp_path):
    club = open_club(installation, 100)
    process = start(club, "upload", file_of(tmp_path, add_to_all(100, times=LONG_TIMES)), "--kind", "premium")
    said = process.stderr.readline()
    id_ = job_id(said)
    wait_until(lambda: club.api.job(id_)["processed"] > 0, 30, "the job has begun")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (130, b""), (out, err)
    assert f"Job {id_} goes on.".encode() in err and f"fealty bulk watch {id_}".encode() in err and f"fealty bulk cancel {id_}".encode() in err
    assert club.api.wait_for_job(id_)["updated"] == 300_000


def catches(pid, number):
    with open(f"/proc/{pid}/status") as status:
        mask = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt:"))
    return bool(mask >> (number - 1) & 1)


def test_ctrl_c_while_standard_input_is_awaited_sends_nothing(club):
    process = start(club, "upload", "-", "--kind", "premium", stdin=subprocess.PIPE)
    wait_until(lambda: catches(process.pid, signal.SIGINT), 10, "it listens to signals")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130 and b"broken off" in err, err


def on_terminal(club, *arguments, columns=100, **more):
    """What a person sees: standard error is a terminal of that width. Gives the exit status and the bytes."""
    leader, follower = pty.openpty()
    subprocess.run(["stty", "cols", str(columns), "rows", "24"], stdin=follower, check=True)
    process = subprocess.Popen([binary(), "bulk", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=follower,
                               env=environment_of(club, TERM="xterm", **more))
    os.close(follower)
    seen = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        seen += piece
    os.close(leader)
    return process.wait(timeout=60), seen.decode()


def test_a_terminal_shows_a_bar_within_its_width(installation, tmp_path):
    club = open_club(installation, 100)
    path = file_of(tmp_path, add_to_all(100, times=LONG_TIMES) + b"nobody@example.org,1,add\n" * 3)
    for columns, more, coloured in ((100, {}, True), (40, {"NO_COLOR": "1"}, False)):
        status, seen = on_terminal(club, "upload", path, "--kind", "premium", columns=columns, **more)
        assert status == 1
        assert ("\033[31m3 failed\033[0m" in seen, bool(re.search(r"\033\[\d*m", seen))) == (coloured, coloured)
        frames = [re.sub(r"\033\[[0-9;]*[mK]", "", frame) for frame in re.split(r"[\r\n]+", seen)]
        bars = [frame for frame in frames if " %" in frame]
        assert len(bars) >= 2 and all(len(frame) < columns for frame in bars), bars
        assert bars[-1].find("100 %") >= 0 and "3 failed" in bars[-1]
        if columns == 100:
            assert seen.endswith("\r\033[K"), "the bar is wiped before the summary"


def test_a_dumb_terminal_gets_plain_lines(club, tmp_path):
    path = file_of(tmp_path, add_to_all(5))
    leader, follower = pty.openpty()
    done = subprocess.run([binary(), "bulk", "upload", path, "--kind", "premium"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=follower,
                          env=environment_of(club, TERM="dumb"), timeout=60)
    os.close(follower)
    seen = os.read(leader, 65536)
    os.close(leader)
    assert done.returncode == 0 and b"\033" not in seen and b"is queued" in seen


def test_tls_is_verified(installation, tmp_path):
    def certificate(name):
        cert, key = tmp_path / f"{name}.pem", tmp_path / f"{name}-key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
        return str(cert), str(key)

    cert, key = certificate("server")
    other, _ = certificate("other")
    server = installation.start("--tls-certificate", cert, "--tls-key", key)
    api_key = installation.create_community().create_key()
    env = clean_environment({"FEALTY_SERVER": server.url, "FEALTY_API_KEY": api_key.text})
    assert bulk(None, "list", "--ca-file", cert, env=env).returncode == 0
    for options in ([], ["--ca-file", other]):
        done = bulk(None, "list", "--timeout", "60", *options, env=env, timeout=30)
        assert done.returncode == 4 and b"certificate" in done.stderr, done
    named = bulk(None, "list", "--ca-file", cert, "--server", server.url.replace("127.0.0.1", "localhost"), env=env)
    assert named.returncode == 4 and b"subject name" in named.stderr.lower(), named
    assert bulk(None, "list", "--ca-file", str(tmp_path / "none.pem"), env=env).returncode == 2


def test_a_server_that_is_not_there_is_given_up_after_the_time(no_engine, tmp_path):
    began = time.monotonic()
    done = bulk(None, "upload", file_of(tmp_path, b"Email\na@example.org\n"), "--kind", "update", "--timeout", "2", env=no_engine)
    assert done.returncode == 4 and 2 <= time.monotonic() - began < 10 and b"Given up after trying for 2 s" in done.stderr, done
    assert b"--idempotency-key" in done.stderr
    once = bulk(None, "list", env=no_engine)
    assert once.returncode == 4 and b"trying again" not in once.stderr


WRONG = {
    "no file of that name": (["upload", "none.csv", "--kind", "update"], "none.csv cannot be opened"),
    "a folder": (["upload", "/", "--kind", "update"], "is a folder"),
    "no kind": (["upload", "none.csv"], "--kind is required"),
    "another kind": (["upload", "none.csv", "--kind", "users"], "update, premium or import"),
    "a number that is none": (["upload", "none.csv", "--kind", "update", "--max-errors", "many"], "--max-errors"),
    "an id that is none": (["watch", "123"], "24 hex digits"),
    "a revert without reason": (["revert", "66b0c0ffee0000000000a101", "--reason", " "], "--reason"),
    "an erasure without yes": (["erase", "66b0c0ffee0000000000a101"], "--yes"),
    "the key as an argument": (["list", "--api-key", "fk_x"], "--api-key"),
    "another machine without TLS": (["list", "--server", "http://club.example.org"], "unencrypted"),
    "a server that is none": (["list", "--server", "club.example.org"], "http://"),
    "a user in the URL": (["list", "--server", "https://me:hunter2@club.example.org"], "--key-file"),
    "no command": ([], "subcommand"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_exits_with_two_and_says_what_is_right(no_engine, tmp_path, name):
    arguments, said = WRONG[name]
    done = subprocess.run([binary(), "bulk", *arguments], capture_output=True, text=True, timeout=30, env=no_engine, cwd=tmp_path)
    assert (done.returncode, done.stdout if arguments else "") == (2, ""), done
    assert said in done.stdout + done.stderr and "hunter2" not in done.stderr, done


def test_help_lists_commands_exit_statuses_and_examples():
    text = subprocess.run([binary(), "bulk", "--help"], capture_output=True, text=True, timeout=30, env=clean_environment()).stdout
    for command in ("upload", "watch", "status", "list", "cancel", "revert", "results", "source", "erase"):
        assert f"\n  {command} " in text
        sub = subprocess.run([binary(), "bulk", command, "--help"], capture_output=True, text=True, timeout=30, env=clean_environment())
        assert sub.returncode == 0 and "--key-file" in sub.stdout and "(Env:FEALTY_SERVER)" in sub.stdout
    for status in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "130"):
        assert re.search(rf"^  {status} +\S", text, re.MULTILINE), status
    assert "fealty bulk upload march.csv --kind premium" in text


def test_the_settings_file_may_name_the_server(club, tmp_path):
    config = tmp_path / "fealty.toml"
    config.write_text(f'[bulk.list]\nserver = "{club.server.url}"\n')
    env = clean_environment({"FEALTY_API_KEY": club.key.text, "FEALTY_CONFIG": str(config)})
    assert bulk(club, "list", env=env).returncode == 0


def test_an_installation_beside_the_command_is_not_needed(club, tmp_path):
    done = subprocess.run([binary(), "bulk", "list"], capture_output=True, timeout=30, env=environment_of(club), cwd=tmp_path)
    assert done.returncode == 0 and list(tmp_path.iterdir()) == []


def test_the_uploaded_file_comes_back_until_it_is_erased(club, tmp_path):
    data = add_to_all(5, times=300)
    id_ = json.loads(bulk(club, "upload", file_of(tmp_path, data), "--kind", "premium", "--json").stdout)["_id"]
    saved = bulk(club, "source", id_, "--output", str(tmp_path / "again.csv"))
    assert saved.returncode == 0 and (tmp_path / "again.csv").read_bytes() == data, saved
    assert bulk(club, "erase", id_).returncode == 2 and bulk(club, "source", id_).stdout == data
    assert bulk(club, "erase", id_, "--yes", "--quiet").returncode == 0
    gone = bulk(club, "source", id_, "--output", str(tmp_path / "none.csv"))
    assert gone.returncode == 3 and b"404 results_expired" in gone.stderr and not list(tmp_path.glob("none*"))
