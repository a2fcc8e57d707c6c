"""Owner records, verified addresses, blind indexes (SPEC.md section 12, "Deliveries", and sections 13 and 14)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace

import fields
from symbolon import ADDRESS, INDEX, Denied, Keyring, Malformed, Principal, le16, le32, prf

ERASED = 1 << 0
HAS_SECRET = 1 << 1
HEAD = 38
ADDRESS_LENGTH = 20
MOST_ADDRESSES = 4
STOPPED, RELEASED = b"\x01", b"\x00"
"""Table 8."""


class TooManyAddresses(Exception):
    """Section 12: a fifth field with a verified address."""


class Damaged(Exception):
    """Section 13: a row of another form; the vault is unavailable."""


# --- Section 13: the owner record -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Address:
    """A verified address as the record holds it."""

    field: int
    epoch: int
    tag: bytes

    def to_bytes(self) -> bytes:
        return le16(self.field) + le16(self.epoch) + self.tag

    @staticmethod
    def from_bytes(form: bytes) -> Address:
        return Address(int.from_bytes(form[:2], "little"), int.from_bytes(form[2:4], "little"), form[4:])


@dataclass(frozen=True)
class OwnerRecord:
    """Section 13; the empty one stands for an owner without a row."""

    erased: bool = False
    grant_epoch: int = 0
    secret: bytes | None = None
    addresses: tuple[Address, ...] = ()

    def to_bytes(self) -> bytes:
        flags = (ERASED if self.erased else 0) | (HAS_SECRET if self.secret is not None else 0)
        tags = b"".join(address.to_bytes() for address in self.addresses)
        return bytes([1, flags]) + le32(self.grant_epoch) + (self.secret or bytes(32)) + tags

    @staticmethod
    def from_bytes(form: bytes) -> OwnerRecord:
        lengths = [HEAD + ADDRESS_LENGTH * count for count in range(MOST_ADDRESSES + 1)]
        if len(form) not in lengths or form[0] != 1 or form[1] & ~(ERASED | HAS_SECRET):
            raise Damaged("length, version or flags")
        erased, has_secret, secret = form[1] & ERASED != 0, form[1] & HAS_SECRET != 0, form[6:HEAD]
        places = range(HEAD, len(form), ADDRESS_LENGTH)
        addresses = tuple(Address.from_bytes(form[at : at + ADDRESS_LENGTH]) for at in places)
        codes = [address.field for address in addresses]
        if not has_secret and any(secret):
            raise Damaged("a secret that is none")
        if erased and (has_secret or addresses):
            raise Damaged("erased, but not all")
        if not all(map(fields.is_code, codes)) or any(later <= earlier for earlier, later in zip(codes, codes[1:])):
            raise Damaged("fields")
        grant_epoch = int.from_bytes(form[2:6], "little")
        return OwnerRecord(erased, grant_epoch, secret if has_secret else None, addresses)

    def erase(self) -> OwnerRecord:
        """Section 13, "Erasure"."""
        return OwnerRecord(erased=True, grant_epoch=self.grant_epoch + 1)

    def revoke_all(self) -> OwnerRecord:
        return replace(self, grant_epoch=self.grant_epoch + 1)


# --- Section 12: deliveries -------------------------------------------------------------------------------------------


def address_tag(keyring: Keyring, epoch: int, owner: Principal, field: int, address: bytes) -> bytes:
    if not 1 <= len(address) <= 320:
        raise Malformed("length of an address")
    return prf(keyring.owner_key(epoch, owner), ADDRESS, le16(field) + address)[:16]


def confirm(keyring: Keyring, owner: Principal, record: OwnerRecord, field: int, address: bytes) -> OwnerRecord:
    """Section 12: the address in the place of another one of this field; an empty one withdraws it."""
    if record.erased:
        raise Denied("erased")
    kept = [known for known in record.addresses if known.field != field]
    if address:
        epoch = keyring.newest
        kept.append(Address(field, epoch, address_tag(keyring, epoch, owner, field, address)))
    if len(kept) > MOST_ADDRESSES:
        raise TooManyAddresses
    return replace(record, addresses=tuple(sorted(kept, key=lambda known: known.field)))


def deliver(keyring: Keyring, owner: Principal, record: OwnerRecord, field: int, address: bytes) -> OwnerRecord:
    """Section 12, "Deliveries": the record with the newest epoch's tag, if this is the verified address."""
    for known in record.addresses:
        if known.field == field and known.epoch in keyring.epochs:
            if hmac.compare_digest(address_tag(keyring, known.epoch, owner, field, address), known.tag):
                return confirm(keyring, owner, record, field, address)
    raise Denied("wrong destination")


# --- Section 14 -------------------------------------------------------------------------------------------------------


def index_value(
    keyring: Keyring, epoch: int, tenant: bytes, field: int, name: bytes, version: int, normalised: bytes
) -> bytes:
    if not 1 <= len(name) <= 64 or not 1 <= len(normalised) <= 1022:
        raise Malformed("length of an index's name or of a normalised value")
    return prf(keyring.index_key(epoch, tenant, field, name, version), INDEX, normalised)[:8]


def look_up(keyring: Keyring, tenant: bytes, field: int, name: bytes, version: int, normalised: bytes) -> list[bytes]:
    """Section 14: the values of the newest epoch and of the newest but one."""
    epochs = (keyring.newest, keyring.newest_but_one)
    return [index_value(keyring, epoch, tenant, field, name, version, normalised) for epoch in epochs]
