//! SPEC.md section 11 once more, the plain way: the whole text is there, and is looked at from every side.

use symbolon::{Place, TokenBuf};

/// A token that is the whole of a value: where its text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The first byte.
    pub start: usize,
    /// Behind the last.
    pub end: usize,
    /// What its place is.
    pub place: Place,
}

/// Section 11, "CSV".
#[must_use]
pub fn csv(text: &[u8], delimiter: u8) -> Vec<Found> {
    if b"\"\r\n".contains(&delimiter) || is_digit(delimiter) {
        return Vec::new();
    }
    let is_separator = |byte: u8| byte == delimiter || byte == b'\r' || byte == b'\n';
    let next_separator = |from: usize| position(text, from, is_separator).unwrap_or(text.len());
    let mut found = Vec::new();
    let mut at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    loop {
        let end;
        if text.get(at) == Some(&b'"') {
            let closing = closing_quote(text, at + 1);
            end = closing.map_or(text.len(), |closing| next_separator(closing + 1));
            if let Some(closing) = closing.filter(|closing| closing + 1 == end)
                && is_token(&text[at + 1..closing])
            {
                found.push(Found { start: at + 1, end: closing, place: Place::CsvQuoted });
            }
        } else {
            end = next_separator(at);
            if is_token(&text[at..end]) {
                found.push(Found { start: at, end, place: Place::CsvBare { delimiter } });
            }
        }
        if end == text.len() {
            return found;
        }
        at = end + 1;
    }
}

/// A table's rows: where each begins, and what its cells hold. For `--record-column`, which reads as section 11 does; each row ends with a CR or an LF.
#[must_use]
pub fn rows(text: &[u8], delimiter: u8) -> Vec<(usize, Vec<Vec<u8>>)> {
    let is_separator = |byte: u8| byte == delimiter || byte == b'\r' || byte == b'\n';
    let (mut rows, mut cells, mut start) = (Vec::new(), Vec::new(), 0);
    let mut at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    while start < text.len() {
        let (content, behind) = match text.get(at) {
            Some(b'"') => match closing_quote(text, at + 1) {
                Some(closing) => (text[at + 1..closing].to_vec(), closing + 1),
                None => (text[at + 1..].to_vec(), text.len()),
            },
            _ => (Vec::new(), at),
        };
        let end = position(text, behind, is_separator).unwrap_or(text.len());
        let mut cell = undoubled(&content);
        cell.extend_from_slice(&text[behind..end]);
        cells.push(cell);
        if text.get(end) != Some(&delimiter) {
            rows.push((start, std::mem::take(&mut cells)));
            start = end + 1;
        }
        at = end + 1;
        if end == text.len() {
            break;
        }
    }
    rows
}

/// Two quotes are one.
fn undoubled(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = content.get(at) {
        out.push(byte);
        at += if content[at..].starts_with(b"\"\"") { 2 } else { 1 };
    }
    out
}

/// The quote that ends a cell whose content begins here: the first that no other follows, doubled ones left out.
fn closing_quote(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = position(text, at, |byte| byte == b'"')?;
        if text.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// Section 11, "JSON and JSON Lines".
#[must_use]
pub fn json(text: &[u8]) -> Vec<Found> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(quote) = position(text, at, |byte| byte == b'"') {
        at = quote + 1;
        let escaped = quote > 0 && text[quote - 1] == b'\\';
        let Some(len) = shape(&text[at..]).filter(|len| !escaped && text.get(at + len) == Some(&b'"')) else {
            continue;
        };
        let (start, end) = (at, at + len);
        // Its closing quote opens nothing.
        at = end + 1;
        let spaces = text[at..].iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
        let line_end = text[at..at + spaces].contains(&b'\n');
        let is_value = match text.get(at + spaces) {
            _ if spaces > MOST_SPACES => false,
            None | Some(b',' | b']' | b'}') => true,
            Some(b':') => false,
            Some(_) => line_end,
        };
        if is_value && is_token(&text[start..end]) {
            found.push(Found { start, end, place: Place::JsonString });
        }
    }
    found
}

/// Section 11, "Anywhere in plain text".
#[must_use]
pub fn plain(text: &[u8]) -> Vec<Found> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = position(text, at, is_digit) {
        at = position(text, start, |byte| !is_digit(byte)).unwrap_or(text.len());
        if is_token(&text[start..at]) {
            found.push(Found { start, end: at, place: Place::PlainText });
        }
    }
    found
}

/// Section 11, "HTML".
#[must_use]
pub fn html(text: &[u8], marker: &[u8]) -> Vec<Found> {
    let mut page = Page { text, marker, regions: Vec::new(), found: Vec::new() };
    if !marker.is_empty() {
        let mut at = 0;
        while let Some(next) = page.next(at) {
            at = next;
        }
    }
    page.found
}

/// A page, while it is read. Each step says where it goes on, or `None` where nothing behind can be a token any more.
struct Page<'t> {
    text: &'t [u8],
    marker: &'t [u8],
    /// Open regions, outermost first.
    regions: Vec<Vec<u8>>,
    found: Vec<Found>,
}

/// A tag that was read to its end.
struct Tag {
    name: Vec<u8>,
    is_marked: bool,
    /// `/>`
    is_self_closing: bool,
    /// Behind its `>`.
    end: usize,
}

impl Page<'_> {
    /// From the next `<` on.
    fn next(&mut self, at: usize) -> Option<usize> {
        let open = position(self.text, at, |byte| byte == b'<')? + 1;
        let rest = &self.text[open..];
        match *rest {
            [b'/', b'>', ..] => Some(open + 2),
            [b'/', byte, ..] if byte.is_ascii_alphabetic() => {
                let tag = self.tag(open + 1)?;
                self.end_tag(&tag)
            }
            [b'/', _, ..] => self.until(open + 1, b">"),
            [b'!', b'-', b'-', ..] => self.comment(open + 3),
            // CDATA, where there is such a thing, ends elsewhere.
            [b'!', ..] if !self.regions.is_empty() => None,
            [b'!', ..] => self.until(open + 1, b">"),
            [b'?', ..] => self.until(open, b">"),
            [byte, ..] if byte.is_ascii_alphabetic() => {
                let tag = self.tag(open)?;
                self.start_tag(&tag)
            }
            [] | [b'/'] => None,
            _ => Some(open),
        }
    }

    /// Behind the next `end`; in a region, not across a `<`.
    fn until(&self, from: usize, end: &[u8]) -> Option<usize> {
        let at = from + self.text[from..].windows(end.len()).position(|part| part == end)?;
        self.clear(from, at)?;
        Some(at + end.len())
    }

    /// In a region a `<` in there is read in two ways.
    fn clear(&self, from: usize, to: usize) -> Option<()> {
        let doubtful = !self.regions.is_empty() && self.text[from..to].contains(&b'<');
        (!doubtful).then_some(())
    }

    /// Behind `<!--`.
    fn comment(&self, from: usize) -> Option<usize> {
        let rest = &self.text[from..];
        if rest.starts_with(b">") {
            return Some(from + 1);
        }
        if rest.starts_with(b"->") {
            return Some(from + 2);
        }
        // The earlier of both ends. Neither begins within the other.
        let find = |end: &[u8]| rest.windows(end.len()).position(|part| part == end).map(|at| (at, end.len()));
        let (at, len) = [find(b"-->"), find(b"--!>")].into_iter().flatten().min()?;
        self.clear(from, from + at)?;
        Some(from + at + len)
    }

    /// The tag whose name begins here.
    fn tag(&self, from: usize) -> Option<Tag> {
        let text = self.text;
        let name_end = position(text, from, ends_name)?;
        let end = self.attributes(name_end, |_, _| ())?;
        self.clear(from, end)?;
        let mut marks = Vec::new();
        self.attributes(name_end, |name, value| {
            if name.eq_ignore_ascii_case(b"data-symbolon") {
                marks.push(value == self.marker);
            }
        })?;
        Some(Tag {
            name: text[from..name_end].to_ascii_lowercase(),
            is_marked: marks.first() == Some(&true),
            is_self_closing: self.is_self_closing(name_end, end),
            end,
        })
    }

    /// Whether a slash that belongs to no attribute stands right before the `>`.
    fn is_self_closing(&self, name_end: usize, end: usize) -> bool {
        let mut last = name_end;
        self.spans(name_end, |_, span_end| last = span_end);
        self.text[last..end].ends_with(b"/>")
    }

    /// Hands on the attributes' names and values; behind the tag's `>`.
    fn attributes(&self, from: usize, mut each: impl FnMut(&[u8], &[u8])) -> Option<usize> {
        self.walk(from, |name, value, _| each(name, value))
    }

    /// Hands on where attributes end.
    fn spans(&self, from: usize, mut each: impl FnMut(&[u8], usize)) {
        let _end = self.walk(from, |name, _, end| each(name, end));
    }

    fn walk(&self, from: usize, mut each: impl FnMut(&[u8], &[u8], usize)) -> Option<usize> {
        let text = self.text;
        let mut at = from;
        loop {
            at = position(text, at, |byte| !is_space(byte) && byte != b'/')?;
            if text[at] == b'>' {
                return Some(at + 1);
            }
            // The first byte is part of the name, whatever it is.
            let name_end = position(text, at + 1, |byte| ends_name(byte) || byte == b'=')?;
            let name = &text[at..name_end];
            let equals = position(text, name_end, |byte| !is_space(byte))?;
            if text[equals] != b'=' {
                each(name, b"", name_end);
                at = name_end;
                continue;
            }
            let start = position(text, equals + 1, |byte| !is_space(byte))?;
            let (value, end) = match text[start] {
                quote @ (b'"' | b'\'') => {
                    let close = position(text, start + 1, |byte| byte == quote)?;
                    (&text[start + 1..close], close + 1)
                }
                _ => {
                    let close = position(text, start, |byte| is_space(byte) || byte == b'>')?;
                    (&text[start..close], close)
                }
            };
            each(name, value, end);
            at = end;
        }
    }

    fn end_tag(&mut self, tag: &Tag) -> Option<usize> {
        if self.regions.last() == Some(&tag.name) {
            self.regions.pop();
        } else if self.regions.contains(&tag.name) {
            return None;
        }
        Some(tag.end)
    }

    fn start_tag(&mut self, tag: &Tag) -> Option<usize> {
        let name = std::str::from_utf8(&tag.name).unwrap_or("?");
        let in_region = !self.regions.is_empty();
        match name {
            "plaintext" | "frameset" => None,
            "foreignobject" | "annotation-xml" => (!in_region).then_some(tag.end),
            "script" | "style" | "textarea" | "title" | "xmp" | "iframe" | "noembed" | "noframes" => self.raw_text(tag),
            "desc" | "mi" | "mo" | "mn" | "ms" | "mtext" if in_region => self.raw_text(tag),
            "desc" | "mi" | "mo" | "mn" | "ms" | "mtext" => Some(tag.end),
            "svg" | "math" if tag.is_self_closing => Some(tag.end),
            "svg" | "math" | "template" | "noscript" | "select" => {
                self.regions.push(tag.name.clone());
                (self.regions.len() <= 8).then_some(tag.end)
            }
            _ => {
                let in_select = self.regions.iter().all(|region| region == b"select");
                let is_void = VOID.contains(&name);
                if tag.is_marked && !tag.is_self_closing && !is_void && in_select {
                    self.marked(tag);
                }
                Some(tag.end)
            }
        }
    }

    /// The text of a marked element, if it is a token.
    fn marked(&mut self, tag: &Tag) {
        let text = self.text;
        let Some(start) = position(text, tag.end, |byte| !is_space(byte)) else { return };
        let Some(end) = shape(&text[start..]).map(|len| start + len) else { return };
        let spaces = text[end..].iter().take_while(|byte| is_space(**byte)).count();
        let close = end + spaces;
        if spaces <= MOST_SPACES
            && tag.name.len() <= 32
            && is_end_tag(&text[close..], &tag.name)
            && is_token(&text[start..end])
        {
            self.found.push(Found { start, end, place: Place::HtmlText });
        }
    }

    /// Everything up to the element's own end tag, which is read, too.
    fn raw_text(&mut self, tag: &Tag) -> Option<usize> {
        let (mut at, mut has_comment) = (tag.end, false);
        loop {
            at = position(self.text, at, |byte| byte == b'<')?;
            let rest = &self.text[at..];
            if is_end_tag(rest, &tag.name) {
                return Some(self.tag(at + 2)?.end);
            }
            if !self.regions.is_empty() {
                return None;
            }
            if tag.name == b"script" {
                if has_comment && begins_with_name(&rest[1..], b"script") {
                    return None;
                }
                has_comment |= rest.starts_with(b"<!--");
            }
            at += 1;
        }
    }
}

/// `</name`, and what ends a name.
fn is_end_tag(rest: &[u8], name: &[u8]) -> bool {
    rest.strip_prefix(b"</").is_some_and(|rest| begins_with_name(rest, name))
}

fn begins_with_name(rest: &[u8], name: &[u8]) -> bool {
    rest.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        && rest.get(name.len()).is_some_and(|&byte| ends_name(byte))
}

/// Section 11's escaping.
#[must_use]
pub fn escaped(place: Place, value: &str) -> Vec<u8> {
    let each = |escape: &dyn Fn(char) -> Option<String>| {
        value.chars().map(|c| escape(c).unwrap_or_else(|| c.to_string())).collect::<String>()
    };
    let doubled = value.replace('"', "\"\"");
    match place {
        Place::CsvQuoted => doubled,
        Place::CsvBare { delimiter } => {
            let edge = |c: Option<char>| matches!(c, None | Some(' ' | '\t'));
            let needs_quotes = edge(value.chars().next())
                || edge(value.chars().last())
                || value.starts_with('\u{feff}')
                || value.bytes().any(|byte| byte == delimiter || b"\"\r\n".contains(&byte));
            if needs_quotes { format!("\"{doubled}\"") } else { value.into() }
        }
        Place::JsonString => each(&|c| match c {
            '"' | '\\' => Some(format!("\\{c}")),
            '\u{8}' => Some("\\b".into()),
            '\t' => Some("\\t".into()),
            '\n' => Some("\\n".into()),
            '\u{c}' => Some("\\f".into()),
            '\r' => Some("\\r".into()),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => Some(format!("\\u{:04x}", u32::from(c))),
            _ => None,
        }),
        Place::HtmlText => each(&|c| {
            Some(
                match c {
                    '&' => "&amp;",
                    '<' => "&lt;",
                    '>' => "&gt;",
                    '"' => "&quot;",
                    '\'' => "&#39;",
                    '\r' => "&#13;",
                    '\0' => "\u{fffd}",
                    _ => return None,
                }
                .into(),
            )
        }),
        _ => value.into(),
    }
    .into_bytes()
}

fn is_token(text: &[u8]) -> bool {
    TokenBuf::from_text(text).is_ok()
}

/// How long the token is that `text` begins with, or would be: the first characters say so, and as many digits are there.
fn shape(text: &[u8]) -> Option<usize> {
    let len = symbolon::Token::text_len_from_start(text)?;
    text.get(..len)?.iter().all(|&byte| is_digit(byte)).then_some(len)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_space(byte: u8) -> bool {
    b"\t\n\x0c\r ".contains(&byte)
}

fn ends_name(byte: u8) -> bool {
    is_space(byte) || byte == b'/' || byte == b'>'
}

fn position(text: &[u8], from: usize, is: impl Fn(u8) -> bool) -> Option<usize> {
    text.get(from..)?.iter().position(|&byte| is(byte)).map(|at| from + at)
}

const MOST_SPACES: usize = 256;

const VOID: [&str; 19] = [
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "image", "img", "input", "keygen",
    "link", "meta", "param", "source", "track", "wbr",
];
