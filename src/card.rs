//! Payment cards: what a number and an expiry date look like, and what must never be stored. SPEC.md, "Fields".
//!
//! PCI DSS 4.0.1, requirement 3.3.1: sensitive authentication data (track data, security codes, PINs and PIN blocks) is not
//! kept after authorisation, not even encrypted. A program can't always tell: these functions refuse what has a shape.

use crate::{
    Error,
    field::{digit, is_number_separator, take_number},
};

/// Whether a column, key or form field of this name holds security codes, PIN blocks or track data, judged by the name alone.
///
/// Looks for whole words in English, Japanese, Chinese and Korean, whatever their case and width, and whatever stands
/// between them (`_ - . /`, spaces): `cardCvv2`, `CVC_CODE`, `セキュリティコード`. Words that only contain such a word don't
/// count (`pinterest`, `acid`), nor does `track_number`, which is a parcel's, nor a bare `pin`, which is a postal code in
/// India. `cid` and `csc` count alone or after `card`: elsewhere they mean other things. The lists are in SPEC.md.
///
/// ```
/// # use symbolon::names_security_code;
/// assert!(names_security_code("card_security_code"));
/// assert!(!names_security_code("customer_id"));
/// ```
#[must_use]
pub fn names_security_code(column: &str) -> bool {
    let bare = column.trim_matches(is_name_separator);
    let alone = ALONE.iter().any(|name| strip(bare, name) == Some(""));
    let mut suffixes = column.char_indices().filter_map(|(at, _)| column.get(at..));
    alone || suffixes.any(|rest| begins_with_sign(rest) || is_boundary(column, rest) && begins_with_code(column, rest))
}

/// A card number: 12 to 19 digits, single separators between them, the check digit right, not all zeros.
///
/// A number of 19 digits can hide one of 16 with a security code behind it, and passes if its check digit happens to be
/// right (one in ten): card schemes do issue 19 digits.
pub(crate) fn check_number(text: &str) -> Result<(), Error> {
    if is_number(text) {
        Ok(())
    } else if is_lone_code(text) || is_number_with_code(text) {
        Err(Error::ForbiddenValue)
    } else {
        Err(Error::InvalidValue)
    }
}

/// An expiry date. Three or four digits that aren't `MMYY` are a security code in the wrong place.
pub(crate) fn check_expiry(text: &str) -> Result<(), Error> {
    if EXPIRY_FORMS.iter().any(|form| is_expiry_of_form(text, *form).unwrap_or(false)) {
        Ok(())
    } else if is_lone_code(text) {
        Err(Error::ForbiddenValue)
    } else {
        Err(Error::InvalidValue)
    }
}

/// Whether `text` contains what a magnetic stripe holds: track 1, track 2, or track 2 without its start sentinel.
pub(crate) fn has_track_data(text: &str) -> bool {
    let mut after_digit = false;
    text.char_indices().any(|(at, c)| {
        let number_starts = digit(c).is_some() && !after_digit;
        after_digit = digit(c).is_some();
        let rest = text.get(at..).unwrap_or_default();
        match c {
            '%' => rest.strip_prefix("%B").or(rest.strip_prefix("%b")).is_some_and(|rest| is_track(rest, '^')),
            ';' => is_track(rest.trim_start_matches(';'), '='),
            _ => number_starts && is_bare_track_2(rest),
        }
    })
}

/// At least eight digits (ISO/IEC 7812-1 allows numbers that short) before the field separator.
fn is_track(text: &str, separator: char) -> bool {
    let (digits, rest) = split_digits(text);
    digits.chars().count() >= 8 && rest.starts_with(separator)
}

/// A card number followed by `=` and a digit, or, as chips write it, by `D` and at least seven (date and service code).
fn is_bare_track_2(text: &str) -> bool {
    let (number, rest) = split_digits(text);
    let needed = match rest.chars().next() {
        Some('=') => 1,
        Some('D' | 'd') => 7,
        _ => return false,
    };
    let (discretionary, _) = split_digits(rest.get(1..).unwrap_or_default());
    discretionary.chars().count() >= needed && is_number(number)
}

/// The digits that `text` begins with, and what follows them.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c| digit(c).is_none()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or_default()
}

fn is_number(text: &str) -> bool {
    let mut after_digit = false;
    let formed = text.chars().all(|c| {
        let single_separator = is_number_separator(c) && after_digit;
        after_digit = digit(c).is_some();
        after_digit || single_separator
    });
    let count = text.chars().filter_map(digit).count();
    let zero = text.chars().filter_map(digit).all(|digit| digit == 0);
    formed && after_digit && (12..=19).contains(&count) && !zero && passes_luhn(text)
}

/// ISO/IEC 7812-1, annex B: from the right, every second digit doubled, digit sums added, a multiple of ten.
fn passes_luhn(text: &str) -> bool {
    let digits = text.chars().rev().filter_map(digit);
    let weighted = digits.zip([false, true].into_iter().cycle()).map(|(digit, doubled)| match (digit, doubled) {
        (5..=9, true) => digit.saturating_mul(2).saturating_sub(9),
        (_, true) => digit.saturating_mul(2),
        (_, false) => digit,
    });
    weighted.fold(0, u16::saturating_add).is_multiple_of(10)
}

/// Three or four digits, separators before and after them or not.
fn is_lone_code(text: &str) -> bool {
    let (digits, rest) = split_digits(text.trim_matches(is_number_separator));
    rest.is_empty() && matches!(digits.chars().count(), 3 | 4)
}

/// A card number of at least 13 digits, and behind a separator three or four more: card and code typed into one field.
/// (With 12 it would be every tenth number of four groups that has its last one mistyped.)
fn is_number_with_code(text: &str) -> bool {
    text.rsplit_once(is_number_separator).is_some_and(|(number, code)| {
        is_lone_code(code) && is_number(number) && number.chars().filter_map(digit).count() >= 13
    })
}

/// Digits, what stands between, digits; which of them is the month.
#[derive(Clone, Copy)]
struct ExpiryForm {
    first: usize,
    between: &'static str,
    second: usize,
    month_first: bool,
}

const EXPIRY_FORMS: [ExpiryForm; 5] = [
    ExpiryForm { first: 2, between: "/", second: 2, month_first: true },
    ExpiryForm { first: 2, between: "/", second: 4, month_first: true },
    ExpiryForm { first: 2, between: "-", second: 2, month_first: true },
    ExpiryForm { first: 2, between: "", second: 2, month_first: true },
    ExpiryForm { first: 4, between: "-", second: 2, month_first: false },
];

fn is_expiry_of_form(text: &str, form: ExpiryForm) -> Option<bool> {
    let (first, rest) = take_number(text, form.first, form.first)?;
    let (second, rest) = take_number(rest.strip_prefix(form.between)?, form.second, form.second)?;
    let month = if form.month_first { first } else { second };
    Some((1..=12).contains(&month) && rest.is_empty())
}

/// Whether `rest`, the end of `column`, begins with a word for what is forbidden, after a word for a card or not.
fn begins_with_code(column: &str, rest: &str) -> bool {
    let mut after_card = CARD.iter().filter_map(|card| strip(rest, card));
    is_word_of(&WORDS, column, rest)
        || after_card.any(|rest| is_word_of(&WORDS, column, rest) || is_word_of(&CARD_WORDS, column, rest))
}

/// Whether `rest` begins with one of `words`, as it is or with a kind glued to it (`cvvcode`), and a word ends there.
fn is_word_of(words: &[&str], column: &str, rest: &str) -> bool {
    words.iter().filter_map(|word| strip(rest, word)).any(|rest| {
        let mut after_kind = KINDS.iter().filter_map(|kind| strip(rest, kind));
        is_boundary(column, rest) || after_kind.any(|rest| is_boundary(column, rest))
    })
}

/// Whether `rest` begins with a sign that counts wherever it stands: scripts that put no space between words.
fn begins_with_sign(rest: &str) -> bool {
    SIGNS.iter().any(|sign| strip(rest, sign).is_some())
}

/// What follows `pattern` in `text`, letters compared without case and width; a space stands for any number of separators.
fn strip<'a>(text: &'a str, pattern: &str) -> Option<&'a str> {
    let mut rest = text;
    for expected in pattern.chars() {
        if expected == ' ' {
            rest = rest.trim_start_matches(is_name_separator);
            continue;
        }
        let mut chars = rest.chars();
        if fold(chars.next()?) != expected {
            return None;
        }
        rest = chars.as_str();
    }
    Some(rest)
}

/// Whether a word begins or ends where `rest`, the end of `column`, begins: at either end, beside anything but letters
/// and digits of the Latin script, and inside `cardCvv`, `cvv2Code` and `PINBlock`.
fn is_boundary(column: &str, rest: &str) -> bool {
    let head = column.strip_suffix(rest).unwrap_or_default();
    let mut following = rest.chars().map(narrow);
    let (Some(before), Some(after)) = (head.chars().next_back().map(narrow), following.next()) else { return true };
    let hump = after.is_ascii_uppercase()
        && (!before.is_ascii_uppercase() || following.next().is_some_and(|next| next.is_ascii_lowercase()));
    hump || !is_word(before) || !is_word(after)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '\u{c0}'..='\u{24f}')
}

fn is_name_separator(c: char) -> bool {
    is_number_separator(narrow(c)) && c != '\u{30fc}'
        || c.is_whitespace()
        || matches!(narrow(c), '_' | '.' | '/' | '・' | '･')
}

fn fold(c: char) -> char {
    narrow(c).to_ascii_lowercase()
}

/// The ASCII character that a full-width one stands for.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        _ => c,
    }
}

/// Lower case, narrow; a space is any number of separators, none included.
const CARD: [&str; 4] = ["card ", "credit card ", "debit card ", "cc "];
const KINDS: [&str; 7] = [" code", " number", " num", " no", " value", " digits", " data"];
const ALONE: [&str; 5] = ["cid", "csc", "c v v", "c v v 2", "c v c"];
#[rustfmt::skip]
const WORDS: [&str; 23] = [
    "cvv", "cvv 1", "cvv 2", "cvc", "cvc 1", "cvc 2", "cvc 3", "cvn", "cvn 2", "cav 2", "icvv", "dcvv",
    "security code", "pin block", "pin offset", "pvv", "atm pin", "track 1", "track 2", "track 3", "track data",
    "mag stripe", "magnetic stripe",
];
#[rustfmt::skip]
const CARD_WORDS: [&str; 10] = [
    "cid", "csc", "pin", "verification value", "verification code", "verification number", "verification digits",
    "validation code", "validation value", "security number",
];
#[rustfmt::skip]
const SIGNS: [&str; 15] = [
    "セキュリティ コード", "セキュリティー コード", "ｾｷｭﾘﾃｨ ｺｰﾄﾞ", "ｾｷｭﾘﾃｨｰ ｺｰﾄﾞ", "カード 検証 番号", "カード 検証 値", "カード 検証 コード",
    "カード 確認 番号", "暗証 番号", "pin ブロック", "磁気 ストライプ", "磁気 データ", "安全码", "安全碼", "보안 코드",
];

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{format, string::String};

    use super::*;

    #[test]
    #[rustfmt::skip]
    fn columns_that_are_refused() {
        for column in [
            "cvv", "CVV", "cvv2", "cvc", "CVC2", "cvc_2", "cid", "CID", "card_cid", "cav2", "csc", "card-csc",
            "c.v.v.", "security code", "Security  Code", "securityCode", "SECURITYCODE", "card_security_code",
            "cardSecurityCode", "x_card_cvv", "cardCvv", "cardcvv", "cc_cvv2_enc", "creditCardCVV", "CVVCode",
            "cvvcode", "cvv2Hash", "_cvv_", "card.cvc.number", "cardVerificationValue", "card_verification_code",
            "credit card verification number", "pin block", "pinblock", "PINBlock", "encrypted_pin_block",
            "card_pin", "cardPin", "atm_pin", "pvv", "track1", "track2", "Track 1", "track_2_data", "track1Data",
            "track1data", "track_data", "trackData", "magstripe", "mag_stripe", "magnetic stripe data",
            "payment[cvv]", "order:cvv", "ＣＶＶ", "ｃｖｃ２", "CVVコード", "カードCVC", "セキュリティコード", "セキュリティーコード",
            "セキュリティ・コード", "カードのセキュリティ コード", "ｾｷｭﾘﾃｨｺｰﾄﾞ", "カード検証番号", "暗証番号", "暗証番号（4桁）", "ＰＩＮブロック", "磁気ストライプ",
            "信用卡安全码", "카드 보안 코드",
        ] {
            assert!(names_security_code(column), "{column:?} passes");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn columns_that_are_not_refused() {
        for column in [
            "", "_", "pinterest", "pin", "pin_code", "pincode", "pin_blocked", "shipping", "spin_block",
            "customer_id", "c_id", "customer_cid", "acid", "placid", "ácid", "track_number", "tracking_number",
            "trackNumber", "track", "track10", "track_12", "soundtrack1", "incident", "civic", "cavv", "cvcs",
            "xcvv", "cvvx", "card_number", "cardNumber", "card_id", "card", "security", "security_codename",
            "cybersecurity_code", "verification_code", "code", "zip_code", "card_pinned", "card_cidr", "cav",
            "discord", "csc_id", "disc_space", "ccid", "暗証", "番号", "コード", "商品コード", "セキュリティ", "カード番号", "有効期限",
            "トラック番号", "検証番号", "氏名", "データ",
        ] {
            assert!(!names_security_code(column), "{column:?} is refused");
        }
    }

    /// Numbers that the schemes publish for tests, one digit changed, and the edges of the length.
    #[test]
    fn luhn_catches_every_single_digit() {
        for number in
            ["4242424242424242", "5555555555554444", "378282246310005", "30569309025904", "6205500000000000004"]
        {
            assert!(is_number(number), "{number}");
            for (at, old) in number.char_indices() {
                for new in ('0'..='9').filter(|new| *new != old) {
                    let mut changed = String::from(number);
                    changed.replace_range(at..=at, &format!("{new}"));
                    assert!(!is_number(&changed), "{changed}");
                }
            }
        }
    }

    #[test]
    fn numbers_of_11_12_19_20_digits() {
        for (number, valid) in [
            ("42424242420", false),
            ("424242424242", true),
            ("6205500000000000004", true),
            ("42424242424242424242", false),
        ] {
            assert!(passes_luhn(number), "{number}");
            assert_eq!(is_number(number), valid, "{number}");
        }
        assert!(passes_luhn("0000000000000000") && !is_number("0000000000000000"));
    }

    #[test]
    #[rustfmt::skip]
    fn separators_are_single_and_inside() {
        for text in [
            "4242 4242 4242 4242", "4242-4242-4242-4242", "４２４２　４２４２　４２４２　４２４２", "42 42424242 42424-2",
        ] {
            assert_eq!(check_number(text), Ok(()), "{text}");
        }
        for text in
            [" 4242424242424242", "4242424242424242 ", "4242  424242424242", "4242.4242.4242.4242", "4242424242424242a"]
        {
            assert_eq!(check_number(text), Err(Error::InvalidValue), "{text}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn codes_are_told_apart_from_wrong_numbers() {
        for text in ["123", "1234", "１２３", " 123 ", "4242 4242 4242 4242 123", "4222222222222-123", "378282246310005 1234"] {
            assert_eq!(check_number(text), Err(Error::ForbiddenValue), "{text}");
        }
        for text in ["12", "12345", "12-3", "123a", "4242 4242 4242 4240 123", "4242 4242 4242 4241", "424242424242 123", "4242 4242 4242 4242 12", "a b"] {
            assert_eq!(check_number(text), Err(Error::InvalidValue), "{text}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn track_data_is_found_anywhere() {
        for text in [
            "%B4242424242424242^TEST/CARD^25121010000000000000?", "swiped: %b4242424242424242^",
            ";4242424242424242=25121010000?", "a;b;42424242=", ";;42424242=", "4242424242424242=2512",
            "pan 4242424242424242D2512101", "x4242424242424242d2512101", "％ %B12345678^", "41 4242424242424242=1",
        ] {
            assert!(has_track_data(text), "{text}");
        }
        for text in [
            "%B1234567^", "%B12345678", "%C12345678^", ";1234567=1", ";12345678", "a;b=c", "4242424242424241=2512",
            "4242424242424242=", "4242424242424242D251210", "4242424242424242E2512101", "14242424242424242=2512",
            "100% ; 50", "",
        ] {
            assert!(!has_track_data(text), "{text}");
        }
    }
}
