"""Purposes, views, grants (SPEC.md section 12)."""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, replace

import fields
from symbolon import (
    GRANT_ID,
    GRANT_MAC,
    GRANT_RECORD,
    NO_RECORD,
    VERSION_AND_SUITE,
    Denied,
    Keyring,
    Malformed,
    Principal,
    le16,
    padded,
    prf,
)

DAY = 86_400_000
LONGEST_LIFE = 366 * DAY
TOLERANCE = 2_000

OWN_USE, SHIPPING, PAYMENT, MESSAGE, SUPPORT, FRAUD_PREVENTION, LEGAL, ACCOUNTING, MAINTENANCE, TRANSFER = range(10)
FULL, MASKED, RESEAL = 1, 2, 3
BODY = struct.Struct("<BBBBHIQQI16s16s16s16s16s65s")
LENGTH = BODY.size + 16
MOST_FIELDS = 8
NO_TAG = bytes(16)


def is_purpose(number: int) -> bool:
    """Section 12, "Purposes"."""
    return number <= TRANSFER or 32 <= number <= 63


def covers(granted: int, view: int) -> bool:
    """Section 12, "Views": the whole value's holder may ask for its mask."""
    return view == granted or (granted, view) == (FULL, MASKED)


def fields_of(content: bytes) -> tuple[int, ...]:
    """1 to 8 codes that rise, zeros behind them."""
    codes = list(struct.unpack(f"<{MOST_FIELDS}H", content))
    while codes and codes[-1] == 0:
        codes.pop()
    if not codes or any(later <= earlier for earlier, later in zip(codes, codes[1:])):
        raise Malformed("fields do not rise")
    if not all(map(fields.is_code, codes)):
        raise Malformed("unknown field")
    return tuple(codes)


@dataclass(frozen=True)
class Grant:
    """Section 12: what a grant says; its tenant is the session's and stands in no grant."""

    owner_kind: int
    owner_subject: bytes
    grantee: bytes
    grantor: bytes
    view: int
    purpose: int
    epoch: int
    grant_epoch: int
    not_before: int
    expiry: int
    uses: int
    fields: tuple[int, ...]
    record: bytes = NO_TAG
    id: bytes = NO_TAG

    def body(self) -> bytes:
        numbers = (VERSION_AND_SUITE, self.view, self.owner_kind, self.purpose, self.epoch, self.grant_epoch)
        codes = padded(b"".join(map(le16, self.fields)), 2 * MOST_FIELDS)
        subject = padded(bytes([len(self.owner_subject)]) + self.owner_subject, 65)
        tags = (self.grantee, self.grantor, self.record, self.id)
        return BODY.pack(*numbers, self.not_before, self.expiry, self.uses, codes, *tags, subject)

    @staticmethod
    def parse(raw: bytes) -> Grant:
        """A grant taken apart, not yet verified."""
        if len(raw) != LENGTH or raw[0] != VERSION_AND_SUITE:
            raise Malformed("length, version or suite")
        _, view, kind, purpose, epoch, grant_epoch, *rest = BODY.unpack(raw[: BODY.size])
        not_before, expiry, uses, codes, grantee, grantor, record, id_, subject = rest
        if kind not in (1, 2, 3):
            raise Malformed("unknown kind")
        if view not in (FULL, MASKED, RESEAL) or not is_purpose(purpose):
            raise Malformed("view or purpose")
        if not_before >= expiry:
            raise Malformed("times")
        length = subject[0]
        if not 1 <= length <= 64 or any(subject[1 + length :]):
            raise Malformed("subject")
        if (view == RESEAL) != (purpose in (MAINTENANCE, TRANSFER)) or view == RESEAL and uses == 0:
            raise Malformed("resealing")
        times = (not_before, expiry)
        who = (kind, subject[1 : 1 + length], grantee, grantor)
        return Grant(*who, view, purpose, epoch, grant_epoch, *times, uses, fields_of(codes), record, id_)

    def owner(self, tenant: bytes) -> Principal:
        return Principal(tenant, self.owner_kind, self.owner_subject)


def record_tag(grant_key: bytes, record: bytes) -> bytes:
    """Section 12: what a grant for one record says of it."""
    return prf(grant_key, GRANT_RECORD, record)[:16]


def sealed(grant_key: bytes, grant: Grant, rng16: bytes) -> bytes:
    """Section 12: the grant with its id and its MAC, whatever it says."""
    id_ = prf(grant_key, GRANT_ID, rng16 + replace(grant, id=NO_TAG).body())[:16]
    body = replace(grant, id=id_).body()
    return body + prf(grant_key, GRANT_MAC, body)[:16]


@dataclass(frozen=True)
class Terms:
    """What a grant is minted for."""

    view: int
    purpose: int
    not_before: int
    expiry: int
    uses: int
    fields: tuple[int, ...]
    record: bytes = NO_RECORD


def mint(
    keyring: Keyring,
    owner: Principal,
    grantee: Principal,
    grantor: Principal,
    terms: Terms,
    rng16: bytes,
    grant_epoch: int = 0,
    now: int | None = None,
) -> bytes:
    """Section 12, "Minted", but for the rights of the session; without `now`, in whatever window."""
    if grantee in (owner, grantor) or not owner.tenant == grantee.tenant == grantor.tenant:
        raise Denied("grantee")
    if terms.purpose == TRANSFER and grantor != owner:
        raise Denied("only the owner gives a token away")
    if now is not None and terms.expiry > now + LONGEST_LIFE:
        raise Denied("life too long")
    key = keyring.grant_key(keyring.newest, owner, grant_epoch)
    grant = Grant(
        owner.kind,
        owner.subject,
        keyring.tag_of(grantee),
        keyring.tag_of(grantor),
        terms.view,
        terms.purpose,
        keyring.newest,
        grant_epoch,
        terms.not_before,
        terms.expiry,
        terms.uses,
        terms.fields,
        record_tag(key, terms.record) if terms.record else NO_TAG,
    )
    raw = sealed(key, grant, rng16)
    Grant.parse(raw)
    return raw


@dataclass(frozen=True)
class Asked:
    """What is to be opened under a grant, and as what."""

    field: int
    purpose: int
    view: int = FULL
    record: bytes = NO_RECORD


@dataclass(frozen=True)
class Registry:
    """What the vault's store knows of a grant and its owner (section 13)."""

    grant_epoch: int = 0
    revoked: frozenset[bytes] = frozenset()
    used: int = 0
    floor: int = 0


def verify(keyring: Keyring, tenant: bytes, raw: bytes, floor: int = 0) -> Grant:
    """Section 12, "Opening under a grant", step 1."""
    grant = Grant.parse(raw)
    if grant.epoch not in keyring.epochs or grant.epoch < floor:
        raise Denied("bad grant")
    key = keyring.grant_key(grant.epoch, grant.owner(tenant), grant.grant_epoch)
    if not hmac.compare_digest(prf(key, GRANT_MAC, raw[: BODY.size])[:16], raw[BODY.size :]):
        raise Denied("bad grant")
    return grant


def accept(keyring: Keyring, caller: Principal, raw: bytes, now: int, asked: Asked, known: Registry) -> Principal:
    """Section 12, "Opening under a grant", in the order of section 9: the owner, whose token is opened then."""
    grant = verify(keyring, caller.tenant, raw, known.floor)
    owner = grant.owner(caller.tenant)
    if grant.grantee != keyring.tag_of(caller):
        raise Denied("wrong grantee")
    if not (grant.not_before <= now + TOLERANCE and now < grant.expiry):
        raise Denied("grant not in its time")
    if grant.id in known.revoked or grant.grant_epoch != known.grant_epoch:
        raise Denied("grant revoked")
    if grant.uses and known.used >= grant.uses:
        raise Denied("grant used up")
    if asked.purpose != grant.purpose or not covers(grant.view, asked.view) or asked.field not in grant.fields:
        raise Denied("not in grant")
    if grant.record != NO_TAG:
        key = keyring.grant_key(grant.epoch, owner, grant.grant_epoch)
        if not fields.is_bound(asked.field) or record_tag(key, asked.record) != grant.record:
            raise Denied("not in grant")
    return owner
