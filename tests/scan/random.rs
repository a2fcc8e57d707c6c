//! Random texts against a second implementation.

use symbolon::Format;

use crate::{CSV, HTML, PLAIN, check, found_with_cuts, token};

/// A small generator (xorshift), so that every run tests the same texts.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn text(&mut self, fragments: &[&str]) -> String {
        let len = self.below(12);
        (0..=len).map(|_| fragments[self.below(fragments.len())]).collect()
    }
}

/// Compares on many texts, and makes sure that a good part of them had something to find.
fn compare(format: Format<'_>, fragments: &[&str], reference: impl Fn(&[u8]) -> Vec<usize>) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut hits = 0;
    for _ in 0..300 {
        let text = random.text(fragments);
        let wanted = reference(text.as_bytes());
        let events: Vec<usize> =
            found_with_cuts(format, text.as_bytes(), 23).into_iter().map(|(offset, _)| offset).collect();
        assert_eq!(events, wanted, "{text:?}");
        hits += wanted.len();
    }
    assert!(hits > 40, "only {hits}");
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[test]
fn random_csv() {
    let (token, half) = (token(), token()[..50].to_string());
    let fragments = [
        &token,
        &token,
        &token,
        &half,
        "\"",
        "\"",
        "\"",
        "\"",
        ",",
        ",",
        ",",
        "\n",
        "\r\n",
        "\u{feff}",
        "s",
        " ",
        "a long text, with a comma and more than one block, ",
    ];
    compare(CSV, &fragments, |text| {
        let mut cells = Vec::new();
        let mut at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        while at < text.len() {
            let mut end = at;
            if text[at] == b'"' {
                end += 1;
                // To the closing quote: the first that is not doubled.
                while end < text.len() {
                    match (text[end], text.get(end + 1)) {
                        (b'"', Some(b'"')) => end += 2,
                        (b'"', _) => break,
                        _ => end += 1,
                    }
                }
            }
            while end < text.len() && !matches!(text[end], b',' | b'\r' | b'\n') {
                end += 1;
            }
            let cell = &text[at..end];
            if cell == token.as_bytes() {
                cells.push(at);
            } else if cell.len() == token.len() + 2
                && &cell[1..=token.len()] == token.as_bytes()
                && cell.starts_with(b"\"")
                && cell.ends_with(b"\"")
            {
                cells.push(at + 1);
            }
            at = end + 1;
        }
        cells
    });
}

/// Any bytes at all: the rule about neighbours that SPEC.md states. The quote that ends one token's text begins no other.
#[test]
fn random_json_bytes() {
    let (token, half) = (token(), token()[..50].to_string());
    let quoted = format!("\"{token}\"");
    let text = "a text of some length, longer than a block";
    let fragments = [&quoted, &quoted, &quoted, &token, &half, "\"", "\\", ",", ":", "]", "\n", " ", "s", "x", text];
    compare(Format::Json, &fragments, |text| {
        let (mut wanted, mut at) = (Vec::new(), 0);
        while at < text.len() {
            if !text[at..].starts_with(quoted.as_bytes()) || at > 0 && text[at - 1] == b'\\' {
                at += 1;
                continue;
            }
            let rest = &text[at + quoted.len()..];
            let spaces = rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
            let is_value = match rest.get(spaces) {
                None | Some(b',' | b']' | b'}') => true,
                Some(b':') => false,
                Some(_) => rest[..spaces].contains(&b'\n'),
            };
            wanted.extend(is_value.then_some(at + 1));
            at += quoted.len();
        }
        wanted
    });
}

/// Real JSON, written by a function that knows where its values are.
#[test]
fn random_json_documents() {
    let token = token();
    let mut random = Random(7);
    let mut hits = 0;
    for _ in 0..150 {
        let (mut text, mut wanted) = (String::new(), Vec::new());
        write_json(&mut random, &token, 0, &mut text, &mut wanted);
        let offsets: Vec<usize> =
            found_with_cuts(Format::Json, text.as_bytes(), 23).into_iter().map(|(offset, _)| offset).collect();
        assert_eq!(offsets, wanted, "{text}");
        hits += wanted.len();
    }
    assert!(hits > 60, "only {hits}");
}

fn write_json(random: &mut Random, token: &str, depth: usize, out: &mut String, wanted: &mut Vec<usize>) {
    let space = |random: &mut Random| ["", "", " ", "\n  "][random.below(4)];
    out.push_str(space(random));
    match random.below(if depth > 2 { 4 } else { 6 }) {
        0 => out.push_str(["12", "null", "\"\"", "\"s\"", "\"\\\\\""][random.below(5)]),
        1 => out.push_str(&format!(
            "\"{}\"",
            ["\\\",\\\"T\\\",\\\"", "T T", "\\\\\\\"T", ":T", "\\\"T"][random.below(5)].replace('T', token)
        )),
        2 | 3 => {
            wanted.push(out.len() + 1);
            out.push_str(&format!("\"{token}\""));
        }
        kind => {
            out.push(if kind == 4 { '[' } else { '{' });
            for i in 0..random.below(4) {
                out.push_str(if i > 0 { "," } else { "" });
                if kind == 5 {
                    out.push_str(&format!(
                        "{}\"{}\"{}:",
                        space(random),
                        ["a", "", token, "\\\\", "s"][random.below(5)],
                        space(random)
                    ));
                }
                write_json(random, token, depth + 1, out, wanted);
            }
            out.push(if kind == 4 { ']' } else { '}' });
        }
    }
    out.push_str(space(random));
}

#[test]
fn random_plain_text() {
    let (token, half) = (token(), token()[..50].to_string());
    let fragments = [
        &token,
        &token,
        &half,
        " ",
        " ",
        ".",
        "-",
        "s",
        "sy",
        "sym_",
        "é",
        "some text of a length that is more than one block of bytes ",
    ];
    compare(PLAIN, &fragments, |text| {
        let starts = (0..text.len()).filter(|&at| is_digit(text[at]) && (at == 0 || !is_digit(text[at - 1])));
        starts.filter(|&at| text[at..].split(|&byte| !is_digit(byte)).next() == Some(token.as_bytes())).collect()
    });
}

/// Whole pieces of HTML, in any order, do not change what the others are.
#[test]
fn random_html() {
    let pieces = [
        "<b data-symbolon=n0nce>§</b>",
        "<td data-symbolon='n0nce' x>\n§ </td>",
        "¤",
        "<p title='<b data-symbolon=n0nce>¤</b>'>",
        "<!-- <b data-symbolon=n0nce>¤</b> -->",
        "</p>",
        "<b>¤</b>",
        "<script>if (a<b) '</b><b data-symbolon=n0nce>¤</b>'</script>",
        "<title>¤</title>",
        "<svg><path d='¤'/><title>x</title></svg>",
        "text < more",
        "<br/>",
        "<!doctype html>",
        "<b data-symbolon=n0nce>¤<i>¤</i></b>",
        "<noscript><img src='//x/¤'></noscript>",
        "<b data-symbolon=n0nce> x</b>",
        "<a href=//x/¤ data-symbolon=n0nce>§</a>",
    ];
    let mut random = Random(42);
    for _ in 0..50 {
        check(HTML, &random.text(&pieces));
    }
}
