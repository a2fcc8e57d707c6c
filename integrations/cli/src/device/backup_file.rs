//! The backup of an appliance: a line that says what it is, and the wrapped keyring in base64.

use std::path::Path;

use anyhow::Result;
use base64ct::{Base64, Encoding};
use symbolon::appliance::TransportKey;

use crate::{error::Failure, private_file};

/// Writes it where there is none.
pub(super) fn write(path: &Path, wrapped: &[u8]) -> Result<()> {
    private_file::write(path, format!("{TITLE}\n{}\n", Base64::encode_string(wrapped)).as_bytes(), false)
}

/// The wrapped keyring.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let file = private_file::read(path, "backup")?;
    let body = std::str::from_utf8(&file)
        .ok()
        .and_then(|text| text.strip_prefix(TITLE)?.strip_prefix('\n')?.strip_suffix('\n'));
    let wrapped = body.and_then(|body| Base64::decode_vec(body).ok());
    wrapped.filter(|wrapped| wrapped.len() <= TransportKey::MAX_WRAPPED).ok_or_else(|| {
        let what = format!("{} is not a backup of symbolon device: it is damaged, or something else", path.display());
        Failure::Input.because(what)
    })
}

const TITLE: &str = "symbolon appliance backup 1 - opens with the transport key of the roles file: keep the two apart.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_around() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b");
        write(&path, &[7; 100]).unwrap();
        assert_eq!(read(&path).unwrap(), [7; 100]);
        let text = private_file::read(&path, "backup").unwrap();
        for len in 0..text.len() {
            private_file::write(&path, &text[..len], true).unwrap();
            assert!(read(&path).is_err(), "cut to {len}");
        }
    }
}
