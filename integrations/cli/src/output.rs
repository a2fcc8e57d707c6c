//! Where results go: a file that appears whole or not at all, or standard output, which can't promise that.
//!
//! A result is written under a hidden name, `.symbolon-….part`, in the directory where it will be, made durable, and only then
//! gets its own name. Every error removes it. A run that is killed can't: its leftover is never seen under the result's name,
//! holds a lock for as long as the run lives, and is removed by the next run that writes into that directory.

mod write_back;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use crate::error::Failure;

use write_back::WriteBack;

/// Who may read a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Whoever the user's umask admits: it holds tokens.
    Usual,
    /// The user alone: it holds values.
    OnlyTheUser,
}

/// The options of a command whose result holds tokens.
#[derive(Debug, clap::Args)]
pub(crate) struct ResultArgs {
    /// Replace the output if it exists
    #[arg(long)]
    force: bool,
    /// Show no progress and no closing line
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Where to write; standard output if absent or "-"
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ResultArgs {
    /// The result of this input.
    pub(crate) fn create(&self, input: &Path) -> Result<Output> {
        Output::create(self.output.as_deref(), input, self.force, Readers::Usual)
    }
}

/// A result in the making.
pub(crate) struct Output {
    target: Target,
    name: String,
}

enum Target {
    Stdout(io::Stdout),
    /// A device or a named pipe: written directly, like standard output.
    Direct(File),
    Hidden {
        file: NamedTempFile,
        path: PathBuf,
        replace: bool,
        write_back: WriteBack,
    },
}

impl Output {
    /// Standard output where `path` is absent or `-`. An existing file is refused unless `replace`, the input always.
    pub(crate) fn create(path: Option<&Path>, input: &Path, replace: bool, readers: Readers) -> Result<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self { target: standard_output(), name: "standard output".into() });
        };
        let name = path.display().to_string();
        // A link stays a link: what it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let existing = fs::metadata(&path).ok();
        if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(Failure::Input.because(format!("{name} is a directory; -o takes the name of a file")));
        }
        if existing.as_ref().is_some_and(|existing| !existing.is_file()) {
            let file = File::options().write(true).open(&path).with_context(|| format!("can't write to {name}"))?;
            return Ok(Self { target: Target::Direct(file), name });
        }
        if is_same_file(&path, input) {
            return Err(Failure::Input.because(format!("{name} is the input itself; write to another file")));
        }
        if existing.is_some() && !replace {
            return Err(Failure::Input.because(format!("{name} exists already; --force replaces it")));
        }
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        remove_leftovers(dir);
        let file = hidden_file(dir, readers).map_err(|error| explain(error, &name))?;
        Ok(Self { target: Target::Hidden { file, path, replace, write_back: WriteBack::new() }, name })
    }

    /// Writes all of `bytes`, past any buffer.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.target {
            Target::Stdout(stdout) => stdout.write_all(bytes).and_then(|()| stdout.flush()),
            Target::Direct(file) => file.write_all(bytes),
            Target::Hidden { file, write_back, .. } => {
                let file = file.as_file_mut();
                file.write_all(bytes).and_then(|()| write_back.wrote(bytes.len(), file))
            }
        };
        written.map_err(|error| explain(error, &self.name))
    }

    /// Everything has been written: makes the file durable and visible under its own name.
    pub(crate) fn finish(self) -> Result<()> {
        let Self { target, name } = self;
        let Target::Hidden { file, path, replace, write_back } = target else { return Ok(()) };
        write_back.finish().and_then(|()| file.as_file().sync_all()).map_err(|error| explain(error, &name))?;
        let persisted = if replace { file.persist(&path) } else { file.persist_noclobber(&path) };
        persisted.map_err(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => Failure::Input
                .because(format!("{name} has come into being since this run began; --force replaces such a file")),
            _ => explain(failed.error, &name),
        })?;
        // The name itself must survive a power cut, too. Not every file system lets a directory be synchronised.
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _best_effort = File::open(dir).and_then(|dir| dir.sync_all());
        Ok(())
    }
}

/// Past the buffer of [`io::Stdout`] where that is possible: it is never wiped, and values go through here.
fn standard_output() -> Target {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        if let Ok(descriptor) = io::stdout().as_fd().try_clone_to_owned() {
            return Target::Direct(File::from(descriptor));
        }
    }
    Target::Stdout(io::stdout())
}

/// Whether both names lead to one file, hard links included.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let (Ok(a), Ok(b)) = (fs::metadata(one), fs::metadata(other)) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (a.dev(), a.ino()) == (b.dev(), b.ino())
    }
    #[cfg(not(unix))]
    {
        let _unused = (a, b);
        fs::canonicalize(one).ok() == fs::canonicalize(other).ok()
    }
}

/// A file under a hidden name that is locked for as long as it is open.
fn hidden_file(dir: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    if readers == Readers::Usual {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _unused = readers;
    let file = builder.tempfile_in(dir)?;
    // Where a file system has no locks, leftovers stay: nothing else depends on the lock.
    let _best_effort = file.as_file().try_lock();
    Ok(file)
}

/// Removes what runs that were killed have left behind: hidden files of ours that nobody holds the lock of.
fn remove_leftovers(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        // A run that has just begun may not have its lock yet.
        let old = || entry.metadata().ok()?.modified().ok()?.elapsed().ok().map(|age| age > SURELY_LOCKED);
        if ours && old().unwrap_or(false) && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _best_effort = fs::remove_file(entry.path());
        }
    }
}

/// What went wrong with the output, for people; the exit code comes from the cause.
fn explain(error: io::Error, name: &str) -> anyhow::Error {
    let message = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("no space left for {name}: the result is incomplete and has not been kept")
        }
        io::ErrorKind::FileTooLarge => {
            format!("{name} would become larger than this system allows; it has not been kept")
        }
        io::ErrorKind::NotFound => format!("can't write {name}: its directory does not exist"),
        _ => format!("can't write {name}"),
    };
    anyhow::Error::new(error).context(message)
}

const PREFIX: &str = ".symbolon-";
const SUFFIX: &str = ".part";

/// Between a hidden file's creation and its lock there are microseconds.
const SURELY_LOCKED: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Until the end nobody sees a result, and one that isn't finished leaves nothing.
    #[test]
    fn a_result_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        let mut output = Output::create(Some(&path), Path::new("-"), false, Readers::Usual).unwrap();
        output.write(b"half").unwrap();
        assert!(!path.exists());
        drop(output);
        assert!(names(dir.path()).is_empty());
        let mut output = Output::create(Some(&path), Path::new("-"), false, Readers::OnlyTheUser).unwrap();
        output.write(b"whole").unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(dir.path()), ["out.csv"]);
    }

    /// A file that comes into being during the run is somebody else's.
    #[test]
    fn a_file_that_appears_meanwhile_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        let output = Output::create(Some(&path), Path::new("-"), false, Readers::Usual).unwrap();
        fs::write(&path, b"theirs").unwrap();
        output.finish().unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(names(dir.path()), ["out.csv"]);
    }

    /// The leftover of a killed run goes; what a living run writes, what is young and what is not ours stays.
    #[test]
    fn only_leftovers_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let long_ago = std::time::SystemTime::now() - Duration::from_secs(60);
        let make = |name: &str, old: bool| {
            let file = File::create(dir.path().join(name)).unwrap();
            if old {
                file.set_modified(long_ago).unwrap();
            }
            file
        };
        drop(make(".symbolon-dead.part", true));
        drop(make(".symbolon-young.part", false));
        drop(make(".other-dead.part", true));
        let living = make(".symbolon-living.part", true);
        living.try_lock().unwrap();
        remove_leftovers(dir.path());
        let mut left = names(dir.path());
        left.sort();
        assert_eq!(left, [".other-dead.part", ".symbolon-living.part", ".symbolon-young.part"]);
    }
}
