"""Canaries, scanner keys, whose a refused token was (SPEC.md section 16)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import symbolon
from sessions import short, take_short
from symbolon import (
    COMMITMENT_ZEROS,
    MARK_OF,
    Denied,
    Keyring,
    Malformed,
    Principal,
    Token,
    le16,
    prf,
)
from trail import Entry

LONGEST_NAME = 30
ABOUT_A_TOKEN = {3, 4, 12, 13}
"""Events: detokenize, reveal, rewrap, reown."""


# --- Canaries ---------------------------------------------------------------------------------------------------------


def check_name(name: bytes) -> None:
    if not 1 <= len(name) <= LONGEST_NAME or 0 in name:
        raise Malformed("name of a canary")


def canary_value(field: int, name: bytes, index: int) -> bytes:
    """The name, and as few zero bytes as give the class of this index, which the field must be able to have."""
    check_name(name)
    for length in range(len(name), symbolon.LONGEST_VALUE + 1):
        if symbolon.class_index(field, length) == index:
            return symbolon.padded(name, length)
    raise Malformed("class of a canary")


def seal_canary(keyring: Keyring, tenant: bytes, like: bytes, name: bytes, rng16: bytes) -> bytes:
    """A canary that looks like this token: of its field, class, epoch and mode."""
    model = Token.parse(like)
    index, epoch = symbolon.CLASSES.index(model.length), model.epoch
    if epoch not in keyring.epochs:
        raise Malformed("a look of an epoch that there isn't")
    plain = symbolon.pad(model.field, canary_value(model.field, name, index))
    header = symbolon.header_of(index, model.field, epoch, model.erasable)
    return symbolon.seal_under(keyring, keyring.canary_key(epoch, tenant), tenant, header, rng16, plain)


def canary_name(keyring: Keyring, tenant: bytes, raw: bytes) -> bytes:
    """Where a canary was put: what its value says to a holder of the roots."""
    token = Token.parse(raw)
    key = symbolon.seal_key(keyring.canary_key(token.epoch, tenant), token.field, token.erasable)
    opened = symbolon.aead_open(key, token.nonce, token.associated, token.sealed)
    if opened is None or opened[:16] != COMMITMENT_ZEROS:
        raise Denied("no canary of the tenant")
    value = symbolon.unpad(token.field, opened[16:])
    name = value.rstrip(b"\0")
    try:
        if value != canary_value(token.field, name, symbolon.CLASSES.index(token.length)):
            raise Denied("more zeros than the class asks for")
    except Malformed as reason:
        raise Denied(str(reason)) from None
    return name


# --- Scanner keys -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScannerKey:
    """What tells a tenant's tokens from other bytes, and opens nothing."""

    tenant: bytes
    mark_keys: tuple[tuple[int, bytes], ...]

    def to_bytes(self) -> bytes:
        keys = b"".join(le16(epoch) + key for epoch, key in self.mark_keys)
        return b"\x01" + short(self.tenant) + bytes([len(self.mark_keys)]) + keys

    @staticmethod
    def from_bytes(form: bytes) -> ScannerKey:
        if form[:1] != b"\x01":
            raise Malformed("version of a scanner key")
        tenant, rest = take_short(form[1:])
        if not rest or not 1 <= rest[0] <= 8 or len(rest) != 1 + 34 * rest[0]:
            raise Malformed("length of a scanner key")
        records = [rest[at : at + 34] for at in range(1, len(rest), 34)]
        keys = tuple((int.from_bytes(record[:2], "little"), record[2:]) for record in records)
        epochs = [0, *(epoch for epoch, _ in keys)]
        if any(later <= earlier for earlier, later in zip(epochs, epochs[1:])):
            raise Malformed("epochs do not rise from 1")
        return ScannerKey(tenant, keys)

    def recognises(self, raw: bytes) -> bool:
        """Whether the mark is the one that the key of the token's epoch gives."""
        token = Token.parse(raw)
        for epoch, key in self.mark_keys:
            if epoch == token.epoch:
                return hmac.compare_digest(prf(key, MARK_OF, token.nonce)[:4], token.mark)
        return False


def scanner_key(keyring: Keyring, tenant: bytes) -> ScannerKey:
    return ScannerKey(tenant, tuple((epoch, keyring.mark_key(epoch, tenant)) for epoch in keyring.epochs))


# --- Whose it was -----------------------------------------------------------------------------------------------------

OPENED, REFUSED, NOT_HIS = "opened", "refused", "-"


def attribution(keyring: Keyring, owner: Principal, secret: bytes | None, entry: Entry) -> str:
    """Whether the entry is about a token of the owner's, and whether that was opened."""
    if entry.event not in ABOUT_A_TOKEN:
        return NOT_HIS
    if entry.reason == 0:
        return OPENED if entry.owner == keyring.tag_of(owner) else NOT_HIS
    return REFUSED if was_sealed_for(keyring, owner, secret, entry) else NOT_HIS


def was_sealed_for(keyring: Keyring, owner: Principal, secret: bytes | None, entry: Entry) -> bool:
    """Whether a refused token was the owner's, as far as the roots and the owner's secret still tell."""
    token = token_with(entry.header)
    if token is None or token.epoch not in keyring.epochs or (token.erasable and secret is None):
        return False
    key = keyring.token_key(token.epoch, owner, secret if token.erasable else None)
    return symbolon.commitment_under(key, token.field, entry.nonce, token.erasable) == entry.owner


def token_with(header: bytes) -> Token | None:
    """One of which no more is known than this, or nothing where no token has such a header."""
    index = header[1] & symbolon.CLASS_BITS
    length = symbolon.CLASSES[index] if index < len(symbolon.CLASSES) else 0
    try:
        return Token.parse(header + bytes(54 + length - len(header)))
    except Malformed:
        return None
