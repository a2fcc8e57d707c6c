//! `cargo xtask miri`: the core's tests in an interpreter that refuses undefined behaviour.
//!
//! The core has no unsafe code; what it depends on has, and this runs it as the core does. An interpreter is some hundred times slower than
//! the machine, so each test has a limit: one that doesn't come to its end is named, and proves nothing.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::metadata::{CORE, Metadata};
use crate::process::{cargo, kill, output, run, succeeds};

/// Runs each of the core's tests in Miri, with a nightly compiler, as many programs at a time as there are processors.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long a test may take
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only tests with this in their names
    #[arg(value_name = "TEXT", default_value = "")]
    only: String,
}

/// Installs what is missing, runs the tests, and prints which passed.
pub(crate) fn run_command(root: &Path, arguments: &Arguments) -> Outcome {
    have_miri()?;
    let miri = Miri {
        root: root.into(),
        target: Metadata::load(root)?.target_directory()?.join("miri"),
        limit: Duration::from_secs(arguments.seconds),
    };
    run(miri.command().args(["--lib", "--tests", "--no-run"]))?;
    let mut programs = BTreeMap::<_, VecDeque<_>>::new();
    for (program, name) in tests(root, &arguments.only)? {
        programs.entry(program).or_default().push_back(name);
    }
    let count: usize = programs.values().map(VecDeque::len).sum();
    println!("    {count} tests, {} seconds each at most", arguments.seconds);
    let queue = Mutex::new(programs.into_iter());
    let ended = Mutex::new(Vec::new());
    let work = || {
        loop {
            let Some((program, names)) = queue.lock().unwrap_or_else(PoisonError::into_inner).next() else { break };
            let outcome = miri.program(&program, names);
            ended.lock().unwrap_or_else(PoisonError::into_inner).push(outcome.map_err(|error| error.to_string()));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    let ended: Vec<_> = ended.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let with =
        |end: End| ended.iter().filter(|(_, other)| *other == end).map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    let failed = with(End::Failed);
    println!(
        "{} passed, {} did not come to their end, {} failed",
        with(End::Passed).len(),
        with(End::None).len(),
        failed.len()
    );
    if failed.is_empty() { Ok(()) } else { Err(format!("these failed in Miri:\n{}", failed.join("\n")).into()) }
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    None,
}

struct Miri {
    root: PathBuf,
    target: PathBuf,
    limit: Duration,
}

impl Miri {
    fn command(&self) -> Command {
        // Not by the cargo that started this program: it would stay the one of its toolchain.
        let mut command = Command::new("cargo");
        command.current_dir(&self.root).args([
            "+nightly",
            "miri",
            "test",
            "--package",
            CORE,
            "--features",
            "appliance",
        ]);
        command.arg("--target-dir").arg(&self.target).env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
        // Test vectors are files.
        command.env("MIRIFLAGS", "-Zmiri-disable-isolation");
        command
    }

    /// Runs these tests of a program, one after the other. The program is started again behind one that doesn't come to its end, or ends it.
    fn program(&self, program: &[String], mut left: VecDeque<String>) -> Outcome<Vec<(String, End)>> {
        let mut ended = Vec::new();
        while !left.is_empty() {
            let mut command = self.command();
            command.args(program).args(["--", "--test-threads", "1", "--exact"]).args(&left);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
            let mut child = command.spawn()?;
            let lines = BufReader::new(child.stdout.take().ok_or("a program without output")?).lines();
            let (sender, said) = mpsc::channel();
            std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
            // Miri checks the whole program before it begins.
            let (mut limit, mut start) = (self.limit + STARTING, Instant::now());
            let end = loop {
                match said.recv_timeout(limit) {
                    Ok(line) => {
                        let told = left.front().and_then(|name| line.strip_prefix(&format!("test {name}")));
                        let end = match told {
                            Some(told) if told.ends_with(" ok") => End::Passed,
                            Some(told) if told.ends_with(" FAILED") => End::Failed,
                            _ => {
                                if line.starts_with("running ") {
                                    (limit, start) = (self.limit, Instant::now());
                                }
                                continue;
                            }
                        };
                        self.note(program, &mut left, end, start, &mut ended);
                        start = Instant::now();
                    }
                    Err(mpsc::RecvTimeoutError::Disconnected) => break End::Failed,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        kill(&child);
                        break End::None;
                    }
                }
            };
            child.wait()?;
            if !left.is_empty() {
                self.note(program, &mut left, end, start, &mut ended);
            }
        }
        Ok(ended)
    }

    fn note(
        &self,
        program: &[String],
        left: &mut VecDeque<String>,
        end: End,
        start: Instant,
        ended: &mut Vec<(String, End)>,
    ) {
        let Some(name) = left.pop_front() else { return };
        let word = match end {
            End::Passed => "passed",
            End::Failed => "FAILED",
            End::None => "no end",
        };
        let name = format!("{} {name}", program.join(" "));
        println!("    {word} {:3} s  {name}", start.elapsed().as_secs());
        ended.push((name, end));
    }
}

/// What the check of the largest program takes on a slow machine.
const STARTING: Duration = Duration::from_secs(120);

/// The tests of the core that the machine's own compiler lists, but for those that Miri can't judge.
fn tests(root: &Path, only: &str) -> Outcome<Vec<(Vec<String>, String)>> {
    let list = |more: &[&str]| {
        let mut command = cargo(root);
        command.args(["test", "--package", CORE, "--features", "appliance", "--lib", "--tests", "--", "--list"]);
        command.args(more).stderr(Stdio::piped());
        let said = command.output()?;
        if !said.status.success() {
            return Err(String::from_utf8_lossy(&said.stderr).into_owned().into());
        }
        // Cargo names the programs on one stream, they their tests on the other, in the same order.
        let programs = String::from_utf8(said.stderr)?;
        let programs = programs.lines().filter_map(|line| line.trim().strip_prefix("Running ")).map(program);
        let lists = String::from_utf8(said.stdout)?;
        let mut lists = lists.split_inclusive(" benchmarks\n");
        let mut tests: Vec<(Vec<String>, String)> = Vec::new();
        for program in programs {
            let names = lists.next().unwrap_or_default().lines().filter_map(|line| line.strip_suffix(": test"));
            tests.extend(names.map(|name| (program.clone(), name.to_owned())));
        }
        Ok::<_, Box<dyn std::error::Error>>(tests)
    };
    let ignored = list(&["--ignored"])?;
    let mut tests = list(&[])?;
    tests.retain(|test| {
        let (program, name) = test;
        let not_for_miri = NOT_FOR_MIRI.iter().any(|other| program.last().is_some_and(|program| program == other));
        !ignored.contains(test) && !not_for_miri && name.contains(only)
    });
    Ok(tests)
}

/// `unittests src/lib.rs (..)` or `tests/scan.rs (..)`, as arguments of cargo.
fn program(said: &str) -> Vec<String> {
    let path = said.split_once(" (").map_or(said, |(path, _)| path);
    let name = Path::new(path).file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match path {
        "unittests src/lib.rs" => vec!["--lib".into()],
        path if path.starts_with("tests/") => vec!["--test".into(), name],
        _ => vec!["--examples".into()],
    }
}

/// `wiping` looks for secrets in the whole of what a value leaves behind, padding too, which no Rust program may read.
const NOT_FOR_MIRI: [&str; 1] = ["wiping"];

/// Installs Miri, or says how.
fn have_miri() -> Outcome {
    let nightly = || {
        let mut command = Command::new("cargo");
        command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN").args(["+nightly", "miri", "--version"]);
        command
    };
    if succeeds(&mut nightly()) {
        return Ok(());
    }
    let mut install = Command::new("rustup");
    install.args(["toolchain", "install", "nightly", "--profile", "minimal", "--component", "miri,rust-src"]);
    if output(&mut install).is_ok() && succeeds(&mut nightly()) {
        return Ok(());
    }
    let how = "rustup toolchain install nightly --profile minimal --component miri,rust-src";
    Err(format!("Miri is missing: install it with `{how}`").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cargo says that it runs becomes what it is told to run.
    #[test]
    fn programs_are_read() {
        assert_eq!(program("unittests src/lib.rs (target/debug/deps/symbolon-1)"), ["--lib"]);
        assert_eq!(program("tests/scan.rs (target/debug/deps/scan-1)"), ["--test", "scan"]);
        assert_eq!(program("unittests examples/shop/main.rs (target/debug/examples/shop-1)"), ["--examples"]);
    }
}
