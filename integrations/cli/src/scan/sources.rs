//! What the two scanners share: where they look, how far they are, and what they could not look into.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow};
use clap::Args;
use symbolon_leak::{Event, Look, Options, Place, Scan, control};

use crate::{
    error::Failure,
    progress::{Count, Progress},
};

/// Where to look, and how to say what was found.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Files and folders; - or nothing: what comes in by a pipe
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Tell each find in a line of JSON, and the sums in the last one
    #[arg(long)]
    pub(crate) json: bool,
    /// Exit with 5 if anything is found
    #[arg(long)]
    pub(crate) must_be_clean: bool,
    /// How many GiB the archives in one file may expand to, beyond 100 times its size
    #[arg(long, value_name = "GIB", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=1 << 30))]
    expand: u64,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

/// What was not looked into, and what was.
pub(crate) struct Looked {
    /// The first of the problems, for people: where and why.
    pub(crate) problems: Vec<(Place, String)>,
    /// How many there were.
    pub(crate) problem_count: u64,
    /// Links, devices and the like in folders, which were left aside.
    pub(crate) skipped: u64,
    /// Files, streams and processes.
    pub(crate) sources: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// How many control markers were found, of how many.
    pub(crate) controls: (usize, usize),
}

impl SourceArgs {
    /// The options that follow from the arguments.
    pub(crate) fn options(&self) -> Options {
        Options { expansion: self.expand << 30, ..Options::default() }
    }

    /// Looks everywhere, and hands every find to `found`.
    pub(crate) fn look<L: Look>(
        &self,
        look: &L,
        processes: &[u32],
        controls: (usize, usize),
        mut found: impl FnMut(&symbolon_leak::Found<'_, L::Item>) -> Result<()>,
    ) -> Result<Looked> {
        let mut looked = Looked { problems: Vec::new(), problem_count: 0, skipped: 0, sources: 0, bytes: 0, controls };
        let stdin = self.wants_stdin(processes)?;
        let progress = Progress::new(self.total(), self.quiet);
        let mut failed = Ok(());
        let mut scan = Scan::new(look, self.options(), |event: Event<'_, L::Item>| match event {
            Event::Found(one) if failed.is_ok() => failed = found(&one),
            Event::Found(_) => {}
            Event::Problem(problem) => looked.problem(problem.place, problem.cause),
            Event::Source(_) => looked.sources += 1,
            Event::Skipped(..) => looked.skipped += 1,
            Event::Read(bytes) => {
                looked.bytes += bytes;
                progress.advance(bytes);
            }
        });
        let mut unread = Vec::new();
        if stdin {
            scan.stream(&mut io::stdin().lock(), &Place::of("standard input"));
        }
        for path in self.paths.iter().filter(|path| path.as_os_str() != "-") {
            scan.path(path);
        }
        for pid in processes {
            unread.extend(scan.process(*pid).err().map(|error| (*pid, error)));
        }
        progress.finish();
        failed?;
        for (pid, error) in unread {
            looked.problem(&Place::of(format!("process {pid}")), error.to_string());
        }
        Ok(looked)
    }

    fn wants_stdin(&self, processes: &[u32]) -> Result<bool> {
        if self.paths.is_empty() && processes.is_empty() && io::stdin().is_terminal() {
            return Err(Failure::Input.because("give a file or folder, or pipe something in"));
        }
        let named = self.paths.iter().any(|path| path.as_os_str() == "-");
        Ok(named || (self.paths.is_empty() && processes.is_empty()))
    }

    /// The size of all, where that is easily known.
    fn total(&self) -> Option<u64> {
        let size = |path: &PathBuf| path.metadata().ok().filter(|file| file.is_file()).map(|file| file.len());
        self.paths.iter().map(size).sum::<Option<u64>>().filter(|total| *total > 0)
    }
}

impl Looked {
    fn problem(&mut self, place: &Place, cause: String) {
        self.problem_count += 1;
        if self.problems.len() < MOST_TOLD {
            self.problems.push((place.clone(), cause));
        }
    }

    /// Tells the problems on standard error, with names as `shown`.
    pub(crate) fn tell_problems(&self, shown: impl Fn(&str) -> String) {
        for (place, cause) in &self.problems {
            eprintln!("symbolon: not looked into: {}: {}", shown(&place.to_string()), shown(cause));
        }
        if self.skipped > 0 {
            eprintln!("{} links, devices and the like in folders were left aside.", Count(self.skipped));
        }
    }

    /// What a run ends with: an error where something was not looked into, or was found that must not be there.
    pub(crate) fn end(&self, found: u64, must_be_clean: bool) -> Result<()> {
        if must_be_clean && found > 0 {
            return Err(Failure::Input.because(format!("{} found where nothing may be", Count(found))));
        }
        match self.problem_count {
            0 => Ok(()),
            count => Err(Failure::Partial.because(format!("{} could not be looked into; see above", places(count)))),
        }
    }
}

/// What the controls found, or an error that names those that failed.
pub(crate) fn check(report: &control::Report) -> Result<(usize, usize)> {
    if report.missed.is_empty() {
        return Ok((report.found(), report.all));
    }
    let (found, all, missed) = (report.found(), report.all, report.missed.join("; "));
    Err(anyhow!(
        "controls: only {found} of {all} found, so that nothing can be said of anything else. This program is broken. Missed: {missed}"
    ))
}

/// "1 place", "2 places".
pub(crate) fn places(count: u64) -> String {
    format!("{} {}", Count(count), if count == 1 { "place" } else { "places" })
}

/// Whether two paths are the same file.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// So many problems are told one by one.
const MOST_TOLD: usize = 100;
