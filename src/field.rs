//! Fields: the classes of data that a token can hold, and what a value of each must look like. SPEC.md, "Fields".

use core::fmt;

use crate::{Error, card, token::Class};

/// The class of data in a token. It is part of the key that seals the token, so a token of one field never opens as another.
///
/// There are twelve standard fields, 6 × 2,048 custom ones, and as many that are bound to a record: their tokens are sealed with a
/// record's id (an order's number) and open only where the same is given ([`Slot`](crate::Slot)).
///
/// ```
/// # use symbolon::{Class, Field};
/// let shoe_size = Field::custom(17, Class::SMALLEST)?;
/// assert_eq!(shoe_size.code(), 0x8011);
/// assert_eq!(Field::from_code(0x8011)?, shoe_size);
/// assert!(Field::from_code(13).is_err());
/// # Ok::<(), symbolon::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(u16);

impl Field {
    /// A person's name, in any script.
    pub const PERSON_NAME: Self = Self(1);
    /// A postal address.
    pub const POSTAL_ADDRESS: Self = Self(2);
    /// A telephone number.
    pub const PHONE: Self = Self(3);
    /// An e-mail address.
    pub const EMAIL: Self = Self(4);
    /// A payment card's number (PAN): 12 to 19 digits that pass Luhn.
    pub const CARD_NUMBER: Self = Self(5);
    /// A payment card's expiry date.
    pub const CARD_EXPIRY: Self = Self(6);
    /// A bank account.
    pub const BANK_ACCOUNT: Self = Self(7);
    /// A date of birth.
    pub const BIRTH_DATE: Self = Self(8);
    /// A number that a state gave a person.
    pub const NATIONAL_ID: Self = Self(9);
    /// One line of an order: what was bought.
    pub const ORDER_LINE: Self = Self(10);
    /// Anything else. Track data is refused here too; a security code among other words is not noticed.
    pub const FREE_TEXT: Self = Self(11);

    /// The address that one order goes to: bound to the order's number.
    pub const SHIPPING_ADDRESS: Self = Self(12);

    /// Every standard field, in the order of their codes.
    pub const STANDARD: [Self; 12] = [
        Self::PERSON_NAME,
        Self::POSTAL_ADDRESS,
        Self::PHONE,
        Self::EMAIL,
        Self::CARD_NUMBER,
        Self::CARD_EXPIRY,
        Self::BANK_ACCOUNT,
        Self::BIRTH_DATE,
        Self::NATIONAL_ID,
        Self::ORDER_LINE,
        Self::FREE_TEXT,
        Self::SHIPPING_ADDRESS,
    ];

    /// What a [mask](Self::mask) needs, whatever the value is, in bytes.
    pub const MASK_LEN: usize = crate::mask::MASK_LEN;

    /// The largest number of a custom field: 2,047.
    pub const MAX_CUSTOM: u16 = 0x07ff;

    /// A field of the host's own: `number` is 0 to [`MAX_CUSTOM`](Self::MAX_CUSTOM), its values are padded to `smallest` at least.
    ///
    /// The class is part of the code: the same number with another class is another field, under another key.
    ///
    /// # Errors
    /// [`Error::InvalidField`] for a larger number.
    pub const fn custom(number: u16, smallest: Class) -> Result<Self, Error> {
        if number > Self::MAX_CUSTOM {
            return Err(Error::InvalidField);
        }
        Ok(Self(u16::from_be_bytes([CUSTOM | smallest.index() << CLASS_SHIFT, 0]) | number))
    }

    /// The same for a field whose values are bound to a record.
    ///
    /// # Errors
    /// [`Error::InvalidField`] for a larger number.
    pub const fn bound(number: u16, smallest: Class) -> Result<Self, Error> {
        match Self::custom(number, smallest) {
            Ok(Self(code)) => Ok(Self(code | BOUND)),
            Err(error) => Err(error),
        }
    }

    /// Whether a value of this field belongs to one record, whose id sealing and opening take.
    #[must_use]
    pub const fn is_bound(self) -> bool {
        self.0 == Self::SHIPPING_ADDRESS.0 || self.0 & BOUND != 0
    }

    /// The field with this code: 1 to 12, or `1 ccc b nnn nnnn nnnn` with `ccc` a class's index, 0 to 5, and `b` for a bound one.
    ///
    /// # Errors
    /// [`Error::InvalidField`]
    pub const fn from_code(code: u16) -> Result<Self, Error> {
        let [high, _] = code.to_be_bytes();
        match code {
            1..=12 => Ok(Self(code)),
            _ if high & CUSTOM != 0 && custom_class(high).is_some() => Ok(Self(code)),
            _ => Err(Error::InvalidField),
        }
    }

    /// The code that stands in tokens.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// The smallest padding class that a value of this field gets, so that the usual lengths don't show.
    ///
    /// Every name of up to 62 bytes makes a token of the same size.
    #[must_use]
    pub const fn smallest_class(self) -> Class {
        let [high, _] = self.0.to_be_bytes();
        match self {
            Self::PHONE | Self::CARD_NUMBER | Self::CARD_EXPIRY | Self::BIRTH_DATE | Self::NATIONAL_ID => {
                Class::SMALLEST
            }
            Self::PERSON_NAME | Self::EMAIL | Self::BANK_ACCOUNT => class(1),
            Self::ORDER_LINE | Self::FREE_TEXT => class(2),
            Self::POSTAL_ADDRESS | Self::SHIPPING_ADDRESS => class(3),
            _ => class((high >> CLASS_SHIFT) & CLASS_BITS),
        }
    }

    /// The field that `Display` writes as `name`: `person-name` … `free-text`, or `custom-64-17` (class, number).
    ///
    /// One spelling only: lower case, no leading zeros.
    ///
    /// ```
    /// # use symbolon::{Class, Field};
    /// let field = Field::from_name("custom-64-17")?;
    /// assert_eq!(field.smallest_class().len(), 64);
    /// assert_eq!(format!("{field}"), "custom-64-17");
    /// assert_eq!(Field::from_name("person-name")?, Field::PERSON_NAME);
    /// # Ok::<(), symbolon::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidField`]
    pub fn from_name(name: &str) -> Result<Self, Error> {
        if let Some(custom) = name.strip_prefix("custom-") {
            return custom_from_name(custom, Self::custom).ok_or(Error::InvalidField);
        }
        if let Some(bound) = name.strip_prefix("bound-") {
            return custom_from_name(bound, Self::bound).ok_or(Error::InvalidField);
        }
        let known = Self::STANDARD.iter().find(|field| field.standard_name() == Some(name));
        known.copied().ok_or(Error::InvalidField)
    }

    /// What is shown in place of a value that was not opened: constant, so it tells nothing, not even a length.
    ///
    /// Without letters, digits, line breaks and `, " < > & '`: it needs no escaping in CSV, JSON or HTML, and no
    /// spreadsheet takes it for a formula. (PCI DSS 4.0.1 requirement 3.4.1 asks for masking when a PAN is displayed.)
    ///
    /// ```
    /// # use symbolon::Field;
    /// assert_eq!(Field::EMAIL.placeholder(), "●●●@●●●");
    /// ```
    #[must_use]
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::PERSON_NAME => "●●● ●●●",
            Self::PHONE => "●●●-●●●●-●●●●",
            Self::EMAIL => "●●●@●●●",
            Self::CARD_NUMBER => "●●●● ●●●● ●●●● ●●●●",
            Self::CARD_EXPIRY => "●●/●●",
            Self::BIRTH_DATE => "●●●●-●●-●●",
            _ => "●●●●",
        }
    }

    /// What a valid value is, in one sentence for people.
    #[must_use]
    pub const fn requirement(self) -> &'static str {
        match self {
            Self::PHONE => {
                "A phone number has 5 to 17 digits, with an optional + before them and an extension after them."
            }
            Self::EMAIL => "An e-mail address has a local part, an @ and a domain, no spaces and at most 320 bytes.",
            Self::CARD_NUMBER => "A card number has 12 to 19 digits with a valid check digit and no security code.",
            Self::CARD_EXPIRY => "An expiry date is written MM/YY, MM/YYYY, MM-YY, MMYY or YYYY-MM.",
            Self::BIRTH_DATE => {
                "A birth date is a real date written YYYY-MM-DD, YYYY/MM/DD, YYYYMMDD or 1990年5月17日."
            }
            Self::PERSON_NAME
            | Self::POSTAL_ADDRESS
            | Self::BANK_ACCOUNT
            | Self::NATIONAL_ID
            | Self::ORDER_LINE
            | Self::FREE_TEXT
            | Self::SHIPPING_ADDRESS => {
                "A value is UTF-8 text of 1 to 1,022 bytes without NUL characters and without card track data."
            }
            _ => "A value has 1 to 1,022 bytes.",
        }
    }

    /// Whether `value` may be sealed under this field. Values are never changed: what passes is stored byte for byte.
    ///
    /// A custom field takes any 1 to 1,022 bytes. A standard one takes UTF-8 of the form that
    /// [`requirement`](Self::requirement) states, and refuses what PCI DSS 4.0.1 (3.3.1) forbids to store, as far as it
    /// can be told: track data in every standard field, a lone security code where a card's number or date belongs.
    ///
    /// ```
    /// # use symbolon::{Error, Field};
    /// assert_eq!(Field::CARD_NUMBER.check(b"4242 4242 4242 4242"), Ok(()));
    /// assert_eq!(Field::CARD_NUMBER.check(b"4242 4242 4242 4241"), Err(Error::InvalidValue));
    /// assert_eq!(Field::CARD_NUMBER.check(b"123"), Err(Error::ForbiddenValue));
    /// ```
    ///
    /// # Errors
    /// [`Error::TooLong`] above 1,022 bytes, [`Error::ForbiddenValue`] for security codes and track data,
    /// [`Error::InvalidValue`] for every other value that the field does not take, the empty one included.
    pub fn check(self, value: &[u8]) -> Result<(), Error> {
        if value.len() > Class::LARGEST.capacity() {
            return Err(Error::TooLong);
        }
        if value.is_empty() {
            return Err(Error::InvalidValue);
        }
        if self.standard_name().is_none() {
            return Ok(());
        }
        let text = core::str::from_utf8(value).map_err(|_| Error::InvalidValue)?;
        if card::has_track_data(text) {
            return Err(Error::ForbiddenValue);
        }
        let valid = match self {
            Self::CARD_NUMBER => return card::check_number(text),
            Self::CARD_EXPIRY => return card::check_expiry(text),
            Self::PHONE => phone_number(text).is_some(),
            Self::EMAIL => email_local_part(text).is_some(),
            Self::BIRTH_DATE => is_birth_date(text),
            _ => !text.contains('\0'),
        };
        if valid { Ok(()) } else { Err(Error::InvalidValue) }
    }

    const fn standard_name(self) -> Option<&'static str> {
        Some(match self {
            Self::PERSON_NAME => "person-name",
            Self::POSTAL_ADDRESS => "postal-address",
            Self::PHONE => "phone",
            Self::EMAIL => "email",
            Self::CARD_NUMBER => "card-number",
            Self::CARD_EXPIRY => "card-expiry",
            Self::BANK_ACCOUNT => "bank-account",
            Self::BIRTH_DATE => "birth-date",
            Self::NATIONAL_ID => "national-id",
            Self::ORDER_LINE => "order-line",
            Self::FREE_TEXT => "free-text",
            Self::SHIPPING_ADDRESS => "shipping-address",
            _ => return None,
        })
    }
}

/// Writes the name that [`Field::from_name`] reads.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.standard_name() {
            Some(name) => f.pad(name),
            None => {
                let family = if self.is_bound() { "bound" } else { "custom" };
                write!(f, "{family}-{}-{}", self.smallest_class().len(), self.0 & Self::MAX_CUSTOM)
            }
        }
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({self})")
    }
}

/// The value of an ASCII or full-width digit.
pub(crate) fn digit(c: char) -> Option<u16> {
    match c {
        '0'..='9' => c.to_digit(10),
        '０'..='９' => u32::from(c).checked_sub(u32::from('０')),
        _ => None,
    }
    .and_then(|value| u16::try_from(value).ok())
}

/// What people put between the digits of a number: space, hyphens and dashes, their wide forms.
pub(crate) fn is_number_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{3000}' | '\u{30fc}' | '\u{ff0d}')
}

/// Takes `min` to `max` digits from the front of `text`: their value, and what follows them.
pub(crate) fn take_number(text: &str, min: usize, max: usize) -> Option<(u16, &str)> {
    let end = text.char_indices().take(max).find(|&(_, c)| digit(c).is_none()).map(|(at, _)| at);
    let end = end.or_else(|| text.char_indices().nth(max).map(|(at, _)| at)).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    if digits.chars().count() < min {
        return None;
    }
    let append = |value: u16, c| value.checked_mul(10)?.checked_add(digit(c)?);
    Some((digits.chars().try_fold(0, append)?, rest))
}

/// The number itself, without its extension, if `text` is a phone number.
pub(crate) fn phone_number(text: &str) -> Option<&str> {
    let (number, extension) = text.split_at_checked(text.find(['e', 'E', 'x', 'X', '内']).unwrap_or(text.len()))?;
    let start = number.trim_start_matches(is_phone_separator);
    let digits = count_digits(start.strip_prefix(['+', '＋']).unwrap_or(start))?;
    let valid = (5..=17).contains(&digits) && (extension.is_empty() || is_extension(extension));
    valid.then_some(number)
}

/// `ext`, `x` or `内線`, an optional point or colon, and 1 to 8 digits.
fn is_extension(text: &str) -> bool {
    let prefix = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let Some(word) = ["ext", "x", "内線"].into_iter().find(|word| prefix(word)) else { return false };
    let rest = text.get(word.len()..).unwrap_or_default();
    let digits = count_digits(rest.strip_prefix(['.', ':', '：']).unwrap_or(rest));
    digits.is_some_and(|digits| (1..=8).contains(&digits))
}

/// How many digits there are, if there is nothing but digits and a phone number's separators.
fn count_digits(text: &str) -> Option<usize> {
    let known = text.chars().all(|c| digit(c).is_some() || is_phone_separator(c));
    known.then(|| text.chars().filter_map(digit).count())
}

fn is_phone_separator(c: char) -> bool {
    is_number_separator(c) || matches!(c, '(' | ')' | '.' | '/' | '\u{a0}' | '（' | '）' | '．' | '／')
}

/// What stands before the last `@`, if `text` is an e-mail address.
pub(crate) fn email_local_part(text: &str) -> Option<&str> {
    // Not `rsplit_once`, whose search for a byte from the end can panic in what the compiler makes of it for a Cortex-M.
    let (local, rest) = text.split_at_checked(text.bytes().rposition(|byte| byte == b'@')?)?;
    let domain = rest.strip_prefix('@')?;
    let literal =
        domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|inner| !inner.is_empty());
    let dotted = domain.char_indices().any(|(at, c)| c == '.' && at > 0 && at.saturating_add(1) < domain.len());
    let clean = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    let valid = text.len() <= 320 && clean && !local.is_empty() && (dotted || literal);
    valid.then_some(local)
}

/// What stands after year, month and day, and how many digits month and day have at least.
const DATE_FORMS: [([&str; 3], usize); 4] =
    [(["-", "-", ""], 2), (["/", "/", ""], 2), (["", "", ""], 2), (["年", "月", "日"], 1)];

fn is_birth_date(text: &str) -> bool {
    DATE_FORMS.iter().any(|(after, min)| is_date_of_form(text, *after, *min).unwrap_or(false))
}

fn is_date_of_form(text: &str, [after_year, after_month, after_day]: [&str; 3], min: usize) -> Option<bool> {
    let (year, rest) = take_number(text, 4, 4)?;
    let (month, rest) = take_number(rest.strip_prefix(after_year)?, min, 2)?;
    let (day, rest) = take_number(rest.strip_prefix(after_month)?, min, 2)?;
    let rest = rest.strip_prefix(after_day)?;
    let valid = (1800..=2200).contains(&year) && (1..=days_in_month(year, month)).contains(&day);
    Some(valid && rest.is_empty())
}

/// Of the Gregorian calendar; 0 for a month that there isn't.
fn days_in_month(year: u16, month: u16) -> u16 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

/// `64-17`: one spelling for each field, so what `Display` would write differently is refused.
fn custom_from_name(name: &str, make: fn(u16, Class) -> Result<Field, Error>) -> Option<Field> {
    let (len, number) = name.split_once('-')?;
    let canonical = |text: &str| text == "0" || !text.starts_with(['0', '+']);
    let len = len.parse::<usize>().ok().filter(|_| canonical(len))?;
    let number = number.parse::<u16>().ok().filter(|_| canonical(number))?;
    let class = (0..=Class::LARGEST.index()).filter_map(Class::from_index).find(|class| class.len() == len)?;
    make(number, class).ok()
}

/// In a custom field's code: that it is bound to a record.
const BOUND: u16 = 0x0800;
/// In a code's high byte: custom field, index of the smallest class.
const CUSTOM: u8 = 0x80;
const CLASS_SHIFT: u8 = 4;
const CLASS_BITS: u8 = 0x07;

const fn custom_class(high: u8) -> Option<Class> {
    Class::from_index((high >> CLASS_SHIFT) & CLASS_BITS)
}

const fn class(index: u8) -> Class {
    match Class::from_index(index) {
        Some(class) => class,
        None => Class::LARGEST,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;

    /// Every one of the 65,536 codes: exactly 11 + 6 × 2,048 are fields, and each survives code and name.
    #[test]
    fn codes_and_names_are_exact() {
        let mut count = 0;
        for code in 0..=u16::MAX {
            let standard = (1..=12).contains(&code);
            let custom = code & 0x8000 != 0 && (code >> 12) & 7 <= 5;
            let bound = code == 12 || custom && code & 0x0800 != 0;
            let field = Field::from_code(code);
            assert_eq!(field.is_ok(), standard || custom, "{code:#06x}");
            if let Ok(field) = field {
                count += 1;
                assert_eq!(field.code(), code);
                assert_eq!(Field::from_name(&field.to_string()), Ok(field));
                assert_eq!(field.is_bound(), bound, "{code:#06x}");
                if custom {
                    let make = if bound { Field::bound } else { Field::custom };
                    assert_eq!(make(code & 0x7ff, field.smallest_class()), Ok(field));
                }
            }
        }
        assert_eq!(count, 12 + 2 * 6 * 2048);
        assert_eq!(Field::STANDARD.map(Field::code), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    }

    #[test]
    fn custom_takes_2047_and_not_2048() {
        assert_eq!(Field::custom(2047, Class::LARGEST).map(Field::code), Ok(0xd7ff));
        assert_eq!(Field::custom(0, Class::SMALLEST).map(Field::code), Ok(0x8000));
        assert_eq!(Field::custom(2048, Class::SMALLEST), Err(Error::InvalidField));
        assert_eq!(Field::custom(u16::MAX, Class::SMALLEST), Err(Error::InvalidField));
        assert_eq!(Field::bound(2047, Class::LARGEST).map(Field::code), Ok(0xdfff));
        assert_eq!(Field::bound(2048, Class::SMALLEST), Err(Error::InvalidField));
    }

    #[test]
    fn other_spellings_of_a_name_are_refused() {
        for name in [
            "",
            "custom",
            "custom-",
            "custom-64",
            "custom-64-",
            "custom-65-1",
            "custom-64-017",
            "custom-064-17",
            "custom-64-+1",
            "custom-64-2048",
            "custom-64-17-",
            "Custom-64-17",
            "PERSON-NAME",
            "person_name",
            "person-name ",
            "custom-0-0",
            "bound-64",
            "bound-64-01",
            "bound-64-2048",
            "Bound-64-1",
            "shipping_address",
        ] {
            assert_eq!(Field::from_name(name), Err(Error::InvalidField), "{name:?}");
        }
        assert_eq!(Field::from_name("custom-32-0").map(Field::code), Ok(0x8000));
    }

    #[test]
    fn smallest_classes() {
        let lens = Field::STANDARD.map(|field| field.smallest_class().len());
        assert_eq!(lens, [64, 256, 32, 64, 32, 32, 64, 32, 32, 128, 128, 256]);
        assert_eq!(Field::from_code(0xb001).unwrap().smallest_class().len(), 256);
    }

    #[test]
    fn debug_prints_the_name() {
        assert_eq!(std::format!("{:?}", Field::EMAIL), "Field(email)");
    }

    #[test]
    fn placeholders_need_no_escaping() {
        for field in Field::STANDARD.into_iter().chain(Field::custom(5, Class::LARGEST)) {
            let text = field.placeholder();
            assert!(text.starts_with('●') && text.len() <= crate::mask::MASK_LEN, "{field}");
            assert!(
                !text.contains(|c: char| c.is_alphanumeric() || c.is_control() || ",\"<>&'\\;=+".contains(c)),
                "{field}"
            );
            assert!(field.requirement().ends_with('.'), "{field}");
        }
    }

    #[test]
    fn bytes_0_1_1022_1023() {
        let text = [b'a'; 1023];
        for field in [Field::FREE_TEXT, Field::custom(0, Class::SMALLEST).unwrap()] {
            assert_eq!(field.check(&[]), Err(Error::InvalidValue));
            assert_eq!(field.check(&text[..1]), Ok(()));
            assert_eq!(field.check(&text[..1022]), Ok(()));
            assert_eq!(field.check(&text), Err(Error::TooLong));
        }
        // The form doesn't matter once a value is too long.
        assert_eq!(Field::PHONE.check(&text), Err(Error::TooLong));
    }

    /// The lines of a custom field hold any bytes; a standard field's are text.
    #[test]
    fn only_custom_fields_take_bytes() {
        let custom = Field::custom(0, Class::SMALLEST).unwrap();
        for value in [&[0xff, 0][..], b"\0", b"%B4242424242424242^X^2512"] {
            assert_eq!(custom.check(value), Ok(()));
            for field in Field::STANDARD {
                assert!(field.check(value).is_err(), "{field}");
            }
        }
    }

    #[test]
    fn days_follow_the_calendar() {
        for (year, days) in [(1900, 28), (2000, 29), (2023, 28), (2024, 29), (2100, 28)] {
            assert_eq!(days_in_month(year, 2), days);
        }
        assert_eq!((1..=12).map(|month| days_in_month(2023, month)).sum::<u16>(), 365);
        assert_eq!((days_in_month(2023, 0), days_in_month(2023, 13)), (0, 0));
    }

    #[test]
    fn numbers_are_taken_from_the_front() {
        assert_eq!(take_number("12", 2, 2), Some((12, "")));
        assert_eq!(take_number("１２3", 2, 2), Some((12, "3")));
        assert_eq!(take_number("1/", 1, 2), Some((1, "/")));
        assert_eq!(take_number("1/", 2, 2), None);
        assert_eq!(take_number("", 1, 2), None);
        assert_eq!(take_number("99999", 5, 5), None);
    }
}
