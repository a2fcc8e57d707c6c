//! A folder of files, programs that run in it, and what they took.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::KEYRING;
use crate::Outcome;

/// A folder with a keyring, which goes with all that is in it.
pub(super) struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
}

/// What a program took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ran {
    seconds: f64,
    /// The most bytes of memory that it had, as seen every few milliseconds.
    pub(super) peak: u64,
}

/// The same several times.
pub(super) struct Runs(Vec<f64>);

impl Runs {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn push(&mut self, ran: Ran) {
        self.0.push(ran.seconds);
        self.0.sort_by(f64::total_cmp);
    }

    /// The median.
    pub(super) fn seconds(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

impl Place {
    pub(super) fn new(parent: &Path, program: &Path) -> Outcome<Self> {
        let place = Self { folder: tempfile::tempdir_in(parent)?, program: program.to_owned() };
        place.run(&format!("keygen {KEYRING}"))?;
        Ok(place)
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn create(&self, name: &str) -> Outcome<BufWriter<File>> {
        Ok(BufWriter::new(File::create(self.at(name))?))
    }

    pub(super) fn megabytes(&self, name: &str) -> Outcome<f64> {
        Ok(fs::metadata(self.at(name))?.len() as f64 / 1e6)
    }

    /// Removes those that there are.
    pub(super) fn remove(&self, names: &[&str]) -> Outcome {
        names
            .iter()
            .map(|name| self.at(name))
            .filter(|path| path.exists())
            .try_for_each(|path| Ok(fs::remove_file(path)?))
    }

    /// A file of these files, one after the other and again, until it is as long.
    pub(super) fn repeat(&self, parts: &[PathBuf], name: &str, len: u64) -> Outcome {
        let whole = parts.iter().map(fs::read).collect::<io::Result<Vec<_>>>()?.concat();
        let mut file = self.create(name)?;
        let mut left = len;
        while left > 0 {
            let more = whole.get(..usize::try_from(left)?).unwrap_or(&whole);
            file.write_all(more)?;
            left -= more.len() as u64;
        }
        Ok(file.flush()?)
    }

    /// A file with the cells of one column of another, a line each.
    pub(super) fn column(&self, from: &str, column: &str, name: &str) -> Outcome {
        let mut table = csv::Reader::from_path(self.at(from))?;
        let at = table.headers()?.iter().position(|header| header == column).ok_or("no such column")?;
        let mut file = self.create(name)?;
        for row in table.records() {
            writeln!(file, "{}", row?.get(at).unwrap_or_default())?;
        }
        Ok(file.flush()?)
    }

    /// The largest file in a folder of it.
    pub(super) fn largest(&self, folder: &str) -> Outcome<String> {
        let sized = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            Ok((entry.metadata()?.len(), entry.file_name()))
        };
        let files = fs::read_dir(self.at(folder))?.map(sized).collect::<io::Result<Vec<_>>>()?;
        let (_, largest) = files.into_iter().max().ok_or_else(|| format!("{folder} is empty"))?;
        Ok(format!("{folder}/{}", largest.to_string_lossy()))
    }

    /// Runs `symbolon` with these words, none of which has a space in it. It must succeed.
    pub(super) fn run(&self, words: &str) -> Outcome<Ran> {
        Ok(self.run_and_hear(words)?.0)
    }

    /// The same, and what it said on standard output.
    pub(super) fn run_and_hear(&self, words: &str) -> Outcome<(Ran, String)> {
        self.take(Command::new(&self.program).args(words.split(' ')))
    }

    /// Runs another program.
    pub(super) fn run_other(&self, words: &str) -> Outcome<Ran> {
        let (program, words) = words.split_once(' ').ok_or("a program and its words")?;
        Ok(self.take(Command::new(program).args(words.split(' ')).env("LC_ALL", "C"))?.0)
    }

    /// Outputs go to files: a pipe would have to be read meanwhile.
    fn take(&self, command: &mut Command) -> Outcome<(Ran, String)> {
        let (out, err) = (self.at("said"), self.at("told"));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(File::create(&out)?).stderr(File::create(&err)?);
        let start = Instant::now();
        let mut child = command.spawn()?;
        let mut peak = 0;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            peak = peak.max(memory(child.id()));
            std::thread::sleep(Duration::from_millis(2));
        };
        let ran = Ran { seconds: start.elapsed().as_secs_f64(), peak };
        if status.success() {
            Ok((ran, fs::read_to_string(out)?))
        } else {
            Err(format!("{command:?} failed ({status}): {}", fs::read_to_string(err)?).into())
        }
    }
}

/// The most that a running process had in memory, in bytes; 0 where that can't be told. proc(5), `VmHWM`.
fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kilobytes.unwrap_or(0_u64) * 1024
}
