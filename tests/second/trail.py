"""The audit trail as its reader sees it, and as a node writes it (SPEC.md section 8)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from symbolon import (
    ENTRY,
    RATCHET,
    IDENTITY,
    TRAIL_STATE,
    Malformed,
    aead1_open,
    aead1_seal,
    le32,
    le64,
    prf,
)

EVENTS = {
    1: "started", 2: "authenticate", 3: "detokenize", 4: "reveal", 5: "log-out", 6: "foreign tokens", 7: "clock back",
    8: "grant", 9: "grant's reason", 10: "revoke", 11: "revoke all", 12: "rewrap", 13: "reown", 14: "erase",
    15: "confirm address", 16: "look up", 17: "make index", 18: "tokenize", 19: "issuer",
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
    36: "no room",
}  # fmt: skip
STARTED = 1
ENTRY_LENGTH = 110
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
    reserved: int = 0
    """0 in every entry that a reader of this version takes."""

    def body(self) -> bytes:
        numbers = (self.event, self.reason, self.field, self.purpose, self.view, self.reserved, self.count)
        return BODY.pack(*numbers, self.caller, self.header, self.nonce, self.owner, self.session, self.grant)

    @staticmethod
    def from_body(number: int, time: int, body: bytes) -> Entry:
        event, reason, field_, purpose, view, reserved, count, *rest = BODY.unpack(body)
        return Entry(number, time, event, reason, field_, purpose, view, count, *rest, reserved)

    @property
    def is_known(self) -> bool:
        """Whether a reader of this version takes it."""
        return self.event in EVENTS and self.reason in REASONS and self.reserved == 0

    def columns(self) -> str:
        """For vector files: numbers in decimal, bytes in hex, with a space between."""
        numbers = (self.number, self.time, self.event, self.reason, self.field, self.purpose, self.view, self.count)
        contents = (self.caller, self.header, self.nonce, self.owner, self.session, self.grant)
        return " ".join([*map(str, numbers), *(content.hex() for content in contents)])


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


def ratchet(key: bytes, steps: int = 1) -> bytes:
    """Section 8: `k_{i+1}` from `k_i`."""
    for _ in range(steps):
        key = prf(key, RATCHET, b"")
    return key


def associated(node: int, number: int, time: int, previous: bytes) -> bytes:
    return le32(node) + le64(number) + le64(time) + previous


def write(audit_key: AuditKey, entries: list[Entry]) -> list[bytes]:
    """Section 8: a chain of these entries, which need not be a good one."""
    chain, previous = [], FIRST_PREVIOUS
    for entry in entries:
        key = prf(ratchet(audit_key.k_0, entry.number), ENTRY, b"")
        sealed = aead1_seal(key, associated(audit_key.node, entry.number, entry.time, previous), entry.body())
        chain.append(le64(entry.number) + le64(entry.time) + sealed)
        previous = sealed[-16:]
    return chain


def read(audit_key: AuditKey, chain: list[bytes], longest_gap: int = 10_000) -> Iterator[Entry]:
    """Section 8: the entries of a chain from its beginning, or `BrokenChain` at the first that does not continue it."""
    key, expected, previous = audit_key.k_0, 0, FIRST_PREVIOUS
    for position, raw in enumerate(chain):
        if len(raw) != ENTRY_LENGTH:
            raise BrokenChain(position, "length")
        number, time = struct.unpack("<QQ", raw[:16])
        skipped = number - expected
        if not 0 <= skipped <= longest_gap:
            raise BrokenChain(position, "number")
        key = ratchet(key, skipped)
        body = aead1_open(prf(key, ENTRY, b""), associated(audit_key.node, number, time, previous), raw[16:])
        if body is None:
            raise BrokenChain(position, "does not verify")
        entry = Entry.from_body(number, time, body)
        if not entry.is_known:
            raise BrokenChain(position, "event, reason or reserved byte")
        if skipped and (entry.event != STARTED or entry.count != skipped):
            raise BrokenChain(position, "gap")
        yield entry
        key, expected, previous = ratchet(key), number + 1, raw[-16:]


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
