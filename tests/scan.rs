//! The scanner finds the tokens that are whole values and nothing else, however the text is cut. SPEC.md, "Rewriting".
//!
//! In the texts below `§` is a token that must be found and `¤` one that must be left alone.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

#[path = "scan/html.rs"]
mod html;
#[path = "scan/random.rs"]
mod random;
#[path = "scan/values.rs"]
mod values;

use symbolon::{Format, Place, Scanner, Sink, Token};

const CSV: Format<'_> = Format::Csv { delimiter: b',' };
const HTML: Format<'_> = Format::Html { marker: "n0nce" };
const PLAIN: Format<'_> = Format::AnywhereInPlainText;

// ---- what a scan gives

#[derive(Clone, Debug, PartialEq)]
enum Event {
    Copy(Vec<u8>),
    Token(String, Place),
}

/// Joins neighbouring copies, and refuses every call whose number `refuse` accepts.
struct Recorder<R> {
    events: Vec<Event>,
    calls: usize,
    refuse: R,
}

impl<R: Fn(usize) -> bool> Recorder<R> {
    fn new(refuse: R) -> Self {
        Self { events: Vec::new(), calls: 0, refuse }
    }

    fn call(&mut self) -> Result<(), usize> {
        self.calls += 1;
        if (self.refuse)(self.calls) { Err(self.calls) } else { Ok(()) }
    }
}

impl<R: Fn(usize) -> bool> Sink for Recorder<R> {
    type Error = usize;

    fn copy(&mut self, bytes: &[u8]) -> Result<(), usize> {
        self.call()?;
        assert!(!bytes.is_empty(), "a call without bytes");
        match self.events.last_mut() {
            Some(Event::Copy(last)) => last.extend(bytes),
            _ => self.events.push(Event::Copy(bytes.to_vec())),
        }
        Ok(())
    }

    fn token(&mut self, token: Token<'_>, place: Place) -> Result<(), usize> {
        self.call()?;
        self.events.push(Event::Token(token.to_string(), place));
        Ok(())
    }
}

fn scan<'c>(format: Format<'_>, chunks: impl Iterator<Item = &'c [u8]>) -> Vec<Event> {
    let mut recorder = Recorder::new(|_| false);
    let mut scanner = Scanner::new(format);
    for chunk in chunks {
        scanner.feed(chunk, &mut recorder).unwrap();
    }
    scanner.finish(&mut recorder).unwrap();
    recorder.events
}

/// The tokens' offsets and places; the same for every chunking (of long texts, for many); and nothing is lost or changed.
fn found(format: Format<'_>, text: &[u8]) -> Vec<(usize, Place)> {
    found_with_cuts(format, text, 1 + text.len() / 300)
}

/// As `found`, but only every `step`th way to cut the text in two.
fn found_with_cuts(format: Format<'_>, text: &[u8], step: usize) -> Vec<(usize, Place)> {
    let events = scan(format, [text].into_iter());
    for size in [1, 2, 3, 7, 64, 1000] {
        assert_eq!(scan(format, text.chunks(size)), events, "chunks of {size}: {}", text.escape_ascii());
    }
    for cut in (text.len() % step..text.len().min(700)).step_by(step) {
        let (one, other) = text.split_at(cut);
        assert_eq!(scan(format, [one, other].into_iter()), events, "cut at {cut}: {}", text.escape_ascii());
    }
    let (mut joined, mut tokens) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            Event::Copy(bytes) => joined.extend(bytes),
            Event::Token(text, place) => {
                tokens.push((joined.len(), place));
                joined.extend(text.bytes());
            }
        }
    }
    assert_eq!(joined.escape_ascii().to_string(), text.escape_ascii().to_string());
    tokens
}

/// A token's text: of class 32 B (119 characters) or of the class with this index.
fn token() -> String {
    token_of(0)
}

fn token_of(class: u8) -> String {
    let mut bytes = vec![0xa5; 54 + (32 << class)];
    bytes[..6].copy_from_slice(&[0x11, class, 1, 0, 7, 0]);
    Token::from_bytes(&bytes).unwrap().to_string()
}

/// Checks that exactly the tokens written `§` are found.
fn check(format: Format<'_>, template: &str) {
    check_with(format, template, &token());
}

fn check_with(format: Format<'_>, template: &str, token: &str) {
    let (mut text, mut wanted) = (String::new(), Vec::new());
    for character in template.chars() {
        match character {
            '§' => {
                wanted.push(text.len());
                text.push_str(token);
            }
            '¤' => text.push_str(token),
            other => text.push(other),
        }
    }
    let offsets: Vec<usize> = found(format, text.as_bytes()).into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(offsets, wanted, "{format:?}: {template}");
}

fn places(format: Format<'_>, template: &str) -> Vec<Place> {
    found(format, template.replace('§', &token()).as_bytes()).into_iter().map(|(_, place)| place).collect()
}

// ---- tokens

/// All six classes are carried from chunk to chunk, with everything behind them that decides.
#[test]
fn every_class_is_found() {
    for class in 0..=5 {
        let token = token_of(class);
        check_with(CSV, "§,\"§\"\r\n", &token);
        check_with(Format::Json, "[\"§\" \n , \"§\"]", &token);
        check_with(HTML, "<b data-symbolon=n0nce>§ </b>", &token);
        check_with(PLAIN, "§ §", &token);
    }
}

#[test]
fn half_tokens_are_left_alone() {
    let token = token();
    for len in 0..token.len() {
        let half = &token[..len];
        for (format, text) in [
            (CSV, half.to_string()),
            (CSV, format!("{half},\"{half}\",\"{half}")),
            (Format::Json, format!("[\"{half}\",\"{half}")),
            (HTML, format!("<b data-symbolon=n0nce>{half}</b><b data-symbolon=n0nce>{half}")),
            (PLAIN, format!("{half} {half}")),
        ] {
            assert_eq!(
                scan(format, text.as_bytes().chunks(5)).iter().filter(|e| matches!(e, Event::Token(..))).count(),
                0,
                "{text}"
            );
        }
    }
}

/// One character more, another version, flag, class or field, a bit that must be zero, a byte that is no digit.
#[test]
fn what_is_no_token_is_left_alone() {
    let token = token();
    let mut others = vec![
        format!("{token}A"),
        format!("{token}{}", "A".repeat(2000)),
        token.replacen("sym_", "sym-", 1),
        token.replacen("sym_", "Sym_", 1),
    ];
    for at in [4, 5, 7, 60, 118] {
        let mut other = token.clone();
        other.replace_range(at..=at, if at == 60 { "." } else { "_" });
        assert!(symbolon::TokenBuf::from_text(other.as_bytes()).is_err());
        others.push(other);
    }
    for other in &others {
        assert_eq!(found(CSV, format!("{other},\"{other}\"\n").as_bytes()), []);
        assert_eq!(found(Format::Json, format!("[\"{other}\"]").as_bytes()), []);
        assert_eq!(found(HTML, format!("<b data-symbolon=n0nce>{other}</b>").as_bytes()), []);
        assert_eq!(found(PLAIN, other.as_bytes()), []);
    }
}

// ---- CSV

#[test]
fn csv_whole_cells() {
    check(CSV, "§");
    check(CSV, "§,§\r\n§\n§\r\"§\",\"§\"\r\n,,§,,\n\"\",§,\"\"\"\",\"§\"");
    check(CSV, "\u{feff}§,§\n\u{feff}¤,a\n");
    check(CSV, "\u{feff}\"§\"\n");
    check(CSV, "\"x\",\"§\"\r\n\"y\"\r\n\"§\"\n\"\",\"s\",\"\"\r\n\"z\",§");
    check(CSV, "\"a,b\nc\"\"\",§\nit is 5\" wide,§\na\"¤,§");
    check(Format::Csv { delimiter: b';' }, "§;§;a,¤;¤,a\n");
    check(Format::Csv { delimiter: b'\t' }, "§\t§\t ¤\n");
    assert_eq!(places(CSV, "§,\"§\""), [Place::CsvBare { delimiter: b',' }, Place::CsvQuoted]);
}

#[test]
fn csv_parts_of_cells() {
    check(CSV, " ¤,¤ ,x¤,¤x,¤¤,\"¤\"x,\"¤\" ,\"x¤\",\"¤x\",\"¤\"\"\",\"\"\"¤\",'¤',§");
    check(CSV, "Dear ¤ hello,https://evil.example/?q=¤,<img src=¤>\n");
    // Inside a quoted cell separators are text, and the text may try to look like cells.
    check(CSV, "\"a,¤,b\n¤\n\"\",\"\"¤\"\",\",§\n");
    check(CSV, "\"¤\"\",¤,\"\"¤\",§");
    // Behind a closed quote with junk the cell goes on to its separator.
    check(CSV, "\"a\"b\"¤\",§");
    // A quote that is never closed.
    check(CSV, "a,\"¤");
    check(CSV, "\"¤\n¤,¤\n");
}

#[test]
fn csv_delimiters_that_are_none() {
    for delimiter in [b'"', b'\r', b'\n', b'a', b'_', b'-'] {
        let text = format!("{0},\"{0}\"\n{0}\n", token());
        assert_eq!(found(Format::Csv { delimiter }, text.as_bytes()), [], "{delimiter}");
    }
}

// ---- JSON

#[test]
fn json_values() {
    check(Format::Json, "\"§\"");
    check(Format::Json, "{\"a\":\"§\",\"b\" : \t\"§\" ,\"c\":[\"§\",\"\",\"§\" ],\"d\":{\"e\":\"§\"\r\n}}");
    check(Format::Json, "\"§\"\n\"§\"\r\n{\"a\":\"§\"}\n[\"§\"]\n\"§\" \n ");
    check(Format::Json, "{\"a\\\\\":\"§\",\"\\\"\":\"§\",\"é\":\"§\"}");
    assert_eq!(places(Format::Json, "\"§\""), [Place::JsonString]);
}

#[test]
fn json_keys_and_parts() {
    check(Format::Json, "{\"¤\":1,\"¤\" :2,\"¤\"\n\t:[{\"¤\":\"§\"}]}");
    check(Format::Json, "[\" ¤\",\"¤ \",\"x¤\",\"¤x\",\"¤¤\",\"¤\\n\",\"see ¤ now\",\"//evil/?q=¤\",\"§\"]");
    // Text that tries to look like the end of its string.
    check(Format::Json, "{\"a\":\",\\\"¤\\\",\",\"b\":\"\\\"¤\\\"\",\"c\":\"\\\\\\\"¤\",\"d\":\"\\\"¤\",\"e\":\"§\"}");
    // An escaped character is not the character.
    check(Format::Json, &format!("[\"{}\",\"§\"]", token().replacen('_', "\\u005f", 1)));
    // Not JSON.
    check(Format::Json, "\"¤");
    check(Format::Json, "[\"¤\" \"§\"]");
    check(Format::Json, "[\"¤\"x]");
    check(Format::Json, "['¤', ¤]");
}

/// A line that was cut in half does not hide those behind it.
#[test]
fn json_lines_torn() {
    check(Format::Json, "{\"a\":\"tor\n{\"a\":\"§\"}\n{\"a\n{\"a\":\"§\"}\n");
}

#[test]
fn json_white_space_limit() {
    for class in [0, 5] {
        let spaces = |n| " ".repeat(n);
        check_with(Format::Json, &format!("[\"§\"{}]", spaces(256)), &token_of(class));
        check_with(Format::Json, &format!("[\"¤\"{},\"§\"]", spaces(257)), &token_of(class));
        check_with(Format::Json, &format!("{{\"¤\"{}:1}}", spaces(300)), &token_of(class));
        check_with(Format::Json, &format!("\"¤\"{}\n", spaces(300)), &token_of(class));
    }
}

// ---- plain text

#[test]
fn anywhere() {
    check(PLAIN, "§");
    check(PLAIN, "§ §,§.\n(§)/§?q=§&§=<§>\"§\"様§様\0§\u{feff}§");
    check(PLAIN, "¤¤ §");
    check(PLAIN, "x¤ ¤x -¤ ¤- _¤ ¤_ 0¤ ¤0 ssym_¤ §");
    check(PLAIN, "sym_ sym s sy system syym_ assym_ §");
    assert_eq!(places(PLAIN, "a §"), [Place::PlainText]);
}

// ---- sinks that refuse

/// Every call of the sink is refused once (each, then every second, then every third); what arrives is what arrives otherwise.
#[test]
fn refused_calls_are_repeated() {
    let csv = format!("a,{0},\"{0}\"\nsym_x,{0}x,{0}\n\"{0}\"x", token());
    let html = format!("<b data-symbolon=n0nce> {0} </b>x<b data-symbolon=n0nce>{0} </i>{0}", token());
    for (format, text) in [(CSV, &csv), (HTML, &html), (PLAIN, &csv)] {
        for size in [1, 3, 50, 130, 1000] {
            for every in [2, 3, 5] {
                let mut recorder = Recorder::new(|call| call % every != 0);
                let mut scanner = Scanner::new(format);
                for chunk in text.as_bytes().chunks(size) {
                    while scanner.feed(chunk, &mut recorder).is_err() {}
                }
                while scanner.finish(&mut recorder).is_err() {}
                assert_eq!(recorder.events, scan(format, [text.as_bytes()].into_iter()), "{format:?} {size} {every}");
            }
        }
    }
}

#[test]
fn finished_scanners_copy() {
    let (mut recorder, mut scanner) = (Recorder::new(|_| false), Scanner::new(CSV));
    scanner.feed(b"a,sym_", &mut recorder).unwrap();
    assert_eq!(recorder.events, [Event::Copy(b"a,".to_vec())]);
    scanner.finish(&mut recorder).unwrap();
    scanner.feed(format!(",{},", token()).as_bytes(), &mut recorder).unwrap();
    assert_eq!(recorder.events, [Event::Copy(format!("a,sym_,{},", token()).into_bytes())]);
}
