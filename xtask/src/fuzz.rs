//! `cargo xtask fuzz`: the targets of `fuzz/` under libFuzzer, on a stable compiler.
//!
//! The flags are those that `cargo fuzz` gives, but for two: no `--cfg fuzzing`, for nothing here is another program when it is fuzzed, and no
//! AddressSanitizer, for nothing is unsafe. The latter takes nightly; so these targets need neither nightly nor `cargo fuzz`. Only our own crates
//! are instrumented: this program stands before the compiler and gives it the flags for those.

mod corpus;
mod report;

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use crate::metadata::{CORE, Metadata};
use crate::process::{cargo, output, run};
use crate::{Outcome, apt};
use report::{Stats, print_table, recipe};

/// Runs the fuzz targets, two at a time. What breaks a promise is made smaller, and put into `fuzz/regressions`, where the tests try it again.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long each of them runs
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Add what was found to the committed corpora, where it reaches code that they don't
    #[arg(long)]
    write: bool,
    /// These targets only
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

impl Default for Arguments {
    fn default() -> Self {
        Self { seconds: 20, write: false, targets: Vec::new() }
    }
}

/// Builds the targets and runs them.
pub(crate) fn run_command(root: &Path, arguments: &Arguments) -> Outcome {
    apt::have("c++", "g++").map_err(|error| format!("libFuzzer is written in C++: {error}"))?;
    let names = names(root)?;
    if let Some(unknown) = arguments.targets.iter().find(|name| !names.contains(name)) {
        return Err(format!("there is no target `{unknown}`; there are {}", names.join(", ")).into());
    }
    let chosen = |name: &&String| arguments.targets.is_empty() || arguments.targets.contains(name);
    let chosen: Vec<_> = names.iter().filter(chosen).collect();
    let place = Place::new(root)?;
    place.build()?;
    println!("    {} targets, {} seconds each, two at a time", chosen.len(), arguments.seconds);
    let queue = Mutex::new(chosen.into_iter().collect::<VecDeque<_>>());
    let done = Mutex::new(Vec::new());
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = take() {
                    let ran = place.fuzz(name, arguments).map_err(|error| error.to_string());
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((name.clone(), ran));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by(|(one, _), (other, _)| one.cmp(other));
    print_table(&done);
    let broken: Vec<_> = done.iter().filter_map(|(_, ran)| ran.as_ref().err()).map(String::as_str).collect();
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n").into()) }
}

/// The targets: the programs that `fuzz/Cargo.toml` lists.
fn names(root: &Path) -> Outcome<Vec<String>> {
    let folder = root.join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Where everything is.
struct Place {
    root: PathBuf,
    /// In the target folder: the programs, and what is found.
    work: PathBuf,
    triple: String,
}

impl Place {
    fn new(root: &Path) -> Outcome<Self> {
        let said = output(Command::new("rustc").arg("-vV"))?;
        let triple = said.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc does not say its host")?;
        let work = Metadata::load(root)?.target_directory()?.join("fuzz");
        Ok(Self { root: root.into(), work, triple: triple.into() })
    }

    fn build(&self) -> Outcome {
        let mut command = cargo(&self.root);
        command.args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", &self.triple]);
        command.env("RUSTC_WRAPPER", env::current_exe()?).env(INSTRUMENTED, FLAGS.join(" "));
        run(command.arg("--target-dir").arg(&self.work))
    }

    fn program(&self, name: &str) -> PathBuf {
        self.work.join(&self.triple).join("release").join(name)
    }

    /// The committed inputs of a target.
    fn corpus(&self, name: &str) -> PathBuf {
        self.root.join("fuzz/corpus").join(name)
    }

    /// Runs a target. libFuzzer writes what it finds to the first folder that it is given, and only reads the others.
    fn fuzz(&self, name: &str, arguments: &Arguments) -> Outcome<Stats> {
        let found = empty(self.work.join("found").join(name))?;
        let broken = empty(self.work.join("broken").join(name))?;
        let corpus = self.corpus(name);
        fs::create_dir_all(&corpus)?;
        let mut command = Command::new(self.program(name));
        command.args(LIMITS).arg("-print_final_stats=1").arg(format!("-max_total_time={}", arguments.seconds));
        command.arg(format!("-artifact_prefix={}/", broken.display()));
        let words = self.root.join("fuzz/dictionaries").join(format!("{name}.dict"));
        if words.exists() {
            command.arg(format!("-dict={}", words.display()));
        }
        let ran = command.arg(&found).arg(&corpus).current_dir(&self.root).output();
        let ran = ran.map_err(|error| format!("{name}: cannot be started: {error}"))?;
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        if !ran.status.success() {
            return Err(self.keep(name, &broken, &said)?.into());
        }
        if arguments.write {
            self.merge(name, &found)?;
        }
        Stats::read(&said).ok_or_else(|| format!("{name}: does not say what it did:\n{said}").into())
    }

    /// Makes the input smaller that broke a promise, puts it where the tests try it again, and says how to try it by hand.
    fn keep(&self, name: &str, broken: &Path, said: &str) -> Outcome<String> {
        let why: Vec<_> = said.lines().skip_while(|line| !line.contains("panicked at")).take(4).collect();
        let why = if why.is_empty() { said.lines().rev().take(12).collect::<Vec<_>>() } else { why }.join("\n       ");
        let Some(input) = fs::read_dir(broken)?.next().transpose()?.map(|entry| entry.path()) else {
            return Ok(format!("{name}: stopped without an input:\n       {why}"));
        };
        let label = input.file_name().and_then(|label| label.to_str()).unwrap_or("input");
        let folder = self.root.join("fuzz/regressions").join(name);
        fs::create_dir_all(&folder)?;
        let kept = folder.join(label);
        fs::copy(self.smaller(name, &input).unwrap_or_else(|| input.clone()), &kept)?;
        let shown = kept.strip_prefix(&self.root).unwrap_or(&kept);
        let again = recipe(shown, &fs::read(&kept)?);
        let again = again.map(|line| format!("       to have it elsewhere: {line}\n")).unwrap_or_default();
        let (shown, program) = (shown.display(), self.program(name));
        let program = program.display();
        Ok(format!("{name}: {why}\n       the input: {shown}\n{again}       try it again: {program} {shown}"))
    }

    /// The same crash by fewer bytes. (What hangs would hang each time.)
    fn smaller(&self, name: &str, input: &Path) -> Option<PathBuf> {
        let is_crash = input.file_name()?.to_str()?.starts_with("crash-");
        let small = input.with_file_name("small");
        let mut command = Command::new(self.program(name));
        command.args(LIMITS).args(["-minimize_crash=1", "-max_total_time=15"]);
        command.arg(format!("-exact_artifact_path={}", small.display())).arg(input);
        let ran = |command: &mut Command| -> Option<Output> { command.output().ok() };
        if is_crash {
            ran(&mut command)?;
        }
        small.exists().then_some(small)
    }

    /// Adds to the committed corpus what reaches code that it doesn't, and takes away what is not needed for that any more. How often code is
    /// reached counts for nothing here: so it stays small.
    fn merge(&self, name: &str, found: &Path) -> Outcome {
        let (corpus, merged) = (self.corpus(name), empty(self.work.join("merged").join(name))?);
        let account = self.work.join(format!("{name}.merge"));
        let _from_before = fs::remove_file(&account);
        let mut command = Command::new(self.program(name));
        command.args(LIMITS).args(["-set_cover_merge=1", "-use_counters=0"]);
        command.arg(format!("-merge_control_file={}", account.display()));
        let ran = command.arg(merged).arg(&corpus).arg(found).output();
        let ran = ran.map_err(|error| format!("{name}: cannot be started: {error}"))?;
        let inputs = fs::read_to_string(&account).ok().and_then(|account| corpus::read(&account));
        let inputs =
            inputs.filter(|_| ran.status.success()).ok_or(format!("{name}: the corpora could not be merged"))?;
        let len = |path: &Path| fs::metadata(path).map_or(u64::MAX, |metadata| metadata.len());
        corpus::put(&corpus, &corpus::chosen(&inputs, MOST_INPUTS, len))
    }
}

/// A folder with nothing in it.
fn empty(folder: PathBuf) -> Outcome<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// In the place of the compiler, where [`Place::build`] put this program there: it runs with the flags that instrument, if the crate is one of ours.
/// `None` where this program was started for something else.
pub(crate) fn compile() -> Option<Outcome> {
    let flags = env::var(INSTRUMENTED).ok()?;
    let mut arguments = env::args_os().skip(1);
    let mut compiler = Command::new(arguments.next()?);
    compiler.args(arguments);
    if env::var("CARGO_PKG_NAME").is_ok_and(|name| name.starts_with(CORE)) {
        compiler.args(flags.split(' '));
    }
    let ended = compiler.status().map_err(|error| format!("the compiler cannot be started: {error}"));
    Some(
        ended.map_err(Into::into).and_then(|status| if status.success() { Ok(()) } else { Err("not compiled".into()) }),
    )
}

/// What tells this program that it stands in the place of the compiler: the flags.
const INSTRUMENTED: &str = "SYMBOLON_INSTRUMENTED";

const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Cdebug-assertions",
];

/// How many inputs a committed corpus has, unless it has more seeds.
const MOST_INPUTS: usize = 40;

/// Seconds for one input, megabytes for all.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=2048"];
