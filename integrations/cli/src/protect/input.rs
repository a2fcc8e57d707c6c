//! The file or pipe that values come from: opened, and looked at before anything is made of it.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

use anyhow::{Context, Result};

use crate::error::Failure;

/// An input that looks like text.
pub(crate) struct Input {
    /// Its bytes, a byte order mark left out.
    pub(crate) reader: Box<dyn Read + Send>,
    /// What it is called in messages.
    pub(crate) name: String,
    /// Its size in bytes, where that is known.
    pub(crate) size: Option<u64>,
    /// Whether a byte order mark stood in front.
    pub(crate) has_mark: bool,
    /// Whether its first line ends with CR LF.
    pub(crate) has_crlf: bool,
}

impl Input {
    /// Opens a file, or standard input for `-`. An empty or binary one is refused.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Self::look_at(io::stdin(), "standard input".into(), None);
        }
        let name = path.display().to_string();
        let file = open_file(path)?;
        let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        Self::look_at(file, name, size)
    }

    pub(crate) fn look_at(mut reader: impl Read + Send + 'static, name: String, size: Option<u64>) -> Result<Self> {
        let mut head = Vec::with_capacity(LOOKED_AT);
        let limit = u64::try_from(LOOKED_AT).unwrap_or(u64::MAX);
        reader.by_ref().take(limit).read_to_end(&mut head).with_context(|| format!("can't read {name}"))?;
        if let Some(what) = binary_kind(&head) {
            return Err(Failure::Input.because(format!("{name} {what}")));
        }
        let has_mark = head.starts_with(BYTE_ORDER_MARK);
        let text = if has_mark { head.split_off(BYTE_ORDER_MARK.len()) } else { head };
        if text.is_empty() {
            return Err(Failure::Input.because(format!("{name} is empty")));
        }
        let first_line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let has_crlf = first_line.len() < text.len() && first_line.ends_with(b"\r");
        Ok(Self { reader: Box::new(Cursor::new(text).chain(reader)), name, size, has_mark, has_crlf })
    }
}

/// Opens a file for reading, with its name in the error.
pub(crate) fn open_file(path: &Path) -> Result<File> {
    let name = path.display();
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::Input.because(format!("there is no file {name}")),
        _ => anyhow::Error::new(error).context(format!("can't read {name}")),
    })?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Failure::Input.because(format!("{name} is a directory")));
    }
    Ok(file)
}

/// What a file is that can't be text, and what to do about it.
fn binary_kind(head: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(b"PK\x03\x04") {
        Some("is a spreadsheet or an archive, not text: save it as CSV (UTF-8) first")
    } else if starts(b"\x1f\x8b") {
        Some("is compressed: unpack it first, for example: gzip -dc FILE | symbolon protect … -")
    } else if starts(b"\xff\xfe") || starts(b"\xfe\xff") {
        Some("is UTF-16: save it as UTF-8, for example: iconv -f UTF-16 -t UTF-8")
    } else if head.contains(&0) {
        Some("is binary, not text")
    } else {
        None
    }
}

/// UTF-8's.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes that are looked at before anything is read as rows.
const LOOKED_AT: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn look_at(bytes: &'static [u8]) -> Result<Input> {
        Input::look_at(bytes, "in".into(), None)
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"\xef\xbb\xbf", "empty"),
            (b"PK\x03\x04rest", "spreadsheet"),
            (b"\x1f\x8brest", "compressed"),
            (b"\xff\xfea\0", "UTF-16"),
            (b"a,b\n\0", "binary"),
        ] {
            let error = look_at(bytes).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn marks_and_line_ends_are_told() {
        let told = |bytes| look_at(bytes).map(|input| (input.has_mark, input.has_crlf)).unwrap();
        assert_eq!(told(b"a\r\nb\n"), (false, true));
        assert_eq!(told(b"\xef\xbb\xbfa\nb\r\n"), (true, false));
        assert_eq!(told(b"a\r"), (false, false));
        let mut rest = String::new();
        look_at(b"\xef\xbb\xbfa,b\n").unwrap().reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "a,b\n");
    }
}
