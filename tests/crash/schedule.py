"""What happens in a round, and when: decided by the seed alone, before anything has begun."""

import random

import workload

ROUND_S = (8, 16)
CLUBS = ("alpha", "beta", "gamma")
NODES = {"sqlite": 1, "postgres": 2}
LEASE_S = 8
SHORT_ATTACKS, SHORT_S = 3, 2.0  # of a shortened round


class Upload:
    """One file that somebody uploads, and how."""

    def __init__(self, dice, label, at, engine):
        self.label = label  # the job's log_name: by it the job is found again
        self.at = at
        self.club = dice.choice(CLUBS)
        kind = dice.choices(("premium", "update", "import"), (5, 4, 2))[0]
        # As many small ones as large ones, and some that are surely under way when something happens.
        rows = workload.random_size(dice) if dice.random() < 0.6 else dice.randint(5_000, workload.ROWS_MAX)
        self.spec = workload.FileSpec(dice.getrandbits(48), kind, rows, self.club)
        self.node = dice.randrange(NODES[engine])
        self.dry_run = dice.random() < 0.15
        self.max_errors = dice.choice((0, 3, 50)) if dice.random() < 0.2 else None
        self.gzip = dice.random() < 0.25
        self.raw = dice.random() < 0.2
        self.keyed = dice.random() < 0.8
        # lost: the connection is closed when all is sent, before the answer; broken: in the middle of the file.
        self.client = dice.choices(("patient", "lost", "broken"), (80, 12, 8))[0]
        self.broken_at = dice.uniform(0.05, 0.95)
        self.copies = dice.choice((2, 4)) if self.keyed and dice.random() < 0.1 else 1
        self.repeat_after = dice.uniform(0, 6) if self.keyed and dice.random() < 0.3 else None
        self.cancel_after = dice.expovariate(1) if dice.random() < 0.12 else None
        # Each of them a reversal, and whether it is a dry run; the second one tries again what the first one refused.
        self.reverts = [(dice.uniform(0.5, 5), dice.random() < 0.25) for _ in range(dice.choice((1, 1, 2)))] if dice.random() < 0.2 else []
        self.repeat_node = dice.randrange(NODES[engine])

    def options(self):
        fields = {"log_name": self.label}
        if self.dry_run:
            fields["dry_run"] = "true"
        if self.max_errors is not None:
            fields["max_errors"] = str(self.max_errors)
        return fields

    def __str__(self):
        words = [str(self.spec), self.club]
        words += ["dry run"] if self.dry_run else []
        words += [f"max_errors {self.max_errors}"] if self.max_errors is not None else []
        words += [self.client] if self.client != "patient" else []
        words += [] if self.keyed else ["no key"]
        words += [f"{len(self.reverts)} reversals"] if self.reverts else []
        words += [f"{self.copies} at once"] if self.copies > 1 else []
        return f"{self.label}: {', '.join(words)}"


class Live:
    """Coins of some of the first members that change over the API, beside the files: all of them or none."""

    def __init__(self, dice, label, at, engine):
        self.label = label
        self.at = at
        self.club = dice.choice(CLUBS)
        self.node = dice.randrange(NODES[engine])
        self.is_list = dice.random() < 0.3
        self.changes = [(dice.randint(1, workload.LIVE), dice.choice(("add", "add", "subtract")), dice.randint(1, 30_000_000))
                        for _ in range(dice.randint(1, 6) if self.is_list else 1)]
        self.repeat_after = dice.uniform(0, 3) if dice.random() < 0.2 else None


class Attack:
    def __init__(self, at, target, kind, **how):
        self.at = at
        self.target = target  # node 0, node 1, postgres, disk
        self.kind = kind
        self.how = how

    def __str__(self):
        words = " ".join(f"{name}={value:.2f}" if isinstance(value, float) else f"{name}={value}" for name, value in self.how.items())
        return f"{self.target}: {self.kind}" + (f" ({words})" if words else "")


class Round:
    def __init__(self, seed, engine, number, abilities=frozenset(("full disk", "write limit"))):
        dice = random.Random(f"{seed}/{engine}/{number}")
        self.number = number
        self.lasts_s = dice.uniform(*ROUND_S)
        count = dice.randint(6, 20)
        self.uploads = [Upload(dice, f"r{number}-u{n}", dice.uniform(0, self.lasts_s * 0.8), engine) for n in range(1, count + 1)]
        self.lives = [Live(dice, f"r{number}-l{n}", dice.uniform(0, self.lasts_s), engine) for n in range(dice.randint(0, 80))]
        self.attacks = sorted((self.make_attack(dice, engine) for _ in range(dice.randint(2, 6))), key=lambda attack: attack.at)
        self.attacks = [attack for attack in self.attacks if attack.kind not in ("full disk", "write limit") or attack.kind in abilities]
        # What is proved must be on the disk: sometimes the round ends in peace, sometimes not.
        self.end = dice.choice(("stop", "stop", "kill"))
        self.proof_seed = dice.getrandbits(48)

    def shorten(self, lasts_s):
        """The same round in less time: smaller files, moments closer together, few attacks and one long one at most."""
        factor, self.lasts_s = lasts_s / self.lasts_s, lasts_s
        for upload in self.uploads:
            upload.at *= factor
            upload.spec.rows_asked = max(1, round(upload.spec.rows_asked * factor))
        self.attacks = self.attacks[:SHORT_ATTACKS]
        long_ones = 0
        for attack in self.attacks:
            attack.at *= factor
            for name in ("away_s", "for_s"):
                if attack.how.get(name, 0) > SHORT_S:
                    long_ones += 1
                    attack.how[name] = attack.how[name] if long_ones == 1 else SHORT_S
        for live in self.lives:
            live.at *= factor

    def make_attack(self, dice, engine):
        at = dice.uniform(0.3, self.lasts_s)
        kinds = {"kill": 5, "pause": 2, "stop": 1, "full disk": 1, "write limit": 1}
        if engine == "postgres":
            kinds.update({"restart": 1, "crash": 1.5, "cut connections": 3})
        kind = dice.choices(list(kinds), list(kinds.values()))[0]
        node = f"node {dice.randrange(NODES[engine])}"
        # Aimed ones wait for a job that is under way.
        aim = {"aim_s": dice.uniform(0, 0.4)} if dice.random() < 0.7 else {}
        if kind in ("kill", "stop"):
            # Past the lease only where another node takes over.
            away = [0.0, dice.uniform(0, 2), dice.uniform(0, 2)] + ([LEASE_S + 1.0] if NODES[engine] > 1 else [])
            return Attack(at, node, kind, **aim, away_s=dice.choice(away))
        if kind == "pause":
            # Mostly past the lease.
            return Attack(at, node, kind, **aim, for_s=dice.choice((dice.uniform(0.5, 3), LEASE_S + dice.uniform(0.5, 5),
                                                                           LEASE_S + dice.uniform(0.5, 5))))
        if kind in ("restart", "crash"):
            return Attack(at, "postgres", kind, **aim, away_s=dice.choice((0.0, dice.uniform(0, 4))))
        if kind == "cut connections":
            return Attack(at, "postgres", kind, **aim, share=dice.choice((0.2, 0.5, 1.0)), times=dice.choice((1, 1, 5)), dice=dice.getrandbits(32))
        if kind == "write limit":
            return Attack(at, node, kind, **aim, for_s=dice.uniform(0.3, 3))
        return Attack(at, "disk", kind, **aim, for_s=dice.uniform(0.3, 4))
