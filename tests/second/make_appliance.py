"""The cases of appliance-frames.txt, -messages, -roles, -wrapped and -kept (SPEC.md section 17)."""

from __future__ import annotations

from collections.abc import Iterable

import appliance
from appliance import write
from cases import RING, flipped, listed, ring, row, some
from symbolon import Keyring, le16, le32

# --- Frames -----------------------------------------------------------------------------------------------------------


def frame_rows() -> Iterable[str]:
    for number, message in enumerate(framed()):
        id_ = (0, 1, 0x0100, 0xFFFF, 0x1234)[number % 5]
        yield row("ok", id_, message, appliance.seal_frame(id_, message))
    for frame, why in bad_frames():
        fault, id_ = "accepted", 0
        try:
            appliance.open_frame(frame)
        except appliance.Fault as found:
            fault, id_ = found.name, found.id
        assert fault != "accepted", why
        yield row(fault, id_, frame, why)


def framed() -> Iterable[bytes]:
    """Zeros at every place, blocks at and around their longest."""
    yield from (b"\0", b"\1", b"\0\0", b"\1\0\2", b"\xff", some("message", 16), bytes(64))
    for length in (246, 247, 248, 249, 250, 251, 252, 253, 254, 255, 256, 500, 508, 509, 1500):
        yield b"\x7f" * length
        yield b"\x7f" * (length - 1) + b"\0"
        yield b"\0" + b"\x7f" * (length - 1)
    yield some("long message", 1500)
    yield ends_with_full_block()


def ends_with_full_block() -> bytes:
    """A message whose payload and check, under an id without zeros, are 254 bytes without one."""
    for number in range(1000):
        message = bytes(byte or 1 for byte in some(f"full block {number}", 254 - 7))
        if b"\0" not in appliance.check_of(bytes([1]) + le16(0x1234) + message):
            return message
    raise ValueError("no such message")


def coded(decoded: bytes) -> bytes:
    return appliance.cobs(decoded) + b"\0"


def bad_frames() -> Iterable[tuple[bytes, str]]:
    payload = b"\1" + le16(0x1234) + some("payload", 20)
    good = payload + appliance.check_of(payload)
    yield b"\x01\x00", "nothing in it"
    for length in range(1, 7):
        yield coded(good[:length]), f"decoded, {length} bytes"
    for length in (0, 1, 2):
        short = payload[:length]
        yield coded(short + appliance.check_of(short)), f"a good check behind {length} bytes"
    for code, why in ((0x1B, "a block"), (0xFF, "the longest block")):
        yield bytes([code]) + good[:25] + b"\0", f"{why} that goes beyond the end"
    yield appliance.cobs(good)[:-1] + b"\0", "a byte less, coded"
    yield coded(good[:-1]), "a byte less"
    yield coded(good + b"\0"), "a zero more"
    for at, part in (
        (0, "version"),
        (1, "id"),
        (3, "message"),
        (22, "message's end"),
        (23, "check"),
        (26, "check's end"),
    ):
        for bit in (0, 7):
            yield coded(flipped(good, at, bit)), f"altered: bit {bit} of the {part}"
    yield coded(payload + good[-1:-5:-1]), "the check backwards"
    yield coded(payload + bytes(4)), "a check of zeros"
    unfinished = bytes(byte ^ 0xFF for byte in good[-4:])
    yield coded(payload + unfinished), "the check is not complemented"
    for version in (0, 2, 0x81, 0xFF):
        yield appliance.seal_frame(0x1234, some("payload", 20), version), f"version {version}"
        yield appliance.seal_frame(0, b"", version), f"version {version}, id 0, without a message"


# --- Messages ---------------------------------------------------------------------------------------------------------

WIDEST_16, WIDEST_32, WIDEST_64 = 2**16 - 1, 2**32 - 1, 2**64 - 1
KEY = [some(f"role key {role}") for role in range(3)]
WHO, OTHER = (1, b"alice"), (3, some("subject", 64))
GRANTING = (*OTHER, le16(1) + le16(12), 1, 1, b"order 4711", 0, 1_800_000_000_000, 3)
WIDEST = (*WHO, b"", 255, 255, b"", WIDEST_64, WIDEST_64, WIDEST_32)
PLAIN = (0, False, b"", 0, b"")
FULL = (255, True, some("grant", 191), WIDEST_16, some("address", 320))
ASKED = (4, b"", some("token", 118))
BOUND = (WIDEST_16, some("record", 64), some("long token", 1078))


def several(*items: tuple[object, ...]) -> bytes:
    return b"".join(appliance.write_fields(appliance.ASKED, item) for item in items)


def messages() -> Iterable[tuple[str, str, tuple[object, ...]]]:
    yield from (("request", name, ()) for name in ("Status", "SelfTest", "Challenge"))
    for role in range(3):
        yield "request", "LogIn", (role, some("nonce", 16), some("mac", 16))
    yield "request", "LogIn", (0, bytes(16), b"\xff" * 16)
    for length in (0, 1, 127, 128, 1400):
        yield "request", "Act", (some("sealed", length),)
        yield "request", "InSession", (some("credential", length), some("proof", 40), length == 128, some("act", 3))
    yield "request", "InSession", (b"", b"", True, b"")
    for number in (1, 36, 127, 128, 255):
        yield "response", "Fault", (number,)
    yield "response", "Done", ()
    for length in (0, 1, 127, 128, 1430):
        yield "response", "Bytes", (some("bytes", length),)
        yield "response", "Act", (some("sealed", length),)
    yield "response", "Status", (0, False, False, True, None, 0, 0, 0, 0, 0, b"\x08\0\0", 1536, 4)
    yield "response", "Status", (2, True, True, False, 1_800_000_000_000, 7, 2, 128, 300, 1, b"\x08\x07\x00", 16383, 7)
    yield "response", "Status", (255, True, False, True, 0, 127, 128, 16384, 2**35, 2**28, b"\xff\x80\x7f", 0, 0)
    widest = (WIDEST_32, WIDEST_16, WIDEST_32, WIDEST_64, WIDEST_32)
    yield "response", "Status", (1, False, True, True, WIDEST_64, *widest, b"\xff" * 3, WIDEST_16, 255)
    for bits in (0, 1, 15, 255):
        yield "response", "SelfTest", (bits,)
    yield "response", "Challenge", (some("challenge", 16),)
    for number in (0, 1, 127, 128, 16383, 16384, WIDEST_16):
        yield "response", "Epoch", (number,)
    for number in (
        0,
        127,
        128,
        *(2 ** (7 * at) - 1 for at in range(2, 10)),
        *(2 ** (7 * at) for at in range(2, 10)),
        WIDEST_64,
    ):
        yield "response", "Ends", (number,)
        yield "auditor", "Acknowledge", (number,)
    yield "officer", "Initialise", (*KEY, some("transport"), b"vault.example", 7, 900_000)
    yield "officer", "Initialise", (b"", bytes(31), bytes(33), b"\xff" * 200, b"", WIDEST_32, WIDEST_64)
    for name in ("Generate", "Backup", "Rotate", "Lock", "Zeroise"):
        yield "officer", name, ()
    yield "officer", "Import", (b"",)
    yield "officer", "Import", (appliance.wrap(some("transport"), some("salt", 16), RING),)
    for epoch in (0, 1, 128, WIDEST_16):
        yield "officer", "Retire", (epoch,)
    for role in range(3):
        yield "officer", "SetRole", (role, KEY[role])
    yield "issuer", "Issue", (b"shop", *WHO, 1, 1, 900_000, some("session key"))
    yield "issuer", "Issue", (b"", *OTHER, WIDEST_16, WIDEST_64, WIDEST_64, b"")
    yield "issuer", "Issue", (some("tenant", 64), 255, b"", 128, 2**63, 2**56, bytes(32))
    yield "issuer", "EndSession", (some("session id", 16),)
    yield from (("auditor", name, ()) for name in ("AuditKey", "HaveAuditKey", "Read", "Checkpoint"))
    yield from (("session", name, ()) for name in ("Authenticate", "LogOut", "Stop", "Release"))
    sealed = several((4, b"", b"alice@example.com"), (12, b"order 4711", b"Tokyo"), (WIDEST_16, b"", bytes(1022)))
    for erasable in (False, True):
        yield "session", "Tokenize", (*WHO, erasable, several((1, b"", b"Alice")))
    yield "session", "Tokenize", (*OTHER, True, sealed)
    for opening, asked in ((PLAIN, ASKED), (FULL, BOUND), ((32, True, b"", 4, b"alice@example.com"), (0, b"", b""))):
        yield "session", "Detokenize", (*opening, *asked)
        yield "session", "Rewrap", (*opening, *asked)
        yield "session", "Reveal", (*opening, several(asked, ASKED))
    for granting in (GRANTING, WIDEST):
        yield "session", "Grant", granting
        yield "session", "GrantFor", (*WHO, "チャージバック", *granting)
    yield "session", "GrantFor", (0, b"", "", *WIDEST)
    yield "session", "Revoke", (some("grant", 191),)
    for who in (WHO, OTHER, (0, b"")):
        yield "session", "RevokeAll", who
        yield "session", "Erase", who
        yield "session", "ConfirmAddress", (*who, 4, b"alice@example.com")
    yield "session", "ConfirmAddress", (*WHO, WIDEST_16, b"")


def value_text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str):
        return value.encode().hex() or "-"
    if isinstance(value, bytes):
        return value.hex() or "-"
    return "none" if value is None else str(value)


def message_rows() -> Iterable[str]:
    for which, name, values in messages():
        shown = ",".join(map(value_text, values)) or "-"
        yield row("ok", which, name, shown, write(appliance.LISTS[which], name, *values))
    for which, message, why in bad_messages():
        yield row("malformed", which, message, why)


SHORTEST_MESSAGES = {
    "request": write(appliance.REQUESTS, "Status"),
    "response": write(appliance.RESPONSES, "Done"),
    "officer": write(appliance.OFFICER_ACTS, "Generate"),
    "issuer": write(appliance.ISSUER_ACTS, "EndSession", bytes(16)),
    "auditor": write(appliance.AUDITOR_ACTS, "Read"),
    "session": write(appliance.SESSION_ACTS, "Authenticate"),
}


def bad_messages() -> Iterable[tuple[str, bytes, str]]:
    for which, variants in appliance.LISTS.items():
        good, count = SHORTEST_MESSAGES[which], len(variants)
        yield which, b"", "empty"
        yield which, bytes([good[0] | 0x80, 0]) + good[1:], "an over-long variant"
        yield which, bytes([good[0] | 0x80, 0x80, 0x80, 0x80, 0]) + good[1:], "a variant in five bytes"
        yield which, bytes([good[0] | 0x80]), "a variant that does not end"
        yield which, good + b"\0", "a zero behind it"
        yield which, good * 2, "itself behind it"
        for number in (count, 127, 128, 256 + good[0], 2**32 - 1, 2**32 + good[0]):
            yield which, appliance.varint(number) + good[1:], f"variant {number}"
        yield which, b"\x80" * 9 + b"\1", "a variant of 64 bits"
        yield which, b"\xff" * 11, "a variant without an end"
    yield from cut_messages()
    yield from bad_fields()


def cut_messages() -> Iterable[tuple[str, bytes, str]]:
    """Each variant with fields, without its last byte, and with one more."""
    done = set()
    for which, name, values in messages():
        if values and (which, name) not in done:
            done.add((which, name))
            message = write(appliance.LISTS[which], name, *values)
            yield which, message[:-1], f"{name}: a byte less"
            yield which, message[:1], f"{name}: its variant alone"
            yield which, message + b"\0", f"{name}: a byte more"


def bad_fields() -> Iterable[tuple[str, bytes, str]]:
    nonces = bytes(32)
    yield "request", b"\3\3" + nonces, "LogIn: role 3"
    yield "request", b"\3\x80\0" + nonces, "LogIn: an over-long role"
    yield "request", b"\3\0" + nonces[:-1], "LogIn: a MAC of 15 bytes"
    for length, why in (
        (b"\x83\0", "over-long"),
        (b"\x83\x80\0", "over-long by two bytes"),
        (b"\x04", "one more than there are"),
        (b"\xff\xff\xff\xff\x0f", "2^32 - 1"),
        (b"\x83\x80\x80\x80\x10", "2^32 + 3"),
        (b"\xff" * 9 + b"\1", "2^64 - 1"),
        (b"\x83" + b"\x80" * 8 + b"\2", "2^64 + 3"),
        (b"\x80" * 5, "without an end"),
    ):
        yield "request", b"\4" + length + b"abc", f"Act: its length is {why}"
        yield "response", b"\2" + length + b"abc", f"Bytes: its length is {why}"
    yield "request", b"\5\0\0\2\0", "InSession: challenged is 2"
    yield "request", b"\5\0\0\xff\0", "InSession: challenged is 255"
    yield "request", b"\5\0\0\x81\0\0", "InSession: challenged is a varint"
    for number, why in (
        (b"\x80\0", "0 in two bytes"),
        (b"\xff\0", "127 in two bytes"),
        (b"\xff\x80\0", "127 in three bytes"),
        (b"\x80\x80\4", "65,536"),
        (b"\xff\xff\x7f", "2^21 - 1"),
        (b"\xff\xff\x83\0", "65,535 in four bytes"),
        (b"\xff\xff", "without an end"),
    ):
        yield "officer", b"\5" + number, f"Retire: {why}"
        yield "response", b"\7" + number, f"Epoch: {why}"
    for number, why in (
        (b"\x80\0", "0 in two bytes"),
        (b"\x81" + b"\x80" * 8 + b"\0", "1 in ten bytes"),
        (b"\xff" * 9 + b"\2", "the tenth byte is 2"),
        (b"\xff" * 9 + b"\3", "the tenth byte is 3"),
        (b"\xff" * 9 + b"\x7f", "the tenth byte is 127"),
        (b"\xff" * 9 + b"\x81\0", "eleven bytes"),
        (b"\xff" * 9, "without an end"),
    ):
        yield "auditor", b"\3" + number, f"Acknowledge: {why}"
        yield "response", b"\x08" + number, f"Ends: {why}"
    initialise = write(appliance.OFFICER_ACTS, "Initialise", *KEY, some("transport"), b"vault.example", 7, 900_000)
    head = initialise[: -len(b"\7" + appliance.varint(900_000))]
    for node, why in (
        (b"\x87\0", "over-long"),
        (b"\xff\xff\xff\xff\x1f", "of 33 bits"),
        (b"\xff\xff\xff\xff\x8f\0", "over-long, of six bytes"),
    ):
        yield "officer", head + node + appliance.varint(900_000), f"Initialise: a node {why}"
    status = write(appliance.RESPONSES, "Status", 2, True, False, True, None, 7, 2, 128, 300, 1, bytes(3), 1536, 7)
    for at, what in ((2, "locked"), (3, "stopped"), (4, "healthy")):
        yield "response", status[:at] + b"\2" + status[at + 1 :], f"Status: {what} is 2"
    yield "response", status[:5] + b"\2" + status[6:], "Status: an option that is 2"
    yield "response", status[:5] + b"\2\0" + status[6:], "Status: an option that is 2, and a value"
    yield "response", status[:5] + b"\1\x80\0" + status[6:], "Status: an over-long time"
    grant_for = write(appliance.SESSION_ACTS, "GrantFor", *WHO, "why", *GRANTING)
    for reason in (b"\xff\xfe\xfd", b"\xc0\x80y", b"\xed\xa0\x80", b"wh\xe3"):
        yield "session", grant_for.replace(b"why", reason), f"GrantFor: a reason that is not UTF-8, {reason.hex()}"
    tokenize = write(appliance.SESSION_ACTS, "Tokenize", *WHO, False, b"")
    yield "session", tokenize[:-2] + b"\2\0", "Tokenize: erasable is 2"
    detokenize = write(appliance.SESSION_ACTS, "Detokenize", *PLAIN, *ASKED)
    yield "session", detokenize[:2] + b"\2" + detokenize[3:], "Detokenize: masked is 2"


# --- Roles ------------------------------------------------------------------------------------------------------------


def role_rows() -> Iterable[str]:
    for number, role in enumerate((0, 1, 2, 0, 1, 2, 0)):
        key = bytes(32) if number == 6 else KEY[role] if number < 3 else some(f"another key {number}")
        challenge, nonce = some(f"challenge {number}", 16), some(f"log-in {number}", 16)
        channel, halves = appliance.Channel.open(key, role, challenge, nonce), []
        for place, (act, answer) in enumerate(exchanged(number)):
            halves += [(act, channel.seal_act(act), answer, channel.seal_answer(answer))]
            assert channel.count == place + 1
        mac = appliance.log_in_mac(key, role, challenge, nonce)
        yield row(key, role, challenge, nonce, mac, *(listed(column) for column in zip(*halves)))


def exchanged(number: int) -> Iterable[tuple[bytes, bytes]]:
    """Acts, and answers to them."""
    done = write(appliance.RESPONSES, "Done")
    yield b"\1", write(appliance.RESPONSES, "Epoch", 1)
    yield some(f"an act {number}", 300), done
    yield b"\4", write(appliance.RESPONSES, "Bytes", some(f"an answer {number}", 1400))
    if number == 6:
        for place in range(300):
            yield bytes([place % 8]), done


# --- Wrapped keyrings -------------------------------------------------------------------------------------------------


def keyrings() -> Iterable[Keyring]:
    yield from (RING, ring(1), ring(65_535), ring(3, 5, 1000), ring(1, 2, 3, 4), ring(*range(65_528, 65_536)))


def wrapped_rows() -> Iterable[str]:
    transport = some("transport")
    for number, keyring in enumerate(keyrings()):
        for key, salt in ((transport, some(f"salt {number}", 16)), (some(f"transport {number}"), some("salt", 16))):
            yield row("ok", key, salt, keyring.to_bytes(), appliance.wrap(key, salt, keyring))
    for wrapped, why in bad_wrapped(transport):
        yield row("invalid keyring", transport, wrapped, why)


def bad_wrapped(transport: bytes) -> Iterable[tuple[bytes, str]]:
    salt, form = some("salt", 16), RING.to_bytes()
    good = appliance.wrap(transport, salt, RING)
    yield b"", "empty"
    for length in (1, 16, 17, 32, 33, 34, len(good) - 1):
        yield good[:length], f"cut to {length} bytes"
    yield good + b"\0", "a byte more"
    for first in (0, 2, 0x11, 0x81):
        yield bytes([first]) + good[1:], f"version {first}"
    for at, part in ((1, "salt"), (16, "salt's end"), (17, "keyring"), (len(good) - 1, "tag")):
        yield flipped(good, at, 7), f"altered: {part}"
    yield appliance.wrap(some("another transport"), salt, RING), "another transport key"
    for bad, why in (
        (b"", "nothing"),
        (form[:-1], "a keyring without its last byte"),
        (form + b"\0", "a byte behind the keyring"),
        (b"\2" + form[1:], "a keyring of version 2"),
        (form[:1] + b"\1" + form[2:], "a keyring that has more epochs than it says"),
        (form[:1] + b"\3" + form[2:], "a keyring that has fewer epochs than it says"),
        (form[:1] + b"\0" + form[2:34], "a keyring without an epoch"),
        (form[:34] + form[68:] + form[34:68], "a keyring whose epochs fall"),
        (form[:34] + form[34:68] * 2, "a keyring with an epoch twice"),
        (form[:34] + bytes(2) + form[36:], "a keyring with epoch 0"),
        (b"\1\x09" + form[2:34] + b"".join(le16(at) + some(f"root {at}") for at in range(1, 10)), "nine epochs"),
    ):
        yield appliance.wrap_form(transport, salt, bad), f"wrapped: {why}"


# --- What is kept -----------------------------------------------------------------------------------------------------


INSTANCE = some("instance", 16)


def kept_rows() -> Iterable[str]:
    device = some("device key")
    for number, (kind, index, value) in enumerate(kept()):
        name, salt = appliance.record_name(kind, index), some(f"kept {number}", 16)
        instance = appliance.NO_INSTANCE if kind == appliance.SETTINGS else INSTANCE
        record = appliance.seal_record(device, name, salt, value, instance)
        yield row("record", device, name, salt, instance, value, record)
    for settings in some_settings():
        given = (int(settings.locked), settings.node, settings.longest_life, settings.instance, settings.audience)
        yield row("settings", *given, settings.to_bytes())
    for keyring in keyrings():
        yield row("keyring", keyring.to_bytes(), listed(appliance.pieces(keyring)))
    yield from bad_records(device)


def some_settings() -> Iterable[appliance.Settings]:
    yield appliance.Settings(False, 7, 900_000, INSTANCE, b"vault.example")
    yield appliance.Settings(True, 7, 900_000, INSTANCE, b"vault.example")
    yield appliance.Settings(False, 0, 1, bytes(15) + b"\1", b"\0")
    yield appliance.Settings(True, WIDEST_32, 86_400_000, b"\xff" * 16, some("audience", 64))


def kept() -> Iterable[tuple[int, int, bytes]]:
    for settings in some_settings():
        yield appliance.SETTINGS, 0, settings.to_bytes()
    for role in range(3):
        yield appliance.ROLE_KEY, role, KEY[role]
    yield appliance.TRANSPORT_KEY, 0, some("transport")
    for keyring in keyrings():
        for index, piece in enumerate(appliance.pieces(keyring)):
            if piece:
                yield appliance.PIECE, index, piece
    yield appliance.AUDIT_KEY, 0, b"\1" + le32(7) + some("trail key 7") + RING.k_tag


def bad_records(device: bytes) -> Iterable[str]:
    name, salt = appliance.record_name(appliance.ROLE_KEY, 1), some("salt", 16)
    good = appliance.seal_record(device, name, salt, KEY[1], INSTANCE)

    def sealed(device: bytes = device, name: bytes = name, instance: bytes = INSTANCE) -> bytes:
        return appliance.seal_record(device, name, salt, KEY[1], instance)

    for record, why in (
        (good[:-1], "a byte less"),
        (good + b"\0", "a byte more"),
        (good[:16], "its salt alone"),
        (good[:31], "shorter than a salt and a tag"),
        (flipped(good, 0), "altered: salt"),
        (flipped(good, 16), "altered: value"),
        (flipped(good, len(good) - 1, 7), "altered: tag"),
        (sealed(device=some("another device")), "of another device"),
        (sealed(instance=some("another instance", 16)), "of another instance"),
        (sealed(instance=appliance.NO_INSTANCE), "without the instance"),
        (sealed(name=appliance.record_name(appliance.ROLE_KEY, 0)), "another role's"),
        (sealed(name=appliance.record_name(appliance.TRANSPORT_KEY, 1)), "another kind's"),
    ):
        yield row("damaged", device, name, INSTANCE, record, why)


FAMILIES = {
    "appliance-frames": (
        frame_rows,
        'Frames, and what is none: SPEC.md, "The appliance", "Frames".',
        "ok | id | message | frame, with its 00\n# the fault | id of the answer | frame, with its 00 | why, for readers",
    ),
    "appliance-messages": (
        message_rows,
        'Messages, and what is malformed: SPEC.md, "The appliance", "Messages", "Acts" and "Acts in a session".',
        "ok | list | variant | its fields, with commas; none: an option without a value | message\n"
        "# malformed | list | message | why, for readers\n"
        "# The lists are request, response, officer, issuer, auditor and session. Only their form is looked at.",
    ),
    "appliance-roles": (
        role_rows,
        'Log-ins of roles, and what goes through the channel: SPEC.md, "The appliance", "Roles".',
        "role key | role | challenge | nonce | MAC | acts, with commas | each sealed | answers, with commas | each sealed",
    ),
    "appliance-wrapped": (
        wrapped_rows,
        'Wrapped keyrings: SPEC.md, "The appliance", "Wrapped keyrings".',
        "ok | transport key | salt | keyring | wrapped\n# invalid keyring | transport key | wrapped | why, for readers",
    ),
    "appliance-kept": (
        kept_rows,
        'What an appliance keeps: SPEC.md, "The appliance", "What is kept".',
        "record | device key | name | salt | instance | value | record\n"
        "# settings | locked, 0 or 1 | node | longest life | instance | audience | settings\n"
        "# keyring | its secret form | its pieces, with commas\n"
        "# damaged | device key | name | instance | record | why, for readers",
    ),
}
