"""The appliance's protocol: frames, messages, roles, wrapped keyrings, kept records (SPEC.md section 17)."""

from __future__ import annotations

import hmac
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from symbolon import (
    DEVICE_RECORD,
    ROLE_ACT,
    ROLE_CHANNEL,
    ROLE_LOG_IN,
    WRAP,
    Keyring,
    Malformed,
    aead1_open,
    aead1_seal,
    le16,
    le32,
    le64,
    prf,
)

VERSION = 1
FAULTS = {
    1: "denied", 2: "unavailable", 3: "malformed", 4: "invalid principal", 5: "invalid field", 6: "invalid value",
    7: "forbidden value", 8: "too long", 9: "buffer too small", 10: "random numbers failed", 11: "invalid keyring",
    12: "invalid terms", 32: "bad frame", 33: "version", 34: "stage", 35: "blocked", 36: "unhealthy",
}  # fmt: skip
NUMBERS = {name: number for number, name in FAULTS.items()}


class Fault(Exception):
    """Section 17, "Faults": its name, and the id that the answer has."""

    def __init__(self, name: str, id_: int = 0):
        super().__init__(name)
        self.name, self.number, self.id = name, NUMBERS[name], id_


# --- Frames -----------------------------------------------------------------------------------------------------------

SHORTEST = 7
"""Version, id and check."""
FULL_BLOCK = 0xFF


def cobs(content: bytes) -> bytes:
    """Cheshire and Baker's encoding: the content and a zero behind it, cut at the zeros and at 254 bytes."""
    out = bytearray()
    for part in content.split(b"\0"):
        while len(part) >= FULL_BLOCK - 1:
            out += bytes([FULL_BLOCK]) + part[: FULL_BLOCK - 1]
            part = part[FULL_BLOCK - 1 :]
        out += bytes([len(part) + 1]) + part
    return bytes(out)


def uncobs(coded: bytes) -> bytes:
    """The inverse; what ends with a full block is taken, too, for some encoders leave the empty block behind it out."""
    out, at, owed = bytearray(), 0, b""
    while at < len(coded):
        code = coded[at]
        part = coded[at + 1 : at + code]
        if code == 0 or b"\0" in part or len(part) != code - 1:
            raise Malformed("COBS")
        out += owed + part
        owed = b"" if code == FULL_BLOCK else b"\0"
        at += code
    return bytes(out)


def check_of(payload: bytes) -> bytes:
    return le32(zlib.crc32(payload))


def frame_of(payload: bytes) -> bytes:
    """A frame, the 00 behind it included."""
    return cobs(payload + check_of(payload)) + b"\0"


def seal_frame(id_: int, message: bytes, version: int = VERSION) -> bytes:
    return frame_of(bytes([version]) + le16(id_) + message)


def open_frame(frame: bytes, room: int | None = None) -> tuple[int, bytes]:
    """The id and the message of a frame with or without its 00."""
    frame = frame.removesuffix(b"\0")
    if room is not None and len(frame) > room:
        raise Fault("too long")
    try:
        decoded = uncobs(frame)
    except Malformed:
        raise Fault("bad frame") from None
    payload, check = decoded[:-4], decoded[-4:]
    if len(decoded) < SHORTEST or check != check_of(payload):
        raise Fault("bad frame")
    id_ = int.from_bytes(payload[1:3], "little")
    if payload[0] != VERSION:
        raise Fault("version", id_)
    return id_, payload[3:]


# --- Values: postcard's wire format, one form only --------------------------------------------------------------------


@dataclass(frozen=True)
class Type:
    """How one value is written, and read from a `Reader`."""

    write: Callable[[object], bytes]
    read: Callable[[Reader], object]


class Reader:
    """Takes values from the beginning of what is left."""

    def __init__(self, content: bytes):
        self.rest = content

    def take(self, length: int) -> bytes:
        if len(self.rest) < length:
            raise Malformed("the end is missing")
        taken, self.rest = self.rest[:length], self.rest[length:]
        return taken

    def varint(self, bits: int) -> int:
        number, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if number >> bits:
                raise Malformed("a number that is too large")
            if byte < 0x80:
                if byte == 0 and shift:
                    raise Malformed("an over-long varint")
                return number
            shift += 7
            if shift >= bits:
                raise Malformed("an over-long varint")

    def length_and_bytes(self) -> bytes:
        return self.take(self.varint(32))

    def one_of(self, count: int) -> int:
        """A variant's number, or a byte that is one of the first."""
        number = self.varint(32)
        if number >= count:
            raise Malformed("an unknown variant")
        return number

    def flag(self) -> bool:
        byte = self.take(1)[0]
        if byte > 1:
            raise Malformed("neither 0 nor 1")
        return byte == 1


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def length_and_bytes(content: bytes) -> bytes:
    return varint(len(content)) + content


def read_text(reader: Reader) -> str:
    try:
        return reader.length_and_bytes().decode()
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None


U8 = Type(lambda number: bytes([number]), lambda reader: reader.take(1)[0])
U16, U32, U64 = (Type(varint, lambda reader, bits=bits: reader.varint(bits)) for bits in (16, 32, 64))
BOOL = Type(lambda truth: bytes([truth]), Reader.flag)
BYTES = Type(length_and_bytes, Reader.length_and_bytes)
STR = Type(lambda text: length_and_bytes(text.encode()), read_text)
ROLE = Type(varint, lambda reader: reader.one_of(len(ROLES)))
OPTION_U64 = Type(
    lambda number: b"\0" if number is None else b"\1" + varint(number),
    lambda reader: reader.varint(64) if reader.flag() else None,
)


def fixed(length: int) -> Type:
    return Type(bytes, lambda reader: reader.take(length))


# --- Messages ---------------------------------------------------------------------------------------------------------

ROLES = ("officer", "issuer", "auditor")
OFFICER, ISSUER, AUDITOR = range(3)
NONCE = fixed(16)

Fields = tuple[Type, ...]
List = dict[str, Fields]
"""An enumeration: its variants by name, in their order."""

WHO: Fields = (U8, BYTES)
SEALING: Fields = (U16, BYTES, BYTES)
"""Field, record, value."""
ASKED: Fields = (U16, BYTES, BYTES)
"""Field, record, token."""
OPENING: Fields = (U8, BOOL, BYTES, U16, BYTES)
"""Purpose, masked, grant, the address' field, the address."""
GRANTING: Fields = (*WHO, BYTES, U8, U8, BYTES, U64, U64, U32)
"""Grantee, fields, purpose, view, record, not-before, expiry, uses."""

REQUESTS: List = {
    "Status": (),
    "SelfTest": (),
    "Challenge": (),
    "LogIn": (ROLE, NONCE, NONCE),
    "Act": (BYTES,),
    "InSession": (BYTES, BYTES, BOOL, BYTES),
}
RESPONSES: List = {
    "Fault": (U8,),
    "Done": (),
    "Bytes": (BYTES,),
    "Status": (U8, BOOL, BOOL, BOOL, OPTION_U64, U32, U16, U32, U64, U32, fixed(3), U16, U8),
    "SelfTest": (U8,),
    "Challenge": (NONCE,),
    "Act": (BYTES,),
    "Epoch": (U16,),
    "Ends": (U64,),
}
OFFICER_ACTS: List = {
    "Initialise": (BYTES, BYTES, BYTES, BYTES, BYTES, U32, U64),
    "Generate": (),
    "Import": (BYTES,),
    "Backup": (),
    "Rotate": (),
    "Retire": (U16,),
    "Lock": (),
    "SetRole": (ROLE, BYTES),
    "Zeroise": (),
}
ISSUER_ACTS: List = {
    "Issue": (BYTES, *WHO, U16, U64, U64, BYTES),
    "EndSession": (NONCE,),
}
AUDITOR_ACTS: List = {
    "AuditKey": (),
    "HaveAuditKey": (),
    "Read": (),
    "Acknowledge": (U64,),
    "Checkpoint": (),
}
ROLE_ACTS = (OFFICER_ACTS, ISSUER_ACTS, AUDITOR_ACTS)
SESSION_ACTS: List = {
    "Authenticate": (),
    "Tokenize": (*WHO, BOOL, BYTES),
    "Detokenize": (*OPENING, *ASKED),
    "Reveal": (*OPENING, BYTES),
    "Rewrap": (*OPENING, *ASKED),
    "Grant": GRANTING,
    "GrantFor": (*WHO, STR, *GRANTING),
    "Revoke": (BYTES,),
    "RevokeAll": WHO,
    "Erase": WHO,
    "ConfirmAddress": (*WHO, U16, BYTES),
    "LogOut": (),
    "Stop": (),
    "Release": (),
}
LISTS = {
    "request": REQUESTS,
    "response": RESPONSES,
    "officer": OFFICER_ACTS,
    "issuer": ISSUER_ACTS,
    "auditor": AUDITOR_ACTS,
    "session": SESSION_ACTS,
}


def write_fields(types: Fields, values: tuple[object, ...]) -> bytes:
    return b"".join(type_.write(value) for type_, value in zip(types, values, strict=True))


def write(variants: List, name: str, *values: object) -> bytes:
    """A message: the variant's number, then its fields."""
    return varint(list(variants).index(name)) + write_fields(variants[name], values)


def read(variants: List, content: bytes) -> tuple[str, tuple[object, ...]]:
    """The one form only, and nothing behind it; otherwise malformed."""
    reader = Reader(content)
    name = list(variants)[reader.one_of(len(variants))]
    values = tuple(type_.read(reader) for type_ in variants[name])
    if reader.rest:
        raise Malformed("bytes behind the message")
    return name, values


def read_several(types: Fields, content: bytes) -> list[tuple[object, ...]]:
    """`sealing`s or `asked`s, one behind the other, at least one."""
    reader, found = Reader(content), []
    while reader.rest:
        found.append(tuple(type_.read(reader) for type_ in types))
    if not found:
        raise Malformed("none")
    return found


# --- Roles ------------------------------------------------------------------------------------------------------------


def log_in_mac(key: bytes, role: int, challenge: bytes, nonce: bytes) -> bytes:
    return prf(key, ROLE_LOG_IN, bytes([role]) + challenge + nonce)[:16]


def verifies(key: bytes, role: int, challenge: bytes, nonce: bytes, mac: bytes) -> bool:
    """The appliance's half of a log-in."""
    return hmac.compare_digest(mac, log_in_mac(key, role, challenge, nonce))


@dataclass
class Channel:
    """Both halves of one: the client seals acts and opens answers, the appliance opens acts and seals answers."""

    key: bytes
    count: int = 0
    """Of the act that comes next."""

    @staticmethod
    def open(key: bytes, role: int, challenge: bytes, nonce: bytes) -> Channel:
        return Channel(prf(key, ROLE_CHANNEL, bytes([role]) + challenge + nonce))

    def key_of(self, number: int, direction: int) -> bytes:
        return prf(self.key, ROLE_ACT, le32(number) + bytes([direction]))

    def seal_act(self, message: bytes) -> bytes:
        """The client's; it is the next one until its answer was opened."""
        return aead1_seal(self.key_of(self.count, 0), b"", message)

    def open_answer(self, sealed: bytes) -> bytes | None:
        """The client's."""
        message = aead1_open(self.key_of(self.count, 1), b"", sealed)
        self.count += message is not None
        return message

    def open_act(self, sealed: bytes) -> bytes | None:
        """The appliance's; one that doesn't open as the next one changes nothing."""
        return aead1_open(self.key_of(self.count, 0), b"", sealed) if len(sealed) >= 16 else None

    def seal_answer(self, message: bytes) -> bytes:
        """The appliance's, to the act that was opened."""
        self.count += 1
        return aead1_seal(self.key_of(self.count - 1, 1), b"", message)


def context(act: bytes, challenge: bytes | None = None) -> list[bytes]:
    """Section 17, "Acts in a session": the parts of the request that a proof is for."""
    return [b"symbolon appliance 1", *([] if challenge is None else [challenge]), act]


# --- Wrapped keyrings -------------------------------------------------------------------------------------------------

WRAPPED_HEAD = 17


def wrap_form(transport: bytes, salt: bytes, form: bytes) -> bytes:
    return b"\x01" + salt + aead1_seal(prf(transport, WRAP, salt), b"", form)


def wrap(transport: bytes, salt: bytes, keyring: Keyring) -> bytes:
    return wrap_form(transport, salt, keyring.to_bytes())


def unwrap(transport: bytes, wrapped: bytes) -> Keyring:
    if len(wrapped) < WRAPPED_HEAD + 16 or wrapped[0] != 1:
        raise Fault("invalid keyring")
    salt = wrapped[1:WRAPPED_HEAD]
    form = aead1_open(prf(transport, WRAP, salt), b"", wrapped[WRAPPED_HEAD:])
    try:
        return Keyring.from_bytes(form or b"")
    except Malformed:
        raise Fault("invalid keyring") from None


# --- What is kept -----------------------------------------------------------------------------------------------------

TABLE = 9
SETTINGS, ROLE_KEY, TRANSPORT_KEY, ATTEMPTS, PIECE, AUDIT_KEY = range(1, 7)
PIECES, PIECE_LENGTH = 4, 80
NO_INSTANCE = bytes(16)


def record_name(kind: int, index: int = 0) -> bytes:
    return bytes([kind, index]) + bytes(14)


def record_key(device: bytes, name: bytes, salt: bytes, instance: bytes) -> bytes:
    return prf(device, DEVICE_RECORD, name + salt + instance)


def seal_record(device: bytes, name: bytes, salt: bytes, value: bytes, instance: bytes = NO_INSTANCE) -> bytes:
    """Without an instance it is that of settings."""
    return salt + aead1_seal(record_key(device, name, salt, instance), b"", value)


def open_record(device: bytes, name: bytes, record: bytes, instance: bytes = NO_INSTANCE) -> bytes:
    """All but attempts, which are in clear; an empty record is none."""
    key = record_key(device, name, record[:16], instance)
    value = aead1_open(key, b"", record[16:]) if len(record) >= 32 else None
    if value is None:
        raise Fault("unhealthy")
    return value


@dataclass(frozen=True)
class Settings:
    """What the officer said at the beginning, and the instance that was drawn then."""

    locked: bool
    node: int
    longest_life: int
    instance: bytes
    audience: bytes

    def to_bytes(self) -> bytes:
        return bytes([self.locked]) + le32(self.node) + le64(self.longest_life) + self.instance + self.audience

    @staticmethod
    def from_bytes(form: bytes) -> Settings:
        if not 30 <= len(form) <= 29 + 64 or form[0] > 1:
            raise Fault("unhealthy")
        node, life = int.from_bytes(form[1:5], "little"), int.from_bytes(form[5:13], "little")
        return Settings(form[0] == 1, node, life, form[13:29], form[29:])


def pieces(keyring: Keyring) -> list[bytes]:
    """The keyring's secret form, cut; the last ones empty where it is shorter."""
    form = keyring.to_bytes()
    return [form[at : at + PIECE_LENGTH] for at in range(0, PIECES * PIECE_LENGTH, PIECE_LENGTH)]
