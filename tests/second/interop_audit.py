"""Drives `examples/interop_audit.rs`: canaries, scanner keys, checkpoints, trails and attributions (sections 8 and 16).

Operations, arguments and answers are in the head of that file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import fields
import generate
import make_watching
import registry
import symbolon
import trail
import watching
from cases import flipped, split_list, unhex, verdict_of
from interop import Rust, World, list_of
from symbolon import Keyring, Principal, Token
from tally import Tally

CANARIES = 60
SCANNER_KEYS = 40
CHAINS = 40
DAYS = 25
NOW = 1_800_000_000_000
OWNER = 1
"""The kind of a day's owner."""


# --- Canaries ---------------------------------------------------------------------------------------------------------


def check_canaries(world: World) -> None:
    for number in range(CANARIES):
        keyring = world.some_keyring()
        like, name = new_look(world, keyring), new_name(world.random)
        tenant = world.some_principal().tenant
        for step in (canary_from_rust, canary_to_rust):
            given = (world, keyring, tenant, like, name)
            world.tally.attempt("canaries", f"{step.__name__} {number}", lambda: step(*given))


def new_name(random: Random) -> bytes:
    length = random.choice([1, 2, 13, 29, 30, random.randint(1, 30)])
    return bytes(random.randint(1, 255) for _ in range(length))


def new_look(world: World, keyring: Keyring) -> bytes:
    """A token of any field, class and mode, and of any of this keyring's epochs."""
    random, owner = world.random, world.some_principal()
    keyring = Keyring(keyring.k_tag, keyring.roots[: random.randint(1, len(keyring.roots))])
    field = random.choice([generate.any_field, generate.bound_field])(random)
    record = random.randbytes(8) if fields.is_bound(field) else b""
    secret, value = random.choice([None, random.randbytes(32)]), random.randbytes(generate.random_length(random))
    return symbolon.seal(keyring, owner, field, value, random.randbytes(16), record=record, secret=secret)


def canary_from_rust(world: World, keyring: Keyring, tenant: bytes, like: bytes, name: bytes) -> None:
    made = unhex(world.rust.ask("canary", keyring.to_bytes(), tenant, like, name))
    world.tally.equal("canaries", watching.canary_name(keyring, tenant, made), name, "made by Rust")
    world.tally.equal("canaries", (made[:6], len(made)), (like[:6], len(like)), "its look")
    world.tally.check("canaries", watching.scanner_key(keyring, tenant).recognises(made), "its mark")
    for bad in (b"", b"n" * 31, name[:20] + b"\0"):
        try:
            world.rust.ask("canary", keyring.to_bytes(), tenant, like, bad)
            found = "made"
        except RuntimeError:
            found = "error"
        world.tally.equal("canaries", found, "error", f"name {bad.hex()}")


def canary_to_rust(world: World, keyring: Keyring, tenant: bytes, like: bytes, name: bytes) -> None:
    random, made = world.random, watching.seal_canary(keyring, tenant, like, name, world.random.randbytes(16))

    def ask(token: bytes, tenant: bytes = tenant, keyring: Keyring = keyring) -> str:
        return world.rust.ask("export", keyring.to_bytes(), tenant, token)

    world.tally.equal("canaries", ask(made), name.hex(), "made by Python")
    world.tally.equal("canaries", ask(like), "none", "an owner's token")
    world.tally.equal("canaries", ask(made, tenant=tenant[:63] + b"x"), "none", "another tenant's")
    bad = flipped(made, random.randrange(len(made)), random.randrange(8))
    expected = verdict_of(lambda: watching.canary_name(keyring, tenant, bad))
    expected = {"denied": "none"}.get(expected, expected)
    world.tally.equal("canaries", ask(bad), expected, bad.hex())


# --- Scanner keys -----------------------------------------------------------------------------------------------------


def check_scanner_keys(world: World) -> None:
    for number in range(SCANNER_KEYS):
        world.tally.attempt("scanner keys", f"{number}", lambda: scanner_key_of_one(world))
    for form, why in make_watching.bad_scanner_keys():
        token = make_watching.look("email", 5)
        world.tally.attempt(
            "scanner keys",
            why,
            lambda: world.tally.equal("scanner keys", world.rust.ask("recognises", form, token), "malformed", why),
        )


def scanner_key_of_one(world: World) -> None:
    random, keyring, owner = world.random, world.some_keyring(), world.some_principal()
    form = unhex(world.rust.ask("scanner-key", keyring.to_bytes(), owner.tenant))
    key = watching.ScannerKey.from_bytes(form)
    world.tally.equal("scanner keys", key, watching.scanner_key(keyring, owner.tenant), "made by Rust")
    field = generate.any_field(random)
    token = world.seal(keyring, owner, field, generate.good_value(random, field))
    bad = flipped(token, random.randrange(6, 22), random.randrange(8))
    foreign = world.seal(world.some_keyring(), world.some_principal(), field, generate.good_value(random, field))
    for raw in (token, bad, foreign):
        expected = "yes" if key.recognises(raw) else "no"
        world.tally.equal("scanner keys", world.rust.ask("recognises", form, raw), expected, raw.hex())
    bad = flipped(form, random.randrange(len(form)), random.randrange(8))
    expected = verdict_of(lambda: watching.ScannerKey.from_bytes(bad))
    if expected == "accepted":
        expected = "yes" if watching.ScannerKey.from_bytes(bad).recognises(token) else "no"
    world.tally.equal("scanner keys", world.rust.ask("recognises", bad, token), expected, bad.hex())


# --- Trails and checkpoints that Python made --------------------------------------------------------------------------


def check_chains(world: World) -> None:
    for number in range(CHAINS):
        world.tally.attempt("chains", f"{number}", lambda: chain_to_rust(world))


def some_checkpoint(random: Random) -> trail.Checkpoint:
    numbers = (random.getrandbits(32), random.getrandbits(64), random.getrandbits(64))
    return trail.Checkpoint(*numbers, random.randbytes(16), random.randbytes(16))


def some_chain(random: Random) -> list[trail.Entry]:
    """With gaps, scopes, keyrings and witnesses; otherwise any events, reasons and kinds."""
    entries, number = [], random.choice([0, 0, 64])
    starts_behind = number
    for place in range(random.randint(1, 9)):
        caller = {"caller": random.randbytes(16), "kind": random.randint(0, 3), "session": random.randbytes(8)}
        choice = 0 if place == 0 else random.randint(0, 5)
        if choice in (0, 1):
            epochs = sorted(random.sample(range(1, 65_536), random.randint(1, 8)))
            floors = (random.randrange(65_536), random.randrange(65_536))
            skipped = random.choice([0, 0, 1, 200]) if choice == 0 and place else starts_behind * (place == 0)
            number += skipped if place else 0
            given = {"event": trail.STARTED, "count": skipped} if choice == 0 else {"event": trail.KEYRING, "count": 1}
            entry = trail.started(number, NOW + place, epochs, floors, **given)
        elif choice == 2:
            entry = trail.witness(number, NOW + place, some_checkpoint(random))
        elif choice == 3:
            codes = tuple(sorted(random.sample(range(1, 65_536), random.randint(1, 8))))
            scope = trail.scope(random.getrandbits(64), random.getrandbits(64), codes)
            entry = trail.Entry(number, NOW + place, trail.GRANTS_SCOPE, random.choice([0, 8]), **caller, **scope)
        else:
            event = random.choice([code for code in trail.EVENTS if code != trail.STARTED])
            entry = trail.Entry(number, NOW + place, event, random.choice(list(trail.REASONS)), **caller)
        entries.append(entry)
        number += 1
    return entries


def held_by(entry: trail.Entry) -> str:
    """As the operation `held` answers."""
    if entry.event in (trail.STARTED, trail.KEYRING):
        epochs, floors = trail.epochs_of(entry)
        return ":".join(map(str, ["epochs", *epochs, *floors]))
    if entry.event == trail.GRANTS_SCOPE:
        not_before, expiry, codes = trail.scope_of(entry)
        return ":".join(map(str, ["scope", not_before, expiry, *codes]))
    return trail.witnessed(entry).to_bytes().hex() if entry.event == trail.WITNESS else "-"


def chain_to_rust(world: World) -> None:
    random = world.random
    audit_key = trail.AuditKey(random.getrandbits(32), random.randbytes(32), random.randbytes(32))
    entries = some_chain(random)
    chain = trail.write(audit_key, entries)
    key, listed = audit_key.to_bytes(), list_of(chain)
    world.tally.equal("chains", world.rust.ask("held", key, listed), ",".join(map(held_by, entries)))
    place, time = random.randint(0, len(chain)), random.getrandbits(64)
    reader = trail.Reader(audit_key)
    for raw in chain[:place]:
        reader.read(raw)
    made, read = reader.checkpoint(time), list_of(chain[:place]) or "-"
    world.tally.equal("chains", unhex(world.rust.ask("checkpoint", key, read, time)), made.to_bytes(), "of a reader")
    world.tally.equal("chains", world.rust.ask("confirms", key, read, made.to_bytes()), "yes", "in its place")
    bad = flipped(made.to_bytes(), random.randrange(52), random.randrange(8))
    world.tally.equal("chains", world.rust.ask("confirms", key, read, bad), "no", "a bit of it")
    if place < len(chain):
        world.tally.equal("chains", world.rust.ask("confirms", key, listed, made.to_bytes()), "no", "gone by")
    if place:
        cut = list_of(chain[: place - 1]) or "-"
        world.tally.equal("chains", world.rust.ask("confirms", key, cut, made.to_bytes()), "no", "cut")
    where = random.randrange(len(chain))
    refused = replace(entries[where], kind=random.choice([4, 255]))
    odd = trail.write(audit_key, [*entries[:where], refused, *entries[where + 1 :]])
    world.tally.equal("chains", world.rust.ask("held", key, list_of(odd)), "denied", f"kind {refused.kind}")


# --- Trails and checkpoints that Rust made ----------------------------------------------------------------------------


@dataclass
class Day:
    """What is asked of `day`, and what it answers."""

    old: Keyring
    new: Keyring
    floors: tuple[int, int]
    owner: Principal
    secret: bytes
    items: list[tuple[int, bytes, bool]]
    """A field asked for, a token, whether it is the owner's."""
    canary: bytes
    codes: tuple[int, ...]
    node: int
    life: int
    uses: int
    seen: trail.Checkpoint
    audit_key: trail.AuditKey | None = None
    chain: list[bytes] | None = None
    checkpoints: list[trail.Checkpoint] | None = None

    def ask(self, rust: Rust) -> None:
        items = ",".join(f"{field}:{token.hex()}" for field, token, _ in self.items)
        given = (self.old.to_bytes(), self.new.to_bytes(), self.node, *self.floors, self.owner.tenant)
        terms = (self.owner.subject, NOW, self.life, self.uses, ",".join(map(str, self.codes)))
        canary = f"{Token.parse(self.canary).field}:{self.canary.hex()}"
        key, chain, made = rust.ask("day", *given, *terms, canary, items, self.seen.to_bytes()).split()
        self.audit_key, self.chain = trail.AuditKey.from_bytes(unhex(key)), split_list(chain)
        self.checkpoints = [trail.Checkpoint.from_bytes(raw) for raw in split_list(made)]

    def by(self, keyring: Keyring, kind: int, subject: bytes) -> dict[str, object]:
        return {"caller": keyring.tag_of(Principal(self.owner.tenant, kind, subject)), "kind": kind}


def new_day(world: World) -> Day:
    random, tenant = world.random, world.some_principal().tenant
    first = random.randint(2, 65_000)
    roots = tuple((first + step, random.randbytes(32)) for step in range(random.randint(1, 7)))
    old = Keyring(random.randbytes(32), roots)
    kept = roots if random.randint(0, 1) else roots[-1:]
    new = Keyring(old.k_tag, (*kept, (old.newest + random.choice([1, 7]), random.randbytes(32))))
    floors = (random.choice([0, *new.epochs]), random.choice(new.epochs))
    owner, secret = Principal(tenant, OWNER, random.randbytes(9)), random.randbytes(32)
    codes = tuple(sorted({generate.any_field(random) for _ in range(random.randint(1, 8))}))
    field = generate.any_field(random)
    like = symbolon.seal(new, owner, field, generate.good_value(random, field), random.randbytes(16))
    canary = watching.seal_canary(new, tenant, like, new_name(random), random.randbytes(16))
    numbers = (random.getrandbits(32), random.choice([1_000, 86_400_000]), random.choice([0, 1, 2**32 - 1]))
    day = Day(old, new, floors, owner, secret, [], canary, codes, *numbers, some_checkpoint(random))
    day.items = new_items(random, day)
    return day


def new_items(random: Random, day: Day) -> list[tuple[int, bytes, bool]]:
    """The first opens; others are another's, of another tenant, epoch or field, erasable without a secret, canaries."""
    ring, owner = day.old, day.owner
    bob, stranger = replace(owner, subject=b"another"), replace(owner, tenant=day.owner.tenant[:60] + b"x")
    unknown = Keyring(ring.k_tag, ((ring.newest + 9, random.randbytes(32)),))
    cases = [(ring, owner, None), (ring, owner, day.secret), (ring, bob, None), (ring, bob, day.secret)]
    cases += [(ring, stranger, None), (unknown, owner, None)]
    cases = [(ring, owner, None), *random.sample(cases, len(cases)), (ring, owner, None)]
    items = []
    for keyring, who, secret in cases:
        field = generate.any_field(random)
        epoch = random.choice(keyring.epochs)
        value = generate.good_value(random, field)
        token = symbolon.seal(keyring, who, field, value, random.randbytes(16), epoch, secret=secret)
        items.append((field, token, who == owner and keyring == ring))
    field, token, _ = items.pop()
    items.append((1 if field != 1 else 2, token, True))
    canary = watching.seal_canary(ring, owner.tenant, token, new_name(random), random.randbytes(16))
    return [*items, (field, canary, False)]


def check_days(world: World) -> None:
    for number in range(DAYS):
        world.tally.attempt("days Rust made", f"{number}", lambda: day_from_rust(world))


def day_from_rust(world: World) -> None:
    day = new_day(world)
    day.ask(world.rust)
    entries = list(trail.read(day.audit_key, day.chain))
    world.tally.equal("days Rust made", (day.audit_key.node, day.audit_key.k_tag), (day.node, day.old.k_tag))
    check_day(world.tally, day, entries)
    check_places(world.tally, day, entries)
    check_owners(world, day, entries)


def presented(day: Day, item: tuple[int, bytes, bool], keyring: Keyring, reason: str = "") -> dict[str, object]:
    """What the entry of a token says that was presented as this field."""
    field, raw, _ = item
    token = Token.parse(raw)
    opens = verdict_of(lambda: symbolon.open_token(keyring, day.owner, field, raw)) == "accepted"
    said = reason or ("done" if opens else symbolon.refusal_reason(keyring, day.owner, field, token))
    number = next(code for code, text in trail.REASONS.items() if text == said)
    whose = keyring.tag_of(day.owner) if number == 0 else token.commitment
    parts = {"header": token.header, "nonce": token.nonce, "owner": whose}
    return {"event": 3, "reason": number, "field": field, "view": int(number == 0), **parts}


def expected_day(day: Day) -> list[dict[str, object]]:
    """All but number, time, session and grant, and the alarms but the canary's."""
    by_owner = day.by(day.old, OWNER, day.owner.subject)
    authority, packer, operator = (
        day.by(day.old, kind, subject) for kind, subject in ((2, b"authority"), (3, b"packer"), (2, b"operator"))
    )
    owner_tag, once = by_owner["caller"], {"count": 1}

    def minted(grantee: bytes) -> dict[str, object]:
        places = {"header": grantee[:6], "nonce": grantee[6:] + bytes(2), "owner": owner_tag}
        return {"event": trail.GRANT, "field": day.codes[0], "purpose": 1, "view": 2, "count": day.uses, **places}

    scope = {"event": trail.GRANTS_SCOPE, **trail.scope(NOW, NOW + day.life, day.codes), **once}
    why = symbolon.padded(b"ticket 1", 34)
    said = {"event": trail.GRANTS_REASON, "header": why[:6], "nonce": why[6:18], "owner": why[18:], **once}
    to_packer, to_owner = minted(packer["caller"]), {**minted(owner_tag), "owner": packer["caller"]}
    canary = (Token.parse(day.canary).field, day.canary, False)
    ring = {"epochs": (day.old.epochs, (0, day.old.newest_but_one))}
    newer = {"epochs": (day.new.epochs, day.floors)}
    return [
        {"event": 1, **ring},
        {"event": 2, **by_owner, **once},
        *({**by_owner, **presented(day, item, day.old), **once} for item in day.items),
        {**by_owner, **to_packer},
        {**by_owner, **scope},
        {"event": 2, **authority, **once},
        {**authority, **to_packer},
        {**authority, **scope},
        {**authority, **said},
        {"event": 2, **packer, **once},
        {**packer, **to_owner, "reason": 8},
        {**packer, **scope, "reason": 8},
        {"event": 2, **operator, **once},
        {"event": 23, "reason": 8, **by_owner, **once},
        {"event": 23, **operator, **once},
        {**by_owner, **presented(day, day.items[0], day.old, "stopped"), **once},
        {"event": 24, **operator, **once},
        {"event": trail.WITNESS, "seen": day.seen},
        {"event": trail.KEYRING, **newer, **once},
        {"event": 2, **by_owner, **once},
        {**by_owner, **presented(day, canary, day.new), **once},
    ]


def check_day(tally: Tally, day: Day, entries: list[trail.Entry]) -> None:
    expected, family = expected_day(day), "days Rust made"
    for entry, wanted in zip(entries, expected):
        seen, epochs = wanted.pop("seen", None), wanted.pop("epochs", None)
        if seen:
            tally.equal(family, trail.witnessed(entry), seen, "witness")
            tally.equal(family, (entry.caller, entry.kind), (bytes(16), 0), "witness")
            wanted = {"event": trail.WITNESS}
        elif epochs:
            tally.equal(family, trail.epochs_of(entry), epochs, trail.EVENTS[entry.event])
            tally.equal(family, (entry.caller, entry.kind), (bytes(16), 0), trail.EVENTS[entry.event])
        else:
            places = {"number": entry.number, "time": NOW, "session": entry.session, "grant": entry.grant}
            tally.equal(family, entry, trail.Entry(**{**places, **wanted}), trail.EVENTS[entry.event])
            wanted = {}
        tally.equal(family, {name: getattr(entry, name) for name in wanted}, wanted, f"entry {entry.number}")
    alarms, last = entries[len(expected) : -1], entries[-1]
    tally.equal(family, {entry.event for entry in alarms}, {22}, "alarms")
    tally.check(family, any(entry.view == 1 for entry in alarms), "the canary's alarm")
    owner = day.old.tag_of(day.owner)
    sessions_ = {entry.session for entry in entries[: len(expected)] if entry.caller == owner}
    for entry in alarms:
        about_one = entry.view in (1, 2, 4, 5)
        tally.equal(family, entry.caller, owner if about_one else bytes(16), f"alarm {entry.view}")
        tally.equal(family, entry.kind, OWNER if about_one else 0, f"the kind of alarm {entry.view}")
        tally.equal(family, entry.session in sessions_, about_one, f"alarm {entry.view}")
    tally.equal(family, (last.event, trail.epochs_of(last)), (1, (day.new.epochs, day.floors)), "the second start")
    tally.equal(family, last.count, last.number - entries[-2].number - 1, "numbers skipped")
    grants_ = [entry for entry in entries if entry.event in (trail.GRANT, trail.GRANTS_SCOPE)]
    for grant, scope in zip(grants_[::2], grants_[1::2], strict=True):
        same = (grant.caller, grant.kind, grant.session, grant.grant, grant.reason)
        tally.equal(family, (scope.caller, scope.kind, scope.session, scope.grant, scope.reason), same, "scope")
        tally.equal(family, grant.grant == bytes(8), grant.reason != 0, "a grant's id where it was minted")


def check_places(tally: Tally, day: Day, entries: list[trail.Entry]) -> None:
    """Each checkpoint is confirmed behind its entry, and nowhere else."""
    witness = next(place for place, entry in enumerate(entries) if entry.event == trail.WITNESS)
    family = "checkpoints Rust made"
    for made, behind in zip(day.checkpoints, (witness, len(entries) - 2, len(entries) - 1), strict=True):
        reader, places = trail.Reader(day.audit_key), []
        for place, raw in enumerate(day.chain):
            reader.read(raw)
            if reader.confirms(made):
                places.append(place)
                tally.equal(family, reader.checkpoint(NOW), made, "as the reader's own")
        tally.equal(family, places, [behind])
        tally.check(family, not trail.confirms(day.audit_key, day.chain[:behind], made), "cut")
        tally.equal(family, made.node, day.node)


def check_owners(world: World, day: Day, entries: list[trail.Entry]) -> None:
    """Whose each token was: by Python of Rust's trail, and by Rust."""
    family, key = "attributions", day.audit_key.to_bytes()
    place = 2
    for field, raw, is_owners in day.items:
        opened = verdict_of(lambda: symbolon.open_token(day.old, day.owner, field, raw)) == "accepted"
        expected = ("opened" if opened else "refused") if is_owners else "-"
        found = watching.attribution(day.old, day.owner, day.secret, entries[place])
        world.tally.equal(family, found, expected, f"item {place - 2}")
        place += 1
    for owner in (day.owner, replace(day.owner, subject=b"another"), replace(day.owner, kind=2)):
        for keyring in (day.old, day.new):
            for secret in (None, day.secret):
                record = registry.OwnerRecord(secret=secret).to_bytes() if secret else b""
                expected = [watching.attribution(keyring, owner, secret, entry) for entry in entries]
                given = (keyring.to_bytes(), owner.tenant, owner.kind, owner.subject, record)
                answer = world.rust.ask("attribute", *given, key, list_of(day.chain))
                world.tally.equal(family, answer.split(","), expected)
    erased = registry.OwnerRecord(secret=day.secret).erase().to_bytes()
    given = (day.old.to_bytes(), day.owner.tenant, day.owner.kind, day.owner.subject, erased)
    expected = [watching.attribution(day.old, day.owner, None, entry) for entry in entries]
    answer = world.rust.ask("attribute", *given, key, list_of(day.chain))
    world.tally.equal(family, answer.split(","), expected, "erased")


def check_stops(world: World) -> None:
    """Section 13, table 8."""
    for row, expected in ((b"", "no"), (registry.RELEASED, "no"), (registry.STOPPED, "yes")):
        answer = world.rust.ask("stop", world.some_keyring().to_bytes(), row)
        world.tally.equal("stops", answer, f"{expected} {registry.STOPPED.hex()} {registry.RELEASED.hex()}", row.hex())


def check_all(tally: Tally, seed: int) -> None:
    tally.attempt("interop", "the process of interop_audit", lambda: check_against_rust(tally, seed))


def check_against_rust(tally: Tally, seed: int) -> None:
    with Rust("interop_audit") as rust:
        rust.ask("recognises", make_watching.keys_form(1), make_watching.look("email", 5))
        world = World(Random(seed), rust, tally)
        for step in (check_canaries, check_scanner_keys, check_chains, check_days, check_stops):
            tally.attempt(step.__name__, "the whole step", lambda: step(world))
