"""Fields, the checks of their values, refused column names and masks (SPEC.md sections 3 and 10)."""

from __future__ import annotations

import calendar
import re
from functools import cache

BULLET = "●"
FOUR = BULLET * 4

# name, index of the smallest class, placeholder
STANDARD: dict[int, tuple[str, int, str]] = {
    1: ("person-name", 1, "●●● ●●●"),
    2: ("postal-address", 3, FOUR),
    3: ("phone", 0, "●●●-●●●●-●●●●"),
    4: ("email", 1, "●●●@●●●"),
    5: ("card-number", 0, "●●●● ●●●● ●●●● ●●●●"),
    6: ("card-expiry", 0, "●●/●●"),
    7: ("bank-account", 1, FOUR),
    8: ("birth-date", 0, "●●●●-●●-●●"),
    9: ("national-id", 0, FOUR),
    10: ("order-line", 2, FOUR),
    11: ("free-text", 2, FOUR),
    12: ("shipping-address", 3, FOUR),
}
CODES = {name: code for code, (name, _, _) in STANDARD.items()}
CLASS_LENGTHS = ("32", "64", "128", "256", "512", "1024")
RECORD_BIT = 0x800


# --- Section 3: codes and names ---------------------------------------------------------------------------------------


def is_custom(code: int) -> bool:
    """`1ccc bnnn nnnn nnnn`, with ccc 0 to 5; b says that it is bound to a record."""
    return code & 0x8000 != 0 and (code >> 12) & 7 < len(CLASS_LENGTHS)


def is_code(code: int) -> bool:
    return code in STANDARD or is_custom(code)


def is_bound(code: int) -> bool:
    """Section 3, "Bound fields": those whose tokens are sealed with a record id."""
    return code == CODES["shipping-address"] or is_custom(code) and code & RECORD_BIT != 0


def smallest_class(code: int) -> int:
    return STANDARD[code][1] if code in STANDARD else (code >> 12) & 7


def placeholder(code: int) -> str:
    return STANDARD[code][2] if code in STANDARD else FOUR


def name_of(code: int) -> str:
    if code in STANDARD:
        return STANDARD[code][0]
    sort = "bound" if is_bound(code) else "custom"
    return f"{sort}-{CLASS_LENGTHS[smallest_class(code)]}-{code & 0x7FF}"


def code_of(name: str) -> int | None:
    """The code of a name; names have one spelling."""
    if name in CODES:
        return CODES[name]
    match = re.fullmatch(r"(custom|bound)-([0-9]{2,4})-(0|[1-9][0-9]{0,3})", name)
    if match is None or match[2] not in CLASS_LENGTHS or int(match[3]) > 0x7FF:
        return None
    record_bit = RECORD_BIT if match[1] == "bound" else 0
    return 0x8000 | CLASS_LENGTHS.index(match[2]) << 12 | record_bit | int(match[3])


# --- Section 3: words used by the rules -------------------------------------------------------------------------------


def characters(ranges: str) -> frozenset[str]:
    """The characters of a list such as "0020 2010-2015"."""
    found: set[str] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.update(map(chr, range(int(first, 16), int(last or first, 16) + 1)))
    return frozenset(found)


DIGITS = characters("0030-0039 FF10-FF19")
NUMBER_SEPARATORS = characters("0020 002D 2010-2015 2212 3000 30FC FF0D")
PHONE_SEPARATORS = NUMBER_SEPARATORS | frozenset("()./") | characters("00A0 FF08 FF09 FF0E FF0F")
WHITE_SPACE = characters("0009-000D 0020 0085 00A0 1680 2000-200A 2028 2029 202F 205F 3000")
CONTROLS = characters("0000-001F 007F-009F")
PLUS = frozenset("+\uff0b")

DIGIT = "[0-9０-９]"


def ascii_digits(text: str) -> str:
    """The digits of a text, as ASCII; anything between them is skipped."""
    return "".join(chr(ord("0") + ord(c) % 0x10) for c in text if c in DIGITS)


def one_of(characters_: frozenset[str]) -> str:
    return "[" + "".join(re.escape(c) for c in sorted(characters_)) + "]"


def strip(text: str, unwanted: frozenset[str]) -> str:
    return text.strip("".join(unwanted))


# --- Section 3: checks ------------------------------------------------------------------------------------------------

OK, INVALID, FORBIDDEN, TOO_LONG = "ok", "invalid", "forbidden", "too-long"
LONGEST_VALUE = 1022


def check(code: int, value: bytes) -> str:
    """Section 3, "Checks": the first rule that applies decides."""
    if len(value) > LONGEST_VALUE:
        return TOO_LONG
    if not value:
        return INVALID
    if is_custom(code):
        return OK
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return INVALID
    if has_track_data(text):
        return FORBIDDEN
    rule = RULES.get(STANDARD[code][0], check_other)
    return rule(text)


def passes_luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + position % 2) for position, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


CARD_FORM = re.compile(f"{DIGIT}(?:{one_of(NUMBER_SEPARATORS)}?{DIGIT})*")


def is_card_number(text: str, shortest: int = 12) -> bool:
    if not CARD_FORM.fullmatch(text):
        return False
    digits = ascii_digits(text)
    return shortest <= len(digits) <= 19 and set(digits) != {"0"} and passes_luhn(digits)


SENTINELS = re.compile(f"%[Bb]{DIGIT}{{8,}}\\^|;{DIGIT}{{8,}}=")
RUN_OF_DIGITS = re.compile(f"{DIGIT}+")
AFTER_TRACK_NUMBER = re.compile(f"={DIGIT}|[Dd]{DIGIT}{{7}}")


def has_track_data(text: str) -> bool:
    if SENTINELS.search(text):
        return True
    runs = RUN_OF_DIGITS.finditer(text)
    return any(AFTER_TRACK_NUMBER.match(text, run.end()) and is_card_number(run[0]) for run in runs)


LONE_CODE = re.compile(f"{DIGIT}{{3,4}}")


def is_lone_code(text: str) -> bool:
    return LONE_CODE.fullmatch(strip(text, NUMBER_SEPARATORS)) is not None


def ends_with_code(text: str) -> bool:
    """A card number of 13 digits or more, a separator and a lone code."""
    at = max((text.rfind(c) for c in NUMBER_SEPARATORS), default=-1)
    return at >= 0 and is_card_number(text[:at], shortest=13) and is_lone_code(text[at + 1 :])


def check_card_number(text: str) -> str:
    if is_card_number(text):
        return OK
    return FORBIDDEN if is_lone_code(text) or ends_with_code(text) else INVALID


MONTH = f"(?P<month>{DIGIT}{{2}})"
EXPIRIES = [
    re.compile(form)
    for form in (
        f"{MONTH}/{DIGIT}{{2}}",
        f"{MONTH}/{DIGIT}{{4}}",
        f"{MONTH}-{DIGIT}{{2}}",
        f"{MONTH}{DIGIT}{{2}}",
        f"{DIGIT}{{4}}-{MONTH}",
    )
]


def check_card_expiry(text: str) -> str:
    matches = [match for form in EXPIRIES if (match := form.fullmatch(text))]
    if any(1 <= int(ascii_digits(match["month"])) <= 12 for match in matches):
        return OK
    return FORBIDDEN if is_lone_code(text) else INVALID


DATES = [
    re.compile(form)
    for form in (
        f"({DIGIT}{{4}})-({DIGIT}{{2}})-({DIGIT}{{2}})",
        f"({DIGIT}{{4}})/({DIGIT}{{2}})/({DIGIT}{{2}})",
        f"({DIGIT}{{4}})({DIGIT}{{2}})({DIGIT}{{2}})",
        f"({DIGIT}{{4}})年({DIGIT}{{1,2}})月({DIGIT}{{1,2}})日",
    )
]


def is_date(year: int, month: int, day: int) -> bool:
    return 1800 <= year <= 2200 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def check_birth_date(text: str) -> str:
    matches = [match for form in DATES if (match := form.fullmatch(text))]
    return OK if any(is_date(*(int(ascii_digits(part)) for part in match.groups())) for match in matches) else INVALID


EXTENSION_BEGINS = re.compile("[eExX内]")
SEPARATORS = f"{one_of(PHONE_SEPARATORS)}*"
NUMBER_PART = re.compile(f"{SEPARATORS}[+＋]?{SEPARATORS}(?:{DIGIT}{SEPARATORS}){{5,17}}")
EXTENSION_PART = re.compile(f"(?:[eE][xX][tT]|[xX]|内線)[.:：]?{SEPARATORS}(?:{DIGIT}{SEPARATORS}){{1,8}}")


def phone_parts(text: str) -> tuple[str, str]:
    """The number part, and the extension part or nothing."""
    cut = EXTENSION_BEGINS.search(text)
    at = cut.start() if cut else len(text)
    return text[:at], text[at:]


def check_phone(text: str) -> str:
    number, extension = phone_parts(text)
    good = NUMBER_PART.fullmatch(number) and (not extension or EXTENSION_PART.fullmatch(extension))
    return OK if good else INVALID


def check_email(text: str) -> str:
    before, at, domain = text.rpartition("@")
    if len(text.encode()) > 320 or (WHITE_SPACE | CONTROLS) & set(text) or not at or not before:
        return INVALID
    literal = domain.startswith("[") and domain.endswith("]") and len(domain) > 2
    return OK if "." in domain[1:-1] or literal else INVALID


def check_other(text: str) -> str:
    return INVALID if "\0" in text else OK


RULES = {
    "card-number": check_card_number,
    "card-expiry": check_card_expiry,
    "birth-date": check_birth_date,
    "phone": check_phone,
    "email": check_email,
}


# --- Section 3: column names that are refused -------------------------------------------------------------------------

NAME_SEPARATORS = WHITE_SPACE | frozenset("_./") | characters("30FB FF65") | (NUMBER_SEPARATORS - {"\u30fc"})
WHOLE_NAMES = ("cid", "csc", "c v v", "c v v 2", "c v c")
SIGNS = (
    "セキュリティ コード", "セキュリティー コード", "ｾｷｭﾘﾃｨ ｺｰﾄﾞ", "ｾｷｭﾘﾃｨｰ ｺｰﾄﾞ",
    "カード 検証 番号", "カード 検証 値", "カード 検証 コード", "カード 確認 番号",
    "暗証 番号", "pin ブロック", "磁気 ストライプ", "磁気 データ", "安全码", "安全碼", "보안 코드",
)  # fmt: skip
CARDS = ("card ", "credit card ", "debit card ", "cc ")
WORDS = (
    "cvv", "cvv 1", "cvv 2", "cvc", "cvc 1", "cvc 2", "cvc 3", "cvn", "cvn 2", "cav 2", "icvv", "dcvv", "security code",
    "pin block", "pin offset", "pvv", "atm pin", "track 1", "track 2", "track 3", "track data",
    "mag stripe", "magnetic stripe",
)  # fmt: skip
CARD_WORDS = (
    "cid", "csc", "pin", "verification value", "verification code", "verification number", "verification digits",
    "validation code", "validation value", "security number",
)  # fmt: skip
KINDS = (" code", " number", " num", " no", " value", " digits", " data")


def pattern(alternatives: tuple[str, ...]) -> str:
    """Any of these, a space standing for any number of name separators."""
    separators = one_of(NAME_SEPARATORS) + "*"
    return "(?:" + "|".join(separators.join(map(re.escape, text.split(" "))) for text in alternatives) + ")"


WHOLE_NAME = re.compile(pattern(WHOLE_NAMES))
SIGN = re.compile(pattern(SIGNS))
BETWEEN_BOUNDARIES = re.compile(
    f"(?:{pattern(CARDS)}?{pattern(WORDS)}|{pattern(CARDS)}{pattern(CARD_WORDS)}){pattern(KINDS)}?"
)


def narrow(name: str) -> str:
    return "".join(chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in name)


def lower_ascii(name: str) -> str:
    return "".join(c.lower() if "A" <= c <= "Z" else c for c in name)


def splits(character: str) -> bool:
    """Whether boundaries lie beside this character."""
    return not (character.isascii() and character.isalnum() or "\u00c0" <= character <= "\u024f")


def boundaries(name: str) -> list[int]:
    """Positions of boundaries in a narrowed name, rising."""

    def is_boundary(at: int) -> bool:
        if at in (0, len(name)) or splits(name[at - 1]) or splits(name[at]):
            return True
        upper = "A" <= name[at] <= "Z"
        follows_other = not "A" <= name[at - 1] <= "Z"
        before_lower = at + 1 < len(name) and "a" <= name[at + 1] <= "z"
        return upper and (follows_other or before_lower)

    return [at for at in range(len(name) + 1) if is_boundary(at)]


def is_refused_name(name: str) -> bool:
    """Section 3, "Column names that are refused"."""
    narrowed = narrow(name)
    lowered = lower_ascii(narrowed)
    if WHOLE_NAME.fullmatch(strip(lowered, NAME_SEPARATORS)) or SIGN.search(lowered):
        return True
    places = boundaries(narrowed)
    return any(BETWEEN_BOUNDARIES.fullmatch(lowered, start, end) for start in places for end in places if start < end)


# --- Section 10: masks ------------------------------------------------------------------------------------------------

HIDDEN = """
061C 115F 1680 180E 2000-206F 25CF 2800 3000-3003 3008-3020 3164 E000-F8FF FE10-FE1F FE30-FE6F FEFF-FF0F FF1A-FF20
FF3B-FF40 FF5B-FF65 FFA0 FFE0-FFFF
"""
EXTENDING = """
0300-036F 1AB0-1AFF 1DC0-1DFF 200C-200D 20D0-20FF FE00-FE0F FE20-FE2F
0483-0489
0591-05BD 05BF 05C1-05C2 05C4-05C5 05C7
0610-061A 064B-065F 0670 06D6-06DC 06DF-06E4 06E7-06E8 06EA-06ED
0711 0730-074A 07A6-07B0 07EB-07F3 07FD
0898-089F 08CA-08E1 08E3-08FF
0900-0903 093A-093C 093E-094F 0951-0957 0962-0963
0981-0983 09BC 09BE-09CD 09D7 09E2-09E3 09FE
0A01-0A03 0A3C-0A51 0A70-0A71 0A75
0A81-0A83 0ABC 0ABE-0ACD 0AE2-0AE3 0AFA-0AFF
0B01-0B03 0B3C 0B3E-0B57 0B62-0B63
0B82 0BBE-0BCD 0BD7
0C00-0C04 0C3C 0C3E-0C56 0C62-0C63
0C81-0C83 0CBC 0CBE-0CD6 0CE2-0CE3
0D00-0D03 0D3B-0D3C 0D3E-0D4D 0D57 0D62-0D63
0D81-0D83 0DCA-0DDF 0DF2-0DF3
0E31 0E33-0E3A 0E47-0E4E
0EB1 0EB3-0EBC 0EC8-0ECD
0F18-0F19 0F35 0F37 0F39 0F3E-0F3F 0F71-0F84 0F86-0F87 0F8D-0FBC 0FC6
102B-103E 1056-1059 105E-1060 1062-1064 1067-106D 1071-1074 1082-108D 108F 109A-109D
135D-135F
17B4-17D3 17DD
180B-180D 180F 1885-1886 18A9
A980-A983 A9B3-A9C0 1B00-1B04 1B34-1B44 1B6B-1B73
1160-11FF D7B0-D7FF
302A-302F 3099-309A FF9E-FF9F
2DE0-2DFF A66F-A672 A674-A67D A69E-A69F
11100-11102 11127-11134 11145-11146 1E944-1E94A 1F3FB-1F3FF E0100-E01EF
"""
JOINER = "\u200d"
LONGEST_CLUSTER = 24


@cache
def hidden() -> frozenset[str]:
    return characters(HIDDEN)


@cache
def extending() -> frozenset[str]:
    return characters(EXTENDING)


def is_pictograph(character: str) -> bool:
    return "\u2190" <= character <= "\u2bff" or "\U0001f000" <= character <= "\U0001faff"


def can_begin(character: str) -> bool:
    if character.isascii():
        return character.isalnum()
    return "\u00c0" <= character <= "\U000dffff" and character not in hidden() and character not in extending()


def first_cluster(text: str) -> str | None:
    """Section 10, "First cluster"; nothing if it is not shown."""
    text = text.lstrip("".join(WHITE_SPACE))
    end = 1
    while end < len(text) and (text[end] in extending() or text[end - 1] == JOINER and is_pictograph(text[end])):
        end += 1
    cluster, rest = text[:end], text[end:]
    shown = cluster and len(cluster.encode()) <= LONGEST_CLUSTER and can_begin(cluster[0]) and any(map(can_begin, rest))
    return cluster if shown else None


def mask(code: int, value: bytes) -> str:
    """Section 10: what is shown of a value that opened."""
    if is_custom(code) or check(code, value) != OK:
        return placeholder(code)
    text = value.decode()
    match STANDARD[code][0]:
        case "person-name":
            cluster = first_cluster(text)
            return f"{cluster}●●" if cluster else "●●●"
        case "email":
            cluster = first_cluster(text.rpartition("@")[0])
            return f"{cluster}●●@●●●" if cluster else placeholder(code)
        case "phone":
            return FOUR + ascii_digits(phone_parts(text)[0])[-2:]
        case "card-number":
            return f"{FOUR} {ascii_digits(text)[-4:]}"
        case "bank-account":
            digits = ascii_digits(text)
            return FOUR + digits[-2:] if len(digits) >= 6 else placeholder(code)
        case "birth-date":
            return f"{ascii_digits(text)[:4]}-●●-●●"
    return placeholder(code)
