//! Files that hold secrets: nobody else may read them, and they appear whole or not at all.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::error::Failure;

/// Reads a secret file, unless others can read it too.
pub(crate) fn read(path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>> {
    let cant = || format!("can't read the {what} {}", path.display());
    let file = File::open(path).map_err(|error| missing(error, path, what)).with_context(cant)?;
    refuse_shared(&file, path, what)?;
    // One byte more than may be there, and room from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN + 1));
    file.take(MAX_LEN as u64 + 1).read_to_end(&mut bytes).with_context(cant)?;
    if bytes.len() > MAX_LEN {
        return Err(Failure::Input.because(format!("{} is too long to be a {what}", path.display())));
    }
    Ok(bytes)
}

/// What a JSON object says. (serde would take a list of its values, too, in the order in which they happen to be declared.)
pub(crate) fn object<'t, T: Deserialize<'t>>(json: &'t [u8]) -> Option<T> {
    let is_object = json.trim_ascii_start().starts_with(b"{");
    serde_json::from_slice(json).ok().filter(|_| is_object)
}

/// Writes a secret file of mode 0600: whole, on the disk, and only where there is none yet (or `replace` says so).
pub(crate) fn write(path: &Path, bytes: &[u8], replace: bool) -> Result<()> {
    let dir = directory_of(path);
    let cant = || format!("can't write {}", path.display());
    // A temporary file has mode 0600 from the moment that it exists.
    let mut file = NamedTempFile::new_in(dir).with_context(cant)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).with_context(cant)?;
    let kept = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    match kept {
        Ok(_) => sync_dir(dir).with_context(cant),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(error.error).with_context(cant),
    }
}

/// Nothing is ever written over.
pub(crate) fn refuse_existing(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(_) => Err(exists(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("can't look at {}", path.display())),
    }
}

/// Makes a new file's name durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    // Windows opens no directories, and needs none of this.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Where a file is.
pub(crate) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn exists(path: &Path) -> anyhow::Error {
    anyhow!("{} is there already, and is not written over: choose another name or move it away", path.display())
}

fn missing(error: io::Error, path: &Path, what: &str) -> anyhow::Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Failure::Input.because(format!("there is no {what} at {}", path.display()));
    }
    error.into()
}

#[cfg(unix)]
fn refuse_shared(file: &File, path: &Path, what: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Failure::Input.because(format!(
        "others on this machine may use the {what} {path} (mode {mode:03o}). If it is still secret, run: chmod 600 {path}",
        path = path.display(),
        mode = mode & 0o777,
    )))
}

/// Only Unix has such modes; elsewhere the directory's rules have to do.
#[cfg(not(unix))]
fn refuse_shared(_: &File, _: &Path, _: &str) -> Result<()> {
    Ok(())
}

/// No keyring, session or passphrase is longer.
const MAX_LEN: usize = 16 << 10;
