//! Percent encoding, HTML references and JSON escapes: what stands for one character.

use memchr::{memchr2_iter, memchr3_iter};

use super::{
    islands::{Ground, Islands},
    view::View,
};
use crate::{Coding, Codings};

/// The text with what its escapes stand for; and with spaces for its `+`, if `plus`.
///
/// The three kinds begin with three characters, and what one makes is no part of another's escape in the same pass, so one pass is
/// enough for all. What is escaped twice takes a second pass.
pub(crate) fn view(ground: &Ground<'_>, on: Codings, plus: bool) -> Option<View> {
    let mut islands = Islands::new(ground);
    for span in ground.spans {
        islands.enter(span);
        let bytes = &ground.bytes[..span.end];
        if plus {
            // Only what a form sends: there, `+` and `%` are all.
            let places = memchr2_iter(b'+', b'%', &bytes[span.clone()]).map(|at| at + span.start);
            if memchr::memchr(b'+', &bytes[span.clone()]).is_some() {
                edit(bytes, places, span.start, on, &mut islands);
            }
        } else {
            let places = memchr3_iter(b'%', b'&', b'\\', &bytes[span.clone()]).map(|at| at + span.start);
            edit(bytes, places, span.start, on, &mut islands);
        }
    }
    islands.finish()
}

fn edit(bytes: &[u8], places: impl Iterator<Item = usize>, start: usize, on: Codings, islands: &mut Islands<'_>) {
    let mut done = start;
    for at in places {
        if at < done {
            continue;
        }
        if let Some(escape) = escape(&bytes[at..]).filter(|escape| on.has(escape.coding)) {
            done = at + escape.len;
            islands.put(at, done, &escape.text[..escape.text_len], escape.coding);
        }
    }
}

/// An escape: how long it is, and what it stands for.
struct Escape {
    len: usize,
    text: [u8; 4],
    text_len: usize,
    coding: Coding,
}

impl Escape {
    fn byte(len: usize, byte: u8, coding: Coding) -> Self {
        Self { len, text: [byte, 0, 0, 0], text_len: 1, coding }
    }

    fn char(len: usize, number: u32, coding: Coding) -> Option<Self> {
        let mut text = [0; 4];
        let text_len = char::from_u32(number)?.encode_utf8(&mut text).len();
        Some(Self { len, text, text_len, coding })
    }
}

fn escape(bytes: &[u8]) -> Option<Escape> {
    match bytes {
        [b'+', ..] => Some(Escape::byte(1, b' ', Coding::Plus)),
        [b'%', b'u' | b'U', ..] => utf16(bytes, b'%', Coding::Percent),
        [b'%', rest @ ..] => Some(Escape::byte(3, low(hex(rest.get(..2)?)?), Coding::Percent)),
        [b'&', b'#', ..] => number_reference(bytes),
        [b'&', rest @ ..] => named_reference(rest),
        [b'\\', rest @ ..] => backslash(bytes, rest),
        _ => None,
    }
}

/// `&#95;`, `&#x5f;`; browsers do without the semicolon.
fn number_reference(bytes: &[u8]) -> Option<Escape> {
    let (start, radix) = if matches!(bytes.get(2)?, b'x' | b'X') { (3, 16) } else { (2, 10) };
    let digits = bytes.get(start..)?.iter().take(8).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let text = std::str::from_utf8(bytes.get(start..start + digits)?).ok()?;
    let number = u32::from_str_radix(text, radix).ok()?;
    let end = start + digits;
    Escape::char(end + usize::from(bytes.get(end) == Some(&b';')), number, Coding::Html)
}

fn named_reference(rest: &[u8]) -> Option<Escape> {
    let len = rest.iter().take(8).position(|byte| *byte == b';')?;
    let name = &rest[..len];
    let (_, byte) = NAMES.iter().find(|(known, _)| known.as_bytes() == name)?;
    Some(Escape::byte(len + 2, *byte, Coding::Html))
}

fn backslash(bytes: &[u8], rest: &[u8]) -> Option<Escape> {
    let byte = |len, byte| Some(Escape::byte(len, byte, Coding::Json));
    match rest {
        [b'u', b'{', digits @ ..] => {
            let len = digits.iter().take(7).position(|byte| *byte == b'}')?;
            Escape::char(len + 4, hex(&digits[..len])?, Coding::Json)
        }
        [b'u' | b'U', ..] => utf16(bytes, b'\\', Coding::Json),
        [b'x', digits @ ..] => byte(4, low(hex(digits.get(..2)?)?)),
        [b'0'..=b'3', b'0'..=b'7', b'0'..=b'7', ..] => {
            byte(4, rest[..3].iter().fold(0, |number, digit| number << 3 | (digit & 7)))
        }
        [b'n', ..] => byte(2, b'\n'),
        [b'r', ..] => byte(2, b'\r'),
        [b't', ..] => byte(2, b'\t'),
        [same @ (b'/' | b'"' | b'\\' | b'\''), ..] => byte(2, *same),
        _ => None,
    }
}

/// `\u5c71` or `%u5C71`, and two of them for what is beyond 16 bits.
fn utf16(bytes: &[u8], sign: u8, coding: Coding) -> Option<Escape> {
    let unit = |at: usize| {
        let part = bytes.get(at..at + 6)?;
        (part[0] == sign && part[1] | 0x20 == b'u').then(|| hex(&part[2..]))?
    };
    match unit(0)? {
        high @ 0xd800..0xdc00 => {
            let low = unit(6).filter(|low| (0xdc00..0xe000).contains(low))?;
            Escape::char(12, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), coding)
        }
        number => Escape::char(6, number, coding),
    }
}

/// The number that hexadecimal digits are.
pub(super) fn hex(digits: &[u8]) -> Option<u32> {
    let add = |number: u32, digit: &u8| Some(number << 4 | char::from(*digit).to_digit(16)?);
    (1..=6).contains(&digits.len()).then(|| digits.iter().try_fold(0, add))?
}

fn low(number: u32) -> u8 {
    u8::try_from(number & 0xff).unwrap_or_default()
}

/// The references to ASCII characters that a value may have in it. Others are written by number, or not at all.
const NAMES: [(&str, u8); 36] = [
    ("amp", b'&'),
    ("lt", b'<'),
    ("gt", b'>'),
    ("quot", b'"'),
    ("apos", b'\''),
    ("nbsp", b' '),
    ("lowbar", b'_'),
    ("UnderBar", b'_'),
    ("hyphen", b'-'),
    ("dash", b'-'),
    ("commat", b'@'),
    ("period", b'.'),
    ("comma", b','),
    ("colon", b':'),
    ("semi", b';'),
    ("num", b'#'),
    ("percnt", b'%'),
    ("plus", b'+'),
    ("sol", b'/'),
    ("bsol", b'\\'),
    ("equals", b'='),
    ("excl", b'!'),
    ("quest", b'?'),
    ("dollar", b'$'),
    ("ast", b'*'),
    ("lpar", b'('),
    ("rpar", b')'),
    ("lsqb", b'['),
    ("lbrack", b'['),
    ("rsqb", b']'),
    ("rbrack", b']'),
    ("lcub", b'{'),
    ("rcub", b'}'),
    ("verbar", b'|'),
    ("Tab", b'\t'),
    ("NewLine", b'\n'),
];
