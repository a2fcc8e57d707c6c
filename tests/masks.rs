//! Fields, masks and placeholders against the vectors, and what must hold for every value.

use symbolon::{Class, Error, Field};

const FIELDS: &str = include_str!("vectors/fields.txt");
const MASKS: &str = include_str!("vectors/masks.txt");

#[test]
fn fields_take_and_refuse_what_the_vectors_say() {
    let mut seen = [0; 4];
    for [field, value, verdict, comment] in cases(FIELDS) {
        let (family, expected) = match verdict {
            "ok" => (0, Ok(())),
            "invalid" => (1, Err(Error::InvalidValue)),
            "forbidden" => (2, Err(Error::ForbiddenValue)),
            "too-long" => (3, Err(Error::TooLong)),
            _ => panic!("no such verdict: {verdict}"),
        };
        seen[family] += 1;
        assert_eq!(Field::from_name(field).unwrap().check(&hex(value)), expected, "{field}: {comment}");
    }
    assert_eq!(seen, [111, 151, 57, 6], "ok, invalid, forbidden, too long: a case is missing or new");
}

#[test]
fn masks_are_what_the_vectors_say() {
    let mut count = 0;
    for [field, value, mask, comment] in cases(MASKS) {
        let expected = String::from_utf8(hex(mask)).unwrap();
        assert_eq!(mask_of(Field::from_name(field).unwrap(), &hex(value)), expected, "{field}: {comment}");
        count += 1;
    }
    assert_eq!(count, 162, "a case is missing or new");
}

/// Random bytes, random text, near misses of every form: no panic, no long mask, no whole value, no more than is allowed.
#[test]
fn masks_of_generated_values_keep_their_promises() {
    let mut random = Random(0x5eed);
    let mut partial = 0;
    for round in 0..8_000 {
        let value = random.value();
        for field in all_fields() {
            let mask = mask_of(field, &value);
            promises(field, &value, &mask)
                .unwrap_or_else(|broken| panic!("{round}: {field}: {broken}: {mask:?} of {value:x?}"));
            partial += usize::from(mask != field.placeholder());
        }
    }
    assert!(partial > 1_500, "{partial}: the values are too wild for any mask to show a part of one");
}

/// Each promise is really looked at: these masks break one each.
#[test]
fn the_promises_notice_broken_masks() {
    for (field, value, mask) in [
        (Field::PERSON_NAME, "Al", "Al●●"),
        (Field::PERSON_NAME, "Alice", "Alice"),
        (Field::CARD_NUMBER, "4242424242424242", "●●●● 44242"),
        (Field::CARD_NUMBER, "4242424242424241", "●●●● 4241"),
        (Field::CARD_EXPIRY, "12/27", "12/●●"),
        (Field::PHONE, "12345", "●●●●345"),
        (Field::EMAIL, "al@b.co", "a●●@b●●"),
        (Field::FREE_TEXT, "secret", "s●●●"),
        (Field::PERSON_NAME, "<b>ob", "<●●"),
        (Field::PERSON_NAME, "long", "●●●●●●●●●●●●●●●●●●●●●●"),
    ] {
        assert!(promises(field, value.as_bytes(), mask).is_err(), "{mask:?} of {value:?} passes");
    }
}

/// The mask of one length is as long as that of another.
#[test]
fn masks_hide_the_length() {
    for (field, short, long) in [
        (Field::PERSON_NAME, "Jo", "Johannes Chrysostomus Wolfgangus Theophilus"),
        (Field::EMAIL, "jo@a.co", "johannes.chrysostomus@example.museum"),
        (Field::CARD_NUMBER, "424242424242", "6205500000000000004"),
        (Field::PHONE, "12345", "+81 90 1234 5678 ext. 12345678"),
        (Field::BANK_ACCOUNT, "123456", "DE89 3704 0044 0532 0130 00"),
        (Field::FREE_TEXT, "x", "a longer text"),
    ] {
        let (short, long) = (mask_of(field, short.as_bytes()), mask_of(field, long.as_bytes()));
        assert_eq!(short.chars().count(), long.chars().count(), "{field}");
        assert_ne!(field == Field::FREE_TEXT, short != field.placeholder(), "{field}: nothing shown, nothing tested");
    }
}

/// Placeholders are part of the specification: whoever changes one changes what every page shows.
#[test]
fn placeholders_are_constant() {
    let expected = [
        "●●● ●●●",
        "●●●●",
        "●●●-●●●●-●●●●",
        "●●●@●●●",
        "●●●● ●●●● ●●●● ●●●●",
        "●●/●●",
        "●●●●",
        "●●●●-●●-●●",
        "●●●●",
        "●●●●",
        "●●●●",
        "●●●●",
    ];
    assert_eq!(Field::STANDARD.map(Field::placeholder), expected);
    assert_eq!(Field::custom(7, Class::LARGEST).unwrap().placeholder(), "●●●●");
}

/// What a mask may show: at most 64 bytes, of a card four digits, of a name one cluster, never the whole, nothing to escape.
fn promises(field: Field, value: &[u8], mask: &str) -> Result<(), &'static str> {
    let hidden = mask == field.placeholder() || field == Field::PERSON_NAME && mask == "●●●";
    let digits = mask.chars().filter(char::is_ascii_digit).count();
    let constant = match field {
        Field::PERSON_NAME => mask.ends_with("●●"),
        Field::EMAIL => mask.ends_with("●●@●●●"),
        Field::CARD_NUMBER => mask.starts_with("●●●● ") && digits == 4,
        Field::PHONE | Field::BANK_ACCOUNT => mask.starts_with("●●●●") && digits == 2,
        Field::BIRTH_DATE => mask.ends_with("-●●-●●") && digits == 4,
        _ => false,
    };
    let letters = mask.chars().filter(|c| c.is_ascii_alphanumeric()).count();
    let most = match field {
        Field::CARD_NUMBER | Field::BIRTH_DATE => 4,
        Field::PHONE | Field::BANK_ACCOUNT => 2,
        _ => 1,
    };
    if mask.len() > Field::MASK_LEN {
        Err("too long")
    } else if !hidden && !constant {
        Err("not of its field's form")
    } else if !hidden && field.check(value).is_err() {
        Err("shows a part of a value that its field refuses")
    } else if !hidden && mask.as_bytes().windows(value.len().max(1)).any(|part| part == value) {
        Err("shows the whole value")
    } else if letters > most {
        Err("shows too much")
    } else if mask.contains(|c: char| c.is_control() || ",\"<>&'\\;=+".contains(c)) {
        Err("needs escaping")
    } else {
        Ok(())
    }
}

fn mask_of(field: Field, value: &[u8]) -> String {
    field.mask(value, &mut [0; Field::MASK_LEN]).unwrap().to_owned()
}

fn all_fields() -> impl Iterator<Item = Field> {
    Field::STANDARD.into_iter().chain([Field::custom(17, Class::SMALLEST).unwrap()])
}

/// The lines that are neither empty nor comments, in their four columns.
fn cases(text: &str) -> impl Iterator<Item = [&str; 4]> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let columns: Vec<&str> = line.splitn(4, " | ").collect();
        columns.try_into().unwrap_or_else(|_| panic!("not four columns: {line}"))
    })
}

fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// SplitMix64: the same values at every run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(below).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.next(from.len())]
    }

    /// Bytes, text made of awkward pieces, or a valid value with some pieces of it replaced.
    fn value(&mut self) -> Vec<u8> {
        let len = self.next(24);
        match self.next(4) {
            0 => (0..len).map(|_| u8::try_from(self.next(256)).unwrap()).collect(),
            1 => (0..len).map(|_| self.pick(&PIECES)).collect::<String>().into_bytes(),
            2 => (0..len)
                .map(|_| char::from_digit(u32::try_from(self.next(10)).unwrap(), 10).unwrap())
                .collect::<String>()
                .into(),
            _ => {
                let mut text: Vec<char> = self.pick(&VALID).chars().collect();
                for _ in 0..self.next(3) {
                    let at = self.next(text.len() + 1);
                    let end = text.len().min(at + self.next(2));
                    text.splice(at..end, self.pick(&PIECES).chars());
                }
                text.into_iter().collect::<String>().into_bytes()
            }
        }
    }
}

const VALID: [&str; 12] = [
    "山田 太郎",
    "Alice Liddell",
    "かんた",
    "東京都千代田区1-1",
    "090-1234-5678",
    "+81 90 1234 5678 ext. 12",
    "alice@example.com",
    "4242 4242 4242 4242",
    "378282246310005",
    "12/27",
    "1990年5月17日",
    "1990-05-17",
];

const PIECES: [&str; 36] = [
    "a",
    "Z",
    "0",
    "7",
    "９",
    "山",
    "か",
    "é",
    "e",
    "\u{301}",
    "\u{3099}",
    "\u{200d}",
    "\u{fe0f}",
    "👩",
    "🚀",
    "\u{1f3fd}",
    "ि",
    "ك",
    "\u{202e}",
    "\u{200b}",
    " ",
    "\u{3000}",
    "-",
    "ー",
    "/",
    "@",
    ".",
    "=",
    ";",
    "%B",
    "^",
    "<",
    "\"",
    "●",
    "\0",
    "年",
];
