//! `cargo xtask constant-time`: runs the core under valgrind with every secret marked, and fails where its machine code branches, or
//! looks something up, on a secret in a place that is not known.

mod report;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::Outcome;
use crate::metadata::Metadata;
use crate::process::{cargo, output, run};
use report::{Places, line_of_file, places};
use verdicts::{Verdict, covers, function};

/// Runs each operation of `tests/constant_time`, at several optimisation levels, under valgrind's memcheck, with secrets marked as
/// undefined, and compares what is reported with `tests/constant_time/verdicts.txt`: every place in it has a reason, and any other fails.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arguments {
    /// Print the places that were reported, not only how many reports there were
    #[arg(long)]
    all: bool,
}

/// How the operations are built.
struct Build {
    name: &'static str,
    level: &'static str,
    /// In the place of the flags in `.cargo/config.toml`.
    flags: Option<&'static str>,
}

const BUILDS: [Build; 4] = [
    Build { name: "1", level: "1", flags: None },
    Build { name: "2", level: "2", flags: None },
    // What a program gets that chooses nothing: Poly1305 picks AVX2 at run time, as ChaCha20 does in all of these but the next.
    Build { name: "3 AVX2", level: "3", flags: Some("") },
    // What processors without vectors run, Cortex-M among them: the same source, though not the same machine code.
    Build {
        name: "s portable",
        level: "s",
        flags: Some("--cfg chacha20_backend=\"soft\" --cfg poly1305_backend=\"soft\""),
    },
];

/// What was reported: by operation, of each build in its order.
type Reports = BTreeMap<String, Vec<Places>>;

/// Builds, runs and compares.
pub(crate) fn run_command(root: &Path, arguments: &Arguments) -> Outcome {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("this check talks to valgrind on x86-64 Linux only".into());
    }
    crate::refusals::have_valgrind()?;
    let list = std::fs::read_to_string(root.join(LIST)).map_err(|error| format!("cannot read {LIST}: {error}"))?;
    let known = verdicts::read(&list)?;
    let target = Metadata::load(root)?.target_directory()?.join("constant-time");
    let mut reports = Reports::new();
    for (index, build) in BUILDS.iter().enumerate() {
        let program = built(root, &target, build)?;
        for (operation, places) in run_all(root, &program)? {
            let of_operation = reports.entry(operation).or_default();
            of_operation.push(places);
            if of_operation.len() != index + 1 {
                return Err("the builds don't have the same operations".into());
            }
        }
    }
    print(&reports, arguments.all);
    let faults = faults(&reports, &known);
    if faults.is_empty() { Ok(()) } else { Err(format!("\n{}", faults.join("\n")).into()) }
}

/// The program of one build. All have one profile, whose level is set from here, and a target that is named: so what runs at build time
/// only is built once.
fn built(root: &Path, target: &Path, build: &Build) -> Outcome<PathBuf> {
    let mut command = cargo(root);
    command.args(["build", "--quiet", "--locked", "--release", "--manifest-path", "tests/constant_time/Cargo.toml"]);
    command.args(["--target", TRIPLE, "--target-dir"]).arg(target);
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", build.level);
    if let Some(flags) = build.flags {
        command.env("RUSTFLAGS", flags);
    }
    run(&mut command)?;
    Ok(target.join(TRIPLE).join("release").join("constant-time"))
}

/// Runs every operation of a program, several at a time.
fn run_all(root: &Path, program: &Path) -> Outcome<Vec<(String, Places)>> {
    let names = output(&mut Command::new(program))?;
    let waiting = Mutex::new(names.lines());
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let worker = || {
            let mut done = Vec::new();
            while let Some(operation) = { waiting.lock().unwrap_or_else(|held| held.into_inner()).next() } {
                let places = run_one(root, program, operation).map_err(|error| format!("{operation}: {error}"))?;
                done.push((operation.to_owned(), places));
            }
            Ok::<_, String>(done)
        };
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(worker)).collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.join().map_err(|_| "a worker panicked")??);
        }
        Ok(all)
    })
}

/// Runs one operation under memcheck.
fn run_one(root: &Path, program: &Path, operation: &str) -> Outcome<Places> {
    let xml = program.with_file_name(format!("{}.xml", operation.replace([' ', ':'], "_")));
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--tool=memcheck", "--error-limit=no", "--track-origins=no"]);
    // With XML it looks for leaks, whatever it is told.
    valgrind.args(["--show-leak-kinds=none", "--errors-for-leak-kinds=none"]);
    valgrind.args(["--num-callers=60", "--xml=yes"]).arg(format!("--xml-file={}", xml.display()));
    valgrind.arg(format!("--error-exitcode={REPORTED}")).arg(program).arg(operation);
    let ran = valgrind.output().map_err(|error| format!("cannot start valgrind: {error}"))?;
    // It says so at its end: the exit code of one that broke off is hidden by that of the reports.
    if ran.stdout != b"done\n" {
        return Err(format!("it broke off: {}", String::from_utf8_lossy(&ran.stderr).trim()).into());
    }
    let places = places(&std::fs::read_to_string(&xml)?, root, &line_of_file)?;
    let expected = if places.is_empty() { 0 } else { REPORTED };
    if ran.status.code() == Some(expected) { Ok(places) } else { Err(format!("valgrind: {}", ran.status).into()) }
}

fn print(reports: &Reports, all: bool) {
    let columns: String = BUILDS.iter().map(|build| format!("{:>12}", build.name)).collect();
    println!("{:22}{columns}", "reports");
    for (operation, builds) in reports {
        let counts: String = builds.iter().map(|places| format!("{:>12}", places.values().sum::<usize>())).collect();
        println!("{operation:22}{counts}");
        if all {
            all_places(builds).into_iter().for_each(|place| println!("    {operation} | {place}"));
        }
    }
}

/// What is reported and not listed, what is listed and not reported, and controls that nothing was reported of.
fn faults(reports: &Reports, known: &[Verdict]) -> Vec<String> {
    let mut faults = Vec::new();
    let (controls, operations): (Vec<_>, Vec<_>) = reports.iter().partition(|(name, _)| name.starts_with(CONTROL));
    for (control, builds) in &controls {
        let blind = builds.iter().zip(&BUILDS).filter(|(places, _)| places.is_empty());
        faults.extend(blind.map(|(_, build)| format!("{control}: not reported at level {}", build.name)));
    }
    if controls.len() < LEAST_CONTROLS || operations.len() < LEAST_OPERATIONS {
        faults.push("there are fewer operations or controls than there were".to_owned());
    }
    for (operation, builds) in &operations {
        for place in all_places(builds) {
            if !known.iter().any(|verdict| verdict.allows(operation, place)) {
                let levels = builds.iter().zip(&BUILDS).filter(|(places, _)| places.contains_key(place));
                let levels: Vec<_> = levels.map(|(_, build)| build.name).collect();
                faults.push(format!("{operation}: not in the list: {place} (level {})", levels.join(", ")));
            }
        }
    }
    faults.extend(known.iter().flat_map(|verdict| outdated(verdict, reports)));
    faults
}

/// What of a verdict is reported at no level: of its operations those without any of its places; of its places those of a function that
/// none of its operations reports. (Which of a function's lines a branch belongs to, the compiler says now so and now so.)
fn outdated(verdict: &Verdict, reports: &Reports) -> Vec<String> {
    let reported = |operation: &String, is_it: &dyn Fn(&str) -> bool| {
        reports.get(operation).is_some_and(|builds| all_places(builds).into_iter().any(|place| is_it(place)))
    };
    let mut faults = Vec::new();
    for operation in &verdict.operations {
        if !reported(operation, &|place| verdict.allows(operation, place)) {
            faults.push(format!("{operation}: in the list, and reported at no level: {}", verdict.places.join("; ")));
        }
    }
    for listed in &verdict.places {
        let is_it = |place: &str| covers(listed, place) || function(listed) == function(place);
        if !verdict.operations.iter().any(|operation| reported(operation, &is_it)) {
            let of = verdict.operations.join(", ");
            faults.push(format!("{of}: in the list, and reported at no level: {listed}"));
        }
    }
    faults
}

/// The places of all builds together.
fn all_places(builds: &[Places]) -> BTreeSet<&String> {
    builds.iter().flat_map(BTreeMap::keys).collect()
}

const LIST: &str = "tests/constant_time/verdicts.txt";
/// What valgrind exits with where it reported something.
const REPORTED: i32 = 77;
const CONTROL: &str = "control: ";
const LEAST_CONTROLS: usize = 2;
const LEAST_OPERATIONS: usize = 20;
/// The only one that valgrind is asked on.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

#[cfg(test)]
mod tests;
