"""Those who use the programs while they are attacked: they upload, cancel, revert, change balances, and watch."""

import gzip
import http.client
import json
import random
import socket
import threading
import time
import urllib.parse

import client
import workload
from world import Failure

BROKEN = (ConnectionError, http.client.HTTPException, TimeoutError, socket.timeout)
PATIENCE_S = 240
LATER = (429, 503)
COME_BACK = "repeat it with the same idempotency-key"
ADJUST = "/v1/users/balances/adjust"


class Uploaded:
    """What is known of an upload from its answers."""

    def __init__(self, upload):
        self.upload = upload
        self.job = None  # the id, once it was answered
        self.may_exist = False  # an answer was lost and cannot be asked for again
        self.cancelled = False  # the cancel was answered with 200
        self.cancel_asked = False
        self.reverts = {}  # id of the reversing job: whether it is a dry run
        self.lock = threading.Lock()

    def accept(self, job):
        with self.lock:
            if self.job not in (None, job):
                raise Failure(f"{self.upload.label} was accepted twice under one Idempotency-Key: {self.job} and {job}")
            self.job = job


class Callers:
    def __init__(self, world, keys, clock, abilities):
        self.world = world
        self.keys = keys  # club: key
        self.clock = clock
        self.abilities = abilities  # optional operations that this program has
        self.uploaded = []
        self.adjusted = []  # (club, member, micros) that were answered as done
        self.watching = True
        self.answers = {}
        self.seen = {}  # job: (processed, status)

    def api(self, node, club):
        api = self.world.nodes[node % len(self.world.nodes)].api(self.keys[club])
        api.timeout_s = 30
        return api

    def count(self, answer):
        key = f"{answer.status}" + (f" {answer.code}" if answer.status >= 400 else "")
        self.answers[key] = self.answers.get(key, 0) + 1
        return answer

    def ask(self, node, club, method, path, body=None, headers=None):
        """Asks until there is an answer that says more than "later"."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                answer = self.count(self.api(node, club).request(method, path, body, headers))
                if answer.status not in LATER and not (answer.status == 409 and answer.code == "request_in_progress"):
                    return answer
            except BROKEN:
                pass
            node += 1
            time.sleep(0.2)
        raise Failure(f"{method} {path} got no answer in {PATIENCE_S} s")

    # ---- Uploads ---------------------------------------------------------------------------------------------------------

    def upload(self, upload):
        self.clock.wait_until(upload.at)
        state = Uploaded(upload)
        self.uploaded.append(state)
        body, headers, path = self.request_of(upload)
        if upload.client == "broken":
            self.send_part(upload, path, body, headers, upload.broken_at)
            return
        if upload.client == "lost":
            self.send_part(upload, path, body, headers, 1)
            if not upload.keyed:
                state.may_exist = True
                return
        others = [threading.Thread(target=self.send_whole, args=(state, path, body, headers, n), daemon=True) for n in range(1, upload.copies)]
        for other in others:
            other.start()
        self.send_whole(state, path, body, headers, 0)
        for other in others:
            other.join()
        if state.job and upload.cancel_after is not None:
            time.sleep(upload.cancel_after)
            self.cancel(state)
        if state.job and upload.repeat_after is not None:
            time.sleep(upload.repeat_after)
            self.send_whole(state, path, body, headers, 1)
        if state.job and "revert" in self.abilities:
            for n, (after, dry_run) in enumerate(upload.reverts):
                time.sleep(after)
                self.revert(state, n, dry_run)

    @staticmethod
    def request_of(upload):
        data, _, _ = upload.spec.make()
        path = workload.PATHS[upload.spec.kind]
        if upload.raw:
            path, body, content_type = f"{path}?{urllib.parse.urlencode(upload.options())}", data, "text/csv"
        else:
            body, content_type = client.multipart(data, upload.options())
        headers = {"Content-Type": content_type}
        if upload.gzip:
            body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        if upload.keyed:
            headers["Idempotency-Key"] = upload.label
        return body, headers, path

    def send_part(self, upload, path, body, headers, share):
        """Sends a part of the request, or all of it, and goes away without waiting for the answer."""
        try:
            api = self.api(upload.node, upload.club)
            connection = api.connect()
            connection.putrequest("POST", path)
            for name, value in {**api.headers(), **headers, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(body[:max(1, int(len(body) * share)) if share < 1 else len(body)])
            connection.close()
        except BROKEN:
            pass

    def send_whole(self, state, path, body, headers, shift):
        """Until there is an answer. Without a key, a request whose answer is lost is not repeated: nobody knows what it did."""
        upload, node, end = state.upload, state.upload.node + shift, time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                answer = self.count(self.api(node, upload.club).post(path, body, headers))
            except ConnectionRefusedError:
                answer = None
            except BROKEN:
                if not upload.keyed:
                    state.may_exist = True
                    return
                answer = None
            if answer is not None:
                if answer.status == 200:
                    state.accept(answer.json["data"]["id"])
                    return
                if answer.status not in LATER and answer.code != "request_in_progress":
                    raise Failure(f"{upload} was answered with {answer}")
                if not upload.keyed and COME_BACK in answer.json["message"].lower():
                    state.may_exist = True
                    return
            node += 1
            time.sleep(0.2)
        raise Failure(f"{upload} got no answer in {PATIENCE_S} s")

    def cancel(self, state):
        upload = state.upload
        state.cancel_asked = True
        answer = self.ask(upload.repeat_node, upload.club, "POST", f"{client.UPDATE}/{state.job}/cancel")
        if answer.status == 200:
            state.cancelled = True
        elif answer.status != 409 or answer.code != "job_finished":
            raise Failure(f"the cancel of {upload.label} was answered with {answer}")
        self.clock.line(f"cancel of {upload.label}: {answer.status}")

    def revert(self, state, n, dry_run):
        upload = state.upload
        body = json.dumps({"reason": f"reversal {n} of {upload.label}", "dry_run": dry_run}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"revert {n} of {upload.label}"}
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            answer = self.ask(upload.repeat_node, upload.club, "POST", f"{client.UPDATE}/{state.job}/revert", body, headers)
            if answer.status == 200:
                state.reverts[answer.json["data"]["id"]] = dry_run
            elif answer.status == 409 and answer.code in ("job_not_finished", "already_reverting"):
                time.sleep(0.5)
                continue
            elif answer.status != 409 or answer.code != "nothing_to_revert":
                raise Failure(f"the reversal of {upload.label} was answered with {answer}")
            self.clock.line(f"reversal of {upload.label}: {answer.status if answer.status == 200 else answer.code}")
            return
        raise Failure(f"{upload.label} could not be reversed in {PATIENCE_S} s")

    # ---- Live changes ----------------------------------------------------------------------------------------------------

    def adjust(self, live):
        self.clock.wait_until(live.at)
        items = [{"identifier": f"m{member}@{live.club}.example", "currency": "coins", "op": op, "amount": micros / workload.MICRO,
                  "sourceId": f"{live.label}-{n}"} for n, (member, op, micros) in enumerate(live.changes)]
        body = json.dumps({"items": items} if live.is_list else items[0]).encode()
        headers = {"Content-Type": "application/json"}
        answer = self.ask(live.node, live.club, "POST", ADJUST, body, headers)
        if answer.status == 200:
            self.adjusted += [(live.club, member, micros if op == "add" else -micros) for member, op, micros in live.changes]
        elif answer.status != 409 or answer.code != "insufficient_balance":
            raise Failure(f"the live change {live.label} was answered with {answer}")
        if answer.status == 200 and live.repeat_after is not None:
            time.sleep(live.repeat_after)
            again = self.ask(live.node + 1, live.club, "POST", ADJUST, body, headers)
            given = again.json["data"]["items"] if live.is_list else [again.json["data"]]
            if again.status != 200 or not all(one["duplicate"] for one in given):
                raise Failure(f"the repeated live change {live.label} was answered with {again}")

    # ---- Watching --------------------------------------------------------------------------------------------------------

    def watch(self, seed):
        """Counters grow, final states stay, and no reader on any node ever sees it otherwise."""
        dice = random.Random(seed)
        while self.watching:
            time.sleep(0.1)
            states = [state for state in list(self.uploaded) if state.job]
            if not states:
                continue
            state = dice.choice(states)
            try:
                answer = self.count(self.api(dice.randrange(4), state.upload.club).get(f"{client.UPDATE}/{state.job}/status"))
            except BROKEN:
                continue
            if answer.status == 503:
                continue
            if answer.status != 200:
                raise Failure(f"the accepted job of {state.upload.label} is answered with {answer}")
            self.check_progress(state, answer.json["data"])

    def check_progress(self, state, now):
        processed, status = self.seen.get(state.job, (0, "queued"))
        if now["processed"] < processed:
            raise Failure(f"the counters of {state.upload.label} went back from {processed} to {now['processed']}")
        if now["processed"] != now["updated"] + now["unchanged"] + now["created"] + now["failed"] or now["processed"] > now["total"]:
            raise Failure(f"the counters of {state.upload.label} do not fit: {now}")
        reverts = ("reverting", "reverted")
        if status in client.FINAL and now["status"] != status and now["status"] not in reverts:
            raise Failure(f"{state.upload.label} was {status} and is {now['status']}")
        self.seen[state.job] = (now["processed"], now["status"])
