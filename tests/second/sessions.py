"""Credentials, proofs and sealed reveals (SPEC.md sections 6 and 7)."""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, replace

import fields
from symbolon import (
    CREDENTIAL,
    ITEMS,
    NO_RECORD,
    PROOF,
    REPLY,
    SALT,
    SERIAL,
    SESSION_ID,
    VERSION_AND_SUITE,
    Denied,
    Keyring,
    Malformed,
    Principal,
    Token,
    aead1_open,
    aead1_seal,
    bound_key,
    frame,
    le16,
    le32,
    le64,
    open_padded,
    padded,
    prf,
    unpad,
)

DAY = 86_400_000
MINUTE = 60_000
TOLERANCE = 2_000
QUARTER_HOUR = 15 * MINUTE

PERSON = 1
OWN = 1 << 0
ALL_RIGHTS = 0x1FF
PROOF_REQUIRED = 1 << 0
NO_SESSION_ID = bytes(16)
REFUSED, VALUE, MASK = b"\x00", b"\x01", b"\x02"
"""How an answer of a sealed reveal begins."""


# --- Section 6: the credential ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claims:
    """What a credential says in the clear."""

    flags: int
    rights: int
    epoch: int
    not_before: int
    expiry: int
    first_log_in: int
    purposes: int
    audience: bytes
    principal: Principal
    session_id: bytes = NO_SESSION_ID
    period: int | None = None
    """The day of `not_before` unless something else is wanted, which no vault accepts."""

    @property
    def day(self) -> int:
        return self.not_before // DAY if self.period is None else self.period

    def body(self) -> bytes:
        numbers = struct.pack(
            "<BBBHHI", VERSION_AND_SUITE, self.flags, self.principal.kind, self.rights, self.epoch, self.day
        )
        times = le64(self.not_before) + le64(self.expiry) + le64(self.first_log_in)
        names = (self.audience, self.principal.tenant, self.principal.subject)
        return numbers + times + le64(self.purposes) + self.session_id + b"".join(map(short, names))


def short(name: bytes) -> bytes:
    """A name of 1 to 64 bytes behind one byte of length."""
    return bytes([len(name)]) + name


@dataclass(frozen=True)
class Issuer:
    """Section 6: what an issuer holds."""

    epoch: int
    period: int
    kind: int
    k_cred: bytes
    audience: bytes
    tenant: bytes

    def to_bytes(self) -> bytes:
        """Section 6, "The issuer's secret form"."""
        numbers = struct.pack("<BHIB", 1, self.epoch, self.period, self.kind)
        return numbers + self.k_cred + short(self.audience) + short(self.tenant)

    @staticmethod
    def from_bytes(form: bytes) -> Issuer:
        if len(form) < 40 or form[0] != 1:
            raise Malformed("form of an issuer")
        _, epoch, period, kind = struct.unpack("<BHIB", form[:8])
        audience, rest = take_short(form[40:])
        tenant, rest = take_short(rest)
        if rest or kind not in (1, 2, 3) or epoch == 0:
            raise Malformed("form of an issuer")
        return Issuer(epoch, period, kind, form[8:40], audience, tenant)


def issuer_of(keyring: Keyring, epoch: int, audience: bytes, tenant: bytes, kind: int, period: int) -> Issuer:
    return Issuer(epoch, period, kind, keyring.issuer_key(epoch, audience, tenant, kind, period), audience, tenant)


def issue(k_cred: bytes, claims: Claims, session_key: bytes, rng16: bytes) -> bytes:
    """Section 6: a credential at log-in, or a renewal where the claims have a session id already."""
    drawn = rng16 + session_key
    if claims.session_id == NO_SESSION_ID:
        claims = replace(claims, session_id=prf(k_cred, SESSION_ID, drawn + claims.body())[:16])
    body = claims.body()
    serial = prf(k_cred, SERIAL, drawn + body)[:16]
    return body + serial + aead1_seal(prf(k_cred, CREDENTIAL, serial), body, session_key)


def take_short(rest: bytes) -> tuple[bytes, bytes]:
    """A name of 1 to 64 bytes and what follows it."""
    length = rest[0] if rest else 0
    if not 1 <= length <= 64 or len(rest) < 1 + length:
        raise Malformed("length of a name")
    return rest[1 : 1 + length], rest[1 + length :]


@dataclass(frozen=True)
class Credential:
    """Section 6: a credential taken apart, not yet accepted."""

    raw: bytes
    claims: Claims

    @staticmethod
    def parse(raw: bytes) -> Credential:
        if len(raw) < 59 or raw[0] != VERSION_AND_SUITE:
            raise Malformed("version or suite")
        _, flags, kind, rights, epoch, period = struct.unpack("<BBBHHI", raw[:11])
        not_before, expiry, first_log_in, purposes = struct.unpack("<QQQQ", raw[11:43])
        audience, rest = take_short(raw[59:])
        tenant, rest = take_short(rest)
        subject, rest = take_short(rest)
        if len(rest) != 64:
            raise Malformed("length")
        if flags & ~PROOF_REQUIRED:
            raise Malformed("flags")
        principal = Principal(tenant, kind, subject)
        times = (not_before, expiry, first_log_in)
        return Credential(raw, Claims(flags, rights, epoch, *times, purposes, audience, principal, raw[43:59], period))

    @property
    def body(self) -> bytes:
        return self.raw[:-64]

    @property
    def serial(self) -> bytes:
        return self.raw[-64:-48]

    @property
    def tag(self) -> bytes:
        return self.raw[-16:]

    def bound_key(self, session_key: bytes) -> bytes:
        """Section 2: `K_s`."""
        return bound_key(session_key, self.serial, self.tag)

    def session_key(self, k_cred: bytes) -> bytes | None:
        """The client's key, if the tag verifies."""
        return aead1_open(prf(k_cred, CREDENTIAL, self.serial), self.body, self.raw[-48:])


@dataclass(frozen=True)
class Vault:
    """Section 6: what a vault knows when it looks at a credential."""

    keyring: Keyring
    audience: bytes
    longest_life: int = QUARTER_HOUR

    def accept(self, raw: bytes, now: int, logged_out: frozenset[bytes] = frozenset()) -> tuple[Credential, bytes]:
        """Section 6, "A vault accepts a credential": the credential and its `K_s`."""
        credential = Credential.parse(raw)
        claims = credential.claims
        key = self._verify_origin(credential)
        self._check_times(claims, now)
        if claims.rights & ~(OWN if claims.principal.kind == PERSON else ALL_RIGHTS):
            raise Denied("right not for kind")
        if claims.session_id in logged_out:
            raise Denied("logged out")
        return credential, credential.bound_key(key)

    def _verify_origin(self, credential: Credential) -> bytes:
        claims = credential.claims
        if claims.audience != self.audience:
            raise Denied("wrong audience")
        if claims.epoch not in self.keyring.epochs:
            raise Denied("unknown epoch")
        if claims.epoch < self.keyring.newest_but_one:
            raise Denied("below floor")
        owner = claims.principal
        k_cred = self.keyring.issuer_key(claims.epoch, claims.audience, owner.tenant, owner.kind, claims.day)
        key = credential.session_key(k_cred)
        if key is None:
            raise Denied("bad credential")
        return key

    def _check_times(self, claims: Claims, now: int) -> None:
        if claims.day != claims.not_before // DAY:
            raise Denied("wrong period")
        if claims.not_before > now + TOLERANCE:
            raise Denied("not yet valid")
        if now >= claims.expiry:
            raise Denied("expired")
        if claims.expiry - claims.not_before > min(self.longest_life, DAY):
            raise Denied("life too long")
        if claims.not_before >= claims.expiry or claims.first_log_in > claims.not_before or claims.expiry - claims.first_log_in > DAY:
            raise Denied("life too long")


# --- Section 7: the proof ---------------------------------------------------------------------------------------------


def proof_mac(k_s: bytes, nonce: bytes, time: int, parts: list[bytes]) -> bytes:
    return prf(k_s, PROOF, nonce + le64(time) + b"".join(map(frame, parts)))[:16]


def prove(k_s: bytes, nonce: bytes, time: int, parts: list[bytes]) -> bytes:
    """Section 7: a proof, 40 bytes."""
    return nonce + le64(time) + proof_mac(k_s, nonce, time, parts)


def accept_proof(k_s: bytes, proof: bytes, parts: list[bytes], now: int, start: int) -> bytes:
    """Section 7, "A vault accepts it", but for the replay window: the proof's nonce."""
    if len(proof) != 40:
        raise Malformed("length of a proof")
    nonce, time, mac = proof[:16], int.from_bytes(proof[16:24], "little"), proof[24:]
    if not hmac.compare_digest(mac, proof_mac(k_s, nonce, time, parts)):
        raise Denied("bad proof")
    if time + MINUTE <= now:
        raise Denied("stale proof")
    if time > now + TOLERANCE:
        raise Denied("future proof")
    if time <= start + TOLERANCE:
        raise Denied("proof before start")
    return nonce


# --- Section 7: the sealed reveal -------------------------------------------------------------------------------------

Item = tuple[int, bytes]
"""A field and a token."""


def items_digest(k_s: bytes, items: list[Item]) -> bytes:
    return prf(k_s, ITEMS, le16(len(items)) + b"".join(le16(field) + frame(token) for field, token in items))


def reveal_salt(k_s: bytes, node: int, sequence: int) -> bytes:
    return prf(k_s, SALT, le32(node) + le64(sequence))[:16]


def reply_key(k_s: bytes, salt: bytes, nonce: bytes, items: list[Item]) -> bytes:
    return prf(k_s, REPLY, salt + nonce + items_digest(k_s, items))


def answer(
    keyring: Keyring,
    owner: Principal,
    field: int,
    token: Token,
    masked: bool = False,
    record: bytes = NO_RECORD,
    secret: bytes | None = None,
) -> bytes:
    """Section 7: one answer, as long whether the token opens or not."""
    try:
        plain = open_padded(keyring, owner, field, token, record, secret)
    except Denied:
        return REFUSED + bytes(token.length)
    return MASK + masked_answer(field, plain) if masked else VALUE + plain


def masked_answer(field: int, plain: bytes) -> bytes:
    """Section 7: the mask in the value's place, or nothing where it is too long for the class."""
    shown = fields.mask(field, unpad(field, plain)).encode()
    return sent(shown if len(shown) <= len(plain) - 2 else b"", len(plain))


def sent(value: bytes, length: int) -> bytes:
    """A value or a mask as an answer holds it."""
    return padded(le16(len(value)) + value, length)


def seal_reply(k_s: bytes, node: int, sequence: int, nonce: bytes, items: list[Item], answers: list[bytes]) -> bytes:
    """Section 7: the vault's half."""
    salt = reveal_salt(k_s, node, sequence)
    return salt + aead1_seal(reply_key(k_s, salt, nonce, items), salt, b"".join(answers))


def open_reply(k_s: bytes, nonce: bytes, items: list[Item], reply: bytes) -> list[bytes | None]:
    """Section 7: the client's half; nothing for an item that was refused."""
    return [value for _, value in open_answers(k_s, nonce, items, reply)]


def open_answers(k_s: bytes, nonce: bytes, items: list[Item], reply: bytes) -> list[tuple[bytes, bytes | None]]:
    """The same, each with `VALUE`, `MASK` or `REFUSED` before it."""
    salt = reply[:16]
    plain = aead1_open(reply_key(k_s, salt, nonce, items), salt, reply[16:]) if len(reply) >= 32 else None
    lengths = [Token.parse(token).length for _, token in items]
    if plain is None or len(plain) != sum(1 + length for length in lengths):
        raise Denied("reply does not open")
    answers = []
    for length in lengths:
        answers.append(one_answer(plain[: 1 + length]))
        plain = plain[1 + length :]
    return answers


def one_answer(content: bytes) -> tuple[bytes, bytes | None]:
    """A value if it begins with 1, a mask if it begins with 2, and its length fits; everything else is a refusal."""
    status, length = content[:1], int.from_bytes(content[1:3], "little")
    if status not in (VALUE, MASK) or length > len(content) - 3:
        return REFUSED, None
    return status, content[3 : 3 + length]
