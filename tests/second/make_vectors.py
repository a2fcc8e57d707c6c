"""Makes the vector files of this implementation: `python tests/second/make_vectors.py` from the repository's root.

Deterministic: every key and random byte is SHAKE-256 of a name. `run.py` checks that the files are what this makes;
no test writes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import shake_256
from pathlib import Path

import fields
import sessions
import symbolon
import trail
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


def ring(*epochs: int) -> Keyring:
    return Keyring(some("tag key"), tuple((epoch, some(f"root {epoch}")) for epoch in epochs))


RING = ring(1, 2)
ALICE = Principal(b"shop", 1, b"alice")
BOB = replace(ALICE, subject=b"bob")
LONG = Principal(some("tenant", 64), 2, some("subject", 64))
SERVICE = Principal(b"\x00", 3, b"\xff")
AUDIENCE = b"vault.example"
NAME = fields.CODES["person-name"]


# --- Section 2 --------------------------------------------------------------------------------------------------------

PRF_LENGTHS = (0, 1, 12, 13, 14, 29, 30, 45, 108, 109, 110, 111, 125, 1000)


def prf_rows() -> Iterable[str]:
    for label in (1, 6, 28):
        for length in PRF_LENGTHS:
            key, message = some(f"prf key {label}"), some(f"prf message {length}", length)
            yield row(key, label, message, symbolon.prf(key, label, message))
    for key in (bytes(32), b"\xff" * 32):
        for message in (b"", bytes(13), bytes(109), b"\xff" * 110):
            yield row(key, 27, message, symbolon.prf(key, 27, message))


def keys_rows() -> Iterable[str]:
    yield from owner_key_rows()
    yield from credential_key_rows()
    for name in ("a", "b"):
        key, serial, tag = some(f"session key {name}"), some(f"serial {name}", 16), some(f"tag {name}", 16)
        yield row("session", key, serial, tag, symbolon.bound_key(key, serial, tag))
    for node, number in ((0, 0), (7, 1), (2**32 - 1, 1000)):
        k_0, k_tag = some(f"trail key {node}"), some("tag key")
        k_i = trail.ratchet(k_0, number)
        yield row("trail", k_tag, node, k_0, number, k_i, trail.seal_state(k_tag, node, number, k_i))
    yield from keyring_form_rows()


def owner_key_rows() -> Iterable[str]:
    for owner in (ALICE, BOB, LONG, SERVICE):
        for epoch, field in ((1, 1), (2, 5), (2, 0x8000), (1, 0xD7FF)):
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
                symbolon.nonce_key(owner_key, field),
                RING.mark_key(epoch, owner.tenant),
                RING.canary_key(epoch, owner.tenant),
                RING.tag_of(owner),
            )


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
}
LENGTHS = (1, 30, 31, 62, 63, 126, 127, 254, 255, 510, 511, 1022)


def token_row(keyring: Keyring, owner: Principal, name: str, value: bytes, epoch: int) -> str:
    field, rng16 = fields.code_of(name), some(f"rng {name} {len(value)} {epoch}", 16)
    token = symbolon.seal(keyring, owner, field, value, rng16, epoch)
    return row(keyring.to_bytes(), owner.tenant, owner.kind, owner.subject, name, epoch, rng16, value, token)


def tokens_rows() -> Iterable[str]:
    for name, text in VALUES.items():
        yield token_row(RING, ALICE, name, text.encode(), 2)
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
    ) -> str:
        return row(keyring.to_bytes(), who.tenant, who.kind, who.subject, field, token, verdict, why)

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
    for bit in (4, 5, 6, 7):
        yield flipped(good, 1, bit), f"flag bit {bit}"
    for index in (0, 2, 6, 7, 15):
        yield good[:1] + bytes([index]) + good[2:], f"class index {index}"
    for code, why in (
        (0, "field 0"),
        (12, "field 12"),
        (0x7FFF, "field 32767"),
        (0x8800, "custom, bit 11"),
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
    for token in one_of_each_class():
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
    yield replace(CLAIMS, principal=LONG, rights=0x7F, audience=some("audience", 64)), NOW
    yield replace(CLAIMS, principal=SERVICE, rights=0x7E, audience=b"\x00"), NOW
    yield replace(CLAIMS, expiry=NOW + 900_000), NOW
    yield replace(CLAIMS, session_id=some("renewed", 16), first_log_in=NOW + 600_000 - sessions.DAY), NOW
    yield replace(CLAIMS, session_id=some("renewed", 16), first_log_in=NOW - 1), NOW
    yield replace(CLAIMS, not_before=MIDNIGHT, first_log_in=MIDNIGHT, expiry=MIDNIGHT + 1000), MIDNIGHT - 1
    yield replace(CLAIMS, not_before=MIDNIGHT - 1, first_log_in=MIDNIGHT - 1, expiry=MIDNIGHT + 1000), MIDNIGHT


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
    for bit in range(7, 16):
        yield {"rights": 1 | 1 << bit, "principal": replace(ALICE, kind=2)}, f"staff with right {bit}"


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


def reveal_row(nonce: bytes, node: int, sequence: int, items: list[sessions.Item]) -> str:
    serial, tag = some("serial", 16), some("tag", 16)
    k_s = symbolon.bound_key(SESSION_KEY, serial, tag)
    answers = [sessions.answer(RING, ALICE, field, symbolon.Token.parse(token)) for field, token in items]
    reply = sessions.seal_reply(k_s, node, sequence, nonce, items, answers)
    values = sessions.open_reply(k_s, nonce, items, reply)
    shown = ",".join("!" if value is None else cell(value) for value in values)
    return row(SESSION_KEY, serial, tag, nonce, node, sequence, item_list(items), shown, reply)


# --- Section 8 --------------------------------------------------------------------------------------------------------

AUDIT_KEY = trail.AuditKey(7, some("trail key 7"), RING.k_tag)


def day_of_entries() -> list[trail.Entry]:
    """A chain with two restarts, one of which skipped numbers."""
    token = symbolon.Token.parse(symbolon.seal(RING, ALICE, NAME, b"Alice", some("rng", 16)))
    caller, session = RING.tag_of(ALICE), some("session id", 8)
    common = {"caller": caller, "session": session, "count": 1}
    opened = {**common, "field": NAME, "header": token.header, "nonce": token.nonce}
    return [
        trail.Entry(0, NOW, event=1),
        trail.Entry(1, NOW + 1, event=2, **common),
        trail.Entry(2, NOW + 2, event=4, view=1, owner=caller, **opened),
        trail.Entry(3, NOW + 3, event=4, reason=1, owner=token.commitment, **opened),
        trail.Entry(4, NOW + 3, event=6, reason=2, **{**common, "count": 1020}),
        trail.Entry(64, NOW + 9, event=1, count=59),
        trail.Entry(65, NOW + 9, event=2, reason=16, count=1),
        trail.Entry(66, NOW + 10, event=1),
        trail.Entry(
            67,
            NOW + 11,
            event=7,
            reason=30,
            field=0xFFFF,
            purpose=0xFFFF,
            view=1,
            count=2**32 - 1,
            caller=b"\xff" * 16,
            header=b"\xff" * 6,
            nonce=b"\xff" * 12,
            owner=b"\xff" * 16,
            session=b"\xff" * 8,
            grant=b"\xff" * 8,
        ),
    ]


def trail_row(audit_key: trail.AuditKey, entries: list[trail.Entry]) -> str:
    decoded = ",".join(entry.columns() for entry in entries)
    return row(audit_key.to_bytes(), listed(trail.write(audit_key, entries)), decoded)


def trail_rows() -> Iterable[str]:
    yield trail_row(AUDIT_KEY, day_of_entries())
    yield trail_row(trail.AuditKey(0, bytes(32), bytes(32)), day_of_entries()[:1])
    yield trail_row(trail.AuditKey(2**32 - 1, some("k"), some("t")), day_of_entries()[:5])
    gap_at_first = replace(day_of_entries()[5], count=64)
    yield trail_row(AUDIT_KEY, [gap_at_first, *day_of_entries()[6:8]])


def trail_fail_rows() -> Iterable[str]:
    for chain, position, why in broken_chains():
        yield row(AUDIT_KEY.to_bytes(), listed(chain), position, why)
    other_node = replace(AUDIT_KEY, node=8)
    yield row(other_node.to_bytes(), listed(trail.write(AUDIT_KEY, day_of_entries()[:2])), 0, "the key of another node")
    yield row(
        replace(AUDIT_KEY, k_0=bytes(32)).to_bytes(),
        listed(trail.write(AUDIT_KEY, day_of_entries()[:2])),
        0,
        "another k_0",
    )


def broken_chains() -> Iterable[tuple[list[bytes], int, str]]:
    entries = day_of_entries()
    chain = trail.write(AUDIT_KEY, entries)[:4]
    for at, region in ((0, "number"), (8, "time"), (16, "body"), (93, "body's end"), (94, "tag"), (109, "tag's end")):
        yield [chain[0], flipped(chain[1], at), *chain[2:]], 1, f"altered: {region}"
    yield [chain[0], chain[2], chain[1], chain[3]], 1, "swapped"
    yield chain[1:], 0, "missing: the first"
    yield [chain[0], *chain[2:]], 1, "missing: the second"
    yield [*chain[:2], chain[3]], 2, "missing: the third"
    yield [*chain[:2], chain[1], *chain[2:]], 2, "twice"
    yield [*chain[:2], chain[2][:-1]], 2, "a byte less"
    yield [*chain[:2], chain[2] + b"\0"], 2, "a byte more"
    yield [*chain[:1], chain[1][:16] + chain[2][16:]], 1, "another entry's content"
    yield [le64(1) + chain[0][8:]], 0, "the first, renumbered"
    for changed, position, why in badly_continued(entries):
        yield trail.write(AUDIT_KEY, changed), position, why
    start_again = trail.write(AUDIT_KEY, [replace(entry, number=entry.number) for entry in entries[1:2]])
    yield [chain[0], *start_again], 1, "continues nothing: 16 zero bytes for the entry before"


def badly_continued(entries: list[trail.Entry]) -> Iterable[tuple[list[trail.Entry], int, str]]:
    """All of these verify."""
    for count in (0, 58, 60):
        yield [*entries[:5], replace(entries[5], count=count)], 5, f"a gap of 59, {count} of them owned to"
    yield [*entries[:5], replace(entries[5], event=2)], 5, "a gap before an entry that is not started"
    yield [*entries[:5], replace(entries[6], number=6)], 5, "a gap of one"
    yield [*entries[:3], entries[2]], 3, "a number twice"
    yield [*entries[:3], entries[1]], 3, "a number below"


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
        "owner | keyring | epoch | tenant | kind | subject | field | K_tenant | K_owner | K_seal | K_nonce | K_mark"
        " | K_canary | T(p)\n"
        "# credential | keyring | epoch | audience | tenant | kind | period | K_cred\n"
        "# session | session key | serial | tag | K_s\n"
        "# trail | K_tag | node | k_0 | i | k_i | stored state\n"
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
        f"{TOKEN_OWNER} | epoch | random bytes | value | token",
    ),
    "tokens-fail": (
        tokens_fail_rows,
        'Tokens that must not open, each for one reason: SPEC.md, "The token".',
        f"{TOKEN_OWNER} asked for | token | denied or malformed | why, for readers",
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
        " refused | reply",
    ),
    "trail": (
        trail_rows,
        'Chains of the audit trail from its beginning: SPEC.md, "The audit trail".',
        "audit key | entries, with commas | decoded entries, with commas: number time event reason field purpose view"
        " count caller header nonce"
        "\n#   owner-or-commitment session grant",
    ),
    "trail-fail": (
        trail_fail_rows,
        'Chains that a reader must refuse: SPEC.md, "The audit trail".',
        "audit key | entries, with commas | index (from 0) of the first bad entry | why, for readers",
    ),
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
