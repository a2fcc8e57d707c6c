//! The encoders.

use std::io::{Cursor, Write};

use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS};
use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{Case, of};
use crate::Coding;

/// The marker in each text coding, alone.
pub(super) fn text_cases(marker: &str) -> Vec<Case> {
    use Coding::{Base64, Html, Json, Percent, QuotedPrintable, Utf16, Utf32, Wrapped};
    let case = |name: &str, text: Vec<u8>, codings| Case { name: name.into(), bytes: amid(&text), codings };
    let raw = marker.as_bytes();
    let utf16 = |big| utf16(&format!("a\r\n{marker}\r\nz"), big);
    let mut cases = vec![
        case("as it is", raw.into(), of([])),
        case("percent", percent(raw), of([Percent])),
        case("percent twice", percent(&percent(raw)), of([Percent])),
        case("html decimal", html(marker, false), of([Html])),
        case("html hexadecimal", html(marker, true), of([Html])),
        case("json", json(marker), of([Json])),
        case("quoted-printable", quoted(raw, usize::MAX), of([QuotedPrintable])),
        case(
            "quoted-printable, soft breaks",
            quoted(raw, if marker.is_ascii() { 40 } else { 20 }),
            of([QuotedPrintable]),
        ),
        case("wrapped", lines(raw, break_at(raw), b"\r\n"), of([Wrapped])),
        case("wrapped and quoted", lines(raw, break_at(raw), b"\r\n> > "), of([Wrapped])),
        case("folded", lines(raw, break_at(raw), b"\r\n\t"), of([Wrapped])),
        case("utf-16 le", utf16(false), of([Utf16])),
        case("utf-16 be", utf16(true), of([Utf16])),
        case("base64 of utf-16", base64(&utf16(false), STANDARD, 76), of([Base64, Utf16])),
        case("base64url", base64(raw, URL, 0), of([Base64])),
        case("json of html", json(&String::from_utf8_lossy(&html(marker, false))), of([Json, Html])),
        case("quoted-printable of html", quoted(&html(marker, true), 76), of([QuotedPrintable, Html])),
        case("base64 of percent", base64(&percent(raw), STANDARD, 64), of([Base64, Percent])),
        case("base64 of base64", base64(&amid(&base64(raw, STANDARD, 0)), URL, 0), of([Base64])),
    ];
    for offset in 0..3 {
        let text = [&b"abc"[..offset], b"\n", raw, b"\nend"].concat();
        cases.push(case(&format!("base64, {offset} bytes on"), base64(&text, STANDARD, 76), of([Base64])));
    }
    if marker.is_ascii() {
        cases.push(case("utf-32 le", utf32(marker), of([Utf32])));
        cases.push(case("html by name", marker.replace('_', "&lowbar;").into(), of([Html])));
    } else {
        cases.push(case("a form", percent(raw).join_plus(), of([Percent, Coding::Plus])));
    }
    cases.extend(japanese_cases(marker));
    cases
}

fn japanese_cases(marker: &str) -> Vec<Case> {
    let charsets: [(Coding, &'static Encoding); 3] =
        [(Coding::ShiftJis, SHIFT_JIS), (Coding::EucJp, EUC_JP), (Coding::Iso2022Jp, ISO_2022_JP)];
    let case = |(coding, encoding): (Coding, &'static Encoding)| {
        // Japanese on both sides, whose last byte may be a letter.
        let text = format!("一覧表\r\n能{marker}能\r\n以上");
        let (bytes, _, replaced) = encoding.encode(&text);
        // For ASCII the character set makes no difference: there is nothing to switch off.
        let codings = if marker.is_ascii() { of([]) } else { of([coding]) };
        (!replaced).then(|| Case { name: coding.name().into(), bytes: bytes.into_owned(), codings })
    };
    charsets.into_iter().filter_map(case).collect()
}

/// The marker in containers, and in several things at once.
pub(super) fn nested_cases(marker: &str) -> Vec<Case> {
    use Coding::{Base64, Gzip, Json, Percent, QuotedPrintable, Tar, Zip, Zstd};
    let case = |name: &str, bytes: Vec<u8>, codings| Case { name: name.into(), bytes, codings };
    // Enough of few letters to be compressed: what is stored as it is would be there to be found without being taken out.
    let numbers: String = (1..800_u64).map(|number| format!("{} ", number * number * 7919 % 1_000_003)).collect();
    let text = [amid(marker.as_bytes()), numbers.into_bytes()].concat();
    let zip = zip(&text);
    let attached = |bytes: &[u8]| mail(&base64(bytes, STANDARD, 76));
    vec![
        case("gzip", gzip(&text), of([Gzip])),
        case("gzip, second member", [gzip(b"first\n"), gzip(&text)].concat(), of([Gzip])),
        case("zip", zip.clone(), of([Zip])),
        case("zstd", zstd(&text), of([Zstd])),
        case("zstd, second frame", [zstd(b"first\n"), zstd(&text)].concat(), of([Zstd])),
        case("tar", tar(&text), of([Tar])),
        case("tar in gzip", gzip(&tar(&text)), of([Gzip, Tar])),
        case("gzip in zip", self::zip(&gzip(&text)), of([Zip, Gzip])),
        case("zip in tar in zstd", zstd(&tar(&zip)), of([Zstd, Tar, Zip])),
        case("zip attached to a mail", attached(&zip), of([Base64, Zip])),
        case("gzip attached to a mail, in gzip", gzip(&attached(&gzip(&text))), of([Gzip, Base64])),
        case("zip attached to a mail in json", json_line(&attached(&zip)), of([Json, Base64, Zip])),
        case(
            "percent in base64 in quoted-printable in zip",
            {
                let text = base64(&amid(&percent(marker.as_bytes())), STANDARD, 60);
                self::zip(&amid(&quoted(&text, 40)))
            },
            of([Zip, QuotedPrintable, Base64, Percent]),
        ),
    ]
}

trait JoinPlus {
    fn join_plus(self) -> Vec<u8>;
}

impl JoinPlus for Vec<u8> {
    /// As forms write spaces.
    fn join_plus(self) -> Vec<u8> {
        String::from_utf8_lossy(&self).replace("%20", "+").into_bytes()
    }
}

/// Ordinary text before and after.
fn amid(text: &[u8]) -> Vec<u8> {
    [b"Dear all,\r\nsee: ", text, b" and so on.\r\nYours\r\n"].concat()
}

/// Every byte, as an over-eager encoder does.
fn percent(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect()
}

fn html(text: &str, hexadecimal: bool) -> Vec<u8> {
    let one = |c: char| if hexadecimal { format!("&#x{:x};", u32::from(c)) } else { format!("&#{};", u32::from(c)) };
    text.chars().map(one).collect::<String>().into_bytes()
}

fn json(text: &str) -> Vec<u8> {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>().into_bytes()
}

/// A JSON line that holds a text of several lines.
fn json_line(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text).replace('\\', "\\\\").replace('"', "\\\"").replace('/', "\\/");
    format!("{{\"mail\":\"{}\"}}\n", text.replace('\r', "\\r").replace('\n', "\\n")).into_bytes()
}

/// Letters and digits stay, in lines of `width`.
fn quoted(bytes: &[u8], width: usize) -> Vec<u8> {
    let (mut out, mut column) = (Vec::new(), 0);
    for byte in bytes {
        let text = if byte.is_ascii_alphanumeric() { vec![*byte] } else { format!("={byte:02X}").into_bytes() };
        if column + text.len() >= width {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        column += text.len();
        out.extend(text);
    }
    out
}

/// Cuts a text in two lines, at a character's end.
fn lines(bytes: &[u8], at: usize, between: &[u8]) -> Vec<u8> {
    [&bytes[..at], between, &bytes[at..]].concat()
}

fn break_at(bytes: &[u8]) -> usize {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    // Not beside a space: who breaks lines there takes it away.
    let inside = |(at, c): &(usize, char)| *at >= bytes.len() / 2 && *c != ' ' && !text[..*at].ends_with(' ');
    text.char_indices().find(inside).map_or(0, |(at, _)| at)
}

/// Plain division into groups of six bits: slow, and nothing like the decoder.
fn base64(bytes: &[u8], digits: &[u8; 64], width: usize) -> Vec<u8> {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let value = |group: &[u8]| (0..6).fold(0, |value, bit| value << 1 | group.get(bit).copied().unwrap_or_default());
    let mut text: Vec<u8> = bits.chunks(6).map(|group| digits[usize::from(value(group))]).collect();
    while digits == STANDARD && !text.len().is_multiple_of(4) {
        text.push(b'=');
    }
    let width = if width == 0 { text.len().max(1) } else { width };
    text.chunks(width).collect::<Vec<_>>().join(&b"\r\n"[..])
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn utf32(text: &str) -> Vec<u8> {
    text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect()
}

fn mail(body: &[u8]) -> Vec<u8> {
    let head = b"Subject: list\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    [head, body, b"\r\n\r\n--=_part--\r\n"].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    let written = writer.start_file("inner/list.txt", options).is_ok() && writer.write_all(bytes).is_ok();
    writer.finish().ok().filter(|_| written).map(Cursor::into_inner).unwrap_or_default()
}

fn tar(bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    let written = builder.append_data(&mut header, "inner/list.txt", bytes);
    builder.into_inner().ok().filter(|_| written.is_ok()).unwrap_or_default()
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
