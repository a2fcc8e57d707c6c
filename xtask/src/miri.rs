//! `cargo xtask miri`: the core's tests in an interpreter that refuses undefined behaviour.
//!
//! The core has no unsafe code; what it depends on has, and this runs it as the core does. An interpreter is some hundred times slower than
//! the machine, so each test has a limit: one that doesn't come to its end is named, and proves nothing.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::metadata::{CORE, Metadata};
use crate::process::{cargo, output, run, succeeds, within};

/// Runs each of the core's tests in Miri, with a nightly compiler, as many at a time as there are processors.
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
    let target = Metadata::load(root)?.target_directory()?.join("miri");
    let miri = |root: &Path| {
        // Not by the cargo that started this program: it would stay the one of its toolchain.
        let mut command = Command::new("cargo");
        command.current_dir(root).args(["+nightly", "miri", "test", "--quiet"]);
        command.args(["--package", CORE, "--features", "appliance"]);
        command.arg("--target-dir").arg(&target).env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
        // Test vectors are files, and a test that is alone has its own process.
        command.env("MIRIFLAGS", "-Zmiri-disable-isolation");
        command
    };
    run(miri(root).args(["--lib", "--tests", "--no-run"]))?;
    let tests = tests(root, &arguments.only)?;
    println!("    {} tests, {} seconds each at most", tests.len(), arguments.seconds);
    let queue = Mutex::new(tests.iter());
    let ended = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(test) = queue.lock().unwrap_or_else(PoisonError::into_inner).next() else { break };
                    let mut command = miri(root);
                    command.args(&test.program).args(["--", "--exact", &test.name]);
                    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                    let (start, limit) = (Instant::now(), Duration::from_secs(arguments.seconds));
                    let passed = within(&mut command, limit).map_err(|error| error.to_string());
                    let word = match passed {
                        Ok(Some(true)) => "passed",
                        Ok(Some(false)) | Err(_) => "FAILED",
                        Ok(None) => "no end",
                    };
                    let took = start.elapsed().as_secs();
                    println!("    {word} {took:3} s  {} {}", test.program.join(" "), test.name);
                    ended.lock().unwrap_or_else(PoisonError::into_inner).push((test, passed));
                }
            });
        }
    });
    report(ended.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Prints how many passed; fails where one did not.
fn report(mut ended: Vec<(&Test, Result<Option<bool>, String>)>) -> Outcome {
    ended.sort_by_key(|(test, _)| *test);
    let (mut passed, mut unfinished, mut failed) = (0_usize, 0_usize, Vec::new());
    for (test, outcome) in &ended {
        let name = format!("{} {}", test.program.join(" "), test.name);
        match outcome {
            Ok(Some(true)) => passed += 1,
            Ok(None) => unfinished += 1,
            Ok(Some(false)) => failed.push(name),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    println!("{passed} passed, {unfinished} did not come to their end, {} failed", failed.len());
    if failed.is_empty() { Ok(()) } else { Err(format!("these failed in Miri:\n{}", failed.join("\n")).into()) }
}

/// A test, and how cargo is told its program.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    program: Vec<String>,
    name: String,
}

/// The tests of the core that the machine's own compiler lists, but for those that Miri can't judge.
fn tests(root: &Path, only: &str) -> Outcome<Vec<Test>> {
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
        let mut tests = Vec::new();
        for program in programs {
            let names = lists.next().unwrap_or_default().lines().filter_map(|line| line.strip_suffix(": test"));
            tests.extend(names.map(|name| Test { program: program.clone(), name: name.into() }));
        }
        Ok::<_, Box<dyn std::error::Error>>(tests)
    };
    let ignored = list(&["--ignored"])?;
    let mut tests = list(&[])?;
    tests.retain(|test| {
        let not_for_miri = NOT_FOR_MIRI.iter().any(|name| test.program.last().is_some_and(|program| program == name));
        !ignored.contains(test) && !not_for_miri && test.name.contains(only)
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
