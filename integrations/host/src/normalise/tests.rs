//! Fixed results: a change of any of them is a new version of that normaliser.

use super::{NormaliseError::*, *};

const PHONE: Normaliser = Normaliser::PhoneV1 { country: Country::JAPAN };

#[track_caller]
fn check(normaliser: Normaliser, table: &[(&str, Result<&str, NormaliseError>)]) {
    for (value, expected) in table {
        let normalised = normaliser.normalise(value);
        let found = normalised.as_ref().map(|normalised| normalised.expose()).map_err(|error| *error);
        assert_eq!(found, *expected, "{value:?}");
        // What is normal stays as it is.
        if let Ok(normal) = found {
            assert_eq!(normaliser.normalise(normal).as_ref().map(Normalised::expose), Ok(normal), "{value:?}");
        }
    }
}

#[test]
fn emails() {
    let table = [
        ("hanako@example.jp", Ok("hanako@example.jp")),
        (" Hanako.Yamada+Shop@Example.JP\u{3000}", Ok("hanako.yamada+shop@example.jp")),
        ("ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ", Ok("hanako@example.jp")),
        ("hana\u{ad}ko\u{200b}@example.jp", Ok("hanako@example.jp")),
        ("hanako@example.jp.", Ok("hanako@example.jp")),
        ("hanako@日本語。ＪＰ", Ok("hanako@xn--wgv71a119e.jp")),
        ("hanako@XN--WGV71A119E.jp", Ok("hanako@xn--wgv71a119e.jp")),
        // Some carriers' addresses break the rules of RFC 5321.
        ("a..b.@docomo.ne.jp", Ok("a..b.@docomo.ne.jp")),
        ("\"a@b\"@example.jp", Ok("\"a@b\"@example.jp")),
        ("山田@example.jp", Ok("山田@example.jp")),
        ("STRASSE@straße.de", Ok("strasse@strasse.de")),
        ("straße@strasse.de", Ok("strasse@strasse.de")),
        ("Ärger@Ärger.DE", Ok("ärger@xn--rger-koa.de")),
        ("a_b@under_score.example", Ok("a_b@under_score.example")),
        ("x@localhost", Ok("x@localhost")),
        ("x@[192.0.2.1]", Ok("x@[192.0.2.1]")),
        ("x@[IPv6:2001:DB8::1]", Ok("x@[ipv6:2001:db8::1]")),
        ("hanako", Err(NotAnAddress)),
        ("@example.jp", Err(NotAnAddress)),
        ("hanako@", Err(NotAnAddress)),
        ("hanako@.", Err(NotAnAddress)),
        ("hanako@a..b", Err(NotAnAddress)),
        ("hana ko@example.jp", Err(NotAnAddress)),
        ("hanako@exa mple.jp", Err(NotAnAddress)),
        ("hana\nko@example.jp", Err(NotAnAddress)),
        ("hanako@xn--a", Err(NotAnAddress)),
        ("", Err(NotAnAddress)),
        ("hanako\u{378}@example.jp", Err(Unassigned)),
    ];
    check(Normaliser::EmailV1, &table);
}

#[test]
fn phones_of_japan() {
    let table = [
        ("03-1234-5678", Ok("+81312345678")),
        ("０３−１２３４−５６７８", Ok("+81312345678")),
        ("03ー1234ー5678", Ok("+81312345678")),
        ("03ｰ1234ｰ5678", Ok("+81312345678")),
        ("（03）1234‐5678", Ok("+81312345678")),
        (" 090 1234 5678 ", Ok("+819012345678")),
        ("+81-3-1234-5678", Ok("+81312345678")),
        ("＋８１（０）３ １２３４ ５６７８", Ok("+81312345678")),
        ("+81 (0)3-1234-5678", Ok("+81312345678")),
        ("+81 03-1234-5678", Ok("+81312345678")),
        ("010-81-3-1234-5678", Ok("+81312345678")),
        ("010 1 212 555 0100", Ok("+12125550100")),
        ("+1 (212) 555-0100", Ok("+12125550100")),
        ("+44 (0)20 7946 0000", Ok("+442079460000")),
        ("+39 (0)6 1234 5678", Ok("+390612345678")),
        ("0120-000-000", Ok("+81120000000")),
        ("03-1234-5678 ext. 12", Ok("+81312345678")),
        ("03-1234-5678 ext.12", Ok("+81312345678")),
        ("03-1234-5678 x12", Ok("+81312345678")),
        ("03-1234-5678 内線１２", Ok("+81312345678")),
        ("1234-5678", Err(NoArea)),
        ("9012345678", Err(NoArea)),
        ("81-3-1234-5678", Err(NoArea)),
        ("01234", Err(NotANumber)),
        ("+0312345678", Err(NotANumber)),
        ("+81 3 1234 5678 9012 34", Err(NotANumber)),
        ("+1234567890123456", Err(NotANumber)),
        ("+123456789012345", Ok("+123456789012345")),
        ("+1234567", Ok("+1234567")),
        ("+123456", Err(NotANumber)),
        ("telephone", Err(NotANumber)),
        ("", Err(NotANumber)),
        ("🕿 03-1234-5678", Err(NotANumber)),
    ];
    check(PHONE, &table);
}

#[test]
fn phones_of_other_countries() {
    let america = Normaliser::PhoneV1 { country: Country::NORTH_AMERICA };
    let table = [
        ("(212) 555-0100", Ok("+12125550100")),
        ("1-212-555-0100", Ok("+12125550100")),
        ("+1 212 555 0100", Ok("+12125550100")),
        ("011 81 3 1234 5678", Ok("+81312345678")),
    ];
    check(america, &table);
    let germany = Normaliser::PhoneV1 { country: Country::GERMANY };
    let table = [
        ("030/123456", Ok("+4930123456")),
        ("0049 30 123456", Ok("+4930123456")),
        ("+49 (0)30 123456", Ok("+4930123456")),
        ("0081 3 1234 5678", Ok("+81312345678")),
    ];
    check(germany, &table);
    // No trunk prefix at all.
    let czechia = Normaliser::PhoneV1 { country: Country::new("420", "00", "", false).unwrap() };
    check(czechia, &[("601 123 456", Ok("+420601123456")), ("+420 601 123 456", Ok("+420601123456"))]);
}

#[test]
fn countries() {
    assert!(Country::new("1234", "00", "0", true).is_none() && Country::new("", "00", "0", true).is_none());
    assert!(Country::new("12", "00000", "0", true).is_none() && Country::new("12", "0x", "0", true).is_none());
    assert!(Country::new("12", "00", "", true).is_none());
    assert!(Country::new("999", "", "", false).is_some());
}

#[test]
fn texts() {
    let table = [
        ("山田　太郎", Ok("山田 太郎")),
        ("\t Yamada \r\n TARŌ ", Ok("yamada tarō")),
        ("ﾔﾏﾀﾞ ﾀﾛｳ", Ok("ヤマダ タロウ")),
        ("ヤマタ\u{3099}", Ok("ヤマダ")),
        // The long vowel, in whatever way it was typed.
        ("サーバー", Ok("サーバー")),
        ("ｻｰﾊﾞｰ", Ok("サーバー")),
        ("サ-バ‐", Ok("サーバー")),
        ("サ−バ―", Ok("サーバー")),
        ("らーめん", Ok("らーめん")),
        ("ら～めん", Ok("らーめん")),
        ("ら〜めん", Ok("らーめん")),
        ("えーーっと", Ok("えーーっと")),
        ("え--っと", Ok("えーーっと")),
        // The hyphen, likewise.
        ("1-2-3", Ok("1-2-3")),
        ("１－２－３", Ok("1-2-3")),
        ("1ー2ｰ3", Ok("1-2-3")),
        ("1‐2‑3", Ok("1-2-3")),
        ("1–2—3", Ok("1-2-3")),
        ("1―2−3", Ok("1-2-3")),
        ("1─2━3", Ok("1-2-3")),
        ("東京ー大阪", Ok("東京-大阪")),
        ("ハイツ-101", Ok("ハイツー101")),
        ("ハイツー101", Ok("ハイツー101")),
        ("ー", Ok("-")),
        ("1〜3", Ok("1~3")),
        ("1～3", Ok("1~3")),
        ("ア ー", Ok("ア -")),
        // Case and width.
        ("Straße", Ok("strasse")),
        ("ΜΆΪΟΣ", Ok("μάϊοσ")),
        ("İ", Ok("i\u{307}")),
        ("ﬁ ① ㈱ ㍿", Ok("fi 1 (株) 株式会社")),
        ("e\u{301}", Ok("é")),
        // Variants of one character; and characters that are two, though they look alike.
        ("葛\u{e0100}城", Ok("葛城")),
        ("\u{fa19}", Ok("神")),
        ("高髙", Ok("高髙")),
        ("\u{fa11}", Ok("\u{fa11}")),
        ("a\u{200b}b\u{ad}c\u{feff}", Ok("abc")),
        ("\u{e000}", Ok("\u{e000}")),
        ("", Err(Empty)),
        (" \u{3000}\u{200b}", Err(Empty)),
        ("a\u{378}", Err(Unassigned)),
        ("\u{ffff}", Err(Unassigned)),
    ];
    check(Normaliser::TextV1, &table);
}

/// What is normal stays as it is, for every character that there is: alone, and between others that could combine with it.
#[test]
fn normal_stays_normal() {
    for c in char::MIN..=char::MAX {
        for text in [format!("{c}"), format!("カ{c}\u{345}\u{3099}-{c} ")] {
            let Ok(once) = Normaliser::TextV1.normalise(&text) else { continue };
            assert_eq!(Normaliser::TextV1.normalise(once.expose()).as_ref(), Ok(&once), "{:x}", u32::from(c));
        }
    }
}

/// The results of whole blocks in one number: a change of the data behind them shows. FNV-1a, 64 bits. (Blocks in which every code point
/// that will ever be assigned is.)
#[test]
fn results_have_not_changed() {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    let mut accepted = 0;
    let western = ('\0'..='\u{24f}').chain('\u{400}'..='\u{4ff}').chain('\u{1e00}'..='\u{1eff}');
    let eastern = ('\u{3041}'..='\u{3096}').chain('\u{3099}'..='\u{30ff}').chain('\u{3131}'..='\u{318e}');
    let compatibility = ('\u{3220}'..='\u{33ff}').chain('\u{f900}'..='\u{fa6d}').chain('\u{ff01}'..='\u{ffbe}');
    for c in western.chain(eastern).chain(compatibility) {
        let Ok(text) = Normaliser::TextV1.normalise(&format!("x{c}")) else { panic!("{:x}", u32::from(c)) };
        accepted += 1;
        for byte in text.expose().bytes().chain([0]) {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!((accepted, digest), (2_423, 9_939_692_452_255_134_907));
}

/// Lengths at the limit.
#[test]
fn lengths() {
    for (len, expected) in [(1_021, true), (1_022, true), (1_023, false)] {
        assert_eq!(Normaliser::TextV1.normalise(&"a".repeat(len)).is_ok(), expected);
    }
    assert_eq!(Normaliser::TextV1.normalise(&"a".repeat(1_023)), Err(TooLong));
    // One character that becomes 18.
    assert_eq!(Normaliser::TextV1.normalise(&"\u{fdfa}".repeat(40)), Err(TooLong));
}

/// A version has its own number, for ever.
#[test]
fn versions() {
    assert_eq!([Normaliser::EmailV1, PHONE, Normaliser::TextV1].map(Normaliser::version), [1, 2, 3]);
}

/// Nothing shows what was normalised.
#[test]
fn debug_is_redacted() {
    assert_eq!(format!("{:?}", Normaliser::TextV1.normalise("secret")), "Ok(Normalised(redacted))");
}
