//! `shop.keyring.canaries`: which canary was put where. Whoever has it knows which rows to leave out, so it is private.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Serialize;

use super::maker::Canary;
use crate::{error::Failure, private_file};

/// A canary, and where it was put.
#[derive(Debug, Serialize)]
pub(super) struct Placed {
    token: String,
    export: String,
    file: Option<String>,
    row: Option<u64>,
    field: String,
    placed: String,
}

impl Placed {
    /// In this row of this file, if it was put into one.
    pub(super) fn new(canary: &Canary, export: &str, place: Option<(&str, u64)>, now: &str) -> Self {
        Self {
            token: canary.token.clone(),
            export: export.into(),
            file: place.map(|(file, _)| file.into()),
            row: place.map(|(_, row)| row),
            field: canary.field.clone(),
            placed: now.into(),
        }
    }
}

/// Where the list of a keyring is.
pub(super) fn path(keyring: &Path) -> PathBuf {
    let mut name = OsString::from(keyring);
    name.push(".canaries");
    name.into()
}

/// Appends all of them or none.
pub(super) fn remember(keyring: &Path, placed: &[Placed]) -> Result<()> {
    let path = path(keyring);
    let mut lines = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read.with_context(|| format!("can't read {}", path.display()))?,
    };
    if lines.last().is_some_and(|last| *last != b'\n') {
        let what =
            format!("{} ends in the middle of a line: it was changed by hand; put its last line right", path.display());
        return Err(Failure::Input.because(what));
    }
    for one in placed {
        serde_json::to_writer(&mut lines, one)?;
        lines.push(b'\n');
    }
    private_file::write(&path, &lines, true)
}
