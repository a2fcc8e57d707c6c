"""The audit trail as its reader sees it, and as a node writes it (SPEC.md section 8)."""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from symbolon import (
    CHECKPOINT,
    ENTRY,
    RATCHET,
    IDENTITY,
    TRAIL_STATE,
    Malformed,
    aead1_open,
    aead1_seal,
    chacha20_block,
    le16,
    le32,
    le64,
    padded,
    prf,
)

EVENTS = {
    1: "started", 2: "authenticate", 3: "detokenize", 4: "reveal", 5: "log-out", 6: "foreign tokens", 7: "clock back",
    8: "grant", 9: "grant's reason", 10: "revoke", 11: "revoke all", 12: "rewrap", 13: "reown", 14: "erase",
    15: "confirm address", 16: "look up", 17: "make index", 18: "tokenize", 19: "issuer",
    20: "keyring", 21: "unrecorded", 22: "alarm", 23: "stop", 24: "release", 25: "witness", 26: "grant's scope",
    27: "role's log-in", 28: "role's act",
}  # fmt: skip
REASONS = {
    0: "done", 1: "does not open", 2: "foreign token", 3: "canary", 4: "wrong field", 5: "unknown epoch",
    6: "session ended", 7: "other vault", 8: "no right", 9: "logged out",
    10: "wrong purpose", 11: "erased", 12: "bad grant", 13: "wrong grantee", 14: "grant not in its time",
    15: "grant revoked",
    16: "bad credential", 17: "wrong audience", 18: "not yet valid", 19: "expired", 20: "life too long",
    21: "wrong period", 22: "below floor", 23: "right not for kind",
    24: "proof required", 25: "bad proof", 26: "stale proof", 27: "future proof", 28: "proof before start",
    29: "replayed", 30: "window full", 31: "grant used up",
    32: "not in grant", 33: "wrong destination", 34: "not older", 35: "other tenant",
    36: "no room", 37: "limited", 38: "stopped",
}  # fmt: skip
CALLER_KINDS = range(4)
"""0 where there is no caller."""
STARTED, GRANT, GRANTS_REASON, KEYRING, WITNESS, GRANTS_SCOPE = 1, 8, 9, 20, 25, 26
ROLES_LOG_IN, ROLES_ACT = 27, 28
ENTRY_LENGTH = 110
BLOCK = 64
CHECKPOINT_LENGTH = 52
FIRST_PREVIOUS = bytes(16)
BODY = struct.Struct("<BBHHBBI16s6s12s16s8s8s")


class BrokenChain(Exception):
    """The entry at `position` does not continue the chain."""

    def __init__(self, position: int, reason: str):
        super().__init__(reason)
        self.position = position


@dataclass(frozen=True)
class Entry:
    """Section 8: one entry, decrypted."""

    number: int
    time: int
    event: int
    reason: int = 0
    field: int = 0
    purpose: int = 0
    view: int = 0
    count: int = 0
    caller: bytes = bytes(16)
    header: bytes = bytes(6)
    nonce: bytes = bytes(12)
    owner: bytes = bytes(16)
    session: bytes = bytes(8)
    grant: bytes = bytes(8)
    kind: int = 0
    """The caller's; 0 where there is none."""

    def body(self) -> bytes:
        numbers = (self.event, self.reason, self.field, self.purpose, self.view, self.kind, self.count)
        return BODY.pack(*numbers, self.caller, self.header, self.nonce, self.owner, self.session, self.grant)

    @staticmethod
    def from_body(number: int, time: int, body: bytes) -> Entry:
        event, reason, field_, purpose, view, kind, count, *rest = BODY.unpack(body)
        return Entry(number, time, event, reason, field_, purpose, view, count, *rest, kind)

    @property
    def is_known(self) -> bool:
        """Whether a reader of this version takes it."""
        return self.event in EVENTS and self.reason in REASONS and self.kind in CALLER_KINDS

    def columns(self) -> str:
        """For vector files: numbers in decimal, bytes in hex, with a space between."""
        numbers = (self.number, self.time, self.event, self.reason, self.field, self.purpose, self.view, self.kind)
        contents = (self.caller, self.header, self.nonce, self.owner, self.session, self.grant)
        return " ".join([*map(str, numbers), str(self.count), *(content.hex() for content in contents)])


@dataclass(frozen=True)
class AuditKey:
    """Section 8: what the auditor holds of one node."""

    node: int
    k_0: bytes
    k_tag: bytes

    def to_bytes(self) -> bytes:
        return b"\x01" + le32(self.node) + self.k_0 + self.k_tag

    @staticmethod
    def from_bytes(form: bytes) -> AuditKey:
        if len(form) != 69 or form[0] != 1:
            raise Malformed("form of an audit key")
        return AuditKey(int.from_bytes(form[1:5], "little"), form[5:37], form[37:])


def block_key(k_0: bytes, number: int) -> bytes:
    """Section 8: `K_b` of the block that the entry `number` is in."""
    key = k_0
    for _ in range(number // BLOCK):
        key = prf(key, RATCHET, b"")
    return key


def keys(key: bytes, first: int, number: int) -> tuple[bytes, bytes]:
    """Section 8: `E_i` and `C_i` of the entry `number`, out of the key of the block that begins with the entry `first`."""
    link = prf(block_key(key, number - first), ENTRY, b"")
    for _ in range(number % BLOCK):
        link = chacha20_block(link, 0, bytes(12))[:32]
    return chacha20_block(link, 0, bytes(12))[32:], chacha20_block(link, 1, bytes(12))[:32]


def associated(node: int, number: int, time: int, previous: bytes) -> bytes:
    return le32(node) + le64(number) + le64(time) + previous


def write(audit_key: AuditKey, entries: list[Entry]) -> list[bytes]:
    """Section 8: a chain of these entries, which need not be a good one."""
    chain, previous = [], FIRST_PREVIOUS
    for entry in entries:
        key, _ = keys(audit_key.k_0, 0, entry.number)
        sealed = aead1_seal(key, associated(audit_key.node, entry.number, entry.time, previous), entry.body())
        chain.append(le64(entry.number) + le64(entry.time) + sealed)
        previous = sealed[-16:]
    return chain


@dataclass(frozen=True)
class Checkpoint:
    """Section 8, "Checkpoints": how far a node's trail has come."""

    node: int
    next: int
    time: int
    last: bytes
    mac: bytes

    @staticmethod
    def make(node: int, number: int, time: int, last: bytes, key: bytes) -> Checkpoint:
        """`key` is `C_i` of the entry `number`, which would come next."""
        return Checkpoint(node, number, time, last, checkpoint_mac(node, number, time, last, key))

    def is_under(self, key: bytes) -> bool:
        return hmac.compare_digest(self.mac, checkpoint_mac(self.node, self.next, self.time, self.last, key))

    def to_bytes(self) -> bytes:
        return le32(self.node) + le64(self.next) + le64(self.time) + self.last + self.mac

    @staticmethod
    def from_bytes(form: bytes) -> Checkpoint:
        if len(form) != CHECKPOINT_LENGTH:
            raise Malformed("length of a checkpoint")
        return Checkpoint(*struct.unpack("<IQQ16s16s", form))


def checkpoint_mac(node: int, number: int, time: int, last: bytes, key: bytes) -> bytes:
    return prf(key, CHECKPOINT, associated(node, number, time, last))[:16]


class Reader:
    """Section 8: reads a chain from its beginning, entry by entry."""

    def __init__(self, audit_key: AuditKey, longest_gap: int = 10_000):
        self.audit_key, self.longest_gap = audit_key, longest_gap
        self.expected, self.previous, self.position = 0, FIRST_PREVIOUS, 0
        # The key of a block that was read last, and its first entry's number.
        self.block = (audit_key.k_0, 0)

    def read(self, raw: bytes) -> Entry:
        """The entry, or `BrokenChain` if it does not continue the chain."""
        if len(raw) != ENTRY_LENGTH:
            raise BrokenChain(self.position, "length")
        number, time = struct.unpack("<QQ", raw[:16])
        skipped = number - self.expected
        if not 0 <= skipped <= self.longest_gap:
            raise BrokenChain(self.position, "number")
        (key, _), node = keys(*self.block, number), self.audit_key.node
        body = aead1_open(key, associated(node, number, time, self.previous), raw[16:])
        if body is None:
            raise BrokenChain(self.position, "does not verify")
        entry = Entry.from_body(number, time, body)
        if not entry.is_known:
            raise BrokenChain(self.position, "event, reason or kind")
        if skipped != (entry.count if entry.event == STARTED else 0):
            raise BrokenChain(self.position, "gap")
        self.expected, self.previous = number + 1, raw[-16:]
        block, first = self.block
        self.block = (block_key(block, number - first), number - number % BLOCK)
        self.position += 1
        return entry

    def checkpoint(self, time: int) -> Checkpoint:
        """One of the reader's own, for the next reading."""
        return Checkpoint.make(self.audit_key.node, self.expected, time, self.previous, self.checkpoint_key())

    def checkpoint_key(self) -> bytes:
        _, key = keys(*self.block, self.expected)
        return key

    def confirms(self, checkpoint: Checkpoint) -> bool:
        """Whether the chain, as far as it was read, is the one that the checkpoint was made of, then and there."""
        here = (self.audit_key.node, self.expected, self.previous)
        return (checkpoint.node, checkpoint.next, checkpoint.last) == here and checkpoint.is_under(self.checkpoint_key())


def read(audit_key: AuditKey, chain: list[bytes], longest_gap: int = 10_000) -> Iterator[Entry]:
    """Section 8: the entries of a chain from its beginning, or `BrokenChain` at the first that does not continue it."""
    reader = Reader(audit_key, longest_gap)
    for raw in chain:
        yield reader.read(raw)


def confirms(audit_key: AuditKey, chain: list[bytes], checkpoint: Checkpoint) -> bool:
    """Whether a reader that comes to the checkpoint's place confirms it; no other entry need be there."""
    reader = Reader(audit_key)
    for raw in chain:
        if reader.confirms(checkpoint):
            return True
        reader.read(raw)
    return reader.confirms(checkpoint)


# --- What some events hold --------------------------------------------------------------------------------------------


def started(number: int, time: int, epochs: list[int], floors: tuple[int, int], **given: int) -> Entry:
    """*Started*, or *keyring* if that is the event given: the epochs; the floor of tokens and that of credentials."""
    token_floor, credential_floor = floors
    listed = padded(b"".join(map(le16, epochs)), 16)
    return Entry(number, time, **{"event": STARTED, **given}, field=token_floor, purpose=credential_floor, owner=listed)


def rising(content: bytes) -> list[int]:
    """Numbers, LE16 each, rising, zeros behind them."""
    numbers = list(struct.unpack(f"<{len(content) // 2}H", content))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    if any(later <= earlier for earlier, later in zip([0, *numbers], numbers)):
        raise Malformed("numbers do not rise")
    return numbers


def epochs_of(entry: Entry) -> tuple[list[int], tuple[int, int]]:
    """Of *started* and *keyring*: the epochs, and both floors."""
    return rising(entry.owner), (entry.field, entry.purpose)


def scope(not_before: int, expiry: int, codes: tuple[int, ...]) -> dict[str, bytes]:
    """What *grant's scope* holds in the places of a token and its owner."""
    times = le64(not_before) + le64(expiry) + bytes(2)
    return {"header": times[:6], "nonce": times[6:], "owner": padded(b"".join(map(le16, codes)), 16)}


def scope_of(entry: Entry) -> tuple[int, int, list[int]]:
    """Of *grant's scope*: not-before, expiry, the fields."""
    times = entry.header + entry.nonce
    if times[16:] != bytes(2):
        raise Malformed("zero bytes of a scope")
    return *struct.unpack("<QQ", times[:16]), rising(entry.owner)


def witness(number: int, time: int, seen: Checkpoint) -> Entry:
    """Another node's checkpoint in this node's chain."""
    places = le64(seen.next) + le64(seen.time) + bytes(2)
    return Entry(
        number,
        time,
        event=WITNESS,
        count=seen.node,
        header=places[:6],
        nonce=places[6:],
        owner=seen.last,
        session=seen.mac[:8],
        grant=seen.mac[8:],
    )


def witnessed(entry: Entry) -> Checkpoint:
    """The checkpoint that a *witness* entry holds."""
    places = entry.header + entry.nonce
    if places[16:] != bytes(2):
        raise Malformed("zero bytes of a witness")
    return Checkpoint(entry.count, *struct.unpack("<QQ", places[:16]), entry.owner, entry.session + entry.grant)


# --- The stored state -------------------------------------------------------------------------------------------------


def seal_state(k_tag: bytes, node: int, number: int, key: bytes) -> bytes:
    """Section 8: the stored state."""
    salt = prf(key, IDENTITY, b"")[:16]
    seal_key = prf(k_tag, TRAIL_STATE, le32(node) + le64(number) + salt)
    return le64(number) + salt + aead1_seal(seal_key, b"", key)


def open_state(k_tag: bytes, node: int, state: bytes) -> tuple[int, bytes] | None:
    number = int.from_bytes(state[:8], "little")
    salt = state[8:24]
    key = aead1_open(prf(k_tag, TRAIL_STATE, le32(node) + le64(number) + salt), b"", state[24:])
    return None if key is None else (number, key)
