"""The cases of canary.txt, scanner-key.txt, their fail files, and attribution.txt (SPEC.md section 16)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import fields
import symbolon
import trail
import watching
from cases import (
    ALICE,
    BOB,
    LONG,
    NAME,
    NOW,
    ORDER,
    PACKER,
    RING,
    SECRET,
    SERVICE,
    SHIPPING,
    flipped,
    listed,
    ring,
    row,
    some,
)
from symbolon import Keyring, Principal, Token, le16

# --- Canaries ---------------------------------------------------------------------------------------------------------

TABLE = b"shop.customers"
CARD = fields.CODES["card-number"]


def look(name: str, length: int, keyring: Keyring = RING, erasable: bool = False, epoch: int | None = None) -> bytes:
    """A token of this field, and of the class that a value of so many bytes asks for."""
    field = fields.code_of(name)
    record, secret = ORDER if fields.is_bound(field) else b"", SECRET if erasable else None
    value, rng16 = some(f"look {name} {length}", length), some(f"look {name} {length}", 16)
    return symbolon.seal(keyring, ALICE, field, value, rng16, epoch, record, secret)


def canary_looks() -> Iterable[tuple[Keyring, bytes, bytes, bytes]]:
    """Keyring, tenant, the token which it is to look like, name."""
    tenant = ALICE.tenant
    for name in fields.CODES:
        yield RING, tenant, look(name, 5), TABLE
    for length in (5, 31, 63, 127, 255, 511):
        yield RING, tenant, look("custom-32-7", length), TABLE
        yield RING, tenant, look("custom-32-7", length, erasable=True), TABLE
        yield RING, tenant, look("bound-32-7", length), TABLE
    yield RING, tenant, look("bound-64-9", 5, erasable=True), TABLE
    yield RING, tenant, look("shipping-address", 300, erasable=True), TABLE
    for name in (b"a", b"\xff" * 30, some("name", 30).replace(b"\0", b"0"), "山田.表".encode(), b" "):
        for field in ("custom-32-7", "person-name", "card-number"):
            yield RING, tenant, look(field, 5), name
    yield RING, tenant, look("person-name", 5, epoch=1), TABLE
    for keyring in (ring(1), ring(65535), ring(3, 5, 1000)):
        yield keyring, tenant, look("person-name", 5, keyring), TABLE
    for tenant in (LONG.tenant, SERVICE.tenant):
        yield RING, tenant, look("person-name", 5), TABLE


def canary_rows() -> Iterable[str]:
    for number, (keyring, tenant, like, name) in enumerate(canary_looks()):
        rng16 = some(f"canary {number}", 16)
        canary = watching.seal_canary(keyring, tenant, like, name, rng16)
        yield row(keyring.to_bytes(), tenant, like, name, rng16, canary)


def canary_fail_rows() -> Iterable[str]:
    for tenant, token, verdict, why in no_canaries():
        yield row(RING.to_bytes(), tenant, token, verdict, why)


def under_canary_key(
    value: bytes, index: int, field: int = NAME, record: bytes = b"", epoch: int = 2, zeros: bytes = b""
) -> bytes:
    """Sealed with K_canary in K's place, whatever the value; `zeros` are what stands behind it already."""
    header = symbolon.header_of(index, field, epoch)
    plain = symbolon.padded(le16(len(value)) + value + zeros, symbolon.CLASSES[index])
    key = RING.canary_key(epoch, ALICE.tenant)
    return symbolon.seal_under(RING, key, ALICE.tenant, header, some("rng", 16), plain, record)


def odd_canaries() -> Iterable[tuple[bytes, str]]:
    """No sealing makes these; SPEC.md does not say what reading their names gives, so no vector file has them."""
    for value, index, field, why in (
        (bytes(14), 1, NAME, "a name of zeros"),
        (b"\0" + TABLE, 1, NAME, "a zero byte before the name"),
        (b"shop\0customers", 1, NAME, "a zero byte in the name"),
        (TABLE + b"\0", 1, NAME, "a zero byte behind it that nothing asks for"),
        (symbolon.padded(TABLE, 32), 1, 0x8007, "a zero byte more than the class asks for"),
        (symbolon.padded(TABLE, 30), 0, 0x8007, "zero bytes as far as the class goes"),
        (b"n" * 31, 1, NAME, "a name of 31 bytes"),
        (b"n" * 62, 1, NAME, "a name of 62 bytes"),
    ):
        yield under_canary_key(value, index, field), why


def no_canaries() -> Iterable[tuple[bytes, bytes, str, str]]:
    tenant, like = ALICE.tenant, look("person-name", 5)
    good = watching.seal_canary(RING, tenant, like, TABLE, some("rng", 16))
    yield tenant, like, "denied", "an owner's token"
    yield tenant, look("person-name", 5, erasable=True), "denied", "an owner's erasable token"
    for other in (b"shoq", b"shop\0", LONG.tenant):
        yield other, good, "denied", "another tenant's"
    for at, part in ((6, "mark"), (10, "nonce"), (22, "commitment"), (38, "ciphertext"), (117, "tag")):
        yield tenant, flipped(good, at), "denied", f"a bit of the {part}"
    yield tenant, flipped(good, 1, 4), "denied", "the erasable flag put on it"
    yield tenant, good[:2] + le16(7) + good[4:], "denied", "another field"
    yield tenant, good[:4] + le16(1) + good[6:], "denied", "the keyring's other epoch"
    yield tenant, good[:4] + le16(3) + good[6:], "denied", "the epoch is not in the keyring"
    for value, index, field, why in (
        (TABLE, 0, NAME, "class: below the field's smallest"),
        (TABLE, 2, NAME, "class: the value fits the one below"),
    ):
        yield tenant, under_canary_key(value, index, field), "denied", why
    yield tenant, under_canary_key(TABLE, 1, zeros=b"\1"), "denied", "a byte behind the value"
    yield tenant, under_canary_key(TABLE, 3, SHIPPING, ORDER), "denied", "a record is bound to it"
    yield tenant, good[:-1], "malformed", "a byte less"
    yield tenant, flipped(good, 1, 5), "malformed", "the record flag on a field that is not bound"


# --- Scanner keys -----------------------------------------------------------------------------------------------------


def scanner_key_rows() -> Iterable[str]:
    eight = ring(*range(65_528, 65_536))
    for keyring, tenant in (
        (RING, ALICE.tenant),
        (ring(1), ALICE.tenant),
        (ring(65535), SERVICE.tenant),
        (ring(3, 5, 1000), LONG.tenant),
        (eight, LONG.tenant),
        (eight, b"\xff"),
    ):
        form = watching.scanner_key(keyring, tenant).to_bytes()
        for token, recognised, why in scanned(keyring, tenant):
            yield row(keyring.to_bytes(), tenant, form, token, "yes" if recognised else "no", why)


def scanned(keyring: Keyring, tenant: bytes) -> Iterable[tuple[bytes, bool, str]]:
    who, other = Principal(tenant, 1, b"alice"), Principal(tenant + b"x" if len(tenant) < 64 else b"x", 1, b"alice")
    for epoch in {keyring.epochs[0], keyring.newest}:
        token = symbolon.seal(keyring, who, NAME, b"Alice", some(f"scanned {epoch}", 16), epoch)
        yield token, True, f"epoch {epoch}"
    yield symbolon.seal(keyring, who, CARD, b"4242 4242 4242 4242", some("card", 16), secret=SECRET), True, "erasable"
    yield symbolon.seal(keyring, who, SHIPPING, b"Tokyo", some("bound", 16), record=ORDER), True, "bound"
    canary = watching.seal_canary(keyring, tenant, look("email", 5, keyring), TABLE, some("scanned canary", 16))
    yield canary, True, "a canary"
    for at, part in ((22, "commitment"), (38, "ciphertext"), (117, "tag")):
        yield flipped(token, at), True, f"a bit of the {part}, which the mark does not show"
    yield flipped(token, 1, 4), True, "the erasable flag put on it, which the mark does not show"
    for at, bit, part in ((6, 0, "mark"), (9, 7, "mark's end"), (10, 0, "nonce"), (21, 7, "nonce's end")):
        yield flipped(token, at, bit), False, f"a bit of the {part}"
    yield token[:6] + bytes(4) + token[10:], False, "a mark of zeros"
    yield symbolon.seal(keyring, other, NAME, b"Alice", some("rng", 16)), False, "another tenant's"
    unknown = keyring.epochs[0] - 1
    yield token[:4] + le16(unknown) + token[6:], False, f"epoch {unknown}, which the key has not"
    another = Keyring(keyring.k_tag, ((keyring.newest, some("another root")),))
    yield symbolon.seal(another, who, NAME, b"Alice", some("rng", 16)), False, "another root of the same epoch"


def scanner_key_fail_rows() -> Iterable[str]:
    for form, why in bad_scanner_keys():
        yield row(form, why)


def keys_form(*epochs: int, count: int | None = None, tenant: bytes = b"\x04shop") -> bytes:
    keys = b"".join(le16(epoch) + some(f"mark key {at}") for at, epoch in enumerate(epochs))
    return b"\x01" + tenant + bytes([len(epochs) if count is None else count]) + keys


def bad_scanner_keys() -> Iterable[tuple[bytes, str]]:
    good = keys_form(1, 2)
    yield b"", "empty"
    yield good[:1], "the version alone"
    yield good[:2], "no tenant"
    yield good[:6], "no number of epochs"
    yield good[:7], "no epochs, and they are two"
    for first in (0, 2, 0x11):
        yield bytes([first]) + good[1:], f"version {first}"
    for length in (0, 3, 5, 65, 255):
        yield good[:1] + bytes([length]) + good[2:], f"length of the tenant {length}, and it is 4"
    yield keys_form(1, 2, tenant=b"\0"), "an empty tenant"
    yield keys_form(1, 2, tenant=b"\x41" + b"t" * 65), "a tenant of 65 bytes"
    yield keys_form(), "zero epochs"
    yield keys_form(1, 2, count=0), "zero epochs, and two behind them"
    for count in (1, 3, 8, 9, 255):
        yield keys_form(1, 2, count=count), f"number of epochs {count}, and they are 2"
    yield keys_form(*range(1, 10)), "nine epochs"
    yield keys_form(*range(1, 10), count=8), "nine epochs, said to be 8"
    yield keys_form(2, 1), "epochs fall"
    yield keys_form(1, 1), "an epoch twice"
    yield keys_form(256, 1), "epochs fall, and their first bytes rise"
    yield keys_form(1, 2, 3, 4, 5, 6, 8, 7), "the last epoch falls"
    yield keys_form(0), "epoch 0"
    yield keys_form(0, 1), "epoch 0 and another"
    yield keys_form(1, 0), "epoch 0 behind another"
    yield good[:-1], "a byte less"
    yield good[:-34], "an epoch less"
    for behind in (b"\0", bytes(34), good[-34:]):
        yield good + behind, f"trailing: {len(behind)} bytes"


# --- Whose it was -----------------------------------------------------------------------------------------------------

AUDIT_KEY = trail.AuditKey(7, some("trail key 7"), RING.k_tag)
REASONS_OF_OPENINGS = [*range(1, 16), *range(31, 36), 37, 38]


def attribution_rows() -> Iterable[str]:
    entries = trail_of_openings()
    chain = trail.write(AUDIT_KEY, entries)
    other_ring = Keyring(RING.k_tag, ((1, RING.root(1)), (2, some("another root"))))
    for keyring, owner, secret in (
        (RING, ALICE, SECRET),
        (RING, ALICE, None),
        (RING, ALICE, some("another secret")),
        (RING, BOB, some("bob's secret")),
        (RING, replace(ALICE, kind=2), SECRET),
        (RING, PACKER, None),
        (RING, Principal(b"shoq", 1, b"alice"), SECRET),
        (ring(1), ALICE, SECRET),
        (ring(2), ALICE, SECRET),
        (ring(2, 3), ALICE, None),
        (other_ring, ALICE, SECRET),
    ):
        verdicts = [watching.attribution(keyring, owner, secret, entry) for entry in entries]
        who = (owner.tenant, owner.kind, owner.subject)
        yield row(keyring.to_bytes(), *who, secret or b"", AUDIT_KEY.to_bytes(), listed(chain), ",".join(verdicts))


def tokens_of_two() -> Iterable[tuple[Principal, bytes]]:
    """Of each mode, of both epochs, of fields and classes."""
    for owner, secret in ((ALICE, SECRET), (BOB, some("bob's secret"))):
        for kept in (None, secret):
            for field, record in ((NAME, b""), (SHIPPING, ORDER), (0x8FFF, b"order 4712"), (0xD7FF, b"")):
                for epoch in RING.epochs:
                    rng16 = some(f"attributed {owner.subject} {kept} {field} {epoch}", 16)
                    yield owner, symbolon.seal(RING, owner, field, b"Tokyo", rng16, epoch, record, kept)
    yield ALICE, symbolon.seal(RING, ALICE, NAME, b"n" * 1000, some("long", 16))


ABOUT_TOKENS = 33 + 7
"""Entries behind the first: each token refused, each fifth opened."""
LAST_VERDICTS = ["refused", "-", "-", "-", "-", *["-"] * 3, *["-"] * 4, "-", *["-"] * 6, "-", "-"]


def trail_of_openings() -> list[trail.Entry]:
    """Openings and refusals of both owners' tokens by one service; then entries that are about no token of theirs."""
    entries = [trail.started(0, NOW, RING.epochs, (0, 1))]
    caller = {"caller": RING.tag_of(PACKER), "kind": PACKER.kind, "session": some("session id", 8), "count": 1}

    def add(event: int, reason: int, raw: bytes, owner: bytes, **given: object) -> None:
        token, number = Token.parse(raw), len(entries)
        said = {**caller, "field": token.field, "header": token.header, "nonce": token.nonce, "owner": owner, **given}
        entries.append(trail.Entry(number, NOW + number, event, reason, **said))

    for place, (owner, raw) in enumerate(tokens_of_two()):
        token, event = Token.parse(raw), (3, 4, 12, 13)[place % 4]
        add(event, REASONS_OF_OPENINGS[place % len(REASONS_OF_OPENINGS)], raw, token.commitment)
        if place % 5 == 0:
            add(event, 0, raw, RING.tag_of(owner), view=(1, 2, 3, 3)[place % 4])
    raw = next(token for owner, token in tokens_of_two() if owner == ALICE)
    token, tag = Token.parse(raw), RING.tag_of(ALICE)
    add(4, 4, raw, token.commitment, field=4)
    add(4, 1, raw, flipped(token.commitment, 15, 7))
    add(4, 1, raw, tag)
    add(4, 0, raw, token.commitment)
    add(4, 1, raw, token.commitment, nonce=flipped(token.nonce, 0))
    for at, bit in ((1, 4), (2, 1), (4, 1)):  # the mode, the field, the epoch
        add(4, 1, raw, token.commitment, header=flipped(token.header, at, bit))
    for event in (8, 14, 15, 18):
        add(event, 0, raw, tag, header=bytes(6), nonce=bytes(12))
    add(8, 1, raw, token.commitment)
    for event in (2, 5, 16, 22, 25, 26):
        add(event, 1, raw, token.commitment)
    canary = watching.seal_canary(RING, ALICE.tenant, raw, TABLE, some("rng", 16))
    add(4, 3, canary, Token.parse(canary).commitment)
    add(6, 2, raw, bytes(16), header=bytes(6), nonce=bytes(12), field=0, count=9)
    return entries
