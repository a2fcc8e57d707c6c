//! Tokens are found wherever they are put: each once, at its place; and whose they are is told.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod common;
#[path = "common/text.rs"]
mod text;

use std::collections::BTreeSet;

use common::{Seen, scan, small, tokens, vault};
use symbolon::Token;
use symbolon_leak::{Coding, Codings, Options, Tokens, control};

fn text_of(seen: &Seen<Box<[u8]>>) -> String {
    Token::from_bytes(&seen.item).unwrap().to_string()
}

/// Tokens of two tenants in every wrapping: the key of one finds its own, another's none.
#[test]
fn of_two_tenants() {
    let vault = vault();
    let (ours, theirs) = (tokens(&vault, "ours", 6), tokens(&vault, "theirs", 3));
    let [our_key, their_key, other_key] = ["ours", "theirs", "nobody"].map(|tenant| vault.scanner_key(tenant).unwrap());
    for options in [Options::default(), Options { overlap: 32 << 10, ..small() }] {
        for token in ours.iter().chain(&theirs) {
            for case in control::cases(token) {
                let said = scan(&Tokens::new(), options, |scan| scan.bytes(&case.bytes));
                assert_eq!(said.problems, [""; 0], "{}", case.name);
                assert_eq!(said.seen.iter().map(text_of).collect::<Vec<_>>(), [token.as_str()], "{}", case.name);
                let token = Token::from_bytes(&said.seen[0].item).unwrap();
                let is_ours = ours.contains(&token.to_string());
                assert_eq!(our_key.recognises(&token), is_ours);
                assert_eq!(their_key.recognises(&token), !is_ours);
                assert!(!other_key.recognises(&token));
            }
        }
    }
}

/// All cases of all tokens in one file: as many as were planted.
#[test]
fn all_at_once() {
    let vault = vault();
    let planted = tokens(&vault, "ours", 40);
    let text_only = |case: &control::Case| {
        [Coding::Gzip, Coding::Zip, Coding::Zstd, Coding::Tar].iter().all(|c| !case.codings.has(*c))
    };
    let mut file = Vec::new();
    let mut cases = planted.iter().cycle();
    let kinds = control::cases(&planted[0]).into_iter().filter(text_only).count();
    for number in 0..kinds {
        let token = cases.next().unwrap();
        let case = control::cases(token).into_iter().filter(text_only).nth(number).unwrap();
        file.extend_from_slice(&case.bytes);
        file.extend_from_slice(b"\r\n\r\n");
    }
    for options in [Options::default(), Options { overlap: 32 << 10, ..small() }] {
        let said = scan(&Tokens::new(), options, |scan| scan.bytes(&file));
        assert_eq!(
            said.seen.len(),
            kinds,
            "{:#?}",
            said.seen.iter().map(|seen| (seen.offset, &seen.codings)).collect::<Vec<_>>()
        );
    }
}

/// The place that is told is that of the first character, whatever it is wrapped in.
#[test]
fn places_are_exact() {
    let token = &tokens(&vault(), "t", 1)[0];
    let percent: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let json: String = token.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let wide: Vec<u8> = token.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wrapped = format!("{}\r\n > {}", &token[..70], &token[70..]);
    let texts: [(&[u8], &str); 5] = [
        (token.as_bytes(), ""),
        (percent.as_bytes(), "percent"),
        (json.as_bytes(), "json"),
        (&wide, "utf-16"),
        (wrapped.as_bytes(), "wrapped"),
    ];
    for (text, codings) in texts {
        for before in [0, 1, 17, 5000] {
            let file = [&b"\x01".repeat(before), text, b" and so on"].concat();
            let said = scan(&Tokens::new(), small(), |scan| scan.bytes(&file));
            let places: Vec<_> = said.seen.iter().map(|seen| (seen.offset, seen.codings.as_str())).collect();
            assert_eq!(places, [(before as u64, codings)], "{before}");
        }
    }
}

/// What is at a chunk's edge is found once, wherever it lies on it.
#[test]
fn at_every_place_around_an_edge() {
    let token = &tokens(&vault(), "t", 1)[0];
    let options = Options { chunk: 2048, overlap: 6656, lead: 256, ..Options::default() };
    let wanted = [
        "as it is",
        "percent",
        "wrapped and quoted",
        "base64, 1 bytes on",
        "utf-16 be",
        "json of html",
        "base64 of utf-16",
    ];
    let cases = control::cases(token).into_iter().filter(|case| wanted.contains(&case.name.as_str()));
    for case in cases {
        // Both edges of the second window's own part, from far before to far behind.
        for start in (1200..4200).step_by(if case.bytes.len() > 1000 { 7 } else { 1 }) {
            let file = [&b".".repeat(start), &b"\n"[..], &case.bytes, &b"\n".repeat(12_000)].concat();
            let said = scan(&Tokens::new(), options, |scan| scan.bytes(&file));
            assert_eq!(said.seen.len(), 1, "{} at {start}", case.name);
        }
    }
}

/// A mail whose attachment is longer than a window, and a zip in it.
#[test]
fn an_attachment_of_many_windows() {
    let token = &tokens(&vault(), "t", 1)[0];
    let zip = common_zip(token);
    let digits = control_base64(&zip);
    let mail = format!(
        "From: a\r\nContent-Transfer-Encoding: base64\r\n\r\n{digits}\r\n\r\n--part--\r\n{}",
        ".\r\n".repeat(9000)
    );
    for options in [small(), Options::default()] {
        let said = scan(&Tokens::new(), options, |scan| scan.bytes(mail.as_bytes()));
        assert_eq!(said.problems, [""; 0]);
        let places: Vec<_> = said.seen.iter().map(|seen| (seen.place.as_str(), seen.offset)).collect();
        assert_eq!(places, [("x > base64 at 46 > zip:members.csv", 40_001)]);
    }
}

/// 40,001 bytes that don't compress, and a token.
fn common_zip(token: &str) -> Vec<u8> {
    use std::io::Write;
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"abcdefghijklmnopqrstuvwxyz ,.\n:;"[(state >> 24) as usize % 32]
    };
    let mut text: Vec<u8> = (0..40_000).map(|_| noise()).collect();
    text.push(b' ');
    text.extend_from_slice(token.as_bytes());
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("members.csv", zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(&text).unwrap();
    writer.finish().unwrap().into_inner()
}

fn control_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0_u32, |number, at| number << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
        (0..4).for_each(|at| {
            text.push(if at <= three.len() { char::from(DIGITS[(number >> (18 - 6 * at) & 63) as usize]) } else { '=' })
        });
    }
    text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\r\n")
}

/// What begins like a token and is none is nothing: cut, altered in its header, or a name in a program.
#[test]
fn what_is_no_token() {
    let token = &tokens(&vault(), "t", 1)[0];
    let cut = &token[..token.len() - 1];
    let header = token.replacen("sym_E", "sym_F", 1);
    for text in [cut, &header, "sym_table sym_ sym_sym_sym_", ""] {
        let said = scan(&Tokens::new(), small(), |scan| scan.bytes(text.as_bytes()));
        assert_eq!(said.seen.len(), 0, "{text}");
        assert_eq!(said.problems, [""; 0]);
    }
    let twice = format!("{token}{token}");
    let said = scan(&Tokens::new(), small(), |scan| scan.bytes(twice.as_bytes()));
    assert_eq!(
        said.seen.iter().map(|seen| seen.offset).collect::<BTreeSet<_>>(),
        BTreeSet::from([0, token.len() as u64])
    );
}

/// Nothing in any bytes makes it panic or find what isn't there.
#[test]
fn any_bytes() {
    let mut state = 7_u64;
    let alphabet = b"sym_EQ%5F&#;\\u00=\r\n>\x1b$B\0\x1f\x8b\x08PK\x03\x04UEsDBH4sIKLUv+/ ";
    for round in 0..3000 {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        let len = next() % 3000;
        let one = |next: &mut dyn FnMut() -> usize| {
            if round % 3 == 0 { next() as u8 } else { alphabet[next() % alphabet.len()] }
        };
        let bytes: Vec<u8> = (0..len).map(|_| one(&mut next)).collect();
        let options = Options { chunk: 512, overlap: 256, lead: 64, codings: Codings::ALL, ..Options::default() };
        let said = scan(&Tokens::new(), options, |scan| scan.bytes(&bytes));
        assert!(said.seen.is_empty());
        let values = symbolon_leak::Values::new(["never there at all"]).unwrap();
        assert!(scan(&values, options, |scan| scan.bytes(&bytes)).seen.is_empty());
    }
}

/// 20 MB of all sorts of other text: nothing.
#[test]
fn none_in_other_text() {
    let mut bytes = Vec::new();
    text::Generator::new(1).write(20 << 20, &mut bytes).unwrap();
    let said = scan(&Tokens::new(), Options::default(), |scan| scan.bytes(&bytes));
    assert_eq!(said.seen.len(), 0);
    assert_eq!(said.problems, [""; 0]);
}
