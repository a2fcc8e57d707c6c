"""symbolon in Python, from SPEC.md alone: the PRF, the keys, principals, tokens and their text (sections 1 to 5).

A second implementation for tests: plain, slow, not hardened against side channels, not meant to hold anybody's data.
"""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

import fields


class Malformed(Exception):
    """Section 9: told from public bytes alone. The message is the reason."""


class Denied(Exception):
    """Section 9: the caller learns no more than this. The message is the reason, for the trail and for tests."""


# --- Section 1: conventions and primitives ----------------------------------------------------------------------------


def le16(number: int) -> bytes:
    return struct.pack("<H", number)


def le32(number: int) -> bytes:
    return struct.pack("<I", number)


def le64(number: int) -> bytes:
    return struct.pack("<Q", number)


def frame(content: bytes) -> bytes:
    """Section 1: the length as LE32, then the bytes."""
    return le32(len(content)) + content


def aead_seal(key: bytes, nonce: bytes, associated: bytes, plain: bytes) -> bytes:
    """Section 1: `AEAD`."""
    return ChaCha20Poly1305(key).encrypt(nonce, plain, associated)


def aead_open(key: bytes, nonce: bytes, associated: bytes, sealed: bytes) -> bytes | None:
    """The inverse of `AEAD`; nothing if it does not verify."""
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, associated)
    except InvalidTag:
        return None


ZERO_NONCE = bytes(12)


def aead1_seal(key: bytes, associated: bytes, plain: bytes) -> bytes:
    """Section 1: `AEAD1`, for keys that seal one message."""
    return aead_seal(key, ZERO_NONCE, associated, plain)


def aead1_open(key: bytes, associated: bytes, sealed: bytes) -> bytes | None:
    return aead_open(key, ZERO_NONCE, associated, sealed)


def chacha20_block(key: bytes, counter: int, nonce: bytes) -> bytes:
    """One block of RFC 8439's key stream."""
    cipher = Cipher(algorithms.ChaCha20(key, le32(counter) + nonce), mode=None)
    return cipher.encryptor().update(bytes(64))


COLUMNS_AND_DIAGONALS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip


WORD = 0xFFFFFFFF


def quarter_round(s: list[int], i: int, j: int, k: int, m: int) -> None:
    """RFC 8439, section 2.1."""
    a, b, c, d = s[i], s[j], s[k], s[m]
    a = a + b & WORD
    d ^= a
    d = (d << 16 | d >> 16) & WORD
    c = c + d & WORD
    b ^= c
    b = (b << 12 | b >> 20) & WORD
    a = a + b & WORD
    d ^= a
    d = (d << 8 | d >> 24) & WORD
    c = c + d & WORD
    b ^= c
    s[i], s[j], s[k], s[m] = a, (b << 7 | b >> 25) & WORD, c, d


def hchacha20(key: bytes, block: bytes) -> bytes:
    """draft-irtf-cfrg-xchacha-03, section 2.2: twenty rounds, then the first and the last row, nothing added."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + block))
    for _ in range(10):
        for places in COLUMNS_AND_DIAGONALS:
            quarter_round(state, *places)
    return struct.pack("<8I", *state[:4], *state[12:])


# --- Section 2: the PRF, the key schedule, the keyring ----------------------------------------------------------------

TENANT, OWNER, ERASURE = 1, 2, 3
SEAL, NONCE, MARK, MARK_OF, CANARY = 4, 5, 7, 8, 9
GRANT, INDEX_KEY, INDEX = 10, 11, 12
CREDENTIAL_ROOT, ISSUER, CREDENTIAL, SERIAL, SESSION_ID = 13, 14, 15, 16, 17
SESSION, PROOF, ITEMS, SALT, REPLY = 18, 19, 20, 21, 22
TAG, RATCHET, ENTRY, TRAIL_STATE, IDENTITY = 23, 24, 25, 26, 27
DIGEST = 28
GRANT_ID, GRANT_MAC, GRANT_RECORD, ADDRESS = 29, 30, 31, 32
CHECKPOINT = 33
ROLE_LOG_IN, ROLE_CHANNEL, ROLE_ACT, DEVICE_RECORD, WRAP = 34, 35, 36, 37, 38

LONGEST_CASCADE = 109
LONG_FORM = 0x80


def padded(content: bytes, length: int) -> bytes:
    return content + bytes(length - len(content))


def cascade(key: bytes, label: int, message: bytes) -> bytes:
    """Section 2: `C`."""
    state = hchacha20(key, padded(bytes([label]) + le16(len(message)) + message[:13], 16))
    for start in range(13, len(message), 16):
        state = hchacha20(state, padded(message[start : start + 16], 16))
    return state


@lru_cache(maxsize=20_000)
def prf(key: bytes, label: int, message: bytes) -> bytes:
    """Section 2: `F`. Remembered, because the same keys are asked for again and again."""
    if len(message) <= LONGEST_CASCADE:
        return cascade(key, label, message)
    hash_key = cascade(key, DIGEST, bytes([label]))
    return cascade(key, label + LONG_FORM, aead_seal(hash_key, bytes(12), message, b""))


VERSION_AND_SUITE = 0x11


@dataclass(frozen=True)
class Principal:
    """Section 3: a tenant, a kind and a subject."""

    tenant: bytes
    kind: int
    subject: bytes

    def __post_init__(self) -> None:
        if self.kind not in (1, 2, 3):
            raise Malformed("unknown kind")
        if not (1 <= len(self.tenant) <= 64 and 1 <= len(self.subject) <= 64):
            raise Malformed("length of a name")


@dataclass(frozen=True)
class Keyring:
    """Section 2: the roots of one to eight epochs, and the tag key."""

    k_tag: bytes
    roots: tuple[tuple[int, bytes], ...]

    def __post_init__(self) -> None:
        epochs = self.epochs
        if not 1 <= len(epochs) <= 8:
            raise Malformed("number of epochs")
        if epochs[0] < 1 or any(later <= earlier for earlier, later in zip(epochs, epochs[1:])):
            raise Malformed("epochs not rising from 1")

    @property
    def epochs(self) -> list[int]:
        return [epoch for epoch, _ in self.roots]

    @property
    def newest(self) -> int:
        return self.epochs[-1]

    @property
    def newest_but_one(self) -> int:
        """The floor of credentials, section 6; the only epoch of a ring that holds one."""
        return self.epochs[-2:][0]

    def root(self, epoch: int) -> bytes:
        for number, root in self.roots:
            if number == epoch:
                return root
        raise Denied("unknown epoch")

    def tenant_key(self, epoch: int, tenant: bytes) -> bytes:
        return prf(self.root(epoch), TENANT, tenant)

    def owner_key(self, epoch: int, owner: Principal) -> bytes:
        return prf(self.tenant_key(epoch, owner.tenant), OWNER, bytes([owner.kind]) + owner.subject)

    def token_key(self, epoch: int, owner: Principal, secret: bytes | None = None) -> bytes:
        """Section 2: K, which is K_erasable with the owner's secret and K_owner without."""
        owner_key = self.owner_key(epoch, owner)
        return owner_key if secret is None else prf(owner_key, ERASURE, secret)

    def mark_key(self, epoch: int, tenant: bytes) -> bytes:
        return prf(self.tenant_key(epoch, tenant), MARK, b"")

    def canary_key(self, epoch: int, tenant: bytes) -> bytes:
        return prf(self.tenant_key(epoch, tenant), CANARY, b"")

    def grant_key(self, epoch: int, owner: Principal, grant_epoch: int) -> bytes:
        return prf(self.owner_key(epoch, owner), GRANT, le32(grant_epoch))

    def index_key(self, epoch: int, tenant: bytes, field: int, name: bytes, version: int) -> bytes:
        return prf(self.tenant_key(epoch, tenant), INDEX_KEY, le16(field) + le16(version) + name)

    def issuer_key(self, epoch: int, audience: bytes, tenant: bytes, kind: int, period: int) -> bytes:
        credential_root = prf(self.root(epoch), CREDENTIAL_ROOT, audience)
        return prf(credential_root, ISSUER, frame(tenant) + bytes([kind]) + le32(period))

    def tag_of(self, principal: Principal) -> bytes:
        return principal_tag(self.k_tag, principal)

    def to_bytes(self) -> bytes:
        """Section 2, "The keyring's secret form"."""
        roots = b"".join(le16(epoch) + root for epoch, root in self.roots)
        return bytes([1, len(self.roots)]) + self.k_tag + roots

    @staticmethod
    def from_bytes(form: bytes) -> Keyring:
        if len(form) < 34 or form[0] != 1 or len(form) != 34 + 34 * form[1]:
            raise Malformed("form of a keyring")
        records = [form[at : at + 34] for at in range(34, len(form), 34)]
        roots = tuple((int.from_bytes(record[:2], "little"), record[2:]) for record in records)
        return Keyring(form[2:34], roots)


def mode_and_suite(field: int, erasable: bool) -> bytes:
    return bytes([erasable | fields.is_bound(field) << 1, VERSION_AND_SUITE])


def seal_key(token_key: bytes, field: int, erasable: bool = False) -> bytes:
    return prf(token_key, SEAL, le16(field) + mode_and_suite(field, erasable))


def bound_key(session_key: bytes, serial: bytes, tag: bytes) -> bytes:
    """Section 2: `K_s`."""
    return prf(session_key, SESSION, serial + tag)


def principal_tag(k_tag: bytes, principal: Principal) -> bytes:
    """Section 2: `T(p)`."""
    message = frame(principal.tenant) + bytes([principal.kind]) + frame(principal.subject)
    return prf(k_tag, TAG, message)[:16]


# --- Section 4: the token ---------------------------------------------------------------------------------------------

CLASSES = (32, 64, 128, 256, 512, 1024)
LONGEST_VALUE = 1022
COMMITMENT_ZEROS = bytes(16)
CLASS_BITS = 0x0F
ERASABLE_FLAG = 1 << 4
RECORD_FLAG = 1 << 5
NO_RECORD = b""


def class_index(field: int, value_length: int) -> int:
    """Section 4: the smallest class that holds the value, not below the field's smallest."""
    for index, length in enumerate(CLASSES):
        if index >= fields.smallest_class(field) and value_length + 2 <= length:
            return index
    raise Denied("too long")


def pad(field: int, value: bytes) -> bytes:
    return padded(le16(len(value)) + value, CLASSES[class_index(field, len(value))])


def unpad(field: int, padded_value: bytes) -> bytes:
    """Section 4, "Opening", step 4."""
    length = int.from_bytes(padded_value[:2], "little")
    value = padded_value[2 : 2 + length]
    if length > len(padded_value) - 2 or padded_value != pad(field, value):
        raise Denied("does not open")
    return value


@dataclass(frozen=True)
class Token:
    """Section 4: the parts of a token that any reader sees."""

    raw: bytes

    @staticmethod
    def parse(raw: bytes) -> Token:
        if len(raw) < 6:
            raise Malformed("too short")
        if raw[0] != VERSION_AND_SUITE:
            raise Malformed("version or suite")
        if raw[1] & CLASS_BITS >= len(CLASSES) or raw[1] & ~(CLASS_BITS | ERASABLE_FLAG | RECORD_FLAG):
            raise Malformed("class or flags")
        token = Token(raw)
        if len(raw) != 54 + token.length:
            raise Malformed("length")
        if not fields.is_code(token.field):
            raise Malformed("unknown field")
        if (raw[1] & RECORD_FLAG != 0) != fields.is_bound(token.field):
            raise Malformed("record flag")
        return token

    @property
    def header(self) -> bytes:
        return self.raw[:6]

    @property
    def length(self) -> int:
        return CLASSES[self.raw[1] & CLASS_BITS]

    @property
    def erasable(self) -> bool:
        return self.raw[1] & ERASABLE_FLAG != 0

    @property
    def field(self) -> int:
        return int.from_bytes(self.raw[2:4], "little")

    @property
    def epoch(self) -> int:
        return int.from_bytes(self.raw[4:6], "little")

    @property
    def mark(self) -> bytes:
        return self.raw[6:10]

    @property
    def nonce(self) -> bytes:
        return self.raw[10:22]

    @property
    def associated(self) -> bytes:
        return self.raw[:22]

    @property
    def commitment(self) -> bytes:
        return self.raw[22:38]

    @property
    def sealed(self) -> bytes:
        return self.raw[22:]


def header_of(index: int, field: int, epoch: int, erasable: bool = False) -> bytes:
    flags = (ERASABLE_FLAG if erasable else 0) | (RECORD_FLAG if fields.is_bound(field) else 0)
    return bytes([VERSION_AND_SUITE, index | flags]) + le16(field) + le16(epoch)


def mark_of(keyring: Keyring, epoch: int, tenant: bytes, nonce: bytes) -> bytes:
    return prf(keyring.mark_key(epoch, tenant), MARK_OF, nonce)[:4]


def seal_under(
    keyring: Keyring,
    token_key: bytes,
    tenant: bytes,
    header: bytes,
    rng16: bytes,
    plain: bytes,
    record: bytes = NO_RECORD,
) -> bytes:
    """Section 4, "Sealing", of an already padded value; `token_key` is K, or K_canary for a canary."""
    _, flags, field, epoch = struct.unpack("<BBHH", header)
    erasable = flags & ERASABLE_FLAG != 0
    message = header + rng16 + frame(record) + plain
    nonce = prf(token_key, NONCE, message)[:12]
    start = header + mark_of(keyring, epoch, tenant, nonce) + nonce
    return start + aead_seal(seal_key(token_key, field, erasable), nonce, start + record, COMMITMENT_ZEROS + plain)


def check_record(field: int, record: bytes) -> None:
    """Section 3, "Bound fields": mandatory for these, impossible for all others."""
    if not (1 <= len(record) <= 64 if fields.is_bound(field) else record == NO_RECORD):
        raise Malformed("record id")


def seal(
    keyring: Keyring,
    owner: Principal,
    field: int,
    value: bytes,
    rng16: bytes,
    epoch: int | None = None,
    record: bytes = NO_RECORD,
    secret: bytes | None = None,
) -> bytes:
    """Section 4, "Sealing"; erasable with the owner's secret. Does not check the value: see `fields.check`."""
    check_record(field, record)
    epoch = epoch or keyring.newest
    header = header_of(class_index(field, len(value)), field, epoch, secret is not None)
    key = keyring.token_key(epoch, owner, secret)
    return seal_under(keyring, key, owner.tenant, header, rng16, pad(field, value), record)


def open_padded(
    keyring: Keyring,
    owner: Principal,
    field: int,
    token: Token,
    record: bytes = NO_RECORD,
    secret: bytes | None = None,
    floor: int = 0,
) -> bytes:
    """Section 4, "Opening": the padded value, which a sealed reveal sends.

    The owner is the caller, or the one that a verified grant names; a record id that does not belong to the field, or
    is missing, is one that does not verify.
    """
    if token.field != field:
        raise Denied("wrong field")
    if token.epoch < floor:
        raise Denied("unknown epoch")
    if token.erasable and secret is None:
        raise Denied("does not open")
    token_key = keyring.token_key(token.epoch, owner, secret if token.erasable else None)
    key = seal_key(token_key, field, token.erasable)
    opened = aead_open(key, token.nonce, token.associated + record, token.sealed)
    if opened is None or opened[:16] != COMMITMENT_ZEROS:
        raise Denied("does not open")
    unpad(field, opened[16:])
    return opened[16:]


def open_token(
    keyring: Keyring,
    owner: Principal,
    field: int,
    raw: bytes,
    record: bytes = NO_RECORD,
    secret: bytes | None = None,
    floor: int = 0,
) -> bytes:
    """Section 4, "Opening": the value."""
    return unpad(field, open_padded(keyring, owner, field, Token.parse(raw), record, secret, floor))


def reown(
    keyring: Keyring,
    owner: Principal,
    new_owner: Principal,
    raw: bytes,
    rng16: bytes,
    record: bytes = NO_RECORD,
    secret: bytes | None = None,
    new_secret: bytes | None = None,
    floor: int = 0,
) -> bytes:
    """Section 4, "Resealing", for another owner; both have a secret where the token is erasable."""
    token = Token.parse(raw)
    if owner.tenant != new_owner.tenant:
        raise Denied("other tenant")
    value = open_token(keyring, owner, token.field, raw, record, secret, floor)
    if token.erasable and new_secret is None:
        raise Denied("does not open")
    kept = new_secret if token.erasable else None
    return seal(keyring, new_owner, token.field, value, rng16, record=record, secret=kept)


def rewrap(
    keyring: Keyring,
    owner: Principal,
    raw: bytes,
    rng16: bytes,
    record: bytes = NO_RECORD,
    secret: bytes | None = None,
    floor: int = 0,
) -> bytes:
    """Section 4, "Resealing", for the same owner."""
    if Token.parse(raw).epoch >= keyring.newest:
        raise Denied("not older")
    return reown(keyring, owner, owner, raw, rng16, record, secret, secret, floor)


def commitment_under(token_key: bytes, field: int, nonce: bytes, erasable: bool = False) -> bytes:
    """Section 4: the commitment that the key gives for a nonce; so a trail's reader finds whose a refused token was."""
    return chacha20_block(seal_key(token_key, field, erasable), 1, nonce)[:16]


def is_canary(keyring: Keyring, caller: Principal, token: Token) -> bool:
    """Section 4: whether a refused token is a canary of the caller's tenant."""
    canary_key = keyring.canary_key(token.epoch, caller.tenant)
    return commitment_under(canary_key, token.field, token.nonce, token.erasable) == token.commitment


def refusal_reason(keyring: Keyring, caller: Principal, field: int, token: Token) -> str:
    """Section 9: what the trail says of a token that did not open for this caller."""
    if token.epoch not in keyring.epochs:
        return "unknown epoch"
    if is_canary(keyring, caller, token):
        return "canary"
    if mark_of(keyring, token.epoch, caller.tenant, token.nonce) != token.mark:
        return "foreign token"
    return "wrong field" if token.field != field else "does not open"


# --- Section 5: the token's text --------------------------------------------------------------------------------------

TEXT_PREFIX = "sym_"
ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def token_text(raw: bytes) -> str:
    return TEXT_PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def text_to_bytes(text: bytes) -> bytes:
    """Section 5: strict decoding, without a look at what the bytes mean."""
    content = text.decode("latin-1")
    if not content.startswith(TEXT_PREFIX):
        raise Malformed("prefix")
    content = content.removeprefix(TEXT_PREFIX)
    if not ALPHABET.issuperset(content):
        raise Malformed("character")
    if len(content) % 4 == 1:
        raise Malformed("length")
    raw = base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))
    if token_text(raw) != TEXT_PREFIX + content:
        raise Malformed("unused bits")
    return raw


def parse_text(text: bytes) -> bytes:
    """Section 5: a token from its text."""
    return Token.parse(text_to_bytes(text)).raw
