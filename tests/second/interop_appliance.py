"""Drives `examples/appliance_line.rs`: a whole conversation with an appliance, and what is malformed (section 17)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

import appliance
import grants
import make_appliance
import registry
import sessions
import symbolon
import trail
from appliance import AUDITOR, ISSUER, OFFICER, write
from appliance_client import BEGIN, DENIED, DONE, FAMILY, STEP, Caller, Line, Role, fault, opening, shown, written
from cases import ring, some
from sessions import DAY, Claims, Credential, Vault
from symbolon import Keyring, Principal, Token, le16
from tally import Tally

AUDIENCE, NODE, LONGEST = b"vault.example", 7, 900_000
TRANSPORT, DEVICE = some("transport of a conversation"), some("device key of a conversation")
KEYS = [some(f"role key {role} of a conversation") for role in range(3)]
NAME, POSTAL, EMAIL, CARD, SHIPPING, LONG, BOUND = 1, 2, 4, 5, 12, 0xD007, 0x8800
ORDER = b"order 4711"
ALICE, BOB = Principal(b"shop", 1, b"alice"), Principal(b"shop", 1, b"bob")
PACKER, DESK = Principal(b"shop", 3, b"packer"), Principal(b"shop", 2, b"desk")
STRANGER = Principal(b"another shop", 1, b"alice")
OWN, TOKENIZE, MAINTAIN, CONFIRM, GRANT_FOR, OPERATE = (1 << bit for bit in (0, 2, 4, 6, 7, 8))
ALL_PURPOSES = 2**64 - 1
NO_TRAIL_YET = -1


@dataclass
class Device:
    """An appliance in conversation, what is known of it, and what its trail must say of its roles."""

    line: Line
    officer: Role
    issuer: Role
    auditor: Role
    keyring: Keyring | None = None
    audit_key: trail.AuditKey | None = None
    chain: list[bytes] = field(default_factory=list)
    said: list[tuple[object, ...]] = field(default_factory=list)
    """Event, reason, role, act, whose, session."""

    @staticmethod
    def of(line: Line) -> Device:
        return Device(line, *(Role(line, role, KEYS[role]) for role in range(3)))

    def log_in(self, role: Role) -> Role:
        role.logged_in()
        if self.keyring:
            self.said.append((trail.ROLES_LOG_IN, 0, role.role, 0, bytes(16), bytes(8)))
        return role

    def officers(self, name: str, *values: object) -> appliance.Answer:
        if self.keyring:
            number = list(appliance.OFFICER_ACTS).index(name)
            self.said.append((trail.ROLES_ACT, 0, OFFICER, number, bytes(16), bytes(8)))
        return self.officer.act(name, *values)

    def epoch(self, name: str, *values: object) -> int:
        kind, found = self.officers(name, *values)
        if kind != "Epoch":
            raise RuntimeError(f"{name}: {shown((kind, found))}")
        return found[0]

    def backup(self) -> Keyring:
        kind, found = self.officers("Backup")
        if kind != "Bytes":
            raise RuntimeError(f"backup: {shown((kind, found))}")
        return appliance.unwrap(TRANSPORT, found[0])

    def issue(self, who: Principal, rights: int = OWN, purposes: int = ALL_PURPOSES, life: int = LONGEST) -> Caller:
        """By the issuer, who is logged in. The credential is taken apart and accepted."""
        key, given = self.line.random.randbytes(32), (rights, purposes, life)
        raw = self.issuer.bytes_of("Issue", who.tenant, who.kind, who.subject, *given, key)
        made = Credential.parse(raw)
        now, claims = self.line.now - STEP, made.claims
        whose = (self.keyring.tag_of(who), claims.session_id[:8])
        self.said.append((trail.ROLES_ACT, 0, ISSUER, 0, *whose))
        wanted = Claims(1, rights, self.keyring.newest, now, now + life, now, purposes, AUDIENCE, who)
        wanted = replace(wanted, session_id=claims.session_id, period=now // DAY)
        self.line.tally.equal(FAMILY, claims, wanted, "a credential")
        _, k_s = Vault(self.keyring, AUDIENCE, max(life, LONGEST)).accept(raw, now)
        self.line.tally.equal(FAMILY, k_s, made.bound_key(key), "a credential's key")
        return Caller(self.line, who, made, key)

    def read_trail(self) -> None:
        """The auditor reads all, checks that it is kept until it was acknowledged, acknowledges it, in pieces."""
        self.log_in(self.auditor)
        while True:
            got = self.auditor.bytes_of("Read")
            if not got:
                break
            self.line.tally.equal(FAMILY, len(got) % trail.ENTRY_LENGTH, 0, "entries' length")
            self.line.tally.equal(FAMILY, self.auditor.bytes_of("Read"), got, "entries are kept")
            entries = [got[at : at + trail.ENTRY_LENGTH] for at in range(0, len(got), trail.ENTRY_LENGTH)]
            self.chain += entries
            last = int.from_bytes(entries[-1][:8], "little")
            self.line.expect(self.auditor.act("Acknowledge", last), DONE, f"acknowledge {last}")

    def check_checkpoint(self) -> None:
        made = trail.Checkpoint.from_bytes(self.auditor.bytes_of("Checkpoint"))
        self.line.tally.equal(FAMILY, made.node, NODE, "a checkpoint's node")
        reader = trail.Reader(self.audit_key)
        for raw in self.chain:
            reader.read(raw)
        self.line.tally.check(FAMILY, reader.confirms(made), "the checkpoint is confirmed")

    def check_said(self) -> list[trail.Entry]:
        """Every entry opens, and those of roles are what was done, all other places zeros."""
        entries = list(trail.read(self.audit_key, self.chain))
        of_roles = [entry for entry in entries if entry.event in (trail.ROLES_LOG_IN, trail.ROLES_ACT)]
        found = [(e.event, e.reason, e.view, e.field, e.owner, e.session) for e in of_roles]
        self.line.tally.equal(FAMILY, found, self.said, "what the trail says of roles")
        for entry in of_roles:
            bare = trail.Entry(entry.number, entry.time, entry.event, entry.reason, entry.field, view=entry.view)
            bare = replace(bare, count=1, owner=entry.owner, session=entry.session)
            self.line.tally.equal(FAMILY, entry, bare, "the other places of a role's entry")
        return entries


# --- From blank to work -----------------------------------------------------------------------------------------------


def check_blank(device: Device) -> None:
    line, tally = device.line, device.line.tally
    line.process.stdin.write(bytes(3))
    status = line.status()
    wanted = {"stage": 0, "locked": False, "stopped": False, "healthy": True, "epoch": 0, "alarms": 0}
    tally.equal(FAMILY, {name: status[name] for name in wanted}, wanted, "a blank appliance's status")
    tally.check(FAMILY, status["longest"] >= 1536, f"longest answer {status['longest']}")
    line.expect(line.ask("SelfTest"), ("SelfTest", (15,)), "self-test")
    for role in (ISSUER, AUDITOR):
        line.expect(Role(line, role, bytes(32)).log_in(), fault("stage"), f"a blank appliance has no {role}")
    line.expect(line.ask("InSession", b"", b"", False, b"\0"), fault("stage"), "a session on a blank appliance")
    line.expect(line.ask("Act", bytes(17)), DENIED, "an act without a channel")
    for _ in range(10):
        line.expect(Role(line, OFFICER, bytes(32)).log_in(bytes(16)), DENIED, "a wrong MAC on a blank appliance")
    for name in ("Generate", "Backup", "Rotate", "Lock"):
        line.expect(everybody(line).act(name), fault("stage"), f"{name} on a blank appliance")


def everybody(line: Line) -> Role:
    """The officer of a blank appliance, logged in for one act: a channel may not outlive one that fails."""
    return Role(line, OFFICER, bytes(32)).logged_in()


def initialise(device: Device) -> None:
    line, good = device.line, (*KEYS, TRANSPORT, AUDIENCE, NODE, LONGEST)
    for at in range(4):
        zeros = (*good[:at], bytes(32), *good[at + 1 :])
        line.expect(everybody(line).act("Initialise", *zeros), fault("malformed"), f"key {at} is all zero")
        for length in (0, 31, 33):
            bad = (*good[:at], bytes([1]) * length, *good[at + 1 :])
            line.expect(everybody(line).act("Initialise", *bad), fault("malformed"), f"key {at} has {length} bytes")
    for audience in (b"", bytes(65)):
        bad = (*good[:4], audience, NODE, LONGEST)
        line.expect(everybody(line).act("Initialise", *bad), fault("invalid principal"), f"audience {audience!r}")
    for life in (0, DAY + 1, 2**64 - 1):
        line.expect(everybody(line).act("Initialise", *good[:-1], life), fault("invalid terms"), f"life {life}")
    device.officer = everybody(line)
    line.expect(device.officer.act("Initialise", *good), DONE, "initialise")
    line.expect(device.officer.act("Initialise", *good), DENIED, "the channel ended with its first act")
    device.officer.key = KEYS[OFFICER]
    status = line.status()
    line.tally.equal(FAMILY, (status["stage"], status["node"], status["epoch"]), (1, NODE, 0), "initialised")
    line.tally.equal(FAMILY, status["attempts"], b"\x08\x08\x08", "attempts")
    line.expect(Role(line, OFFICER, bytes(32)).log_in(), DENIED, "the key of zeros is none any more")
    line.tally.equal(FAMILY, line.status()["attempts"], b"\x07\x08\x08", "attempts")
    line.expect(line.ask("InSession", b"", b"", False, b"\0"), fault("stage"), "a session without roots")
    device.issuer.logged_in()
    given = (b"shop", 1, b"alice", OWN, 1, LONGEST, bytes(31) + b"\1")
    line.expect(device.issuer.act("Issue", *given), fault("stage"), "a credential without roots")
    device.officer.logged_in()
    line.tally.equal(FAMILY, line.status()["attempts"], b"\x08\x08\x08", "attempts")
    for name in ("Backup", "Rotate"):
        line.expect(device.officer.act(name), fault("stage"), f"{name} without roots")


def begin_with_generated(device: Device) -> None:
    line = device.line
    epoch = device.epoch("Generate")
    kind, found = device.officer.act("Backup")
    device.keyring = appliance.unwrap(TRANSPORT, found[0])
    device.said.append((trail.ROLES_ACT, 0, OFFICER, 3, bytes(16), bytes(8)))
    line.tally.equal(FAMILY, device.keyring.epochs, [epoch], "a generated keyring")
    line.tally.equal(FAMILY, epoch, 1, "its epoch")


def begin_with_imported(device: Device) -> None:
    line, keyring = device.line, Keyring(some("tag key of a conversation"), ((4, some("root 4")), (9, some("root 9"))))
    good = appliance.wrap(TRANSPORT, some("salt of a conversation", 16), keyring)
    for wrapped, why in make_appliance.bad_wrapped(TRANSPORT):
        line.expect(device.officer.act("Import", wrapped), fault("invalid keyring"), why)
    line.tally.equal(FAMILY, device.epoch("Import", good), 9, "import")
    device.keyring = keyring
    line.tally.equal(FAMILY, device.backup(), keyring, "the backup of an imported keyring")


def check_roots(device: Device) -> None:
    line, wrapped = device.line, appliance.wrap(TRANSPORT, bytes(16), device.keyring)
    line.expect(device.officers("Generate"), fault("stage"), "generate again")
    line.expect(device.officers("Import", wrapped), fault("stage"), "import again")
    status = line.status()
    line.tally.equal(FAMILY, (status["stage"], status["epoch"]), (2, device.keyring.newest), "it works")
    line.tally.equal(FAMILY, status["time"] in (None, line.now - STEP), True, "the time")


def check_audit_key(device: Device) -> None:
    line = device.line
    device.log_in(device.auditor)
    form = device.auditor.bytes_of("AuditKey")
    device.said.append((trail.ROLES_ACT, 0, AUDITOR, 0, bytes(16), bytes(8)))
    device.audit_key = trail.AuditKey.from_bytes(form)
    found = (device.audit_key.node, device.audit_key.k_tag)
    line.tally.equal(FAMILY, found, (NODE, device.keyring.k_tag), "the audit key")
    line.tally.equal(FAMILY, device.auditor.bytes_of("AuditKey"), form, "the audit key again")
    device.said.append((trail.ROLES_ACT, 0, AUDITOR, 0, bytes(16), bytes(8)))
    line.expect(device.auditor.act("HaveAuditKey"), DONE, "have it")
    line.expect(device.auditor.act("AuditKey"), fault("stage"), "the audit key is destroyed")


# --- Sessions ---------------------------------------------------------------------------------------------------------


def check_issuing(device: Device) -> None:
    """Terms that no credential has."""
    line, key = device.line, bytes(31) + b"\1"
    device.log_in(device.issuer)
    for who, rights, life, session_key, expected in (
        ((b"", 1, b"alice"), OWN, LONGEST, key, "invalid principal"),
        ((b"shop", 0, b"alice"), OWN, LONGEST, key, "invalid principal"),
        ((b"shop", 4, b"alice"), OWN, LONGEST, key, "invalid principal"),
        ((b"shop", 1, b""), OWN, LONGEST, key, "invalid principal"),
        ((b"shop", 1, bytes(65)), OWN, LONGEST, key, "invalid principal"),
        ((bytes(65), 1, b"alice"), OWN, LONGEST, key, "invalid principal"),
        ((b"shop", 1, b"alice"), OWN, 0, key, "invalid terms"),
        ((b"shop", 1, b"alice"), OWN, DAY + 1, key, "invalid terms"),
        ((b"shop", 1, b"alice"), OWN, 2**64 - 1, key, "invalid terms"),
        ((b"shop", 1, b"alice"), OWN | OPERATE, LONGEST, key, "invalid terms"),
        ((b"shop", 2, b"alice"), 1 << 9, LONGEST, key, "invalid terms"),
        ((b"shop", 1, b"alice"), OWN, LONGEST, key[1:], "malformed"),
        ((b"shop", 1, b"alice"), OWN, LONGEST, key + b"\1", "malformed"),
        ((b"shop", 1, b"alice"), OWN, LONGEST, b"", "malformed"),
    ):
        answer = device.issuer.act("Issue", *who, rights, 1, life, session_key)
        line.expect(
            answer, fault(expected), f"issue to {who!r}, rights {rights}, life {life}, {len(session_key)} bytes"
        )
    for life in (LONGEST + 1, DAY):
        long = device.issue(ALICE, life=life)
        line.expect(long.act("Authenticate"), DENIED, f"a credential whose life is {life}")


def check_proofs(device: Device) -> None:
    line, alice = device.line, device.issue(ALICE)
    act = write(appliance.SESSION_ACTS, "Authenticate")
    expiry = alice.credential.claims.expiry
    plain = alice.prove(appliance.context(act))
    ends = min(expiry, int.from_bytes(plain[16:24], "little") + 60_000)
    line.expect(line.ask("InSession", alice.credential.raw, plain, False, act), ("Ends", (ends,)), "authenticate")
    line.expect(line.ask("InSession", alice.credential.raw, plain, False, act), DENIED, "the same proof again")
    challenge = line.challenge()
    proof = alice.prove(appliance.context(act, challenge))
    ends = min(expiry, int.from_bytes(proof[16:24], "little") + 60_000)
    line.expect(line.ask("InSession", alice.credential.raw, proof, True, act), ("Ends", (ends,)), "challenged")
    line.expect(line.ask("InSession", alice.credential.raw, proof, True, act), DENIED, "the same challenge again")
    line.challenge()
    line.expect(line.ask("InSession", alice.credential.raw, proof, True, act), DENIED, "the challenge before")
    old = line.challenge()
    line.challenge()
    proof = alice.prove(appliance.context(act, old))
    line.expect(line.ask("InSession", alice.credential.raw, proof, True, act), DENIED, "a challenge that was replaced")
    fresh, other = appliance.context(act), write(appliance.SESSION_ACTS, "LogOut")
    for parts, challenged, why in (
        ([act], False, "without the protocol's name"),
        ([b"symbolon appliance 2", act], False, "another protocol"),
        ([b"symbolon appliance 1" + act], False, "one part"),
        (appliance.context(other), False, "another act"),
        (appliance.context(act, bytes(16)), False, "a challenge, and it says that there is none"),
        (fresh, True, "no challenge, and it says that there is one"),
    ):
        if challenged:
            line.challenge()
        proof = alice.prove(parts)
        line.expect(line.ask("InSession", alice.credential.raw, proof, challenged, act), DENIED, f"proof: {why}")
    for time, why in (
        (line.now - 60_000, "stale"),
        (line.now + 2_001 + STEP, "future"),
        (BEGIN + 2_000, "before start"),
    ):
        proof = alice.prove(fresh, time)
        line.expect(line.ask("InSession", alice.credential.raw, proof, False, act), DENIED, f"proof: {why}")
    for raw, proof, why in (
        (alice.credential.raw[:-1], alice.prove(fresh), "a credential without its last byte"),
        (b"", alice.prove(fresh), "no credential"),
        (alice.credential.raw, alice.prove(fresh)[:-1], "a proof of 39 bytes"),
        (alice.credential.raw, b"", "no proof"),
    ):
        line.expect(line.ask("InSession", raw, proof, False, act), fault("malformed"), why)
    bad = alice.credential.raw[:-1] + bytes([alice.credential.raw[-1] ^ 1])
    line.expect(line.ask("InSession", bad, alice.prove(fresh), False, act), DENIED, "a credential's last bit")


Tokens = dict[str, tuple[int, bytes, bytes, bytes]]
"""By name: field, record, value, token."""


def check_tokens(device: Device, alice: Caller, bob: Caller) -> Tokens:
    line, tally, keyring = device.line, device.line.tally, device.keyring
    items = [
        (NAME, b"", b"Alice"),
        (EMAIL, b"", b"alice@example.com"),
        (SHIPPING, ORDER, b"Tokyo"),
        (LONG, b"", b"x" * 700),
    ]
    kept: Tokens = {}
    for (code, record, value), token in zip(items, alice.tokenize(ALICE, False, items), strict=True):
        tally.equal(FAMILY, symbolon.open_token(keyring, ALICE, code, token, record), value, "a token")
        tally.equal(FAMILY, Token.parse(token).epoch, keyring.newest, "a token's epoch")
        kept[f"alice's {code}"] = (code, record, value, token)
    (token,) = bob.tokenize(BOB, True, [(CARD, b"", b"4242 4242 4242 4242")])
    tally.check(FAMILY, Token.parse(token).erasable, "an erasable token")
    kept["bob's"] = (CARD, b"", b"4242 4242 4242 4242", token)
    stranger = symbolon.seal(keyring, STRANGER, NAME, b"Alice", some("a stranger's", 16))
    kept["a stranger's"] = (NAME, b"", b"Alice", stranger)
    mine = symbolon.seal(keyring, ALICE, POSTAL, b"Kyoto", some("made by Python", 16), keyring.epochs[0])
    kept["old"] = (POSTAL, b"", b"Kyoto", mine)
    for who, sealing, expected in (
        (BOB, (NAME, b"", b"Bob"), "denied"),
        (Principal(b"shop", 2, b"alice"), (NAME, b"", b"Bob"), "denied"),
        (ALICE, (0, b"", b"Alice"), "invalid field"),
        (ALICE, (13, b"", b"Alice"), "invalid field"),
        (ALICE, (NAME, b"", b""), "invalid value"),
        (ALICE, (EMAIL, b"", b"alice"), "invalid value"),
        (ALICE, (CARD, b"", b"4242 4242 4242 4242 123"), "forbidden value"),
        (ALICE, (NAME, b"", b";4242424242424242="), "forbidden value"),
        (ALICE, (NAME, b"", b"n" * 1023), "too long"),
    ):
        answer = alice.act("Tokenize", who.kind, who.subject, False, written([(NAME, b"", b"Alice"), sealing]))
        line.expect(answer, fault(expected), f"tokenize {sealing[:2]!r} for {who.subject!r}")
    too_many = written([(LONG, b"", b"x")] * 3)
    line.expect(alice.act("Tokenize", *alice.named, False, too_many), fault("too long"), "3,234 bytes of tokens: none")
    for kind, subject in ((0, b"alice"), (4, b"alice"), (1, b""), (1, bytes(65))):
        answer = alice.act("Tokenize", kind, subject, False, written(items))
        line.expect(answer, fault("invalid principal"), f"tokenize for {kind} {subject!r}")
    for sealings in (b"", b"\1", b"\1\0\5abc", written(items)[:-1], written(items) + b"\1", b"\x81\0\0\1a"):
        answer = alice.act("Tokenize", 1, b"alice", False, sealings)
        line.expect(answer, fault("malformed"), f"sealings {sealings[:8].hex()}")
    return kept


def check_opening(device: Device, alice: Caller, bob: Caller, kept: Tokens) -> None:
    line, tally = device.line, device.line.tally
    for name, (code, record, value, token) in kept.items():
        answer = alice.act("Detokenize", *opening(), code, record, token, challenged=name != "old")
        opens = name.startswith("alice's") or name == "old"
        line.expect(answer, ("Bytes", (value,)) if opens else DENIED, f"detokenize {name}")
    answer = bob.act("Detokenize", *opening(), CARD, b"", kept["bob's"][3])
    line.expect(answer, ("Bytes", (kept["bob's"][2],)), "detokenize bob's for himself")
    code, record, value, token = kept[f"alice's {EMAIL}"]
    answer = alice.act("Detokenize", *opening(masked=True), code, record, token)
    line.expect(answer, ("Bytes", (sessions.fields.mask(code, value).encode(),)), "a mask")
    bound = kept[f"alice's {SHIPPING}"][3]
    bad = token[:-1] + bytes([token[-1] ^ 1])
    for given, asked, expected in (
        (opening(), (NAME, b"", token), "denied"),
        (opening(), (EMAIL, b"", bad), "denied"),
        (opening(), (SHIPPING, b"order 4712", bound), "denied"),
        (opening(), (EMAIL, b"", token[:-1]), "malformed"),
        (opening(), (EMAIL, b"", b"\x10" + token[1:]), "malformed"),
        (opening(10), (EMAIL, b"", token), "invalid terms"),
        (opening(31), (EMAIL, b"", token), "invalid terms"),
        (opening(64), (EMAIL, b"", token), "invalid terms"),
        (opening(255), (EMAIL, b"", token), "invalid terms"),
        (opening(grant=bytes(191)), (EMAIL, b"", token), "malformed"),
        (opening(grant=b"\x11"), (EMAIL, b"", token), "malformed"),
        (opening(), (13, b"", token), "invalid field"),
        (opening(), (EMAIL, ORDER, token), "invalid field"),
        (opening(), (SHIPPING, b"", bound), "invalid field"),
        (opening(address=(13, b"alice@example.com")), (EMAIL, b"", token), "invalid field"),
        (opening(address=(0, b"alice@example.com")), (EMAIL, b"", token), "invalid field"),
        (opening(address=(EMAIL, b"alice@example.com")), (EMAIL, b"", token), "denied"),
        (opening(grants.MESSAGE), (EMAIL, b"", token), "denied"),
    ):
        answer = alice.act("Detokenize", *given, *asked)
        line.expect(answer, fault(expected), f"detokenize: {given!r}"[:60] + f", {asked[:2]!r}")
    order = [f"alice's {NAME}", "bob's", "a stranger's", f"alice's {SHIPPING}", "old"]
    for names in ([f"alice's {LONG}"], order):
        asked = [(kept[name][0], kept[name][1], kept[name][3]) for name in names]
        mine = [name.startswith("alice's") or name == "old" for name in names]
        wanted = [
            (sessions.VALUE, kept[name][2]) if own else (sessions.REFUSED, None) for name, own in zip(names, mine)
        ]
        tally.equal(FAMILY, alice.reveal(opening(), asked), wanted, "a reveal")
    found = alice.reveal(opening(masked=True), asked[:1])
    mask = sessions.fields.mask(NAME, b"Alice").encode()
    tally.equal(FAMILY, found, [(sessions.MASK, mask)], "a reveal of masks")
    for items in (b"\1", written(asked)[:-1], written(asked) + b"\1\0"):
        line.expect(alice.act("Reveal", *opening(), items), fault("malformed"), f"items {items[:8].hex()}")
    answer = alice.act("Reveal", *opening(), b"")
    tally.check(FAMILY, answer == fault("malformed"), f"no items: {shown(answer)}")


def check_grants(device: Device, alice: Caller, packer: Caller, desk: Caller, kept: Tokens) -> None:
    line, tally, keyring = device.line, device.line.tally, device.keyring
    code, record, value, token = kept[f"alice's {SHIPPING}"]
    now, expiry = line.now, line.now + DAY
    given = (*packer.named, le16(SHIPPING) + le16(BOUND), grants.SHIPPING, grants.FULL, ORDER, now, expiry, 3)
    raw = alice.bytes_of("Grant", *given)
    made, asked = grants.Grant.parse(raw), grants.Asked(SHIPPING, grants.SHIPPING, grants.FULL, ORDER)
    wanted = (1, b"alice", keyring.tag_of(PACKER), keyring.tag_of(ALICE), 1, 1, (SHIPPING, BOUND), now, expiry, 3)
    found = (made.owner_kind, made.owner_subject, made.grantee, made.grantor, made.view, made.purpose, made.fields)
    tally.equal(FAMILY, (*found, made.not_before, made.expiry, made.uses), wanted, "a grant")
    tally.equal(FAMILY, grants.accept(keyring, PACKER, raw, now, asked, grants.Registry()), ALICE, "a grant verifies")
    under = opening(grants.SHIPPING, grant=raw)
    found = packer.reveal(under, [(code, record, token)])
    tally.equal(FAMILY, found, [(sessions.VALUE, value)], "a reveal under a grant")
    answer = packer.act("Detokenize", *under, code, record, token)
    line.expect(answer, ("Bytes", (value,)), "detokenize under a grant")
    line.expect(packer.act("Detokenize", *opening(1), code, record, token), DENIED, "without the grant")
    line.expect(alice.act("Detokenize", *under, code, record, token), DENIED, "somebody else's grant")
    line.expect(packer.act("Detokenize", *under, code, record, token), ("Bytes", (value,)), "the third use")
    line.expect(packer.act("Detokenize", *under, code, record, token), DENIED, "used up")
    given_for = (
        *alice.named,
        "support ticket 12",
        *packer.named,
        le16(NAME),
        grants.SUPPORT,
        grants.MASKED,
        b"",
        now,
        expiry,
        0,
    )
    second = desk.bytes_of("GrantFor", *given_for)
    tally.equal(FAMILY, grants.Grant.parse(second).grantor, keyring.tag_of(DESK), "a policy authority's grant")
    under = opening(grants.SUPPORT, masked=True, grant=second)
    name = (NAME, b"", kept[f"alice's {NAME}"][3])
    mask = sessions.fields.mask(NAME, b"Alice").encode()
    line.expect(packer.act("Detokenize", *under, *name), ("Bytes", (mask,)), "a mask under a grant")
    line.expect(packer.act("Detokenize", *opening(4, grant=second), *name), DENIED, "the value under a grant of masks")
    line.expect(
        packer.act("GrantFor", *given_for[:3], *desk.named, *given_for[5:]),
        DENIED,
        "a grant for others without the right",
    )
    for reason in ("", "r" * 35, "\u30c1" * 12, "a\0b"):
        answer = desk.act("GrantFor", *given_for[:2], reason, *given_for[3:])
        line.expect(answer, fault("invalid terms"), f"the reason {reason!r}")
    line.expect(packer.act("Revoke", second), DENIED, "the grantee revokes nothing")
    line.expect(alice.act("Revoke", second), DONE, "revoke")
    line.expect(packer.act("Detokenize", *under, *name), DENIED, "revoked")
    third = alice.bytes_of("Grant", *packer.named, le16(NAME), 1, 1, b"", now, expiry, 0)
    under = opening(1, grant=third)
    line.expect(packer.act("Detokenize", *under, *name), ("Bytes", (b"Alice",)), "a third grant")
    line.expect(alice.act("RevokeAll", *alice.named), DONE, "revoke all")
    line.expect(packer.act("Detokenize", *under, *name), DENIED, "all revoked")
    fourth = alice.bytes_of("Grant", *packer.named, le16(NAME), 1, 1, b"", now, expiry, 0)
    tally.equal(FAMILY, grants.Grant.parse(fourth).grant_epoch, 1, "the grant epoch")
    check_bad_grants(device, alice, packer, now)


def check_bad_grants(device: Device, alice: Caller, packer: Caller, now: int) -> None:
    good = (*packer.named, le16(NAME), 1, 1, b"", now, now + DAY, 0)
    for at, value, expected in (
        (0, 0, "invalid principal"),
        (1, b"", "invalid principal"),
        (2, b"", "invalid terms"),
        (2, b"\1", "malformed"),
        (2, le16(13), "invalid field"),
        (2, le16(1) * 2, "invalid terms"),
        (2, b"".join(map(le16, range(1, 10))), "invalid terms"),
        (3, 10, "invalid terms"),
        (4, 0, "invalid terms"),
        (4, 4, "invalid terms"),
        (4, 3, "invalid terms"),
        (5, ORDER, "invalid terms"),
        (7, now, "invalid terms"),
        (7, now + 367 * DAY, "invalid terms"),
    ):
        given = (*good[:at], value, *good[at + 1 :])
        device.line.expect(alice.act("Grant", *given), fault(expected), f"grant: {at} is {value!r}")
    device.line.expect(alice.act("Grant", *alice.named, *good[2:]), fault("invalid terms"), "the owner as grantee")
    bound = (*good[:2], le16(SHIPPING), *good[3:5], bytes(65), *good[6:])
    device.line.expect(alice.act("Grant", *bound), fault("invalid field"), "a record of 65 bytes")
    raw = alice.bytes_of("Grant", *good[:2], le16(2) + le16(4) + le16(1), *good[3:])
    device.line.tally.equal(FAMILY, grants.Grant.parse(raw).fields, (1, 2, 4), "fields in another order")
    for raw in (b"", bytes(191), bytes(190)):
        device.line.expect(alice.act("Revoke", raw), fault("malformed"), f"revoke {len(raw)} bytes")


def check_deliveries(device: Device, alice: Caller, desk: Caller, kept: Tokens) -> None:
    line, address = device.line, b"alice@example.com"
    code, record, value, token = kept[f"alice's {EMAIL}"]
    to = opening(grants.MESSAGE, address=(EMAIL, address))
    line.expect(alice.act("Detokenize", *to, code, record, token), DENIED, "an address that nobody verified")
    line.expect(alice.act("ConfirmAddress", *alice.named, EMAIL, address), DENIED, "one's own address")
    line.expect(
        desk.act("ConfirmAddress", *alice.named, EMAIL, bytes(321)), fault("too long"), "an address of 321 bytes"
    )
    line.expect(desk.act("ConfirmAddress", *alice.named, 13, address), fault("invalid field"), "an address of no field")
    line.expect(desk.act("ConfirmAddress", *alice.named, EMAIL, address), DONE, "confirm an address")
    line.expect(alice.act("Detokenize", *to, code, record, token), ("Bytes", (value,)), "to a verified address")
    other = opening(grants.MESSAGE, address=(EMAIL, b"bob@example.com"))
    line.expect(alice.act("Detokenize", *other, code, record, token), DENIED, "to another address")
    line.expect(desk.act("ConfirmAddress", *alice.named, EMAIL, b""), DONE, "withdraw it")
    line.expect(alice.act("Detokenize", *to, code, record, token), DENIED, "to an address that was withdrawn")


def check_stops(device: Device, alice: Caller, desk: Caller) -> None:
    line = device.line
    line.expect(alice.act("Stop"), DENIED, "stop without the right")
    line.expect(desk.act("Stop"), DONE, "stop")
    line.tally.equal(FAMILY, line.status()["stopped"], True, "stopped")
    line.expect(alice.act("Tokenize", *alice.named, False, written([(NAME, b"", b"A")])), DENIED, "tokenize, stopped")
    line.expect(alice.act("Release"), DENIED, "release without the right")
    line.expect(desk.act("Release"), DONE, "release")
    line.tally.equal(FAMILY, line.status()["stopped"], False, "released")


def check_ends(device: Device, alice: Caller, bob: Caller, kept: Tokens) -> None:
    """Log-outs by the owner and by the issuer; erasure."""
    line = device.line
    line.expect(bob.act("Erase", *alice.named), DENIED, "erase another")
    line.expect(alice.act("Erase", *alice.named), DONE, "erase")
    code, record, _, token = kept[f"alice's {NAME}"]
    line.expect(alice.act("Detokenize", *opening(), code, record, token), DENIED, "erased")
    line.expect(alice.act("Erase", *alice.named), DENIED, "erase again")
    line.expect(alice.act("LogOut"), DONE, "log out")
    line.expect(alice.act("Authenticate"), DENIED, "logged out")
    again = device.issue(BOB)
    session = again.credential.claims.session_id
    line.expect(device.issuer.act("EndSession", session), DONE, "end a session")
    line.expect(again.act("Authenticate"), DENIED, "ended")


# --- The officer's and the auditor's other acts -----------------------------------------------------------------------


def check_rotation(device: Device, alice: Caller, kept: Tokens) -> tuple[Caller, Caller]:
    """A new root, tokens and credentials under it, the end of the oldest one. Alice and Bob, with other credentials."""
    line, tally, before = device.line, device.line.tally, device.keyring
    device.log_in(device.officer)
    epoch = device.epoch("Rotate")
    tally.equal(FAMILY, epoch, before.newest + 1, "the next epoch")
    device.keyring = device.backup()
    tally.equal(FAMILY, device.keyring.roots[:-1], before.roots, "the roots before")
    tally.equal(FAMILY, (device.keyring.k_tag, device.keyring.newest), (before.k_tag, epoch), "the newest root")
    answer = alice.act("Authenticate")
    tally.equal(FAMILY, answer[0], "Ends", "a credential of the epoch before")
    device.log_in(device.issuer)
    alice_again, bob = device.issue(ALICE), device.issue(BOB)
    old = kept["old"]
    for name, caller in (("old", alice), (f"alice's {NAME}", alice_again), ("bob's", bob)):
        code, record, value, token = kept[name]
        fresh = caller.bytes_of("Rewrap", *opening(), code, record, token)
        tally.equal(FAMILY, Token.parse(fresh).epoch, epoch, "a rewrapped token's epoch")
        kept[name] = (code, record, value, fresh)
        line.expect(caller.act("Rewrap", *opening(), code, record, fresh), DENIED, "rewrap what is new")
        answer = caller.act("Detokenize", *opening(), code, record, fresh)
        line.expect(answer, ("Bytes", (value,)), f"{name}, rewrapped")
    code, record, value, fresh = kept["old"]
    tally.equal(FAMILY, symbolon.open_token(device.keyring, ALICE, code, fresh, record), value, "a rewrapped token")
    device.log_in(device.officer)
    for wrong in (0, epoch, epoch + 1, 65_535):
        line.expect(device.officers("Retire", wrong), fault("invalid keyring"), f"retire {wrong}")
    oldest = device.keyring.epochs[0]
    tally.equal(FAMILY, device.epoch("Retire", oldest), epoch, "retire the oldest")
    device.keyring = replace(device.keyring, roots=device.keyring.roots[1:])
    tally.equal(FAMILY, device.backup(), device.keyring, "the keyring without it")
    answer = alice_again.act("Detokenize", *opening(), code, record, old[3])
    line.expect(answer, DENIED, "a token of a retired epoch")
    line.expect(
        alice_again.act("Detokenize", *opening(), code, record, fresh), ("Bytes", (value,)), "the rewrapped one"
    )
    is_gone = alice.credential.claims.epoch == oldest
    tally.equal(FAMILY, alice.act("Authenticate") == DENIED, is_gone, "a credential of the epoch before, once more")
    return alice_again, bob


def check_attempts(device: Device) -> None:
    line, wrong = device.line, Role(device.line, AUDITOR, some("no key"))
    for left in range(7, -1, -1):
        line.expect(wrong.log_in(), DENIED, f"{left} attempts left")
        device.said.append((trail.ROLES_LOG_IN, 25, AUDITOR, 0, bytes(16), bytes(8)))
        line.tally.equal(FAMILY, line.status()["attempts"], bytes([8, 8, left]), "attempts")
    line.expect(wrong.log_in(), fault("blocked"), "no attempt left")
    line.expect(device.auditor.log_in(), fault("blocked"), "the right key, blocked")
    line.tally.equal(FAMILY, line.status()["items"], 7, "items of a reveal")
    device.log_in(device.officer)
    for key in (bytes(32), bytes(31) + b"", b"\1" * 33):
        line.expect(device.officers("SetRole", AUDITOR, key), fault("malformed"), f"a key of {len(key)} bytes")
    device.auditor.key = some("the auditor's new key")
    line.expect(device.officers("SetRole", AUDITOR, device.auditor.key), DONE, "set a role's key")
    line.tally.equal(FAMILY, line.status()["attempts"], b"\x08\x08\x08", "attempts")
    line.expect(Role(line, AUDITOR, KEYS[AUDITOR]).log_in(), DENIED, "the key before")
    device.said.append((trail.ROLES_LOG_IN, 25, AUDITOR, 0, bytes(16), bytes(8)))


def check_channels(device: Device) -> None:
    """One channel; what does not open as the next act changes nothing; a log-in that fails ends none."""
    line, officer = device.line, device.log_in(device.officer)
    act = write(appliance.OFFICER_ACTS, "Backup")
    sealed = officer.channel.seal_act(act)
    for bad in (b"", sealed[:-1], sealed + b"\0", bytes(len(sealed)), sealed[:-1] + bytes([sealed[-1] ^ 1])):
        line.expect(line.ask("Act", bad), DENIED, "not the next act")
    line.expect(Role(line, ISSUER, some("no key")).log_in(), DENIED, "a log-in that fails")
    device.said.append((trail.ROLES_LOG_IN, 25, ISSUER, 0, bytes(16), bytes(8)))
    line.tally.equal(FAMILY, device.backup(), device.keyring, "the channel is there still")
    line.expect(line.ask("Act", sealed), DENIED, "the same act again")
    for message in (b"", b"\x09", b"\x80\0", b"\1\0", b"\5", b"\5\x80\0", b"\7\3\0"):
        line.expect(officer.message(message), fault("malformed"), f"officer's act {message.hex()}")
    line.tally.equal(FAMILY, device.backup(), device.keyring, "the channel goes on")
    officer.key = some("the officer's new key")
    line.expect(device.officers("SetRole", OFFICER, officer.key), DONE, "the officer's own key")
    line.tally.equal(FAMILY, device.backup(), device.keyring, "the channel goes on under the key before")
    line.expect(Role(line, OFFICER, KEYS[OFFICER]).log_in(), DENIED, "the officer's key before")
    device.said.append((trail.ROLES_LOG_IN, 25, OFFICER, 0, bytes(16), bytes(8)))
    challenge = line.challenge()
    nonce = bytes(16)
    mac = appliance.log_in_mac(officer.key, OFFICER, challenge, nonce)
    line.expect(line.ask("LogIn", OFFICER, nonce, mac), DONE, "a log-in")
    device.said.append((trail.ROLES_LOG_IN, 0, OFFICER, 0, bytes(16), bytes(8)))
    line.expect(line.ask("LogIn", OFFICER, nonce, mac), DENIED, "the same log-in, its challenge used")
    line.tally.equal(FAMILY, line.status()["attempts"][0], 8, "an attempt without a challenge is none")
    line.expect(line.ask("Act", officer.channel.seal_act(act)), DENIED, "the channel before")


def check_lock(device: Device) -> None:
    line = device.line
    device.log_in(device.officer)
    line.expect(device.officers("Lock"), DONE, "lock")
    line.tally.equal(FAMILY, line.status()["locked"], True, "locked")
    line.expect(device.officers("Backup"), fault("stage"), "a backup, locked")
    line.expect(device.officers("SetRole", ISSUER, some("a new key")), fault("stage"), "a role's key, locked")
    line.tally.equal(FAMILY, device.epoch("Rotate"), device.keyring.newest + 1, "rotate, locked")


# --- All of it --------------------------------------------------------------------------------------------------------


def converse(tally: Tally, seed: int, imported: bool) -> None:
    with Line(tally, seed, DEVICE) as line:
        device = Device.of(line)
        check_blank(device)
        initialise(device)
        (begin_with_imported if imported else begin_with_generated)(device)
        check_roots(device)
        check_audit_key(device)
        device.read_trail()
        check_issuing(device)
        check_proofs(device)
        alice, bob, packer = device.issue(ALICE), device.issue(BOB), device.issue(PACKER, rights=0)
        desk = device.issue(DESK, TOKENIZE | MAINTAIN | CONFIRM | GRANT_FOR | OPERATE)
        kept = check_tokens(device, alice, bob)
        check_opening(device, alice, bob, kept)
        device.read_trail()
        check_grants(device, alice, packer, desk, kept)
        device.read_trail()
        check_deliveries(device, alice, desk, kept)
        check_stops(device, alice, desk)
        alice, bob = check_rotation(device, alice, kept)
        device.log_in(device.issuer)
        check_ends(device, alice, bob, kept)
        device.read_trail()
        check_attempts(device)
        check_channels(device)
        check_lock(device)
        device.read_trail()
        device.check_checkpoint()
        entries = device.check_said()
        check_events(tally, entries)
        records, left = line.end()
        check_records(device, records, kept)
        tally.equal(FAMILY, left, [], "all was acknowledged")


def check_events(tally: Tally, entries: list[trail.Entry]) -> None:
    found = {trail.EVENTS[entry.event] for entry in entries}
    wanted = {"started", "authenticate", "detokenize", "reveal", "log-out", "grant", "grant's reason", "revoke"}
    wanted |= {"revoke all", "rewrap", "erase", "confirm address", "tokenize", "stop", "release", "grant's scope"}
    wanted |= {"keyring", "role's log-in", "role's act"}
    tally.equal(FAMILY, wanted - found, set(), "events in the trail")


def check_records(device: Device, records: dict[bytes, bytes], kept: Tokens) -> None:
    """What the store holds at the end, opened with the device's key."""
    tally = device.line.tally

    def value(kind: int, index: int = 0, instance: bytes = appliance.NO_INSTANCE) -> bytes:
        name = appliance.record_name(kind, index)
        record = records.get(bytes([appliance.TABLE]) + name, b"")
        return appliance.open_record(DEVICE, name, record, instance) if record else b""

    settings = appliance.Settings.from_bytes(value(appliance.SETTINGS))
    instance = settings.instance
    tally.equal(FAMILY, settings, appliance.Settings(True, NODE, LONGEST, instance, AUDIENCE), "settings")
    tally.check(FAMILY, instance != appliance.NO_INSTANCE, "the instance was drawn")
    keys = [value(appliance.ROLE_KEY, role, instance) for role in range(3)]
    tally.equal(FAMILY, keys, [device.officer.key, device.issuer.key, device.auditor.key], "role keys")
    tally.equal(FAMILY, value(appliance.TRANSPORT_KEY, 0, instance), TRANSPORT, "transport key")
    tally.equal(FAMILY, value(appliance.AUDIT_KEY, 0, instance), b"", "the audit key is destroyed")
    form = b"".join(value(appliance.PIECE, index, instance) for index in range(appliance.PIECES))
    keyring = Keyring.from_bytes(form)
    tally.equal(FAMILY, keyring.roots[:-1], device.keyring.roots, "the keyring's pieces")
    for role, left in enumerate(b"\x08\x07\x08"):
        record = records.get(bytes([appliance.TABLE]) + appliance.record_name(appliance.ATTEMPTS, role), b"\x08" + bytes(8))
        tally.equal(FAMILY, (record[0], len(record)), (left, 9), f"attempts of the {appliance.ROLES[role]}")
    row = records[b"\4" + keyring.tag_of(BOB)]
    secret = registry.OwnerRecord.from_bytes(row).secret
    code, record, text, token = kept["bob's"]
    tally.equal(FAMILY, symbolon.open_token(keyring, BOB, code, token, record, secret), text, "an erasable token")
    alices = registry.OwnerRecord.from_bytes(records[b"\4" + keyring.tag_of(ALICE)])
    tally.check(FAMILY, alices.erased and alices.secret is None, "the erased owner's record")
    state = trail.open_state(keyring.k_tag, NODE, records[b"\1" + symbolon.le32(NODE) + bytes(12)])
    tally.equal(FAMILY, state[1], trail.block_key(device.audit_key.k_0, state[0]), "the trail's state")


def check_zeroise(tally: Tally, seed: int) -> None:
    """Nothing is left of what was kept."""
    with Line(tally, seed, DEVICE) as line:
        device = Device.of(line)
        device.officer = Role(line, OFFICER, bytes(32)).logged_in()
        line.expect(device.officer.act("Initialise", *KEYS, TRANSPORT, AUDIENCE, NODE, LONGEST), DONE, "initialise")
        device.officer = Role(line, OFFICER, KEYS[OFFICER]).logged_in()
        begin_with_generated(device)
        line.expect(device.officers("Lock"), DONE, "lock")
        line.expect(device.officers("Zeroise"), DONE, "zeroise")
        status = line.status()
        wanted = {"stage": 0, "locked": False, "epoch": 0, "healthy": True}
        tally.equal(FAMILY, {name: status[name] for name in wanted}, wanted, "blank again")
        line.expect(device.officer.act("Generate"), DENIED, "the channel is gone")
        line.expect(Role(line, OFFICER, KEYS[OFFICER]).log_in(), DENIED, "and so is the key")
        Role(line, OFFICER, bytes(32)).logged_in()
        records, entries = line.end()
        tally.equal(FAMILY, {id_.hex() for id_, value in records.items() if value}, set(), "records")
        tally.equal(FAMILY, entries, [], "entries")


# --- Little room, and no power ----------------------------------------------------------------------------------------


def worker(line: Line) -> Device:
    """An appliance that works, and whose audit key is fetched."""
    device = Device.of(line)
    device.officer = Role(line, OFFICER, bytes(32)).logged_in()
    line.expect(device.officer.act("Initialise", *KEYS, TRANSPORT, AUDIENCE, NODE, LONGEST), DONE, "initialise")
    device.officer = Role(line, OFFICER, KEYS[OFFICER]).logged_in()
    begin_with_generated(device)
    check_audit_key(device)
    return device


def check_room(tally: Tally, seed: int) -> None:
    """A replay window that is full, and a trail that is."""
    with Line(tally, seed, DEVICE) as line:
        device = worker(line)
        device.log_in(device.issuer)
        alice = device.issue(ALICE)
        answers = [alice.act("Authenticate", challenged=False) for _ in range(100)]
        names = [answer[0] for answer in answers]
        tally.check(FAMILY, 1 <= names.count("Ends") < 100, f"places in the window: {names.count('Ends')}")
        tally.equal(FAMILY, {shown(answer) for answer in answers if answer[0] != "Ends"}, {"fault: unavailable"})
        tally.equal(FAMILY, alice.act("Authenticate")[0], "Ends", "a challenge takes no place")
        for _ in range(60_000 // STEP):
            line.status()
        tally.equal(FAMILY, alice.act("Authenticate", challenged=False)[0], "Ends", "a minute later")
        device.read_trail()
        while (answer := alice.act("Authenticate"))[0] == "Ends":
            if line.frames > 3_000:
                raise RuntimeError("a trail without an end")
        line.expect(answer, fault("unavailable"), "a full trail")
        tally.equal(FAMILY, line.status()["room"], 0, "room")
        attempts = line.status()["attempts"]
        for role in (device.officer, device.issuer):
            line.expect(role.log_in(), fault("unavailable"), "a full trail")
            line.expect(
                Role(line, role.role, some("no key")).log_in(), fault("unavailable"), "a full trail, a wrong key"
            )
        tally.equal(FAMILY, line.status()["attempts"], attempts, "no attempt was counted")
        device.auditor.logged_in()
        said = list(device.said)
        device.read_trail()
        device.said = said
        device.log_in(device.officer)
        tally.equal(FAMILY, device.backup(), device.keyring, "the officer waited")
        device.read_trail()
        device.check_checkpoint()
        entries = device.check_said()
        found = {trail.EVENTS[entry.event] for entry in entries}
        tally.equal(FAMILY, {"unrecorded", "authenticate", "started"} - found, set(), "events in the trail")


POWER = 60


def check_power(tally: Tally, seed: int) -> None:
    """Roots, attempts and the trail outlive a loss of power; the channel, a challenge and a proof don't."""
    with Line(tally, seed, DEVICE, POWER) as line:
        device = worker(line)
        device.log_in(device.issuer)
        alice = device.issue(ALICE)
        wrong = Role(line, AUDITOR, some("no key"))
        for _ in range(3):
            line.expect(wrong.log_in(), DENIED, "a wrong key")
            device.said.append((trail.ROLES_LOG_IN, 25, AUDITOR, 0, bytes(16), bytes(8)))
        device.log_in(device.officer)
        while line.frames < POWER - 2:
            line.status()
        challenge, nonce = line.challenge(), line.random.randbytes(16)
        tally.equal(FAMILY, line.frames, POWER - 1, "frames before the power is cut")
        mac = appliance.log_in_mac(device.officer.key, OFFICER, challenge, nonce)
        line.expect(line.ask("LogIn", OFFICER, nonce, mac), DENIED, "a challenge of before")
        began = line.now - STEP
        line.expect(device.officer.act("Backup"), DENIED, "a channel of before")
        status = line.status()
        found = [status[name] for name in ("stage", "healthy", "epoch", "alarms", "attempts")]
        tally.equal(FAMILY, found, [2, True, 1, 0, b"\x08\x08\x05"], "status behind a loss of power")
        act = write(appliance.SESSION_ACTS, "Authenticate")
        for challenged in (False, True):
            for time, expected in ((began + 2_000, DENIED), (began + 2_001, ("Ends", (began + 62_001,)))):
                context = appliance.context(act, line.challenge() if challenged else None)
                answer = line.ask("InSession", alice.credential.raw, alice.prove(context, time), challenged, act)
                line.expect(answer, expected, f"a proof {time - began} ms behind the start, challenged: {challenged}")
        device.log_in(device.officer)
        tally.equal(FAMILY, device.backup(), device.keyring, "the roots")
        device.read_trail()
        device.check_checkpoint()
        entries = device.check_said()
        started = [entry for entry in entries if entry.event == trail.STARTED]
        tally.equal(FAMILY, len(started), 2, "starts in the trail")


def check_full_keyring(tally: Tally, seed: int) -> None:
    """Eight epochs, and the last number that there is: no root is added."""
    for number, epochs in enumerate((range(1, 9), range(65_528, 65_536), (65_535,))):
        with Line(tally, seed + number, DEVICE) as line:
            officer = Role(line, OFFICER, bytes(32)).logged_in()
            line.expect(officer.act("Initialise", *KEYS, TRANSPORT, AUDIENCE, NODE, LONGEST), DONE, "initialise")
            officer = Role(line, OFFICER, KEYS[OFFICER]).logged_in()
            keyring = ring(*epochs)
            wrapped = appliance.wrap(TRANSPORT, some("salt", 16), keyring)
            line.expect(officer.act("Import", wrapped), ("Epoch", (keyring.newest,)), "import")
            line.expect(officer.act("Rotate"), fault("invalid keyring"), f"rotate {keyring.epochs}")
            tally.equal(FAMILY, appliance.unwrap(TRANSPORT, officer.bytes_of("Backup")), keyring, "as it was")


# --- What is malformed ------------------------------------------------------------------------------------------------

MUTATED = 150
BAD = "appliance, malformed"


def check_malformed(tally: Tally, seed: int) -> None:
    with Line(tally, seed, DEVICE) as line:
        device = Device.of(line)
        device.officer = Role(line, OFFICER, bytes(32)).logged_in()
        line.expect(device.officer.act("Initialise", *KEYS, TRANSPORT, AUDIENCE, NODE, LONGEST), DONE, "initialise")
        device.officer = Role(line, OFFICER, KEYS[OFFICER]).logged_in()
        begin_with_generated(device)
        device.issuer.logged_in()
        alice = device.issue(ALICE)
        bad_frames(line)
        bad_requests(line)
        bad_acts(device, alice)
        mutated(line, alice)


def bad_frames(line: Line) -> None:
    for frame, why in make_appliance.bad_frames():
        expected = (0, DONE)
        try:
            appliance.open_frame(frame)
        except appliance.Fault as found:
            expected = (found.id, fault(found.name))
        line.tally.equal(BAD, line.raw(frame), expected, why)
    room = 1536
    longest = line.status()["longest"]
    for length in (room + 1, 2 * room, 70_000):
        line.tally.equal(BAD, line.raw(b"\x01" * length + b"\0"), (0, fault("too long")), f"{length} bytes, {longest}")
    ends_full = appliance.seal_frame(0x1234, make_appliance.ends_with_full_block())
    for frame, why in (
        (ends_full, "a full block"),
        (ends_full[:-2] + b"\0", "a full block without the empty one behind it"),
    ):
        line.tally.equal(BAD, line.raw(frame), (0x1234, fault("malformed")), why)
    request = write(appliance.REQUESTS, "InSession", bytes(600), bytes(400), False, bytes(room))
    while len(appliance.seal_frame(1, request)) - 1 > room:
        request = request[:-1]
    line.tally.equal(
        BAD, line.raw(appliance.seal_frame(9, request)), (9, fault("malformed")), "as long as there must be room"
    )
    line.tally.equal(BAD, line.status()["healthy"], True, "behind bad frames")


def bad_requests(line: Line) -> None:
    for which, message, why in make_appliance.bad_messages():
        if which == "request":
            found = line.raw(appliance.seal_frame(0x4321, message))
            line.tally.equal(BAD, found, (0x4321, fault("malformed")), why)


def bad_acts(device: Device, alice: Caller) -> None:
    line = device.line
    for which, message, why in make_appliance.bad_messages():
        if which == "issuer":
            line.tally.equal(BAD, device.issuer.message(message), fault("malformed"), f"issuer: {why}")
        if which == "session":
            line.tally.equal(BAD, alice.message(message), fault("malformed"), f"session: {why}")


def mutated(line: Line, alice: Caller) -> None:
    """A bit, a byte more or less, two bytes swapped, in requests and in frames: the fault that decoding tells."""
    random = line.random
    for number in range(MUTATED):
        act = write(appliance.SESSION_ACTS, random.choice(["Authenticate", "LogOut"]))
        proof = random.randbytes(40)
        messages = [
            write(appliance.REQUESTS, "InSession", alice.credential.raw, proof, random.randint(0, 1) == 1, act),
            write(appliance.REQUESTS, "LogIn", AUDITOR, random.randbytes(16), random.randbytes(16)),
            write(appliance.REQUESTS, "Act", random.randbytes(40)),
            write(appliance.REQUESTS, "Challenge"),
        ]
        content = spoiled(random, random.choice(messages))
        frame = appliance.seal_frame(number, content)
        if number % 3 == 0:
            frame = bytes(byte or 1 for byte in spoiled(random, frame[:-1])) + b"\0"
        line.tally.equal(BAD, answer_to(line, frame), True, f"{number}: {frame.hex()}")
    line.tally.equal(BAD, line.status()["healthy"], True, "behind all of them")


def spoiled(random: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    at = random.randrange(len(changed))
    match random.randint(0, 4):
        case 0:
            changed[at] ^= 1 << random.randint(0, 7)
        case 1:
            changed.insert(at, random.randrange(256))
        case 2:
            del changed[at]
        case 3:
            del changed[at:]
        case _:
            changed += random.randbytes(random.randint(1, 3))
    return bytes(changed)


def answer_to(line: Line, frame: bytes) -> bool:
    """Whether the answer to it is one that its bytes allow."""
    if frame == b"\0":
        return True
    id_, answer = line.raw(frame)
    try:
        wanted, message = appliance.open_frame(frame)
    except appliance.Fault as found:
        return (id_, answer) == (found.id, fault(found.name))
    try:
        name, values = appliance.read(appliance.REQUESTS, message)
    except symbolon.Malformed:
        return (id_, answer) == (wanted, fault("malformed"))
    if name in ("Status", "SelfTest", "Challenge"):
        return (id_, answer[0]) == (wanted, name)
    if name == "LogIn":
        return id_ == wanted and answer in (DENIED, fault("blocked"))
    if name == "Act":
        return (id_, answer) == (wanted, DENIED)
    return id_ == wanted and answer in (DENIED, fault("malformed"))


def check_all(tally: Tally, seed: int) -> None:
    for step in (
        lambda: converse(tally, seed, imported=False),
        lambda: converse(tally, seed + 1, imported=True),
        lambda: check_zeroise(tally, seed),
        lambda: check_room(tally, seed),
        lambda: check_power(tally, seed),
        lambda: check_full_keyring(tally, seed),
        lambda: check_malformed(tally, seed),
    ):
        tally.attempt(FAMILY, "the process of appliance_line", step)
