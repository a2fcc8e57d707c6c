//! Values in their places: what a parser reads is what was put in.

use symbolon::{Format, Place, Scanner, Sink, Token};

use crate::{CSV, HTML, PLAIN, token};

/// Replaces every token by `value`.
struct Replace<'v>(&'v str, Vec<u8>);

impl Sink for Replace<'_> {
    type Error = ();

    fn copy(&mut self, bytes: &[u8]) -> Result<(), ()> {
        self.1.extend(bytes);
        Ok(())
    }

    fn token(&mut self, _: Token<'_>, place: Place) -> Result<(), ()> {
        place.escape(self.0, |bytes| {
            assert!(!bytes.is_empty());
            self.1.extend(bytes);
            Ok(())
        })
    }
}

fn replaced(format: Format<'_>, template: &str, value: &str) -> String {
    let mut sink = Replace(value, Vec::new());
    let mut scanner = Scanner::new(format);
    scanner.feed(template.replace('§', &token()).as_bytes(), &mut sink).unwrap();
    scanner.finish(&mut sink).unwrap();
    String::from_utf8(sink.1).unwrap()
}

/// Every character that some syntax knows, alone, at both ends and in the middle; and what attackers would choose.
fn values() -> Vec<String> {
    let characters = ('\0'..'\u{a0}').chain("\u{feff}\u{2027}\u{2028}\u{2029}\u{202a}\u{fffd}é山𝄞".chars());
    let mut values: Vec<String> =
        characters.flat_map(|c| [format!("{c}"), format!("{c}{c}a"), format!("a{c}"), format!("a{c}b")]).collect();
    values.extend(
        [
            "",
            "\"\"",
            "a,b;c\td",
            "\r\n",
            "</script><script>alert(1)</script>",
            "'\"><img src=x onerror=y>",
            "&amp;&#60;",
            "\\\"}",
            "\\u0041",
            "=1+1",
            "sym_",
        ]
        .map(String::from),
    );
    values.push(token());
    values
}

#[test]
fn csv_values_come_back() {
    for value in values() {
        for delimiter in [b',', b';', b'\t', b' ', b'\x1f'] {
            let d = char::from(delimiter);
            let text = replaced(Format::Csv { delimiter }, &format!("§{d}\"§\"{d}x\r\n§\n"), &value);
            let wanted = vec![vec![value.clone(), value.clone(), "x".into()], vec![value.clone()]];
            assert_eq!(parse_csv(&text, d), wanted, "{text:?}");
        }
    }
    assert_eq!(replaced(CSV, "§,\"§\"", "Al"), "Al,\"Al\"");
    assert_eq!(replaced(CSV, "§,\"§\"", "A\"l"), "\"A\"\"l\",\"A\"\"l\"");
    assert_eq!(replaced(CSV, "§", "=1+1"), "=1+1");
}

/// A reader of the unkind sort: it trims bare cells, skips lines without anything and takes a byte order mark off.
fn parse_csv(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut was_quoted) = (false, false);
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => cell.extend(rest.next()),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
            c if !quoted && (c == delimiter || c == '\r' || c == '\n') => {
                let done = std::mem::take(&mut cell);
                let blank = !was_quoted && done.is_empty() && record.is_empty() && c != delimiter;
                if !blank {
                    record.push(if was_quoted { done } else { done.trim_matches([' ', '\t']).to_string() });
                }
                if c != delimiter && !record.is_empty() {
                    records.push(std::mem::take(&mut record));
                }
                was_quoted = false;
            }
            c => cell.push(c),
        }
    }
    assert!(!quoted && cell.is_empty() && record.is_empty(), "{text:?}");
    records
}

#[test]
fn json_values_come_back() {
    for value in values() {
        let text = replaced(Format::Json, "[\"§\",\"x\"]", &value);
        assert!(text.chars().all(|c| c >= ' ' && !"<>&\u{2028}\u{2029}".contains(c)), "{text:?}");
        let string = text.strip_prefix("[\"").unwrap().strip_suffix("\",\"x\"]").unwrap();
        assert_eq!(parse_json_string(string), value);
    }
    assert_eq!(replaced(Format::Json, "\"§\"", "\\\"\n\u{1}</\u{2028}é"), "\"\\\\\\\"\\n\\u0001\\u003c/\\u2028é\"");
}

/// What JSON has short words for is written so: RFC 8259 section 7.
#[test]
fn json_short_escapes() {
    let expected = r#"["\"\\\b\f\n\r\t\u0001"]"#;
    assert_eq!(replaced(Format::Json, "[\"§\"]", "\"\\\u{8}\u{c}\n\r\t\u{1}"), expected);
}

fn parse_json_string(string: &str) -> String {
    let (mut value, mut rest) = (String::new(), string.chars());
    while let Some(c) = rest.next() {
        assert_ne!(c, '"');
        value.push(match c {
            '\\' => match rest.next().unwrap() {
                'u' => {
                    let digits: String = rest.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap()
                }
                c @ ('"' | '\\') => c,
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                other => panic!("\\{other}"),
            },
            c => c,
        });
    }
    value
}

#[test]
fn html_values_come_back() {
    for value in values() {
        let text = replaced(HTML, "<b data-symbolon=n0nce> §\n</b>", &value);
        let inner = text.strip_prefix("<b data-symbolon=n0nce> ").unwrap().strip_suffix("\n</b>").unwrap();
        assert!(!inner.contains(['<', '>', '"', '\'', '\r', '\0']), "{inner:?}");
        let mut parsed = inner.to_string();
        for (reference, character) in
            [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#13;", "\r"), ("&amp;", "&")]
        {
            parsed = parsed.replace(reference, character);
        }
        assert_eq!(parsed, value.replace('\0', "\u{fffd}"));
        assert_eq!(inner.matches('&').count(), value.matches(['&', '<', '>', '"', '\'', '\r']).count());
    }
}

#[test]
fn plain_values_are_verbatim() {
    for value in values() {
        assert_eq!(replaced(PLAIN, "(§)", &value), format!("({value})"));
    }
}

#[test]
fn escape_stops_at_the_first_error() {
    let mut calls = 0;
    let result = Place::JsonString.escape("a\"b", |_| {
        calls += 1;
        if calls == 2 { Err("full") } else { Ok(()) }
    });
    assert_eq!((result, calls), (Err("full"), 2));
    assert!(Scanner::new(CSV).clone().finish(&mut Replace("", Vec::new())).is_ok());
    assert!(!format!("{:?}", Scanner::new(CSV)).contains(Token::TEXT_PREFIX));
}
