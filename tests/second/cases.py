"""What the vector files are made of: keys and random bytes that are SHAKE-256 of a name, principals, rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import shake_256

import fields
import sessions
from symbolon import Denied, Keyring, Malformed, Principal

NOW = 1_800_000_000_000
"""Of an afternoon: the day began 28,800,000 ms before."""


def some(name: str, length: int = 32) -> bytes:
    return shake_256(name.encode()).digest(length)


def cell(content: object) -> str:
    if isinstance(content, bytes):
        return content.hex() or "-"
    return str(content)


def row(*cells: object) -> str:
    return " | ".join(map(cell, cells))


def listed(contents: Iterable[bytes]) -> str:
    return ",".join(map(cell, contents))


def item_list(items: Iterable[sessions.Item]) -> str:
    return ",".join(f"{fields.name_of(field)}:{token.hex()}" for field, token in items)


def flipped(content: bytes, at: int, bit: int = 0) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1 << bit
    return bytes(changed)


def unhex(cell: str) -> bytes:
    return b"" if cell == "-" else bytes.fromhex(cell)


def split_list(cell: str) -> list[bytes]:
    return [unhex(part) for part in cell.split(",")]


def verdict_of(step: Callable[[], object]) -> str:
    try:
        step()
    except Denied:
        return "denied"
    except Malformed:
        return "malformed"
    return "accepted"


def principal(tenant: str, kind: str, subject: str) -> Principal:
    return Principal(unhex(tenant), int(kind), unhex(subject))


def ring(*epochs: int) -> Keyring:
    return Keyring(some("tag key"), tuple((epoch, some(f"root {epoch}")) for epoch in epochs))


RING = ring(1, 2)
ALICE = Principal(b"shop", 1, b"alice")
BOB = Principal(b"shop", 1, b"bob")
LONG = Principal(some("tenant", 64), 2, some("subject", 64))
SERVICE = Principal(b"\x00", 3, b"\xff")
PACKER = Principal(b"shop", 3, b"packer")
POLICY = Principal(b"shop", 2, b"policy")
AUDIENCE = b"vault.example"
NAME = fields.CODES["person-name"]
SHIPPING = fields.CODES["shipping-address"]
SECRET = some("owner secret")
ORDER = b"order 4711"
