//! Where a token stood, and how a value is written there.

/// Where a token stood. A value that takes its place must be written by [`Place::escape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// Between the quotes of a CSV cell.
    CsvQuoted,
    /// A CSV cell without quotes.
    CsvBare {
        /// The byte between two cells.
        delimiter: u8,
    },
    /// Between the quotes of a JSON string.
    JsonString,
    /// The text of an HTML element.
    HtmlText,
    /// Plain text that nothing renders.
    PlainText,
}

impl Place {
    /// Hands `value` to `put`, piece by piece, escaped so that the place's syntax stays intact and that whoever parses the
    /// text reads exactly `value`.
    ///
    /// - CSV: a bare cell gets quotes where it needs them. What a spreadsheet makes of a cell is not prevented: a value that
    ///   begins with `=` is written as it is.
    /// - JSON: `<`, `>`, `&`, U+2028 and U+2029 are escaped, too, so that the text may stand in a script.
    /// - HTML: two exceptions to "exactly" are HTML's own. U+0000 can't be written and becomes U+FFFD; a line feed directly
    ///   behind the start tag of `pre` or `listing` is dropped by the parser.
    /// - Plain text has no syntax: the value as it is.
    ///
    /// # Errors
    /// Those of `put`.
    pub fn escape<E>(self, value: &str, mut put: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let quotes: &[u8] = match self {
            Self::CsvBare { delimiter } if needs_quotes(value, delimiter) => b"\"",
            _ => b"",
        };
        put_if_any(quotes, &mut put)?;
        let mut from = 0;
        for (at, character) in value.char_indices() {
            let mut scratch = *b"\\u0000";
            if let Some(escaped) = self.escaped(character, &mut scratch) {
                put_if_any(value.as_bytes().get(from..at).unwrap_or_default(), &mut put)?;
                put(escaped)?;
                from = at.saturating_add(character.len_utf8());
            }
        }
        put_if_any(value.as_bytes().get(from..).unwrap_or_default(), &mut put)?;
        put_if_any(quotes, &mut put)
    }

    /// What stands for `character`, unless it stands for itself.
    fn escaped(self, character: char, scratch: &mut [u8; 6]) -> Option<&[u8]> {
        match self {
            Self::CsvQuoted | Self::CsvBare { .. } if character == '"' => Some(b"\"\""),
            Self::CsvQuoted | Self::CsvBare { .. } | Self::PlainText => None,
            Self::JsonString => json(character, scratch),
            Self::HtmlText => html(character),
        }
    }
}

fn json(character: char, scratch: &mut [u8; 6]) -> Option<&[u8]> {
    Some(match character {
        '"' => b"\\\"",
        '\\' => b"\\\\",
        '\n' => b"\\n",
        '\r' => b"\\r",
        '\t' => b"\\t",
        '\u{8}' => b"\\b",
        '\u{c}' => b"\\f",
        '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
            let mut rest = u32::from(character);
            for slot in scratch.iter_mut().skip(2).rev() {
                let digit = char::from_digit(rest & 15, 16).unwrap_or_default();
                *slot = u8::try_from(digit).unwrap_or_default();
                rest >>= 4;
            }
            scratch
        }
        _ => return None,
    })
}

fn html(character: char) -> Option<&'static [u8]> {
    Some(match character {
        '&' => b"&amp;",
        '<' => b"&lt;",
        '>' => b"&gt;",
        '"' => b"&quot;",
        '\'' => b"&#39;",
        // Written as it is, the parser would make a line feed of it.
        '\r' => b"&#13;",
        '\0' => "\u{fffd}".as_bytes(),
        _ => return None,
    })
}

/// Some readers skip lines with nothing in them, some trim bare cells, and all take a byte order mark off the first one.
fn needs_quotes(value: &str, delimiter: u8) -> bool {
    let bytes = value.as_bytes();
    let edge = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    edge(bytes.first())
        || edge(bytes.last())
        || value.starts_with('\u{feff}')
        || bytes.iter().any(|&byte| matches!(byte, b'"' | b'\r' | b'\n') || byte == delimiter)
}

fn put_if_any<E>(bytes: &[u8], put: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    if bytes.is_empty() { Ok(()) } else { put(bytes) }
}
