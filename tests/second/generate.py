"""Generated values: near the rules of sections 3 and 10, on both sides of them."""

from __future__ import annotations

from random import Random

import fields
from check_vectors import rows

NAMES = [
    "Alice",
    "山田 太郎",
    "Zoë",
    "مُحمد",
    "e\u0301lodie",
    "👩🏽\u200d🚀 Ann",
    "निखिल",
    "葛\U000e0100城",
    "<b>",
    "=1+1",
    "\u202eBob",
    "か\u3099ん",
]
PHONES = [
    "090-1234-5678",
    "+81 90 1234 5678",
    "(03) 1234-5678 ext. 12",
    "03-1234-5678内線:9",
    "5550100x9",
    "＋８１（９０）１２３４ー５６７８",
]
MAILS = ["alice@example.com", "a@b@c.d", "a@[192.0.2.1]", "山田@例え.jp", "_x@y.z", "a@.b", "ab@c.", "a@[]"]
TRACKS = [
    ";4242424242424242=2512",
    "%B4242424242424242^X",
    "4242424242424242D2512101",
    "x 378282246310005=1",
    ";1234567=1",
    "%b12345678^",
]
LOOSE = list(" -.()/+=;^%@[]_,:#exXE:0123456789") + list(
    "０５９　－ー―−（）／．＋：内線年月日\u00a0\u2010\u0085\u200b\u200d\u0301●Dd\0\t"
)
RING = "0123456789０９ -"


def table_borders() -> list[str]:
    """The characters at both sides of each border of the tables and of the words used by the rules."""
    listed = fields.hidden() | fields.extending() | fields.WHITE_SPACE | fields.PHONE_SEPARATORS | fields.CONTROLS
    extra = {
        0xC0,
        0x2190,
        0x2C00,
        0x1F000,
        0x1FB00,
        0xE0000,
        0x10FFFF,
        0x30,
        0x3A,
        0x41,
        0x5B,
        0x61,
        0x7B,
        0xFF10,
        0xFF1A,
    }
    codes = {ord(c) for c in listed}
    borders = (
        {code + step for code in codes for step in (-1, 1) if code + step not in codes}
        | {code - 1 for code in extra}
        | extra
    )
    near = borders | {border + step for border in borders for step in (-1, 1)}
    return [chr(code) for code in sorted(near) if 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF]


def with_check_digit(digits: str) -> str:
    return next(digits + last for last in "0123456789" if fields.passes_luhn(digits + last))


def spaced(random: Random, digits: str) -> str:
    separator = random.choice([" ", "-", "", "", "\u2011", "－"])
    size = random.choice([1, 4, 4, 6])
    return separator.join(digits[at : at + size] for at in range(0, len(digits), size))


def card(random: Random) -> str:
    digits = with_check_digit("".join(random.choices("0123456789", k=random.randint(10, 19))))
    code = random.choice(["", "", "", " ", "-"]) + random.choice(["", "", "123", "1234", "12", "１２３"])
    return spaced(random, digits) + code


def date(random: Random) -> str:
    year, month, day = (
        random.choice([1799, 1800, 1900, 1990, 2000, 2024, 2100, 2200, 2201]),
        random.randint(0, 13),
        random.randint(0, 32),
    )
    form = random.choice(
        ["{:04}-{:02}-{:02}", "{:04}/{:02}/{:02}", "{:04}{:02}{:02}", "{}年{}月{}日", "{}年{:02}月{:02}日", "{}-{}-{}"]
    )
    return form.format(year, random.choice([month, 2, 12]), random.choice([day, 28, 29, 30, 31]))


def expiry(random: Random) -> str:
    month, year = random.randint(0, 13), random.choice([0, 27, 99, 2027, 1900])
    return random.choice(["{:02}/{:02}", "{:02}-{:02}", "{:02}{:02}", "{1:04}-{0:02}", "{}/{}", " {:02}{:02} "]).format(
        month, year
    )


def ring_of_digits(random: Random) -> str:
    return "".join(random.choices(RING, k=random.randint(1, 24)))


def changed(random: Random, text: str) -> str:
    """One or two characters put in, taken out or replaced."""
    for _ in range(random.randint(0, 2)):
        at = random.randint(0, len(text))
        text = text[:at] + random.choice([random.choice(LOOSE), ""]) + text[at + random.randint(0, 1) :]
    return text


def values(random: Random, count: int) -> list[tuple[int, bytes]]:
    """Fields and values: some of the vector files' with changes, some made by the rules, some random."""
    known = [
        bytes.fromhex(cells[1]).decode("utf-8", "ignore") for family in ("fields", "masks") for cells in rows(family)
    ]
    known = [text for text in known if len(text) < 200]
    makers = [
        card,
        date,
        expiry,
        ring_of_digits,
        *(lambda r, s=s: r.choice(s) for s in (NAMES, PHONES, MAILS, TRACKS, known)),
    ]
    made = []
    for number in range(count):
        text = changed(random, random.choice(makers)(random))
        if number % 10 == 0:
            text = random.choice(NAMES) + text
        made.append((random.choice(list(fields.STANDARD)), text.encode()))
    made += [(fitting(random, text.decode()), text) for _, text in made]
    made += [(random.choice(list(fields.STANDARD)), random.randbytes(random.randint(0, 8))) for _ in range(100)]
    return made


def fitting(random: Random, text: str) -> int:
    """A field whose rule looks closely at such a text."""
    if "@" in text:
        return fields.CODES["email"]
    digits = len(fields.ascii_digits(text))
    if digits > 11:
        return fields.CODES[random.choice(["card-number", "phone", "bank-account"])]
    if digits > 2:
        return fields.CODES[random.choice(["birth-date", "card-expiry", "card-number", "phone", "bank-account"])]
    return fields.CODES["person-name"]


def cluster_values() -> list[tuple[int, bytes]]:
    """Each border character at each place that the masks and the checks tell apart."""
    name, phone, mail = (fields.CODES[field] for field in ("person-name", "phone", "email"))
    found = []
    for c in table_borders():
        texts = (f"{c}ab", f"a{c}", f"a{c}b", f"a\u200d{c}b")
        found += [(name, text.encode()) for text in texts]
        found += [(phone, f"090{c}1234".encode()), (mail, f"a{c}b@c.d".encode())]
    return found


def good_value(random: Random, field: int) -> bytes:
    """A value that the field takes."""
    made = {
        "phone": lambda: "+" + "".join(random.choices("0123456789", k=random.randint(5, 17))),
        "email": lambda: random.choice("abc") * random.randint(1, 60) + "@example.com",
        "card-number": lambda: with_check_digit("1" + "".join(random.choices("0123456789", k=random.randint(10, 17)))),
        "card-expiry": lambda: f"{random.randint(1, 12):02}/{random.randint(0, 99):02}",
        "birth-date": lambda: f"{random.randint(1800, 2200)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}",
    }
    if fields.is_custom(field):
        return random.randbytes(random_length(random))
    maker = made.get(fields.name_of(field))
    return (
        maker().encode() if maker else "".join(random.choices("abc 山田é", k=random_length(random) // 3 + 1)).encode()
    )


def random_length(random: Random) -> int:
    """1 to 1,022, often at a border of the classes."""
    border = random.choice([30, 62, 126, 254, 510, 1021])
    return random.choice([random.randint(1, 40), random.randint(1, 1022), border, border + 1])


def any_field(random: Random) -> int:
    """One that is not bound to a record."""
    custom = 0x8000 | random.randint(0, 5) << 12 | random.randint(0, 0x7FF)
    return random.choice([*unbound_fields(), custom, custom, custom])


def unbound_fields() -> list[int]:
    return [code for code in fields.STANDARD if not fields.is_bound(code)]


def bound_field(random: Random) -> int:
    custom = 0x8800 | random.randint(0, 5) << 12 | random.randint(0, 0x7FF)
    return random.choice([fields.CODES["shipping-address"], custom])
