//! Scrubbing: after it, no page of the database holds what was erased.
//!
//! The database never writes a page over that may still be needed: an erased secret stays in old ones. So the rows that live are
//! copied to a new file, and the old one is overwritten with zeros. Wherever this is interrupted, [`recover`] goes on or goes back.

use std::{fs, io, path::Path};

use super::{RegistryError, files, rows::Rows};

/// Copies the live rows to a file of their own, complete and durable.
pub(super) fn copy(rows: &Rows, dir: &Path) -> Result<(), RegistryError> {
    files::destroy(&dir.join(PART))?;
    let new = Rows::create(files::create(&dir.join(PART))?)?;
    rows.copy_to(&new)?;
    drop(new);
    files::open(&dir.join(PART))?.sync_all()?;
    Ok(files::sync_dir(dir)?)
}

/// Puts the copy in the database's place, which nobody may have open, and destroys the old file.
pub(super) fn swap(dir: &Path) -> io::Result<()> {
    STEPS.iter().try_for_each(|step| step(dir))
}

/// One after another, each durable before the next.
pub(super) const STEPS: [fn(&Path) -> io::Result<()>; 4] = [
    |dir| rename(dir, PART, NEW), // the copy is complete
    |dir| rename(dir, NAME, OLD), // from here on it is the copy that counts
    |dir| rename(dir, NEW, NAME),
    |dir| destroy(dir, OLD),
];

/// Makes up for an interruption: after it there is the database and nothing beside it.
pub(super) fn recover(dir: &Path) -> io::Result<()> {
    destroy(dir, PART)?;
    if dir.join(NAME).try_exists()? {
        // The old database still counts, and says itself that a scrub is due. Or the new one does.
        destroy(dir, NEW)?;
    } else if dir.join(NEW).try_exists()? {
        rename(dir, NEW, NAME)?;
    } else {
        return Ok(());
    }
    destroy(dir, OLD)
}

fn rename(dir: &Path, from: &str, to: &str) -> io::Result<()> {
    fs::rename(dir.join(from), dir.join(to))?;
    files::sync_dir(dir)
}

fn destroy(dir: &Path, name: &str) -> io::Result<()> {
    if !dir.join(name).try_exists()? {
        return Ok(());
    }
    files::destroy(&dir.join(name))?;
    files::sync_dir(dir)
}

/// The database.
pub(super) const NAME: &str = "registry.redb";
/// A copy that is being made.
const PART: &str = "registry.part";
/// A copy that is complete.
const NEW: &str = "registry.new";
/// The database that the copy takes the place of.
const OLD: &str = "registry.old";
