//! Private files, durable names, one process at a time, and files that are overwritten before they go.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
};

use super::RegistryError;

/// A directory that only its owner can look into.
pub(super) fn create_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// A new file that only its owner can read.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file that is there.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    // Windows opens no directories, and needs none of this.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Takes the lock, which ends with the process.
pub(super) fn lock(file: &File) -> Result<(), RegistryError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(RegistryError::Locked),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Overwrites a file with zeros, waits until the disk has them, and removes it. A file that is not there is fine.
pub(super) fn destroy(path: &Path) -> io::Result<()> {
    let mut file = match open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut left = file.metadata()?.len();
    let zeros = vec![0; ZEROS];
    file.seek(SeekFrom::Start(0))?;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(ZEROS).min(ZEROS);
        file.write_all(zeros.get(..now).unwrap_or_default())?;
        left = left.saturating_sub(u64::try_from(now).unwrap_or(left));
    }
    file.sync_all()?;
    drop(file);
    fs::remove_file(path)
}

/// Written at a time.
const ZEROS: usize = 1 << 20;
