"""Drives the Rust implementation (`examples/interop.rs`) and lets each open what the other made."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from random import Random

import check_vectors
import fields
import generate
import grants
import interop_grants
import make_vectors
import sessions
import symbolon
import trail
from check_vectors import unhex, verdict_of
from sessions import DAY, Claims, Credential, Item, Vault
from symbolon import Keyring, Principal, Token
from tally import Tally

TOKENS = 100
BAD_TOKENS = 150
CREDENTIALS = 40
BAD_CREDENTIALS = 60
REVEALS = 30
VALUES = 2_500
TEXTS = 80
AT_ONCE = 100

Argument = bytes | int | str


class Rust:
    """One subprocess: a command a line, an answer a line."""

    def __init__(self, example: str = "interop") -> None:
        self.command = ["cargo", "run", "--quiet", "--example", example]

    def __enter__(self) -> Rust:
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to say or to hear."""
        self.process.communicate(timeout=10)

    def ask(self, command: str, *arguments: Argument) -> str:
        return self.ask_many([(command, *arguments)])[0]

    def ask_many(self, commands: list[tuple[Argument, ...]]) -> list[str]:
        """All commands at once; their answers must fit into a pipe."""
        self.process.stdin.write("".join(" ".join(map(argument, command)) + "\n" for command in commands))
        self.process.stdin.flush()
        answers = [self.process.stdout.readline() for _ in commands]
        for command, answer in zip(commands, answers):
            if not answer or answer.startswith("error"):
                raise RuntimeError(f"{command[0]}: {answer.strip() or 'no answer'}")
        return [answer.strip() for answer in answers]


def argument(content: Argument) -> str:
    if isinstance(content, bytes):
        return content.hex() or "-"
    return str(content)


def list_of(contents: list[bytes]) -> str:
    return ",".join(map(argument, contents))


def items_argument(items: list[Item]) -> str:
    return ",".join(f"{field}:{token.hex()}" for field, token in items)


@dataclass
class World:
    """Some keyrings and principals, few enough that their keys are remembered."""

    random: Random
    rust: Rust
    tally: Tally

    def __post_init__(self) -> None:
        random = self.random
        self.keyrings = [self._keyring(size) for size in (1, 2, 2, 3, 8)]
        tenants = [random.randbytes(random.choice([1, 5, 13, 64])) for _ in range(4)]
        subjects = [random.randbytes(random.choice([1, 8, 12, 13, 64])) for _ in range(6)]
        self.principals = [Principal(random.choice(tenants), random.randint(1, 3), subject) for subject in subjects]

    def _keyring(self, size: int) -> Keyring:
        """Consecutive epochs: SPEC.md does not say clearly what the floor is where some are missing."""
        first = self.random.choice([1, 255, self.random.randint(1, 65_000), 65_536 - size])
        roots = tuple((first + step, self.random.randbytes(32)) for step in range(size))
        return Keyring(self.random.randbytes(32), roots)

    def some_keyring(self) -> Keyring:
        return self.random.choice(self.keyrings)

    def some_principal(self) -> Principal:
        return self.random.choice(self.principals)

    def seal(self, keyring: Keyring, owner: Principal, field: int, value: bytes) -> bytes:
        epoch = self.random.choice(keyring.epochs)
        return symbolon.seal(keyring, owner, field, value, self.random.randbytes(16), epoch)

    def rust_opens(self, keyring: Keyring, owner: Principal, field: int, token: bytes) -> str:
        return self.rust.ask("detokenize", keyring.to_bytes(), owner.tenant, owner.kind, owner.subject, field, token)


# --- Tokens and their text --------------------------------------------------------------------------------------------


def check_tokens(world: World) -> None:
    for number in range(TOKENS):
        keyring, owner, field = world.some_keyring(), world.some_principal(), generate.any_field(world.random)
        value = generate.good_value(world.random, field)
        world.tally.attempt(
            "tokens Rust made", f"{number}", lambda: token_from_rust(world, keyring, owner, field, value)
        )
        world.tally.attempt(
            "tokens Python made", f"{number}", lambda: token_to_rust(world, keyring, owner, field, value)
        )


def token_from_rust(world: World, keyring: Keyring, owner: Principal, field: int, value: bytes) -> None:
    raw = unhex(world.rust.ask("tokenize", keyring.to_bytes(), owner.tenant, owner.kind, owner.subject, field, value))
    token, detail = Token.parse(raw), f"{fields.name_of(field)} {value.hex()}"
    world.tally.equal("tokens Rust made", symbolon.open_token(keyring, owner, field, raw), value, detail)
    world.tally.equal("tokens Rust made", token.epoch, keyring.newest, detail)
    world.tally.equal(
        "tokens Rust made", symbolon.mark_of(keyring, token.epoch, owner.tenant, token.nonce), token.mark, detail
    )


def token_to_rust(world: World, keyring: Keyring, owner: Principal, field: int, value: bytes) -> None:
    token = world.seal(keyring, owner, field, value)
    world.tally.equal(
        "tokens Python made", unhex(world.rust_opens(keyring, owner, field, token)), value, fields.name_of(field)
    )


def check_bad_tokens(world: World) -> None:
    """The answer of both to tokens that are wrong in one place, and to those of tokens-fail."""
    for number in range(BAD_TOKENS):
        keyring, owner, field = world.some_keyring(), world.some_principal(), generate.any_field(world.random)
        token = world.seal(keyring, owner, field, generate.good_value(world.random, field))
        case = spoiled(world, keyring, owner, field, token)
        world.tally.attempt("bad tokens", f"{number}", lambda: same_answer(world, *case))
    for cells in check_vectors.rows("tokens-fail"):
        form, tenant, kind, subject, name, record, secret, token, verdict, why = cells
        if fields.is_bound(fields.code_of(name)) or (record, secret) != ("-", "-"):
            continue  # `detokenize` has no place for these: see interop_grants.py
        owner, field = check_vectors.principal(tenant, kind, subject), fields.code_of(name)
        keyring = Keyring.from_bytes(unhex(form))
        world.tally.attempt("bad tokens", why, lambda: same_answer(world, keyring, owner, field, unhex(token), why))


def spoiled(
    world: World, keyring: Keyring, owner: Principal, field: int, token: bytes
) -> tuple[Keyring, Principal, int, bytes]:
    """One of: a bit, the length, the owner, the field asked for, another keyring."""
    random = world.random
    match random.randint(0, 7):
        case 0:
            return keyring, owner, field, token[: random.randrange(len(token))]
        case 1:
            return keyring, random.choice([p for p in world.principals if p != owner]), field, token
        case 2:
            return keyring, owner, random.choice([code for code in generate.unbound_fields() if code != field]), token
        case 3:
            return random.choice([ring for ring in world.keyrings if ring != keyring]), owner, field, token
        case 4:
            return keyring, owner, field, make_vectors.flipped(token, random.randrange(6), random.randrange(8))
        case _:
            return keyring, owner, field, make_vectors.flipped(token, random.randrange(len(token)), random.randrange(8))


def same_answer(world: World, keyring: Keyring, owner: Principal, field: int, token: bytes, why: str = "") -> None:
    expected = verdict_of(lambda: symbolon.open_token(keyring, owner, field, token))
    answer = world.rust_opens(keyring, owner, field, token)
    world.tally.equal("bad tokens", answer, expected, why or f"field {field}, {token.hex()}")


def check_texts(world: World) -> None:
    for number in range(TEXTS):
        keyring, owner, field = world.some_keyring(), world.some_principal(), generate.any_field(world.random)
        token = world.seal(keyring, owner, field, generate.good_value(world.random, field))
        world.tally.attempt("text", f"{number}", lambda: check_text(world, token))
    for text, why in make_vectors.bad_texts():
        world.tally.attempt("bad text", why, lambda: check_bad_text(world, text, why))


def check_bad_text(world: World, text: str, why: str) -> None:
    world.tally.equal("bad text", world.rust.ask("parse", text.encode()), "malformed", why)


def check_text(world: World, token: bytes) -> None:
    text = symbolon.token_text(token)
    world.tally.equal("text", world.rust.ask("text", token), text)
    world.tally.equal("text", unhex(world.rust.ask("parse", text.encode())), token)
    wrong = bytearray(text.encode())
    wrong[world.random.randrange(len(wrong))] = world.random.randrange(128)
    found, expected = world.rust.ask("parse", bytes(wrong)), verdict_of(lambda: symbolon.parse_text(bytes(wrong)))
    world.tally.equal("text", "malformed" if found == "malformed" else "accepted", expected, wrong.hex())


# --- Credentials, proofs, reveals, the trail --------------------------------------------------------------------------


@dataclass
class Visit:
    """A client's request for a reveal."""

    keyring: Keyring
    claims: Claims
    session_key: bytes
    credential: bytes
    now: int
    parts: list[bytes]
    items: list[Item]
    values: list[bytes | None]

    @property
    def k_s(self) -> bytes:
        """Of bytes that need not be a good credential."""
        return Credential(self.credential, self.claims).bound_key(self.session_key)

    def rust_reveals(self, rust: Rust, proof: bytes, audience: bytes | None = None, view: int = grants.FULL) -> str:
        place = self.claims.audience if audience is None else audience
        parts, items = list_of(self.parts), items_argument(self.items)
        return rust.ask("reveal", self.keyring.to_bytes(), place, self.credential, proof, self.now, parts, items, view)


def new_visit(world: World, how_many: int = 1) -> Visit:
    random, keyring, who = world.random, world.some_keyring(), world.some_principal()
    claims = new_claims(world, keyring, who)
    session_key = random.randbytes(32)
    items, values = new_items(world, keyring, who, how_many)
    parts = [random.randbytes(random.choice([0, 1, 3, 14, 40, 200])) for _ in range(random.randint(1, 4))]
    now = random.randint(claims.not_before, claims.expiry - 1)
    return Visit(
        keyring, claims, session_key, credential_of(world, keyring, claims, session_key), now, parts, items, values
    )


def new_claims(world: World, keyring: Keyring, who: Principal) -> Claims:
    random = world.random
    not_before = random.randint(1_700_000_000_000, 2_000_000_000_000)
    return Claims(
        flags=random.randint(0, 1),
        rights=1 if who.kind == 1 else random.randrange(1, 0x200, 2),
        epoch=random.choice(keyring.epochs[-2:]),
        not_before=not_before,
        expiry=not_before + random.randint(60_000, 900_000),
        first_log_in=not_before - random.randint(0, DAY - 900_000),
        purposes=random.getrandbits(64) | 1,
        audience=random.randbytes(random.choice([1, 10, 64])),
        principal=who,
    )


def new_items(
    world: World, keyring: Keyring, caller: Principal, how_many: int
) -> tuple[list[Item], list[bytes | None]]:
    """Items, about a quarter of them another's or of another field, and what the caller gets."""
    items, values = [], []
    for _ in range(how_many):
        field = generate.any_field(world.random)
        value = generate.good_value(world.random, field)
        owner, asked = world.random.choice(
            [(caller, field)] * 6 + [(world.some_principal(), field), (caller, generate.any_field(world.random))]
        )
        items.append((asked, world.seal(keyring, owner, field, value)))
        values.append(value if (owner, asked) == (caller, field) else None)
    return items, values


def credential_of(world: World, keyring: Keyring, claims: Claims, session_key: bytes) -> bytes:
    who = claims.principal
    k_cred = keyring.issuer_key(claims.epoch, claims.audience, who.tenant, who.kind, claims.day)
    return sessions.issue(k_cred, claims, session_key, world.random.randbytes(16))


def check_credentials(world: World) -> None:
    for number in range(CREDENTIALS):
        world.tally.attempt("credentials Rust made", f"{number}", lambda: credential_from_rust(world))
        world.tally.attempt("proofs Rust made", f"{number}", lambda: proof_from_rust(world))


def credential_from_rust(world: World) -> None:
    random, keyring, who = world.random, world.some_keyring(), world.some_principal()
    audience, session_key = random.randbytes(random.choice([1, 13, 64])), random.randbytes(32)
    now, life, own, proof = (
        random.randint(0, 2**42),
        random.randint(1, 900_000),
        random.randint(0, 1),
        random.randint(0, 1),
    )
    raw = unhex(
        world.rust.ask(
            "issue", keyring.to_bytes(), audience, who.tenant, who.kind, who.subject, session_key, now, life, own, proof
        )
    )
    credential, k_s = Vault(keyring, audience).accept(raw, now)
    claims = credential.claims
    expected = Claims(
        proof, own, keyring.newest, now, now + life, now, claims.purposes, audience, who, claims.session_id, now // DAY
    )
    world.tally.equal("credentials Rust made", claims, expected)
    world.tally.equal("credentials Rust made", k_s, credential.bound_key(session_key))


def proof_from_rust(world: World) -> None:
    visit = new_visit(world)
    proof = unhex(world.rust.ask("prove", visit.session_key, visit.credential, visit.now, list_of(visit.parts)))
    nonce = sessions.accept_proof(visit.k_s, proof, visit.parts, visit.now, start=0)
    world.tally.equal("proofs Rust made", proof, sessions.prove(visit.k_s, nonce, visit.now, visit.parts))


def check_bad_visits(world: World) -> None:
    """What both say to credentials and proofs that are wrong in one place, and to those of credential-fail."""
    for number in range(BAD_CREDENTIALS):
        visit = new_visit(world)
        visit.credential = spoiled_credential(world, visit)
        world.tally.attempt("bad credentials", f"{number}", lambda: same_visit(world, visit))
        visit = new_visit(world)
        world.tally.attempt("bad proofs", f"{number}", lambda: bad_proof(world, visit))
    for cells in check_vectors.rows("credential-fail"):
        form, audience, now, raw, verdict, why = cells
        visit = replace(new_visit(world), keyring=Keyring.from_bytes(unhex(form)), credential=unhex(raw), now=int(now))
        visit.session_key = make_vectors.SESSION_KEY
        world.tally.attempt("bad credentials", why, lambda: refused_visit(world, visit, unhex(audience), verdict, why))


def spoiled_credential(world: World, visit: Visit) -> bytes:
    """A bit, the length, or claims that are sealed but not to be accepted, or that are at the edge of it."""
    random, claims, raw = world.random, visit.claims, visit.credential
    match random.randint(0, 3):
        case 0:
            return raw[: random.randrange(len(raw))]
        case 1:
            return make_vectors.flipped(raw, random.randrange(len(raw)), random.randrange(8))
    changes = random.choice(
        [
            {"period": claims.day + random.choice([-1, 1])},
            {"not_before": visit.now + random.choice([2_000, 2_001]), "expiry": visit.now + 500_000},
            {"not_before": visit.now - 100, "expiry": visit.now + random.choice([0, 1])},
            {"expiry": claims.not_before + random.choice([900_000, 900_001])},
            {"first_log_in": claims.not_before + random.choice([0, 1])},
            {"first_log_in": claims.expiry - DAY - random.choice([0, 1])},
            {"rights": 1 | 1 << random.randint(0, 15)},
            {"epoch": random.choice(visit.keyring.epochs)},
            {"epoch": random.choice(visit.keyring.epochs[-2:])},
        ]
    )
    return credential_of(world, visit.keyring, replace(claims, **changes), visit.session_key)


def same_visit(world: World, visit: Visit) -> None:
    """Python's verdict on the credential, and Rust's on a reveal with a good proof, whatever becomes of its item."""
    expected = verdict_of(lambda: Vault(visit.keyring, visit.claims.audience).accept(visit.credential, visit.now))
    refused_visit(world, visit, visit.claims.audience, expected, visit.credential.hex())


def refused_visit(world: World, visit: Visit, audience: bytes, expected: str, why: str) -> None:
    proof = sessions.prove(visit.k_s, world.random.randbytes(16), visit.now, visit.parts)
    answer = visit.rust_reveals(world.rust, proof, audience)
    found = answer if answer in ("denied", "malformed") else "accepted"
    world.tally.equal("bad credentials", found, expected, why)


def bad_proof(world: World, visit: Visit) -> None:
    """A bit, the time, other parts, another session's key."""
    random, time = world.random, visit.now - random_time(world)
    proof, expected = sessions.prove(visit.k_s, random.randbytes(16), time, visit.parts), "denied"
    match random.randint(0, 3):
        case 0:
            proof = make_vectors.flipped(proof, random.randrange(40), random.randrange(8))
        case 1:
            visit.parts = visit.parts[:-1] + [visit.parts[-1] + b"\0"]
        case 2:
            proof = sessions.prove(random.randbytes(32), random.randbytes(16), visit.now, visit.parts)
        case 3:
            expected = verdict_of(lambda: sessions.accept_proof(visit.k_s, proof, visit.parts, visit.now, start=0))
    answer = visit.rust_reveals(world.rust, proof)
    world.tally.equal(
        "bad proofs", answer if answer == "denied" else "accepted", expected, f"{visit.now - time} ms old"
    )


def random_time(world: World) -> int:
    """Not 60,000 ms itself: the proof is accepted then, and its session is over."""
    return world.random.choice([59_999, 60_001, -2_000, -2_001, 0, world.random.randint(-5_000, 100_000)])


def check_reveals(world: World) -> None:
    for number in range(REVEALS):
        visit = new_visit(world, how_many=world.random.choice([1, 2, 5, 20]))
        world.tally.attempt("reveals Rust made", f"{number}", lambda: reveal_from_rust(world, visit))
        world.tally.attempt("reveals Python made", f"{number}", lambda: reveal_to_rust(world, visit))


def reveal_from_rust(world: World, visit: Visit) -> None:
    proof = sessions.prove(visit.k_s, world.random.randbytes(16), visit.now, visit.parts)
    view = world.random.choice([grants.FULL, grants.FULL, grants.MASKED])
    reply, form, chain = visit.rust_reveals(world.rust, proof, view=view).split()
    found = sessions.open_answers(visit.k_s, proof[:16], visit.items, unhex(reply))
    world.tally.equal("reveals Rust made", found, shown_answers(visit, view), f"view {view}")
    audit_key = trail.AuditKey.from_bytes(unhex(form))
    entries = list(trail.read(audit_key, check_vectors.split_list(chain)))
    check_entries(world, visit, audit_key, entries, view)
    first = next(entry for entry in entries if trail.EVENTS[entry.event] == "reveal")
    salt = sessions.reveal_salt(visit.k_s, audit_key.node, first.number)
    world.tally.equal("reveals Rust made", unhex(reply)[:16], salt, "salt")


def shown_answers(visit: Visit, view: int) -> list[tuple[bytes, bytes | None]]:
    """What a reveal in this view is to show."""
    caller, masked = visit.claims.principal, view == grants.MASKED
    answers = (
        sessions.answer(visit.keyring, caller, field, Token.parse(token), masked) for field, token in visit.items
    )
    return [sessions.one_answer(answer) for answer in answers]


def check_entries(world: World, visit: Visit, audit_key: trail.AuditKey, entries: list[trail.Entry], view: int) -> None:
    """One entry for each item, with what section 8 asks for; foreign ones beyond the fourth counted together."""
    keyring, caller, family = visit.keyring, visit.claims.principal, "trail entries Rust made"
    world.tally.equal(family, audit_key.k_tag, keyring.k_tag)
    world.tally.equal(family, [entry.number for entry in entries], list(range(len(entries))))
    world.tally.equal(family, [trail.EVENTS[entry.event] for entry in entries[:2]], ["started", "authenticate"])
    expected = [reveal_entry(visit, item, view) for item in visit.items]
    foreign = [entry for entry in expected if trail.REASONS[entry.reason] == "foreign token"]
    for entry in foreign[4:]:
        expected.remove(entry)
    found = [entry for entry in entries[2:] if trail.EVENTS[entry.event] != "foreign tokens"]
    for got, wanted in zip(found, expected, strict=True):
        world.tally.equal(family, replace(got, number=0), wanted)
    summed = sum(entry.count for entry in entries if trail.EVENTS[entry.event] == "foreign tokens")
    world.tally.equal(family, summed, len(foreign[4:]))
    session = Credential.parse(visit.credential).claims.session_id[:8]
    world.tally.equal(
        family,
        {(entry.caller, entry.kind, entry.session) for entry in entries[1:]},
        {(keyring.tag_of(caller), caller.kind, session)},
    )
    floors = (0, keyring.newest_but_one)
    world.tally.equal(family, (trail.epochs_of(entries[0]), entries[0].kind), ((keyring.epochs, floors), 0), "started")


def reveal_entry(visit: Visit, item: Item, view: int) -> trail.Entry:
    field, raw = item
    keyring, caller, token = visit.keyring, visit.claims.principal, Token.parse(raw)
    opened = verdict_of(lambda: symbolon.open_token(keyring, caller, field, raw)) == "accepted"
    reason = "done" if opened else symbolon.refusal_reason(keyring, caller, field, token)
    number = next(code for code, text in trail.REASONS.items() if text == reason)
    return trail.Entry(
        0,
        visit.now,
        event=4,
        reason=number,
        field=field,
        view=view if opened else 0,
        count=1,
        caller=keyring.tag_of(caller),
        header=token.header,
        nonce=token.nonce,
        owner=keyring.tag_of(caller) if opened else token.commitment,
        session=Credential.parse(visit.credential).claims.session_id[:8],
        kind=caller.kind,
    )


def reveal_to_rust(world: World, visit: Visit) -> None:
    random, caller = world.random, visit.claims.principal
    proof = sessions.prove(visit.k_s, random.randbytes(16), visit.now, visit.parts)
    masked, tokens = random.randint(0, 2) == 0, [(field, Token.parse(token)) for field, token in visit.items]
    answers = [sessions.answer(visit.keyring, caller, field, token, masked) for field, token in tokens]
    reply = sessions.seal_reply(
        visit.k_s, random.getrandbits(32), random.getrandbits(64), proof[:16], visit.items, answers
    )

    def ask(reply: bytes, items: list[Item], proof: bytes) -> str:
        return world.rust.ask("open-reply", visit.session_key, visit.credential, proof, items_argument(items), reply)

    shown = [value for _, value in map(sessions.one_answer, answers)]
    expected = ",".join("!" if value is None else argument(value) for value in shown)
    world.tally.equal("reveals Python made", ask(reply, visit.items, proof), expected)
    bad = make_vectors.flipped(reply, random.randrange(len(reply)), random.randrange(8))
    world.tally.equal("reveals Python made", ask(bad, visit.items, proof), "denied", "a bit of the reply")
    world.tally.equal(
        "reveals Python made", ask(reply, visit.items, b"\0" * 16 + proof[16:]), "denied", "another nonce"
    )
    world.tally.equal(
        "reveals Python made", ask(reply, visit.items[:-1] + new_visit(world).items, proof), "denied", "other items"
    )


# --- Checks and masks -------------------------------------------------------------------------------------------------


def check_values(world: World) -> None:
    values = generate.values(world.random, VALUES) + generate.cluster_values()
    values += [(field, b"1" * length) for length in (1022, 1023) for field in (*fields.STANDARD, 0x8000, 0x8800)]
    for start in range(0, len(values), AT_ONCE):
        chunk = values[start : start + AT_ONCE]
        world.tally.attempt("checks and masks", f"from {start}", lambda: check_chunk(world, chunk))


def check_chunk(world: World, values: list[tuple[int, bytes]]) -> None:
    verdicts = world.rust.ask_many([("check", field, value) for field, value in values])
    masks = world.rust.ask_many([("mask", field, value) for field, value in values])
    for (field, value), verdict, shown in zip(values, verdicts, masks):
        detail = f"{fields.name_of(field)} {value.hex()}"
        world.tally.equal("checks", verdict, fields.check(field, value), detail)
        world.tally.equal("masks", unhex(shown), fields.mask(field, value).encode(), detail)


def check_all(tally: Tally, seed: int) -> None:
    tally.attempt("interop", "the Rust implementation's process", lambda: check_against_rust(tally, seed))


def check_against_rust(tally: Tally, seed: int) -> None:
    with Rust() as rust:
        rust.ask("check", 1, b"a")  # where it did not start, this is the one failure
        world = World(Random(seed), rust, tally)
        for step in (
            check_tokens,
            check_bad_tokens,
            check_texts,
            check_credentials,
            check_bad_visits,
            check_reveals,
            check_values,
            *interop_grants.STEPS,
        ):
            tally.attempt(step.__name__, "the whole step", lambda: step(world))
