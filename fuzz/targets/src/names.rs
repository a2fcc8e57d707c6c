//! Names and numbers of fields and purposes, and names of columns.

use symbolon::{Class, Field, Purpose, Purposes, names_security_code};

/// A name has one spelling and a code one meaning; a column's name that is refused is refused also in wide letters, and with white space around.
pub fn run(data: &[u8]) {
    if let Ok(name) = std::str::from_utf8(data) {
        if let Ok(field) = Field::from_name(name) {
            assert_eq!(field.to_string(), name);
            assert_eq!(Field::from_code(field.code()), Ok(field));
        }
        if let Ok(purpose) = Purpose::from_name(name) {
            assert_eq!(purpose.to_string(), name);
            assert_eq!(Purpose::from_code(purpose.code()), Ok(purpose));
            assert!(Purposes::of(&[purpose]).contains(purpose));
        }
        is_refused_in_any_width(name, names_security_code);
    }
    for code in data.chunks_exact(2) {
        let code = u16::from_le_bytes([code[0], code[1]]);
        assert_eq!(is_a_field(code), Field::from_code(code).is_ok(), "{code:#x}");
        if let Ok(field) = Field::from_code(code) {
            assert_eq!(field.code(), code);
            assert_eq!(Field::from_name(&field.to_string()), Ok(field));
            assert!(!field.placeholder().is_empty() && !field.requirement().is_empty());
            if code >= 0x8000 {
                assert_eq!(Some(field.smallest_class()), Class::from_index((code >> 12 & 7) as u8));
                assert_eq!(field.is_bound(), code & 0x800 != 0);
            }
        }
    }
}

/// SPEC.md section 3: the codes there are.
fn is_a_field(code: u16) -> bool {
    matches!(code, 1..=12) || code >= 0x8000 && code >> 12 & 7 <= 5
}

/// Narrowing is the first thing that is done with a name, and white space at its ends counts for nothing where the whole is a code's name.
pub fn is_refused_in_any_width(name: &str, refused: impl Fn(&str) -> bool) {
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        _ => c,
    };
    let wide: String = name.chars().map(wide).collect();
    assert_eq!(refused(name), refused(&wide), "{name:?}");
    if refused(name) {
        for around in [format!(" {name}"), format!("{name} "), format!("_{name}_")] {
            assert!(refused(&around), "{around:?}");
        }
    }
}

/// Names and codes.
pub fn seeds() -> Vec<Vec<u8>> {
    let names = [
        "",
        "person-name",
        "custom-64-0",
        "custom-1024-2047",
        "bound-32-7",
        "shipping",
        "custom-31",
        "CVV",
        "cardCvv2",
        "card_verification_value",
        "セキュリティコード",
        "ｃｖｃ",
        "pin block",
        "discvvery",
        "\u{1}\u{0}\u{c}\u{0}",
    ];
    let mut seeds: Vec<Vec<u8>> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
    seeds.push(
        [0x8000_u16, 0x87ff, 0xd800, 0xdfff, 0xe000, 13, 0, 0x7fff].iter().flat_map(|c| c.to_le_bytes()).collect(),
    );
    seeds
}
