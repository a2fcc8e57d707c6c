//! `symbolon reveal`, over CSV, JSON, HTML and plain text.

use arbitrary::Unstructured;
use symbolon::{Format, Item, Place};
use symbolon_cli::fuzzing::{self, Shape};

use crate::rewriter::{Tokens, reference, woven};
use reference::{Found, escaped};

/// What comes out is what a naive reading gives, however the input arrives; a token of a bound field opens only in the record that its row names.
pub fn run(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let Ok(how) = data.bytes(3) else { return };
    let (kind, cut, _) = (how[0], usize::from(how[1]) + 1, how[2]);
    let text = Tokens::get().woven_into(data.take_rest());
    let (format, found) = match kind {
        b'c' | b'r' => (Format::Csv { delimiter: b',' }, reference::csv(&text, b',')),
        b'j' => (Format::Json, reference::json(&text)),
        b'h' => (Format::Html { marker: "m7" }, reference::html(&text, b"m7")),
        _ => (Format::AnywhereInPlainText, reference::plain(&text)),
    };
    let record_column = (kind == b'r').then_some(("no", b','));
    let pieces = text.chunks(cut).map(<[u8]>::to_vec).collect();
    let made = fuzzing::reveal(Shape { format, record_column }, pieces, |item| {
        let text = item.token.to_string();
        let seen = is_in_its_record(item).then(|| Tokens::get().hers(text.as_bytes())).flatten();
        seen.map(|value| value.as_bytes().to_vec())
    });
    let records = if kind == b'r' { records(&text) } else { Ok(Vec::new()) };
    match (made, records) {
        (Ok(out), Ok(records)) => {
            let expected = woven(&text, &found, |token, place| shown(token, place, &found, &records, &text));
            assert!(out == expected, "{} became {}", text.escape_ascii(), out.escape_ascii());
        }
        (made, records) => assert!(made.is_err() && records.is_err(), "{}: {made:?}, {records:?}", text.escape_ascii()),
    }
}

fn is_in_its_record(item: &Item<'_>) -> bool {
    !item.slot.field().is_bound() || item.slot.record() == crate::rewriter::RECORD
}

/// What is to be seen of a token that stands somewhere in the text.
fn shown(token: &[u8], place: Place, found: &[Found], records: &[(usize, Vec<u8>)], text: &[u8]) -> Vec<u8> {
    let start = token.as_ptr() as usize - text.as_ptr() as usize;
    debug_assert!(found.iter().any(|found| found.start == start));
    let field = symbolon::TokenBuf::from_text(token).expect("found tokens decode").as_token().field();
    let record = records.iter().take_while(|(row, _)| *row <= start).last().map(|(_, record)| record.as_slice());
    let opens = !field.is_bound() || record == Some(crate::rewriter::RECORD);
    let value = Tokens::get().hers(token).filter(|_| opens);
    escaped(place, value.unwrap_or(field.placeholder()))
}

/// Where rows begin, and their records; the error where the column is not there once.
fn records(text: &[u8]) -> Result<Vec<(usize, Vec<u8>)>, ()> {
    let (mut records, mut column) = (Vec::new(), None);
    for (start, cells) in reference::rows(text, b',') {
        let is_empty = text[start..].starts_with(b"\r") || text[start..].starts_with(b"\n");
        match column {
            None => {
                records.push((start, Vec::new()));
                if is_empty {
                    continue;
                }
                let mut named = cells.iter().enumerate().filter(|(_, cell)| *cell == b"no");
                let (Some((at, _)), None) = (named.next(), named.next()) else { return Err(()) };
                column = Some(at);
            }
            Some(at) => records.push((start, cells.get(at).cloned().unwrap_or_default())),
        }
    }
    Ok(records)
}

/// Texts of every format.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 9] = [
        b"c\x10\0id,name\r\n1,\xf8\r\n2,\"\xf9\",x\xf8\n",
        b"r\x05\0no,to\r\norder-7,\xfb\r\norder-8,\xfb\n\"order-7\",\"\xfb\",\xf8\n\n,\xfb",
        b"r\x40\0\xef\xbb\xbf\"no\",x\n\"order-7\"\"\",\xfb\n",
        b"r\x01\0nr,to\norder-7,\xfb\n",
        b"r\xff\0\n\nno\n\xfb\n",
        b"j\x20\0{\"a\":\"\xf8\",\"\xf8\":1,\"b\":[\"\xfa\" , \"\xfd\"]}\n\"\xf8\"\n",
        b"h\x33\0<p data-symbolon=\"m7\">\xf8</p><p>\xf8</p><img src=\"//e/?q=\xf8\">",
        b"p\x01\0see \xf8, \xfa\xf8 or x\xf8 \xfd\n\xf8",
        b"c\0\0",
    ];
    texts.iter().map(|text| text.to_vec()).collect()
}
