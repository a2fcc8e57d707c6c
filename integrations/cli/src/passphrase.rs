//! Passphrases: typed at the terminal, or the first line of a file for scripts. Never an argument, which everybody can see.

use std::{env, path::PathBuf, sync::OnceLock};

use anyhow::Result;
use zeroize::Zeroizing;

use crate::{error::Failure, private_file};

/// A passphrase, wiped when it is dropped.
pub(crate) struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// The passphrase of a file that has one.
    pub(crate) fn ask(what: &str) -> Result<Self> {
        match file() {
            Some(path) => Self::from_file(&path),
            None => typed(&format!("Passphrase of {what}: ")),
        }
    }

    /// A new passphrase, typed twice.
    pub(crate) fn choose(what: &str) -> Result<Self> {
        let chosen = match file() {
            Some(path) => Self::from_file(&path)?,
            None => typed_twice(what)?,
        };
        if chosen.0.len() < MIN_LEN {
            return Err(Failure::Input.because(format!("a passphrase must have at least {MIN_LEN} characters")));
        }
        Ok(chosen)
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first line, without its end.
    fn from_file(path: &std::path::Path) -> Result<Self> {
        let mut bytes = private_file::read(path, "passphrase file")?;
        let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len());
        bytes.truncate(end); // What is cut off is wiped with the rest: `Zeroizing` wipes the whole capacity.
        Ok(Self(bytes))
    }

    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Self {
        Self(Zeroizing::new(text.as_bytes().to_vec()))
    }
}

/// What the command line said; once, at the start.
pub(crate) fn set_file(path: Option<PathBuf>) {
    let _first = FILE.set(path);
}

/// True where the command line names a file: whoever gives one to keygen wants it used.
pub(crate) fn is_given() -> bool {
    FILE.get().is_some_and(Option::is_some)
}

fn file() -> Option<PathBuf> {
    FILE.get().cloned().flatten().or_else(|| env::var_os("SYMBOLON_PASSPHRASE_FILE").map(PathBuf::from))
}

fn typed(prompt: &str) -> Result<Passphrase> {
    let text = rpassword::prompt_password(prompt).map_err(|_| {
        Failure::Input
            .because("a passphrase is needed, and there is no terminal to ask at: give --passphrase-file FILE")
    })?;
    Ok(Passphrase(Zeroizing::new(text.into_bytes())))
}

fn typed_twice(what: &str) -> Result<Passphrase> {
    let chosen = typed(&format!("New passphrase for {what}: "))?;
    if *chosen.0 != *typed("The same again: ")?.0 {
        return Err(Failure::Input.because("the two were not the same"));
    }
    Ok(chosen)
}

static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();

const MIN_LEN: usize = 8;
