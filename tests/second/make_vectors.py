"""Makes the vector files of this implementation: `python tests/second/make_vectors.py` from the repository's root.

Deterministic: every key and random byte is SHAKE-256 of a name. `run.py` checks that the files are what this makes;
no test writes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import fields
import grants
import make_appliance
import make_trail
import make_watching
import registry
import sessions
import symbolon
import trail
from cases import (
    ALICE,
    AUDIENCE,
    BOB,
    LONG,
    NAME,
    NOW,
    ORDER,
    PACKER,
    POLICY,
    RING,
    SECRET,
    SERVICE,
    SHIPPING,
    cell,
    flipped,
    item_list,
    listed,
    ring,
    row,
    some,
)
from symbolon import Keyring, Principal, le16, le64

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
PROVENANCE = """\
# {title}
#
# Provenance: made by the second implementation (tests/second, Python) from SPEC.md alone, 2026-11-23. To remake:
# python tests/second/make_vectors.py; no test does. All keys and random bytes are SHAKE-256 of a name.
#
# Values are in hex, `-` is empty, numbers are decimal, fields by name.
# {columns}
"""


# --- Section 2 --------------------------------------------------------------------------------------------------------

PRF_LENGTHS = (0, 1, 12, 13, 14, 29, 30, 45, 108, 109, 110, 111, 125, 1000)


def prf_rows() -> Iterable[str]:
    for label in (1, 5, 28):
        for length in PRF_LENGTHS:
            key, message = some(f"prf key {label}"), some(f"prf message {length}", length)
            yield row(key, label, message, symbolon.prf(key, label, message))
    for key in (bytes(32), b"\xff" * 32):
        for message in (b"", bytes(13), bytes(109), b"\xff" * 110):
            yield row(key, 27, message, symbolon.prf(key, 27, message))


def keys_rows() -> Iterable[str]:
    yield from owner_key_rows()
    yield from erasable_key_rows()
    yield from grant_and_index_key_rows()
    yield from credential_key_rows()
    for name in ("a", "b"):
        key, serial, tag = some(f"session key {name}"), some(f"serial {name}", 16), some(f"tag {name}", 16)
        yield row("session", key, serial, tag, symbolon.bound_key(key, serial, tag))
    for node, number in ((0, 0), (7, 64), (2**32 - 1, 1024)):
        k_0, k_tag = some(f"trail key {node}"), some("tag key")
        k_i = trail.block_key(k_0, number)
        yield row("trail", k_tag, node, k_0, number, k_i, trail.seal_state(k_tag, node, number, k_i))
    yield from keyring_form_rows()


def owner_key_rows() -> Iterable[str]:
    for owner in (ALICE, BOB, LONG, SERVICE):
        for epoch, field in ((1, 1), (2, 5), (2, 0x8000), (1, 0xD7FF), (2, SHIPPING), (1, 0xDFFF)):
            owner_key = RING.owner_key(epoch, owner)
            yield row(
                "owner",
                RING.to_bytes(),
                epoch,
                owner.tenant,
                owner.kind,
                owner.subject,
                fields.name_of(field),
                RING.tenant_key(epoch, owner.tenant),
                owner_key,
                symbolon.seal_key(owner_key, field),
                RING.mark_key(epoch, owner.tenant),
                RING.canary_key(epoch, owner.tenant),
                RING.tag_of(owner),
            )


def erasable_key_rows() -> Iterable[str]:
    for owner, secret in ((ALICE, SECRET), (LONG, some("another owner secret")), (SERVICE, b"\xff" * 32)):
        for epoch, field in ((1, 1), (2, 0x8000), (2, SHIPPING), (1, 0xDFFF)):
            key = RING.token_key(epoch, owner, secret)
            yield row(
                "erasable",
                RING.to_bytes(),
                epoch,
                owner.tenant,
                owner.kind,
                owner.subject,
                fields.name_of(field),
                secret,
                key,
                symbolon.seal_key(key, field, erasable=True),
            )


def grant_and_index_key_rows() -> Iterable[str]:
    for owner in (ALICE, LONG, SERVICE):
        for epoch, grant_epoch in ((1, 0), (2, 1), (2, 2**32 - 1)):
            key = RING.grant_key(epoch, owner, grant_epoch)
            yield row(
                "grant", RING.to_bytes(), epoch, owner.tenant, owner.kind, owner.subject, grant_epoch, key
            )
    for epoch, tenant, field, name, version in (
        (1, b"shop", 4, b"email", 1),
        (2, LONG.tenant, 0xDFFF, some("index", 64), 65535),
        (2, SERVICE.tenant, 1, b"\0", 0),
    ):
        key = RING.index_key(epoch, tenant, field, name, version)
        yield row("index", RING.to_bytes(), epoch, tenant, fields.name_of(field), name, version, key)


def credential_key_rows() -> Iterable[str]:
    for epoch, audience, tenant, kind, period in (
        (1, AUDIENCE, b"shop", 1, 20833),
        (2, some("audience", 64), LONG.tenant, 3, 2**32 - 1),
    ):
        k_cred = RING.issuer_key(epoch, audience, tenant, kind, period)
        yield row("credential", RING.to_bytes(), epoch, audience, tenant, kind, period, k_cred)


def keyring_form_rows() -> Iterable[str]:
    for good in (ring(1), ring(65535), ring(1, 2), ring(3, 5, 1000), ring(*range(1, 9))):
        yield row("form", good.to_bytes(), "ok")
    form = RING.to_bytes()
    record = form[34:68]
    for bad in (
        b"",
        form[:-1],
        form + b"\0",
        b"\x02" + form[1:],
        b"\x01\x00" + form[2:34],
        b"\x01\x01" + form[2:],
        b"\x01\x03" + form[2:],
        form[:34] + form[68:] + record,
        form[:34] + record + record,
        form[:34] + bytes(2) + form[36:],
        b"\x01\x09" + form[2:34] + b"".join(le16(epoch) + some(f"root {epoch}") for epoch in range(1, 10)),
    ):
        yield row("form", bad, "malformed")


# --- Section 4 --------------------------------------------------------------------------------------------------------

VALUES = {
    "person-name": "山田 太郎",
    "postal-address": "1-1 Chiyoda, Tokyo",
    "phone": "+81 90-1234-5678",
    "email": "alice@example.com",
    "card-number": "4242 4242 4242 4242",
    "card-expiry": "12/29",
    "bank-account": "みずほ銀行 普通 1234567",
    "birth-date": "1990-05-17",
    "national-id": "1234 5678 9012",
    "order-line": "2 x shoes",
    "free-text": "ring twice",
    "shipping-address": "2-3 Marunouchi, Tokyo",
}
LENGTHS = (1, 30, 31, 62, 63, 126, 127, 254, 255, 510, 511, 1022)


def token_row(
    keyring: Keyring,
    owner: Principal,
    name: str,
    value: bytes,
    epoch: int,
    record: bytes = symbolon.NO_RECORD,
    secret: bytes | None = None,
) -> str:
    field, rng16 = fields.code_of(name), some(f"rng {name} {len(value)} {epoch}", 16)
    token = symbolon.seal(keyring, owner, field, value, rng16, epoch, record, secret)
    who = (owner.tenant, owner.kind, owner.subject)
    return row(keyring.to_bytes(), *who, name, epoch, rng16, value, token, record, secret or b"")


def tokens_rows() -> Iterable[str]:
    for name, text in VALUES.items():
        yield token_row(RING, ALICE, name, text.encode(), 2, ORDER if name == "shipping-address" else b"")
    for name in (
        "custom-32-0",
        "custom-64-1",
        "custom-128-17",
        "custom-256-1000",
        "custom-512-2046",
        "custom-1024-2047",
    ):
        yield token_row(RING, LONG, name, b"\xff", 1)
    for length in LENGTHS:
        yield token_row(ring(65535), SERVICE, "custom-32-7", some(f"value {length}", length), 65535)
    yield token_row(RING, ALICE, "free-text", b"a" * 1022, 1)
    for length in (62, 63):
        yield token_row(RING, ALICE, "person-name", b"n" * length, 2)
    for epoch in (3, 1000):
        yield token_row(ring(3, 5, 1000), BOB, "email", b"bob@example.com", epoch)
    yield from erasable_token_rows()
    yield from bound_token_rows()


def erasable_token_rows() -> Iterable[str]:
    for name in ("person-name", "postal-address", "phone", "order-line", "birth-date"):
        yield token_row(RING, ALICE, name, VALUES[name].encode(), 2, secret=SECRET)
    for length in (1, 30, 31, 126, 255, 1022):
        yield token_row(ring(65535), SERVICE, "custom-32-7", some(f"value {length}", length), 65535, secret=b"\xff" * 32)
    yield token_row(RING, LONG, "custom-64-1", b"\0", 1, secret=some("secret of a long one"))


def bound_token_rows() -> Iterable[str]:
    for record in (b"1", b"order 4712", some("record", 13), some("record", 64), bytes(64)):
        yield token_row(RING, ALICE, "shipping-address", b"2-3 Marunouchi, Tokyo", 1, record)
    yield token_row(RING, ALICE, "shipping-address", b"2-3 Marunouchi, Tokyo", 2, ORDER, SECRET)
    for index, length in enumerate(fields.CLASS_LENGTHS):
        name = f"bound-{length}-{index * 400}"
        yield token_row(RING, LONG, name, b"\xff", 1, some(f"record {index}", 8))
        yield token_row(RING, LONG, name, some(f"bound {index}", 30), 2, some(f"record {index}", 8), SECRET)
    yield token_row(ring(1, 65535), SERVICE, "bound-32-2047", b"b" * 1022, 65535, b"\0")
    yield token_row(ring(1, 65535), SERVICE, "bound-32-2047", b"b" * 1022, 65535, b"\0\0", b"\x80" + bytes(31))


def sealed(
    index: int = 1, field: int = NAME, epoch: int = 2, plain: bytes = b"", commitment: bytes = bytes(16)
) -> bytes:
    """A token of Alice's that verifies but need not be a good one."""
    header = symbolon.header_of(index, field, epoch)
    nonce = some("nonce of a bad token", 12)
    associated = header + symbolon.mark_of(RING, epoch, ALICE.tenant, nonce) + nonce
    key = symbolon.seal_key(RING.owner_key(epoch, ALICE), field)
    return associated + symbolon.aead_seal(key, nonce, associated, commitment + plain)


def plain_of(length: int, content: bytes, size: int) -> bytes:
    return symbolon.padded(le16(length) + content, size)


def tokens_fail_rows() -> Iterable[str]:
    good = symbolon.seal(RING, ALICE, NAME, b"Alice", some("rng", 16))

    def case(
        token: bytes,
        verdict: str,
        why: str,
        keyring: Keyring = RING,
        who: Principal = ALICE,
        field: str = "person-name",
        record: bytes = b"",
        secret: bytes = b"",
    ) -> str:
        asked = (who.tenant, who.kind, who.subject, field, record, secret)
        return row(keyring.to_bytes(), *asked, token, verdict, why)

    yield from (case(token, "malformed", why) for token, why in malformed_tokens(good))
    yield from (case(token, "denied", why) for token, why in altered_tokens(good))
    yield from (case(token, "denied", why) for token, why in badly_sealed_tokens())
    yield case(good, "denied", "another owner", who=BOB)
    yield case(good, "denied", "another kind", who=replace(ALICE, kind=2))
    yield case(good, "denied", "another tenant", who=replace(ALICE, tenant=b"shoq"))
    yield case(good, "denied", "tenant and subject cut elsewhere", who=Principal(b"sho", 1, b"palice"))
    yield case(good, "denied", "another field", field="bank-account")
    yield case(good, "denied", "a field of another class", field="phone")
    yield case(good[:2] + le16(7) + good[4:], "denied", "another field, named by the token too", field="bank-account")
    yield case(good, "denied", "the epoch is not in the keyring", keyring=ring(1))
    yield case(
        good, "denied", "another root of the same epoch", keyring=Keyring(RING.k_tag, ((2, some("another root")),))
    )
    custom = symbolon.seal(RING, ALICE, 0x8011, b"x", some("rng", 16))
    yield case(custom, "denied", "the same number under another class", field="custom-64-17")
    for token, changes, why in refused_erasable_tokens(good):
        yield case(token, "denied", why, **changes)
    for token, changes, why in refused_bound_tokens(good):
        yield case(token, "denied", why, **changes)
    for token, changes, why in malformed_bound_tokens(good):
        yield case(token, "malformed", why, **changes)


Changes = dict[str, object]


def refused_erasable_tokens(good: bytes) -> Iterable[tuple[bytes, Changes, str]]:
    erasable = symbolon.seal(RING, ALICE, NAME, b"Alice", some("rng", 16), secret=SECRET)
    own: Changes = {"secret": SECRET}
    yield erasable, {}, "erasable: the owner has no secret (any more)"
    yield erasable, {"secret": some("another secret")}, "erasable: another secret"
    yield erasable, {"secret": flipped(SECRET, 31, 7)}, "erasable: a bit of the secret"
    yield erasable, {"secret": bytes(32)}, "erasable: a secret of zeros"
    yield erasable, {**own, "who": BOB}, "erasable: another owner with the same secret"
    yield erasable, {**own, "field": "bank-account"}, "erasable: another field"
    yield erasable, {**own, "keyring": ring(1)}, "erasable: the epoch is not in the keyring"
    yield erasable, {**own, "record": ORDER}, "erasable: a record id, and the field is not bound"
    for at, region in ((6, "mark"), (10, "nonce"), (22, "commitment"), (38, "ciphertext"), (117, "tag")):
        yield flipped(erasable, at), own, f"erasable: a bit of the {region}"
    yield flipped(erasable, 1, 4), own, "erasable: the flag taken away"
    yield flipped(good, 1, 4), own, "the erasable flag on a token that isn't"
    yield flipped(good, 1, 4), {}, "the erasable flag on a token that isn't, and no secret"
    header = symbolon.header_of(1, NAME, 2, erasable=True)
    short = plain_of(5, b"Alice", 64)
    owner_key, canary_key = RING.owner_key(2, ALICE), RING.canary_key(2, ALICE.tenant)
    for key, why in (
        (owner_key, "erasable: sealed under K_owner, with the mode of erasable tokens"),
        (symbolon.prf(owner_key, symbolon.ERASURE, b""), "erasable: an empty secret"),
        (canary_key, "an erasable canary"),
    ):
        yield symbolon.seal_under(RING, key, ALICE.tenant, header, some("rng", 16), short), own, why


def refused_bound_tokens(good: bytes) -> Iterable[tuple[bytes, Changes, str]]:
    yield good, {"record": ORDER}, "a record id, and the field is not bound"
    for secret, sort in ((None, "bound"), (SECRET, "bound and erasable")):
        token = symbolon.seal(RING, ALICE, SHIPPING, b"Tokyo", some("rng", 16), record=ORDER, secret=secret)
        own: Changes = {"field": "shipping-address", "record": ORDER, "secret": secret or b""}
        for record, why in (
            (b"", "no record id"),
            (b"order 4712", "another record id"),
            (ORDER[:-1], "a record id cut short"),
            (ORDER + b"\0", "a record id with a zero behind it"),
            (b"\0" + ORDER, "a record id with a zero before it"),
            (b"ORDER 4711", "a record id in upper case"),
            (some("record", 64), "a record id of 64 bytes"),
        ):
            yield token, {**own, "record": record}, f"{sort}: {why}"
        yield token, {**own, "who": BOB}, f"{sort}: another owner"
        yield token, {**own, "field": "postal-address", "record": b""}, f"{sort}: a field that is not bound"
        yield token, {**own, "field": "bound-256-12"}, f"{sort}: another bound field"
        yield flipped(token, 300), own, f"{sort}: a bit of the tag"
        yield flipped(token, 1, 4), {**own, "secret": SECRET}, f"{sort}: the erasable flag flipped"
    yield token, {**own, "secret": b""}, "bound and erasable: no secret"
    yield token, {**own, "secret": some("another secret")}, "bound and erasable: another secret"
    bound = symbolon.seal(RING, ALICE, 0x8811, b"x", some("rng", 16), record=ORDER)
    asked: Changes = {"record": ORDER}
    yield bound, {**asked, "field": "bound-32-18"}, "another number"
    yield bound, {**asked, "field": "bound-64-17"}, "bound, the same number under another class"
    yield bound, {"field": "custom-32-17"}, "bound, the same number asked for as one that isn't"
    custom = symbolon.seal(RING, ALICE, 0x8011, b"x", some("rng", 16))
    yield custom, {**asked, "field": "bound-32-17"}, "not bound, the same number asked for as a bound one"
    moved = bytes([0x11, 0x20]) + le16(0x8811) + custom[4:]
    yield moved, {**asked, "field": "bound-32-17"}, "not bound, made a bound one"
    shipping = symbolon.pad(SHIPPING, b"Tokyo")
    header, key = symbolon.header_of(3, SHIPPING, 2), RING.owner_key(2, ALICE)
    nowhere = symbolon.seal_under(RING, key, ALICE.tenant, header, some("rng", 16), shipping)
    yield nowhere, {"field": "shipping-address", "record": ORDER}, "bound, sealed without a record id"
    canary = symbolon.seal_under(
        RING, RING.canary_key(2, ALICE.tenant), ALICE.tenant, header, some("rng", 16), shipping, ORDER
    )
    yield canary, {"field": "shipping-address", "record": ORDER}, "a bound canary"


def malformed_bound_tokens(good: bytes) -> Iterable[tuple[bytes, Changes, str]]:
    token = symbolon.seal(RING, ALICE, SHIPPING, b"Tokyo", some("rng", 16), record=ORDER)
    own: Changes = {"field": "shipping-address", "record": ORDER}
    yield flipped(token, 1, 5), own, "bound: the flag taken away"
    yield flipped(flipped(token, 1, 5), 1, 4), {**own, "secret": SECRET}, "bound: the erasable flag in its place"
    yield token[:2] + le16(2) + token[4:], {"field": "postal-address", "record": ORDER}, "bound: a field that is not"
    yield flipped(good, 1, 5), {"record": ORDER}, "the record flag on a field that is not bound"
    for bit in (6, 7):
        yield flipped(token, 1, bit), own, f"bound: flag bit {bit}"
    yield token[:-1], own, "bound: a byte less"


def malformed_tokens(good: bytes) -> Iterable[tuple[bytes, str]]:
    yield b"", "empty"
    yield good[:6], "the header alone"
    yield good[:-1], "a byte less"
    yield good[1:], "without its first byte"
    yield good + b"\0", "a byte more"
    yield good[:86], "cut to the length of class 0"
    yield good + bytes(64), "as long as class 2"
    yield b"\x21" + good[1:], "version 2"
    yield b"\x01" + good[1:], "version 0"
    yield b"\x12" + good[1:], "suite 2"
    yield b"\x10" + good[1:], "suite 0"
    for bit in (6, 7):
        yield flipped(good, 1, bit), f"flag bit {bit}"
    yield flipped(good, 1, 5), "the record flag on a field that is not bound"
    yield flipped(flipped(good, 1, 4), 1, 5), "both flags on a field that is not bound"
    for index in (0, 2, 6, 7, 15):
        yield good[:1] + bytes([index]) + good[2:], f"class index {index}"
    for code, why in (
        (0, "field 0"),
        (12, "a bound field without the record flag"),
        (13, "field 13"),
        (0x7FFF, "field 32767"),
        (0x8800, "a bound custom field without the record flag"),
        (0xE800, "bound, class 6"),
        (0xF800, "bound, class 7"),
        (0xE000, "custom, class 6"),
        (0xF000, "custom, class 7"),
        (0x0101, "field 257"),
    ):
        yield good[:2] + le16(code) + good[4:], why


def altered_tokens(good: bytes) -> Iterable[tuple[bytes, str]]:
    last = len(good) - 1
    for region, places in (
        ("mark", (6, 9)),
        ("nonce", (10, 21)),
        ("commitment", (22, 37)),
        ("ciphertext", (38, last - 16)),
        ("tag", (last - 15, last)),
    ):
        yield flipped(good, places[0]), f"a bit of the {region}, at its beginning"
        yield flipped(good, places[1], 7), f"a bit of the {region}, at its end"
    yield good[:4] + le16(1) + good[6:], "the keyring's other epoch"
    yield good[:4] + le16(0) + good[6:], "epoch 0"
    yield good[:4] + le16(0x0102) + good[6:], "epoch 258"
    yield good[:2] + le16(7) + good[4:], "another field of the same class, asked for as the first"
    yield good[:6] + bytes(48 + 64), "zeros behind the header"


def badly_sealed_tokens() -> Iterable[tuple[bytes, str]]:
    """All of these verify."""
    short = plain_of(5, b"Alice", 64)
    yield sealed(plain=short, commitment=flipped(bytes(16), 0)), "commitment: first bit"
    yield sealed(plain=short, commitment=flipped(bytes(16), 15, 7)), "commitment: last bit"
    yield sealed(plain=short, commitment=b"\xff" * 16), "commitment: all ones"
    yield sealed(plain=flipped(short, 7)), "padding: first byte"
    yield sealed(plain=flipped(short, 63, 7)), "padding: last byte"
    yield sealed(plain=plain_of(63, b"a" * 62, 64)), "length: one above the class"
    yield sealed(plain=plain_of(0xFFFF, b"a" * 62, 64)), "length: 65,535"
    yield sealed(2, plain=plain_of(62, b"a" * 62, 128)), "class: the value fits the one below"
    yield sealed(5, plain=plain_of(5, b"Alice", 1024)), "class: the largest"
    yield sealed(0, plain=plain_of(5, b"Alice", 32)), "class: below the field's smallest"
    canary_key = RING.canary_key(2, ALICE.tenant)
    header = symbolon.header_of(1, NAME, 2)
    yield symbolon.seal_under(RING, canary_key, ALICE.tenant, header, some("rng", 16), short), "a canary"


# --- Section 5 --------------------------------------------------------------------------------------------------------


def one_of_each_class() -> list[bytes]:
    names = ("custom-32-0", "custom-64-1", "custom-128-17", "custom-256-1000", "custom-512-2046", "custom-1024-2047")
    return [symbolon.seal(RING, BOB, fields.code_of(name), b"text", some(name, 16)) for name in names]


def text_rows() -> Iterable[str]:
    marked = [
        symbolon.seal(RING, BOB, NAME, b"text", some("erasable", 16), secret=SECRET),
        symbolon.seal(RING, BOB, SHIPPING, b"text", some("bound", 16), record=ORDER),
        symbolon.seal(RING, BOB, 0x8FFF, b"text", some("both", 16), record=ORDER, secret=SECRET),
    ]
    for token in one_of_each_class() + marked:
        yield row(token, symbolon.token_text(token))


def text_fail_rows() -> Iterable[str]:
    for text, why in bad_texts():
        yield row(text.encode(), why)


def bad_texts() -> Iterable[tuple[str, str]]:
    tokens = one_of_each_class()
    good, two_over = (symbolon.token_text(token) for token in tokens[:2])
    content = good.removeprefix("sym_")
    yield "", "empty"
    yield "sym_", "the prefix alone"
    for prefix in ("", "SYM_", "Sym_", "sym-", "sym", "sym__", "tok_", " sym_"):
        yield prefix + content, f"prefix {prefix!r}"
    yield good + "=", "padding"
    yield two_over + "==", "padding of two"
    for space in (" ", "\n", "\r\n", "\t", "\0"):
        yield good + space, f"{space!r} behind it"
        yield good[:60] + space + good[60:], f"{space!r} inside"
    yield good[:-1], "a character less"
    yield good[:-3], "three characters less"
    yield good + "AA", "1 mod 4"
    yield good + "A", "a byte more"
    yield good + "AAAAA", "three bytes and a character more"
    yield good[:60] + "+" + good[61:], "standard alphabet: +"
    yield good[:60] + "/" + good[61:], "standard alphabet: /"
    for wrong in ".,%~=é":
        yield good[:60] + wrong + good[61:], f"character {wrong!r}"
    yield good[:60] + "％" + good[61:], "a full-width character"
    for text, bits in ((good, 2), (two_over, 4)):
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        for bit in range(bits):
            yield text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1 << bit], f"unused bit {bit}"
    for malformed, why in malformed_tokens(tokens[1]):
        yield symbolon.token_text(malformed), f"malformed token: {why}"


# --- Section 6 --------------------------------------------------------------------------------------------------------

SESSION_KEY = some("session key")
CLAIMS = sessions.Claims(
    flags=1,
    rights=1,
    epoch=2,
    not_before=NOW,
    expiry=NOW + 600_000,
    first_log_in=NOW,
    purposes=1,
    audience=AUDIENCE,
    principal=ALICE,
)
MIDNIGHT = NOW // sessions.DAY * sessions.DAY


def issued(claims: sessions.Claims, keyring: Keyring = RING, name: str = "credential") -> bytes:
    issuer = issuer_of(claims, keyring)
    return sessions.issue(issuer.k_cred, claims, SESSION_KEY, some(name, 16))


def issuer_of(claims: sessions.Claims, keyring: Keyring) -> sessions.Issuer:
    who = claims.principal
    return sessions.issuer_of(keyring, claims.epoch, claims.audience, who.tenant, who.kind, claims.day)


def good_claims() -> Iterable[tuple[sessions.Claims, int]]:
    """Claims, and a time at which a vault takes them."""
    yield CLAIMS, NOW
    yield CLAIMS, NOW - 2_000
    yield CLAIMS, NOW + 599_999
    yield replace(CLAIMS, flags=0, rights=0, purposes=2**64 - 1), NOW
    yield replace(CLAIMS, epoch=1), NOW
    yield replace(CLAIMS, principal=LONG, rights=0xFF, audience=some("audience", 64)), NOW
    yield replace(CLAIMS, principal=SERVICE, rights=0x7E, audience=b"\x00"), NOW
    yield replace(CLAIMS, expiry=NOW + 900_000), NOW
    yield replace(CLAIMS, session_id=some("renewed", 16), first_log_in=NOW + 600_000 - sessions.DAY), NOW
    yield replace(CLAIMS, session_id=some("renewed", 16), first_log_in=NOW - 1), NOW
    yield replace(CLAIMS, not_before=MIDNIGHT, first_log_in=MIDNIGHT, expiry=MIDNIGHT + 1000), MIDNIGHT - 1
    yield replace(CLAIMS, not_before=MIDNIGHT - 1, first_log_in=MIDNIGHT - 1, expiry=MIDNIGHT + 1000), MIDNIGHT
    yield replace(CLAIMS, principal=SERVICE, rights=0x80, purposes=1 << 63), NOW
    yield replace(CLAIMS, principal=replace(ALICE, kind=2), rights=0x81, purposes=0), NOW
    yield replace(CLAIMS, principal=replace(ALICE, kind=2), rights=0x101), NOW
    yield replace(CLAIMS, principal=SERVICE, rights=0x1FF), NOW
    yield replace(CLAIMS, principal=SERVICE, rights=0x100), NOW


def credential_rows() -> Iterable[str]:
    for number, (claims, now) in enumerate(good_claims()):
        who, name = claims.principal, f"credential {number}"
        session_id = b"" if claims.session_id == sessions.NO_SESSION_ID else claims.session_id
        yield row(
            RING.to_bytes(),
            claims.epoch,
            claims.audience,
            who.tenant,
            who.kind,
            who.subject,
            SESSION_KEY,
            some(name, 16),
            claims.flags,
            claims.rights,
            claims.not_before,
            claims.expiry,
            claims.first_log_in,
            claims.purposes,
            session_id,
            issuer_of(claims, RING).to_bytes(),
            now,
            issued(claims, name=name),
        )


def credential_fail_rows() -> Iterable[str]:
    def case(
        credential: bytes, verdict: str, why: str, now: int = NOW, keyring: Keyring = RING, audience: bytes = AUDIENCE
    ) -> str:
        return row(keyring.to_bytes(), audience, now, credential, verdict, why)

    good = issued(CLAIMS)
    yield from (case(bad, "malformed", why) for bad, why in malformed_credentials(good))
    for at, region in (
        (11, "not-before"),
        (19, "expiry"),
        (35, "purposes"),
        (43, "session id"),
        (60, "audience"),
        (74, "tenant"),
        (79, "subject"),
    ):
        yield case(flipped(good, at), "denied", f"a bit of the {region}")
    for back, region in ((64, "serial"), (48, "session key"), (16, "tag"), (1, "tag's end")):
        yield case(flipped(good, -back), "denied", f"a bit of the {region}")
    yield case(flipped(good, 1), "denied", "the flag taken away")
    yield case(good[:2] + b"\x02" + good[3:], "denied", "another kind")
    yield case(good[:7] + b"\0" + good[8:], "denied", "another period")
    yield case(good, "denied", "another audience", audience=b"vault.exampl")
    yield case(good, "denied", "the epoch is not in the keyring", keyring=ring(1))
    yield case(issued(replace(CLAIMS, epoch=1), ring(1, 2, 3)), "denied", "below the floor", keyring=ring(1, 2, 3))
    yield case(good, "denied", "another root", keyring=Keyring(RING.k_tag, ((1, some("a")), (2, some("b")))))
    yield case(good, "denied", "a millisecond too early", now=NOW - 2_001)
    yield case(good, "denied", "expired", now=NOW + 600_000)
    yield case(good, "denied", "long expired", now=NOW + sessions.DAY)
    for changes, why in bad_claims():
        yield case(issued(replace(CLAIMS, **changes)), "denied", why)


def malformed_credentials(good: bytes) -> Iterable[tuple[bytes, str]]:
    yield b"", "empty"
    yield good[:-1], "a byte less"
    yield good + b"\0", "a byte more"
    yield good[:59], "without names"
    yield b"\x12" + good[1:], "suite 2"
    yield b"\x21" + good[1:], "version 2"
    for bit in range(1, 8):
        yield flipped(good, 1, bit), f"flag bit {bit}"
    for kind in (0, 4, 255):
        yield good[:2] + bytes([kind]) + good[3:], f"kind {kind}"
    for length in (0, len(AUDIENCE) - 1, len(AUDIENCE) + 1, 65, 255):
        yield good[:59] + bytes([length]) + good[60:], f"length of the audience {length}"
    empty = good[:59] + b"\0" + good[60 + len(AUDIENCE) :]
    yield empty, "an empty audience"
    yield good[:59] + bytes([65]) + b"a" * 65 + good[60 + len(AUDIENCE) :], "an audience of 65 bytes"


def bad_claims() -> Iterable[tuple[dict[str, object], str]]:
    """All of these verify."""
    yield {"period": CLAIMS.day - 1}, "the day before's key"
    yield {"period": CLAIMS.day + 1}, "the day after's key"
    yield {"period": 0}, "period 0"
    yield {"not_before": NOW + 2_001}, "not valid for 2,001 ms"
    yield {"expiry": NOW + 900_001}, "valid for longer than 15 minutes"
    yield {"expiry": 2**64 - 1}, "valid until the end of time"
    yield {"first_log_in": NOW + 1}, "first log-in after not-before"
    yield {"first_log_in": NOW + 600_000 - sessions.DAY - 1}, "first log-in 24 h and 1 ms before expiry"
    yield {"first_log_in": 0}, "first log-in at 0"
    for bit in range(1, 16):
        yield {"rights": 1 | 1 << bit}, f"a person with right {bit}"
    yield {"rights": 0x100}, "a person with right 8 alone"
    for bit in range(9, 16):
        yield {"rights": 1 | 1 << bit, "principal": replace(ALICE, kind=2)}, f"staff with right {bit}"
    yield {"rights": 0x300, "principal": replace(ALICE, kind=3)}, "a service with right 9"
    yield {"rights": 0x3FF, "principal": replace(ALICE, kind=3)}, "a service with right 9 beside all others"


# --- Section 7 --------------------------------------------------------------------------------------------------------

REQUEST = [b"POST", b"/v1/reveal", b'{"items":[]}']


def proof_rows() -> Iterable[str]:
    credential = issued(CLAIMS)
    nonce = some("proof nonce", 16)
    for parts in (
        [b""],
        REQUEST,
        [b"", b"", b""],
        [b"POST/", b"v1/reveal"],
        [b"POST", b"/v1/reveal"],
        [some("long body", 300)],
    ):
        yield proof_row(credential, nonce, NOW, parts)
    yield proof_row(credential, bytes(16), NOW, REQUEST)
    for time, verdict in (
        (NOW - 59_999, "accepted"),
        (NOW - 60_001, "stale proof"),
        (NOW + 2_000, "accepted"),
        (NOW + 2_001, "future proof"),
        (0, "stale proof"),
        (2**64 - 1, "future proof"),
    ):
        yield proof_row(credential, nonce, time, REQUEST, verdict)
    yield proof_row(credential, nonce, NOW, REQUEST, "proof before start", NOW - 2_000)
    yield proof_row(credential, nonce, NOW, REQUEST, "accepted", NOW - 2_001)
    good = sessions.prove(sessions.Credential.parse(credential).bound_key(SESSION_KEY), nonce, NOW, REQUEST)
    for at in (0, 15, 16, 23, 24, 39):
        yield proof_row(credential, nonce, NOW, REQUEST, "bad proof", proof=flipped(good, at))
    for parts in (REQUEST[:2], REQUEST + [b""], REQUEST[::-1], [b"".join(REQUEST)], [b"GET"] + REQUEST[1:]):
        yield proof_row(credential, nonce, NOW, parts, "bad proof", proof=good)


def proof_row(
    credential: bytes,
    nonce: bytes,
    time: int,
    parts: list[bytes],
    verdict: str = "accepted",
    start: int = NOW - 600_000,
    proof: bytes = b"",
) -> str:
    k_s = sessions.Credential.parse(credential).bound_key(SESSION_KEY)
    proof = proof or sessions.prove(k_s, nonce, time, parts)
    return row(SESSION_KEY, credential, nonce, time, listed(parts), start, NOW, proof, verdict)


def reveal_rows() -> Iterable[str]:
    tokens = [
        (field, symbolon.seal(RING, owner, fields.code_of(name), value, some(f"reveal {name}", 16)))
        for owner, field, name, value in (
            (ALICE, 1, "person-name", b"Alice"),
            (ALICE, 4, "email", b"alice@example.com"),
            (BOB, 1, "person-name", b"Bob"),
            (ALICE, 7, "person-name", b"Alice"),
            (ALICE, 0x8007, "custom-32-7", b"\xff" * 30),
            (ALICE, 11, "free-text", b"t" * 200),
        )
    ]
    nonce = some("reveal nonce", 16)
    for node, sequence, items in (
        (0, 0, tokens[:1]),
        (7, 2**40, tokens),
        (2**32 - 1, 2**64 - 1, tokens[2:4]),
        (1, 1, tokens[4:]),
        (0, 1, [tokens[0], tokens[0]]),
    ):
        yield reveal_row(nonce, node, sequence, items)
    yield reveal_row(bytes(16), 0, 0, tokens[:1])
    yield reveal_row(nonce, 7, 2, tokens, masked=True)
    phones = [("+81 90-1234-5678", "a phone"), ("not a phone", "whose placeholder is longer than its class holds")]
    too_long = [
        (3, symbolon.seal(RING, ALICE, 3, text.encode(), some(f"reveal {why}", 16))) for text, why in phones
    ]
    yield reveal_row(nonce, 7, 3, too_long, masked=True)
    marked = [
        (NAME, symbolon.seal(RING, ALICE, NAME, b"Alice", some("reveal erasable", 16), secret=SECRET)),
        (SHIPPING, symbolon.seal(RING, ALICE, SHIPPING, b"Tokyo", some("reveal bound", 16), record=ORDER)),
        (SHIPPING, symbolon.seal(RING, ALICE, SHIPPING, b"Tokyo", some("reveal other", 16), record=b"order 4712")),
    ]
    yield reveal_row(nonce, 7, 4, marked)
    yield reveal_row(nonce, 7, 5, marked, masked=True)


def reveal_row(nonce: bytes, node: int, sequence: int, items: list[sessions.Item], masked: bool = False) -> str:
    serial, tag = some("serial", 16), some("tag", 16)
    k_s = symbolon.bound_key(SESSION_KEY, serial, tag)
    answers = [
        sessions.answer(
            RING, ALICE, field, symbolon.Token.parse(token), masked, ORDER if fields.is_bound(field) else b"", SECRET
        )
        for field, token in items
    ]
    reply = sessions.seal_reply(k_s, node, sequence, nonce, items, answers)
    values = sessions.open_reply(k_s, nonce, items, reply)
    shown = ",".join("!" if value is None else cell(value) for value in values)
    return row(SESSION_KEY, serial, tag, nonce, node, sequence, item_list(items), shown, reply)


# --- Section 12 -------------------------------------------------------------------------------------------------------

CUSTODIAN = replace(LONG, kind=3, subject=some("custodian", 64))
OLD_RING = ring(3, 5, 1000)
TERMS = grants.Terms(
    grants.FULL, grants.SHIPPING, NOW, NOW + 86_400_000, uses=0, fields=(NAME, 2, SHIPPING), record=b""
)
EIGHT_FIELDS = (1, 4, 11, SHIPPING, 0x8000, 0x8800, 0xD7FF, 0xDFFF)
Minted = tuple[Principal, Principal, Principal, grants.Terms, int, Keyring]


def minted() -> Iterable[Minted]:
    """Owner, grantee, grantor, terms, grant epoch, keyring."""

    def under(grant_epoch: int = 0, keyring: Keyring = RING, grantor: Principal = ALICE, **terms: object) -> Minted:
        return ALICE, PACKER, grantor, replace(TERMS, **terms), grant_epoch, keyring

    yield under()
    yield under(uses=1)
    yield under(uses=2**32 - 1, grantor=POLICY)
    yield under(view=grants.MASKED, purpose=grants.SUPPORT, fields=(NAME,))
    yield under(view=grants.RESEAL, purpose=grants.MAINTENANCE, uses=1_000, grantor=POLICY)
    yield ALICE, BOB, ALICE, replace(TERMS, view=grants.RESEAL, purpose=grants.TRANSFER, uses=1), 0, RING
    yield under(record=ORDER, fields=(SHIPPING,))
    yield under(record=some("record", 64), fields=(NAME, 0x8800))
    yield under(record=b"\0", uses=1)
    yield under(fields=EIGHT_FIELDS, grant_epoch=1)
    yield under(fields=EIGHT_FIELDS[:7], grant_epoch=255, purpose=grants.OWN_USE)
    yield under(fields=(0xDFFF,), grant_epoch=2**32 - 1)
    yield under(keyring=ring(1))
    yield under(keyring=ring(65535), grant_epoch=65536)
    yield under(keyring=OLD_RING, record=ORDER)
    yield under(not_before=0, expiry=1)
    yield under(not_before=NOW, expiry=NOW + grants.LONGEST_LIFE, purpose=32)
    yield under(not_before=2**64 - 2, expiry=2**64 - 1, purpose=63)
    yield LONG, CUSTODIAN, LONG, replace(TERMS, purpose=grants.PAYMENT), 7, RING
    yield SERVICE, replace(SERVICE, subject=b"\0"), SERVICE, replace(TERMS, purpose=grants.MESSAGE), 0, RING
    long_owner = Principal(b"\0", 1, some("subject", 63) + b"\0")
    yield long_owner, SERVICE, replace(SERVICE, kind=2), replace(TERMS, purpose=grants.LEGAL), 0, RING
    for purpose in (grants.FRAUD_PREVENTION, grants.ACCOUNTING):
        yield under(purpose=purpose, view=grants.MASKED, uses=3)


def grants_rows() -> Iterable[str]:
    for number, (owner, grantee, grantor, terms, grant_epoch, keyring) in enumerate(minted()):
        rng16 = some(f"grant {number}", 16)
        yield row(
            keyring.to_bytes(),
            owner.tenant,
            owner.kind,
            owner.subject,
            grantee.kind,
            grantee.subject,
            grantor.kind,
            grantor.subject,
            terms.view,
            terms.purpose,
            grant_epoch,
            terms.not_before,
            terms.expiry,
            terms.uses,
            ",".join(map(fields.name_of, terms.fields)),
            terms.record,
            rng16,
            grants.mint(keyring, owner, grantee, grantor, terms, rng16, grant_epoch),
        )


def grants_fail_rows() -> Iterable[str]:
    """The bodies of those of the right length were all sealed."""
    raw = grants.mint(RING, ALICE, PACKER, ALICE, TERMS, some("grant", 16))
    key = RING.grant_key(2, ALICE, 0)
    for bad, why in (
        (b"", "empty"),
        (raw[:-1], "a byte less"),
        (raw + b"\0", "a byte more"),
        (raw[1:], "without its first byte"),
        (raw[: grants.BODY.size], "the body alone"),
    ):
        yield row(bad, "malformed", why)
    for verdict, changes in (("malformed", malformed_grants), ("ok", edges_of_grants)):
        for at, content, why in changes():
            body = raw[:at] + content + raw[at + len(content) : grants.BODY.size]
            yield row(body + symbolon.prf(key, symbolon.GRANT_MAC, body)[:16], verdict, why)
    yield row(flipped(raw, len(raw) - 1), "ok", "another MAC, which the form does not show")


VIEW, KIND, PURPOSE, EPOCH, GRANT_EPOCH, NOT_BEFORE, EXPIRY, USES, FIELDS = 1, 2, 3, 4, 6, 10, 18, 26, 30
GRANTEE, GRANTOR, RECORD, ID, SUBJECT = 46, 62, 78, 94, 110
Change = tuple[int, bytes, str]


def codes(*fields_: int) -> bytes:
    return symbolon.padded(b"".join(map(le16, fields_)), 16)


def resealing(view: int, purpose: int, uses: int) -> bytes:
    """View to uses of a grant of Alice's."""
    head = bytes([view, 1, purpose]) + le16(2) + symbolon.le32(0)
    return head + le64(TERMS.not_before) + le64(TERMS.expiry) + symbolon.le32(uses)


def malformed_grants() -> Iterable[Change]:
    for first in (0x10, 0x12, 0x01, 0x21):
        yield 0, bytes([first]), f"version and suite {first:#04x}"
    for view in (0, 4, 255):
        yield VIEW, bytes([view]), f"view {view}"
    for kind in (0, 4, 255):
        yield KIND, bytes([kind]), f"kind {kind}"
    for purpose in (10, 31, 64, 255):
        yield PURPOSE, bytes([purpose]), f"purpose {purpose}"
    yield NOT_BEFORE, le64(TERMS.expiry), "not-before is the expiry"
    yield NOT_BEFORE, le64(2**64 - 1), "not-before is the end of time"
    yield EXPIRY, le64(TERMS.not_before - 1), "expiry below not-before"
    yield EXPIRY, bytes(8), "expiry 0"
    for content, why in (
        (codes(), "no field"),
        (codes(0, 1), "the first field is 0"),
        (codes(1, 0, 2), "a field behind a zero"),
        (codes(1, 2, 3, 4, 5, 6, 0, 7), "the last field behind a zero"),
        (codes(2, 1), "fields fall"),
        (codes(1, 1), "a field twice"),
        (codes(1, 0x8000, 2), "the last field falls"),
        (codes(1, 13), "field 13"),
        (codes(256), "field 256"),
        (codes(0x7FFF), "field 32,767"),
        (codes(0xE000), "custom, class 6"),
        (codes(1, 0xF800), "bound, class 7"),
        (codes(0xFFFF), "field 65,535"),
    ):
        yield FIELDS, content, why
    yield SUBJECT, b"\0", "a subject of 0 bytes, and bytes behind it"
    yield SUBJECT, bytes(65), "a subject of 0 bytes"
    for length in (65, 255):
        yield SUBJECT, bytes([length]), f"a subject of {length} bytes"
    yield SUBJECT, b"\x04", "a byte behind the subject"
    yield grants.BODY.size - 1, b"\1", "the last byte behind the subject"
    yield VIEW, resealing(grants.RESEAL, grants.MAINTENANCE, 0), "view reseal, not counted"
    yield VIEW, resealing(grants.RESEAL, grants.TRANSFER, 0), "view reseal, transfer, not counted"
    for purpose in (grants.OWN_USE, grants.SHIPPING, grants.ACCOUNTING, 32, 63):
        yield VIEW, resealing(grants.RESEAL, purpose, 1), f"view reseal, purpose {purpose}"
    for view in (grants.FULL, grants.MASKED):
        for purpose in (grants.MAINTENANCE, grants.TRANSFER):
            yield VIEW, resealing(view, purpose, 1), f"view {view}, purpose {purpose}"


def edges_of_grants() -> Iterable[Change]:
    for view in (grants.FULL, grants.MASKED):
        yield VIEW, bytes([view]), f"view {view}"
    for kind in (1, 2, 3):
        yield KIND, bytes([kind]), f"kind {kind}"
    for purpose in (0, 7, 32, 63):
        yield PURPOSE, bytes([purpose]), f"purpose {purpose}"
    for purpose in (grants.MAINTENANCE, grants.TRANSFER):
        yield VIEW, resealing(grants.RESEAL, purpose, 1), f"view reseal, purpose {purpose}, one use"
    for epoch in (1, 65535):
        yield EPOCH, le16(epoch), f"epoch {epoch}"
    yield GRANT_EPOCH, b"\xff" * 4, "the last grant epoch"
    yield NOT_BEFORE, le64(TERMS.expiry - 1), "a life of a millisecond"
    yield NOT_BEFORE, bytes(8), "not-before 0: a life that nothing mints"
    yield EXPIRY, b"\xff" * 8, "the end of time: a life that nothing mints"
    yield USES, b"\xff" * 4, "as many uses as there are"
    for content, why in (
        (codes(1), "one field"),
        (codes(*range(1, 9)), "eight fields"),
        (codes(*EIGHT_FIELDS), "eight fields of all sorts"),
        (codes(SHIPPING, 0x8000, 0x87FF, 0x8800, 0x8FFF, 0xD000, 0xD7FF, 0xD800), "edges of custom and bound"),
        (codes(0xDFFF), "the last field"),
    ):
        yield FIELDS, content, why
    yield GRANTEE, bytes(32), "tags of zeros"
    yield RECORD, some("record tag", 16), "a record"
    yield ID, bytes(16), "an id of zeros"
    yield SUBJECT, symbolon.padded(b"\1\0", 65), "a subject that is one zero byte"
    yield SUBJECT, b"\x40" + some("subject", 64), "a subject of 64 bytes"
    yield SUBJECT, b"\x40" + b"a" + bytes(63), "a subject of 64 bytes, most of them zeros"


def addresses_rows() -> Iterable[str]:
    for owner, epoch, field, address in (
        (ALICE, 2, "email", b"alice@example.com"),
        (ALICE, 1, "email", b"alice@example.com"),
        (ALICE, 2, "email", b"Alice@example.com"),
        (ALICE, 2, "phone", b"+819012345678"),
        (ALICE, 2, "bound-64-9", b"alice@example.com"),
        (ALICE, 2, "custom-1024-2047", b"alice@example.com"),
        (BOB, 2, "email", b"alice@example.com"),
        (replace(ALICE, kind=2), 2, "email", b"alice@example.com"),
        (LONG, 1, "email", b"\0"),
        (LONG, 1, "email", b"\0\0"),
        *((SERVICE, 2, "postal-address", some("address", length)) for length in (1, 107, 108, 319, 320)),
    ):
        tag = registry.address_tag(RING, epoch, owner, fields.code_of(field), address)
        yield row(RING.to_bytes(), owner.tenant, owner.kind, owner.subject, epoch, field, address, tag)


# --- Section 13 -------------------------------------------------------------------------------------------------------


def some_addresses(*codes_: int) -> tuple[registry.Address, ...]:
    return tuple(registry.Address(code, 1 + code % 7, some(f"address {code}", 16)) for code in codes_)


def owner_record_rows() -> Iterable[str]:
    for record in (
        registry.OwnerRecord(),
        registry.OwnerRecord(grant_epoch=1),
        registry.OwnerRecord(secret=SECRET),
        registry.OwnerRecord(grant_epoch=2**32 - 1, secret=b"\xff" * 32),
        registry.OwnerRecord(addresses=some_addresses(4)),
        registry.OwnerRecord(False, 3, SECRET, some_addresses(3, 4)),
        registry.OwnerRecord(False, 256, SECRET, some_addresses(1, 3, 4, 0xDFFF)),
        registry.OwnerRecord(False, 0, None, some_addresses(SHIPPING, 0x8000, 0x8800)),
        registry.OwnerRecord(False, 5, SECRET, some_addresses(4)).erase(),
        registry.OwnerRecord().erase(),
        registry.OwnerRecord(False, 5, SECRET, some_addresses(4)).revoke_all(),
    ):
        addresses = ",".join(f"{fields.name_of(a.field)}:{a.epoch}:{a.tag.hex()}" for a in record.addresses)
        shown = (int(record.erased), record.secret or b"", record.grant_epoch, addresses or "-")
        yield row(record.to_bytes(), "ok", *shown)
    for form, why in damaged_records():
        yield f"# damaged: {why}"
        yield row(form, "damaged", "-", "-", "-", "-")


def damaged_records() -> Iterable[tuple[bytes, str]]:
    plain = registry.OwnerRecord().to_bytes()
    good = registry.OwnerRecord(False, 3, SECRET, some_addresses(3, 4)).to_bytes()
    yield b"", "empty"
    yield plain[:-1], "a byte less"
    yield good[:-1], "a byte less of an address"
    yield plain + b"\0", "a byte more"
    yield good + b"\0", "a byte more behind addresses"
    yield good + bytes(10), "half an address"
    yield b"\0" + good[1:], "version 0"
    yield b"\2" + good[1:], "version 2"
    for bit in range(2, 8):
        yield flipped(good, 1, bit), f"flag bit {bit}"
    yield flipped(good, 1, 1), "a secret, and the flag says none"
    yield flipped(plain, 37, 7), "a bit where the secret is none"
    yield good + some_addresses(4)[0].to_bytes(), "a field twice"
    yield good + some_addresses(1)[0].to_bytes(), "fields fall"
    yield good + b"".join(a.to_bytes() for a in some_addresses(5, 6, 7)), "five addresses"
    yield plain + bytes(20), "an address of field 0"
    yield plain + le16(13) + le16(1) + bytes(16), "an address of field 13"
    yield plain + le16(0xE800) + le16(1) + bytes(16), "an address of a bound field of class 6"
    yield flipped(good, 1), "erased, with a secret and addresses"
    yield flipped(registry.OwnerRecord(secret=SECRET).to_bytes(), 1), "erased, with a secret"
    yield flipped(registry.OwnerRecord(addresses=some_addresses(4)).to_bytes(), 1), "erased, with an address"


# --- Section 14 -------------------------------------------------------------------------------------------------------


def index_rows() -> Iterable[str]:
    for tenant, field, name, version, normalised, epoch in (
        (b"shop", "email", b"email", 1, b"alice@example.com", 2),
        (b"shop", "email", b"email", 1, b"alice@example.com", 1),
        (b"shop", "email", b"email", 2, b"alice@example.com", 2),
        (b"shop", "email", b"e-mail", 1, b"alice@example.com", 2),
        (b"shop", "email", b"email", 1, b"bob@example.com", 2),
        (b"shop", "phone", b"email", 1, b"alice@example.com", 2),
        (b"shoq", "email", b"email", 1, b"alice@example.com", 2),
        (b"shop", "bound-64-9", b"\0", 0, b"\0", 2),
        (b"shop", "custom-64-9", b"\0", 65535, b"\0\0", 2),
        *((LONG.tenant, "free-text", some("index", 64), 256, some("text", n), 1) for n in (1, 13, 109, 110, 1022)),
    ):
        value = registry.index_value(RING, epoch, tenant, fields.code_of(field), name, version, normalised)
        yield row(RING.to_bytes(), tenant, field, name, version, normalised, epoch, value)


# --- Section 3, column names ------------------------------------------------------------------------------------------

REFUSED_WORDS = """
cvv CVV cvv2 CVV_2 cvv-1 cvc3 CVN2 cav2 icvv dCVV pvv card_cvv cardCvv CardCVV card.cvv creditCardCVC cc_cvv
cc-cvc debit_card_cvn2 cvvNumber cvv_code CVVCode cvv/value cardcvvno my_cvv_field customerCvv customerCVV2
x-cvv-y card_pin cardPin CARD_PIN_CODE cc_pin card_cid cardCSC pin_block PINBLOCK pinOffset atm_pin track1
track_2_data Track2 trackData magStripe magnetic_stripe_data security_code securityCode SECURITYCODE
card_security_code cardVerificationValue card_verification_code_value creditcardvalidationcode
cc_security_number cid CID csc c_v_v C.V.V.2 c-v-c __cid__ ＣＶＶ２ Ｃａｒｄ＿ＰＩＮ ｐｉｎブロック
セキュリティコード セキュリティー・コード ｾｷｭﾘﾃｨｺｰﾄﾞ ｾｷｭﾘﾃｨｰ･ｺｰﾄﾞ カード検証番号 新カード検証値欄
カード_検証_コード カード確認番号 暗証番号 PINブロック 磁気ストライプ 磁気データ2 信用卡安全码 安全碼 보안코드
보안_코드 顧客cvv пcvv card・pin cvv€
"""
KEPT_WORDS = """
cvvx xcvv cvvs cvv3 cvv10 cav1 cav pin PIN pin_code pincode pinning card_pinned spin_block cid_number cids ccid
csc_code c_v c_v_v_3 verification_code validation_code security_number card card_number cc_number card_no
card_holder track track_10 track10 track3x trackdatabase soundtrack1 tracking postcard_pin security_codes
insecurity_code cardCIDx écvv cvvé ĀcvvĀ cvv9code mag_stripes cardverificationvalues セキュリティ コンテナ
コード 番号 暗証 磁気 検証番号 ブロックpin カードー検証番号 email phone discard csc1 security-kode cvvé€
track1×2
"""
REFUSED_NAMES = REFUSED_WORDS.split() + [
    "card verification value",
    "Security  Code",
    " c v v 2 ",
    "card\tpin",
    "cvv\u3000code",
    "磁気 データ",
]
KEPT_NAMES = KEPT_WORDS.split() + ["", " ", "card verification"]


def column_name_rows() -> Iterable[str]:
    """What `fields.is_refused_name` says; `run.py` compares it with the lists, which were judged by hand."""
    for name in REFUSED_NAMES + KEPT_NAMES:
        yield row(name.encode(), "refused" if fields.is_refused_name(name) else "ok", ascii(name))


# --- The files --------------------------------------------------------------------------------------------------------

TOKEN_OWNER = "keyring | tenant | kind | subject | field"
FAMILIES = {
    "prf": (prf_rows, 'The PRF: SPEC.md, "The PRF".', "key | label | message | output"),
    "keys": (
        keys_rows,
        "The key schedule and secret forms: SPEC.md, section 2 and (trail) section 8.",
        "owner | keyring | epoch | tenant | kind | subject | field | K_tenant | K_owner | K_seal | K_mark"
        " | K_canary | T(p)\n"
        "# erasable | keyring | epoch | tenant | kind | subject | field | owner secret | K_erasable | K_seal\n"
        "# grant | keyring | epoch | tenant | kind | subject | grant epoch | K_grant\n"
        "# index | keyring | epoch | tenant | field | index name | version | K_index\n"
        "# credential | keyring | epoch | audience | tenant | kind | period | K_cred\n"
        "# session | session key | serial | tag | K_s\n"
        "# trail | K_tag | node | K_0 | i | K_b, b = i / 64 | stored state\n"
        "# form | a keyring's secret form | ok or malformed",
    ),
    "column-names": (
        column_name_rows,
        'Names of columns: SPEC.md, "Column names that are refused".',
        "name | refused or ok | the name for readers, which no test reads",
    ),
    "tokens": (
        tokens_rows,
        'Tokens that must open, and that sealing must make of the same random bytes: SPEC.md, "The token".',
        f"{TOKEN_OWNER} | epoch | random bytes | value | token | record id | owner secret (- where not erasable)",
    ),
    "tokens-fail": (
        tokens_fail_rows,
        'Tokens that must not open, each for one reason: SPEC.md, "The token".',
        f"{TOKEN_OWNER} asked for | record id | owner secret | token | denied or malformed | why, for readers",
    ),
    "text": (text_rows, 'The text of tokens: SPEC.md, "The token\'s text".', "token | text, not in hex"),
    "text-fail": (text_fail_rows, 'Texts that are malformed: SPEC.md, "The token\'s text".', "text | why, for readers"),
    "credential": (
        credential_rows,
        'Credentials that a vault of this audience and keyring accepts at the time `now`: SPEC.md, "The credential".',
        "keyring | epoch | audience | tenant | kind | subject | session key | random bytes | flags | rights | not-before"
        " | expiry | first log-in"
        " | purposes\n#   | session id (- at log-in) | issuer's secret form | now | credential",
    ),
    "credential-fail": (
        credential_fail_rows,
        "Credentials that a vault of this audience and keyring does not accept at the time `now`,\n"
        '# with a longest life of 15 minutes: SPEC.md, "The credential".',
        "keyring | audience | now | credential | denied or malformed | why, for readers",
    ),
    "proof": (
        proof_rows,
        'Proofs, and what a vault says whose replay window began at `start`: SPEC.md, "Proof, session, sealed reveal".',
        "session key | credential | nonce | time | parts, with commas | start | now | proof | accepted, or why"
        " not\n"
        "# A proof that is `bad proof` may differ from the one that the other columns make.",
    ),
    "reveal": (
        reveal_rows,
        'Sealed reveals: SPEC.md, "Proof, session, sealed reveal".',
        "session key | serial | tag | proof's nonce | node | sequence | field:token,... | values, ! where"
        " refused | reply\n"
        "# In the masked view the values are masks, - where there was no room, and their answers begin with 2.",
    ),
    "trail": (
        make_trail.trail_rows,
        'Chains of the audit trail from its beginning: SPEC.md, "The audit trail".',
        "audit key | entries, with commas | decoded entries, with commas: number time event reason field purpose view"
        " caller's-kind count caller header\n#   nonce owner-or-commitment session grant",
    ),
    "trail-fail": (
        make_trail.trail_fail_rows,
        'Chains that a reader must refuse: SPEC.md, "The audit trail".',
        "audit key | entries, with commas | index (from 0) of the first bad entry | why, for readers",
    ),
    "checkpoint": (
        make_trail.checkpoint_rows,
        'Checkpoints that a reader confirms behind these entries: SPEC.md, "Checkpoints".',
        "audit key | entries, with commas | checkpoint | node | next | time | last | MAC",
    ),
    "checkpoint-fail": (
        make_trail.checkpoint_fail_rows,
        'Checkpoints that a reader does not confirm behind these entries: SPEC.md, "Checkpoints".',
        "audit key | entries, with commas, - without | checkpoint | refused or malformed | why, for readers",
    ),
    "grants": (
        grants_rows,
        'Grants that verify, and that minting must make of the same random bytes: SPEC.md, "Grants".',
        "keyring | tenant | owner's kind | owner's subject | grantee's kind | grantee's subject | grantor's kind"
        " | grantor's subject | view | purpose\n"
        "#   | grant epoch | not-before | expiry | uses | fields, with commas | record id | random bytes | grant\n"
        "# Each is minted under the keyring's newest epoch.",
    ),
    "grants-fail": (
        grants_fail_rows,
        'The form of grants: SPEC.md, "Grants". A form that is ok says nothing of what a vault makes of the grant.',
        "grant | ok or malformed | why, for readers",
    ),
    "addresses": (
        addresses_rows,
        'Tags of verified addresses: SPEC.md, "Deliveries".',
        "keyring | tenant | kind | subject | epoch | field | address | tag",
    ),
    "owner-records": (
        owner_record_rows,
        "Owner records: SPEC.md, section 13.",
        "record | ok | erased, 0 or 1 | owner secret, - without | grant epoch | field:epoch:tag,... or -\n"
        "# record | damaged | - | - | - | -",
    ),
    "index": (
        index_rows,
        'Values of blind indexes: SPEC.md, "Blind indexes".',
        "keyring | tenant | field | index name | version | normalised | epoch | value",
    ),
    "canary": (
        make_watching.canary_rows,
        'Canaries, which sealing must make of the same random bytes, and nobody opens: SPEC.md, "Canaries".',
        "keyring | tenant | a token which it looks like | name | random bytes | canary",
    ),
    "canary-fail": (
        make_watching.canary_fail_rows,
        'Tokens that are no canary of the tenant\'s: SPEC.md, "Canaries".',
        "keyring | tenant | token | denied or malformed | why, for readers",
    ),
    "scanner-key": (
        make_watching.scanner_key_rows,
        'Secret forms of scanner keys, and tokens that they recognise or do not: SPEC.md, "Scanner key".',
        "keyring | tenant | scanner key | token | yes or no | why, for readers",
    ),
    "scanner-key-fail": (
        make_watching.scanner_key_fail_rows,
        'Forms that are malformed: SPEC.md, "Scanner key".',
        "scanner key | why, for readers",
    ),
    "attribution": (
        make_watching.attribution_rows,
        'Whose tokens a trail is about, as the roots and an owner\'s secret tell: SPEC.md, "Whose it was".',
        "keyring | tenant | kind | subject | owner secret, - without | audit key | entries, with commas\n"
        "#   | of each entry, with commas: opened, refused, or - where it is about no token of this owner's",
    ),
    **make_appliance.FAMILIES,
}


def content_of(family: str) -> str:
    make_rows, title, columns = FAMILIES[family]
    return PROVENANCE.format(title=title, columns=columns) + "\n" + "".join(line + "\n" for line in make_rows())


def main() -> None:
    for family in FAMILIES:
        path = VECTORS / f"{family}.txt"
        path.write_text(content_of(family), encoding="utf-8", newline="\n")
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
