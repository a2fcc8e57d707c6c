//! `cargo xtask miri`: the core's tests in an interpreter that refuses undefined behaviour.
//!
//! The core has no unsafe code; what it depends on has, and this runs it as the core does. Miri is some ten thousand times slower than the machine, so
//! each test has a limit. What takes the machine itself too long for that isn't begun; both that and what doesn't come to its end prove nothing,
//! and are counted. What has passed isn't run again until something changes that it is made of.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Outcome;
use crate::files::files_below;
use crate::metadata::{CORE, Metadata};
use crate::process::{kill, output, run, succeeds};

/// Runs each of the core's tests in Miri, with a nightly compiler, as many programs at a time as there are processors.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long a test may take
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Run again what has passed
    #[arg(long)]
    afresh: bool,
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
        made_of: made_of(root)?,
    };
    run(miri.command().args(["--lib", "--tests", "--no-run"]))?;
    if arguments.afresh {
        fs::write(miri.passed(), "")?;
    }
    let tests: Vec<_> = miri.tests()?.into_iter().filter(|test| test.name.contains(&arguments.only)).collect();
    let before = miri.passed_before()?;
    let (passed, open): (Vec<_>, Vec<_>) = tests.into_iter().partition(|test| before.contains(&test.to_string()));
    let (begun, too_long): (Vec<_>, Vec<_>) = open.into_iter().partition(|test| test.duration * SLOWER <= miri.limit);
    println!(
        "    {} tests, {} seconds each at most; {} have passed before, {} take too long",
        begun.len(),
        arguments.seconds,
        passed.len(),
        too_long.len()
    );
    let queue = Mutex::new(jobs(begun).into_iter());
    let ended = Mutex::new(Vec::new());
    let work = || {
        loop {
            let Some(tests) = queue.lock().unwrap_or_else(PoisonError::into_inner).next() else { break };
            let outcome = miri.program(tests);
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
        "{} passed, {} did not come to their end, {} were not begun, {} failed",
        passed.len() + with(End::Passed).len(),
        with(End::None).len(),
        too_long.len(),
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
    /// Of what passed with this, nothing has changed.
    made_of: u64,
}

impl Miri {
    fn command(&self) -> Command {
        let mut command = nightly("cargo");
        command.current_dir(&self.root).args(["miri", "test", "--package", CORE, "--features", "appliance"]);
        command.arg("--target-dir").arg(&self.target);
        // Test vectors are files. The core has no threads.
        command.env("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-disable-data-race-detector");
        command
    }

    /// The tests of the core, but for those that Miri can't judge, and what each takes the machine itself.
    fn tests(&self) -> Outcome<Vec<Test>> {
        let mut command = nightly("cargo");
        command.current_dir(&self.root).args(["test", "--package", CORE, "--features", "appliance"]);
        command.args(["--lib", "--tests", "--target-dir"]).arg(self.target.join("native"));
        command.args(["--", "-Zunstable-options", "--format", "json", "--report-time", "--test-threads", "1"]);
        let said = command.stderr(Stdio::piped()).output()?;
        let (told, said_beside) = (String::from_utf8(said.stdout)?, String::from_utf8_lossy(&said.stderr));
        if !said.status.success() {
            return Err(format!("the tests don't pass outside of Miri:\n{said_beside}{told}").into());
        }
        timed(&told, &said_beside)
    }

    /// A file of one line a test that passed: what it was made of, and its name.
    fn passed(&self) -> PathBuf {
        self.target.join("passed.txt")
    }

    fn passed_before(&self) -> Outcome<BTreeSet<String>> {
        let text = if self.passed().exists() { fs::read_to_string(self.passed())? } else { String::new() };
        let with_this = format!("{:016x} ", self.made_of);
        Ok(text.lines().filter_map(|line| line.strip_prefix(&with_this)).map(Into::into).collect())
    }

    fn keep(&self, name: &str) -> Outcome {
        let mut file = OpenOptions::new().create(true).append(true).open(self.passed())?;
        Ok(writeln!(file, "{:016x} {name}", self.made_of)?)
    }

    /// Runs these tests of a program, one after the other. The program is started again behind one that doesn't come to its end, or ends it.
    fn program(&self, mut left: VecDeque<Test>) -> Outcome<Vec<(String, End)>> {
        let mut ended = Vec::new();
        while let Some(Test { program, .. }) = left.front() {
            let mut command = self.command();
            command.args(program).args(["--", "--test-threads", "1", "--exact"]);
            command.args(left.iter().map(|test| &test.name));
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
                        let told = left.front().and_then(|test| line.strip_prefix(&format!("test {}", test.name)));
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
                        ended.extend(self.note(left.pop_front(), end, start)?);
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
            ended.extend(self.note(left.pop_front(), end, start)?);
        }
        Ok(ended)
    }

    /// Prints how the test ended, and keeps it if it passed.
    fn note(&self, test: Option<Test>, end: End, start: Instant) -> Outcome<Option<(String, End)>> {
        let Some(name) = test.map(|test| test.to_string()) else { return Ok(None) };
        let word = match end {
            End::Passed => "passed",
            End::Failed => "FAILED",
            End::None => "no end",
        };
        println!("    {word} {:3} s  {name}", start.elapsed().as_secs());
        if end == End::Passed {
            self.keep(&name)?;
        }
        Ok(Some((name, end)))
    }
}

/// What the check of the largest program takes on a slow machine.
const STARTING: Duration = Duration::from_secs(120);

/// Miri takes so many times what the machine does: between 15,000 and 900,000 was seen, mostly 40,000.
const SLOWER: u32 = 100_000;

/// Programs of Miri are started with so many tests: enough that the start hardly counts, few enough that processors share them evenly.
const TOGETHER: usize = 8;

/// One test of a program, and what it takes the machine itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Test {
    program: Vec<String>,
    name: String,
    duration: Duration,
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.program.join(" "), self.name)
    }
}

/// The core, its tests, the versions of its dependencies and the compiler, as a number.
fn made_of(root: &Path) -> Outcome<u64> {
    let mut paths = vec![root.join("Cargo.lock")];
    for folder in ["src", "tests", "examples"] {
        paths.extend(files_below(&root.join(folder))?);
    }
    let mut hasher = DefaultHasher::new();
    for path in paths {
        (path.strip_prefix(root)?, fs::read(&path)?).hash(&mut hasher);
    }
    output(nightly("rustc").arg("--version"))?.hash(&mut hasher);
    Ok(hasher.finish())
}

/// What is started together: the quickest first, so that whoever stops it has most tests behind him.
fn jobs(mut tests: Vec<Test>) -> Vec<VecDeque<Test>> {
    tests.sort_by(|one, other| (&one.program, one.duration).cmp(&(&other.program, other.duration)));
    let of_programs = tests.chunk_by(|one, other| one.program == other.program);
    let mut jobs: Vec<_> = of_programs.flat_map(|tests| tests.chunks(TOGETHER).map(<[Test]>::to_vec)).collect();
    jobs.sort_by_key(|tests| tests.last().map(|slowest| slowest.duration));
    // A program runs its tests in the order of their names.
    jobs.iter_mut().for_each(|tests| tests.sort_by(|one, other| one.name.cmp(&other.name)));
    jobs.into_iter().map(Into::into).collect()
}

/// What programs of tests told of themselves in JSON, one after the other, and what cargo said of them, in the same order.
fn timed(told: &str, said: &str) -> Outcome<Vec<Test>> {
    let mut programs = said.lines().filter_map(|line| line.trim().strip_prefix("Running ")).map(program);
    let mut current = Vec::new();
    let mut tests = Vec::new();
    for event in told.lines().map(serde_json::from_str::<Value>) {
        let event = event?;
        match (event["type"].as_str(), event["event"].as_str()) {
            (Some("suite"), Some("started")) => current = programs.next().ok_or("a program that cargo didn't name")?,
            (Some("test"), Some("ok")) => tests.push(Test {
                program: current.clone(),
                name: event["name"].as_str().ok_or("a test without a name")?.into(),
                duration: Duration::from_secs_f64(event["exec_time"].as_f64().ok_or("a test without its time")?),
            }),
            _ => {}
        }
    }
    tests.retain(|test| !NOT_FOR_MIRI.iter().any(|not| test.program.last().is_some_and(|program| program == not)));
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

/// A program of the nightly toolchain. Not by the cargo that started this one: it would stay the one of its toolchain.
fn nightly(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN").arg("+nightly");
    command
}

/// Installs Miri, or says how.
fn have_miri() -> Outcome {
    let is_there = || succeeds(nightly("cargo").args(["miri", "--version"]));
    if is_there() {
        return Ok(());
    }
    let mut install = Command::new("rustup");
    install.args(["toolchain", "install", "nightly", "--profile", "minimal", "--component", "miri,rust-src"]);
    if output(&mut install).is_ok() && is_there() {
        return Ok(());
    }
    let how = "rustup toolchain install nightly --profile minimal --component miri,rust-src";
    Err(format!("Miri is missing: install it with `{how}`").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "
     Running unittests src/lib.rs (target/debug/deps/symbolon-1)
     Running tests/scan.rs (target/debug/deps/scan-1)
     Running tests/wiping.rs (target/debug/deps/wiping-1)
     Running unittests examples/shop/main.rs (target/debug/examples/shop-1)";

    const TOLD: &str = r#"{ "type": "suite", "event": "started", "test_count": 2 }
{ "type": "test", "event": "started", "name": "a" }
{ "type": "test", "name": "a", "event": "ok", "exec_time": 0.25 }
{ "type": "test", "name": "b", "event": "ignored" }
{ "type": "suite", "event": "started", "test_count": 1 }
{ "type": "test", "name": "a", "event": "ok", "exec_time": 0.125 }
{ "type": "suite", "event": "started", "test_count": 1 }
{ "type": "test", "name": "no_miri", "event": "ok", "exec_time": 0.1 }
{ "type": "suite", "event": "started", "test_count": 1 }
{ "type": "test", "name": "c", "event": "ok", "exec_time": 0.0 }"#;

    fn test(program: &[&str], name: &str, milliseconds: u64) -> Test {
        let program = program.iter().map(ToString::to_string).collect();
        Test { program, name: name.into(), duration: Duration::from_millis(milliseconds) }
    }

    /// What cargo says that it runs becomes what it is told to run; what is ignored, and what Miri can't judge, doesn't.
    #[test]
    fn tests_are_read() {
        let expected = [test(&["--lib"], "a", 250), test(&["--test", "scan"], "a", 125), test(&["--examples"], "c", 0)];
        assert_eq!(timed(TOLD, SAID).unwrap(), expected);
        let one_fewer = SAID.replace("     Running tests/wiping.rs (target/debug/deps/wiping-1)\n", "");
        assert!(timed(TOLD, &one_fewer).is_err());
    }

    /// The quickest come first, a few of one program together, in the order of their names.
    #[test]
    fn the_quickest_first() {
        let mut tests: Vec<_> = (0..=8).map(|at| test(&["--lib"], &format!("t{at}"), 100 - at)).collect();
        tests.push(test(&["--test", "scan"], "s", 95));
        let jobs = jobs(tests);
        let names: Vec<_> =
            jobs.iter().map(|tests| tests.iter().map(|test| test.name.as_str()).collect::<Vec<_>>()).collect();
        let quickest = ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"];
        assert_eq!(names, [vec!["s"], quickest.to_vec(), vec!["t0"]]);
    }
}
