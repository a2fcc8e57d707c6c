//! The grant file: a line that says what it is, words for people, and the grant in base64. The grant alone counts.
//!
//! Public: it works only with the grantee's own session. It says who deals with whom, though, so it is written for its maker's eyes.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, Result};
use base64ct::{Base64, Encoding};
use clap::ValueEnum;
use symbolon::{Grant, View};

use crate::{error::Failure, private_file};

/// A grant, and what its file says besides.
pub(crate) struct GrantFile {
    /// The grant itself.
    pub(crate) grant: Grant,
    /// The tenant that it is said to be of. (A grant doesn't say; of another tenant it is worth nothing.)
    pub(crate) tenant: String,
}

/// How much a grant shows, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViewName {
    /// The values, or their masks where those are asked for
    Full,
    /// Masks only, such as ●●●● 4242
    Masked,
    /// Nothing: only for rewrap (purpose maintenance) or reown (purpose transfer)
    Reseal,
}

impl From<ViewName> for View {
    fn from(name: ViewName) -> Self {
        match name {
            ViewName::Full => Self::Full,
            ViewName::Masked => Self::Masked,
            ViewName::Reseal => Self::Reseal,
        }
    }
}

/// What the file says for people.
pub(crate) struct About {
    /// Key and text, in order.
    pub(crate) words: Vec<(&'static str, String)>,
}

impl GrantFile {
    /// Reads a grant file. Others may read it, too: it is no secret.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::Input.because(format!("there is no grant file {name}")),
            _ => anyhow::Error::new(error).context(format!("can't read the grant file {name}")),
        })?;
        let mut bytes = Vec::new();
        file.take(MAX_LEN).read_to_end(&mut bytes).with_context(|| format!("can't read the grant file {name}"))?;
        Self::parse(&bytes).ok_or_else(|| {
            let what = format!("{name} is not a grant file of symbolon grant: it is damaged, or something else");
            Failure::Input.because(what)
        })
    }

    /// Writes a grant file. `replace` allows to write over an older one.
    pub(crate) fn write(grant: &Grant, about: &About, path: &Path, replace: bool) -> Result<()> {
        private_file::write(path, Self::to_text(grant, about)?.as_bytes(), replace)
    }

    /// The file's text.
    pub(crate) fn to_text(grant: &Grant, about: &About) -> Result<String> {
        let mut text = format!("{TITLE}\n");
        for (key, words) in &about.words {
            text.push_str(&format!("{key} = {}\n", quoted(words)?));
        }
        text.push_str(&format!("grant = \"{}\"\n", Base64::encode_string(grant.as_bytes())));
        Ok(text)
    }

    /// Reads the file's text: names and words, whichever they are, and nothing but words.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.starts_with(TITLE_START))?;
        let mut words: BTreeMap<String, String> = toml::from_str(text).ok()?;
        let grant = Grant::from_bytes(&Base64::decode_vec(words.get("grant")?).ok()?).ok()?;
        Some(Self { grant, tenant: words.remove("tenant")? })
    }
}

/// As TOML quotes it: like JSON, but for one character.
fn quoted(words: &str) -> Result<String> {
    Ok(serde_json::to_string(words)?.replace('\u{7f}', "\\u007f"))
}

const TITLE_START: &str = "# symbolon grant 1:";

const TITLE: &str = "# symbolon grant 1: opens what it says for its grantee's own session, and for nobody else. No secret. Only its last line counts.";

/// No grant file is longer.
const MAX_LEN: u64 = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// A grant of the right form: SPEC.md section 12.
    fn grant() -> Grant {
        let mut bytes = [0; Grant::LEN];
        bytes[..4].copy_from_slice(&[0x11, 2, 1, 4]);
        bytes[18] = 9;
        bytes[30] = 1;
        bytes[110] = 1;
        Grant::from_bytes(&bytes).unwrap()
    }

    /// What is written is read, whatever the names; a view is told.
    #[test]
    fn goes_around() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("g");
        let tenant = "\"\u{1}\u{7f}\n山".to_owned();
        let about = About { words: vec![("tenant", tenant.clone()), ("owner", "x".into())] };
        GrantFile::write(&grant(), &about, &path, false).unwrap();
        let read = GrantFile::read(&path).unwrap();
        assert!(read.grant == grant() && read.tenant == tenant);
        assert_eq!(read.grant.view_unverified(), View::Masked);
        let text = std::fs::read(&path).unwrap();
        for cut in 0..text.len() - 2 {
            assert!(GrantFile::parse(&text[..cut]).is_none(), "cut to {cut}");
        }
        let with = |line: &str| [&text, line.as_bytes()].concat();
        assert!(GrantFile::parse(&with("since = \"May\"\n")).is_some(), "words that a later version may say");
        for other in
            ["n = 1\n", "n = 18446744073709551615\n", "n = 1979-05-27\n", "n = []\n", "[n]\n", "tenant = \"t\"\n"]
        {
            assert!(GrantFile::parse(&with(other)).is_none(), "{other}");
        }
    }
}
