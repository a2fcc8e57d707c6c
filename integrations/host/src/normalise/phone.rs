//! Telephone numbers, to the form of E.164.
//!
//! The rules are few and fixed. A library that knows every numbering plan changes its answers when a plan changes, and an index would then
//! no longer find what it holds.

use symbolon::Field;
use zeroize::Zeroizing;

use super::{NormaliseError, Normalised};

/// How numbers are dialled in a country, as far as it matters here.
///
/// ```
/// use symbolon_host::normalise::Country;
/// assert_eq!(Country::new("420", "00", "", false), Some(Country::new("420", "00", "", false).unwrap()));
/// assert!(Country::new("0", "00", "0", true).is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Country {
    code: &'static str,
    international: &'static str,
    trunk: &'static str,
    trunk_needed: bool,
}

impl Country {
    /// `+81`, `010` before a country's code, `0` before an area.
    pub const JAPAN: Self = Self { code: "81", international: "010", trunk: "0", trunk_needed: true };
    /// `+1`, `011`, `1`; an area's code is often dialled without. The United States, Canada and others.
    pub const NORTH_AMERICA: Self = Self { code: "1", international: "011", trunk: "1", trunk_needed: false };
    /// `+44`, `00`, `0`.
    pub const UNITED_KINGDOM: Self = Self { code: "44", international: "00", trunk: "0", trunk_needed: true };
    /// `+49`, `00`, `0`.
    pub const GERMANY: Self = Self { code: "49", international: "00", trunk: "0", trunk_needed: true };
    /// `+33`, `00`, `0`.
    pub const FRANCE: Self = Self { code: "33", international: "00", trunk: "0", trunk_needed: true };
    /// `+86`, `00`, `0`; mobile numbers are dialled without.
    pub const CHINA: Self = Self { code: "86", international: "00", trunk: "0", trunk_needed: false };
    /// `+886`, `002`, `0`.
    pub const TAIWAN: Self = Self { code: "886", international: "002", trunk: "0", trunk_needed: true };

    /// Another country: its code (1 to 3 digits, the first not 0), what is dialled before a country's code, what is dialled before an area
    /// (both at most 4 digits, may be empty), and whether a number without that is refused, because its area is missing.
    #[must_use]
    pub fn new(
        code: &'static str,
        international: &'static str,
        trunk: &'static str,
        trunk_needed: bool,
    ) -> Option<Self> {
        let digits = [code, international, trunk].concat();
        let fits =
            matches!(code.len(), 1..=3) && !code.starts_with('0') && international.len() <= 4 && trunk.len() <= 4;
        let formed = digits.bytes().all(|byte| byte.is_ascii_digit()) && !(trunk_needed && trunk.is_empty());
        (fits && formed).then_some(Self { code, international, trunk, trunk_needed })
    }
}

pub(super) fn normalise(value: &str, country: Country) -> Result<Normalised, NormaliseError> {
    // The long-vowel mark of half width is typed as a hyphen, and is the one such character that the field doesn't know.
    let value = Zeroizing::new(value.trim().replace('\u{ff70}', "-"));
    // The rule of the core's field: what it refuses is no number, and what stands behind `ext`, `x` or `内線` is an extension.
    Field::PHONE.check(value.as_bytes()).map_err(|_| NormaliseError::NotANumber)?;
    let number = value.split(['e', 'E', 'x', 'X', '内']).next().unwrap_or_default();
    let narrow: Zeroizing<String> = Zeroizing::new(number.chars().map(narrow).collect());
    let all = digits(&narrow);
    let international = match all.strip_prefix(country.international) {
        _ if narrow.contains('+') => Some(without_written_trunk(&narrow)),
        Some(rest) if !country.international.is_empty() => Some(Zeroizing::new(rest.into())),
        _ => None,
    };
    let complete = match international {
        Some(number) => match number.strip_prefix(country.code) {
            Some(national) => [country.code, national.strip_prefix(country.trunk).unwrap_or(national)].concat(),
            None => number.to_string(),
        },
        None => match all.strip_prefix(country.trunk) {
            Some(national) => [country.code, national].concat(),
            None if country.trunk_needed => return Err(NormaliseError::NoArea),
            None => [country.code, &all].concat(),
        },
    };
    let complete = Zeroizing::new(complete);
    if !(7..=15).contains(&complete.len()) || complete.starts_with('0') {
        return Err(NormaliseError::NotANumber);
    }
    Ok(Normalised(["+", &complete].concat()))
}

/// The digits of a number with `+`. People write `+44 (0)20 …`: that nought is dialled inside the country only. In Italy and San Marino it
/// is part of the number.
fn without_written_trunk(number: &str) -> Zeroizing<String> {
    let all = digits(number);
    match number.split_once("(0)") {
        Some((front, back)) if !ITALY.iter().any(|code| all.starts_with(code)) => digits(&[front, back].concat()),
        _ => all,
    }
}

fn digits(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.chars().filter(char::is_ascii_digit).collect())
}

/// The ASCII form of a digit, a plus sign or a bracket of full width.
fn narrow(c: char) -> char {
    match c {
        '０'..='９' | '＋' | '（' | '）' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        _ => c,
    }
}

/// Countries whose numbers keep their nought: Italy, San Marino.
const ITALY: [&str; 2] = ["39", "378"];
