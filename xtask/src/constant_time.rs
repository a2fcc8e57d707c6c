//! `cargo xtask constant-time`: runs the core under valgrind with every secret marked, and fails where its machine code branches, or
//! looks something up, on a secret in a place that is not known.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::Outcome;
use crate::metadata::Metadata;
use crate::process::{cargo, output, run};
use report::{Places, places};

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
    profile: &'static str,
    /// In the place of the flags in `.cargo/config.toml`.
    flags: Option<&'static str>,
}

const BUILDS: [Build; 6] = [
    Build { name: "1", profile: "level-1", flags: None },
    Build { name: "2", profile: "level-2", flags: None },
    Build { name: "3", profile: "level-3", flags: None },
    Build { name: "s", profile: "level-s", flags: None },
    // What a program gets that chooses nothing: Poly1305 picks AVX2 at run time, as ChaCha20 does in all of these but the next.
    Build { name: "3 AVX2", profile: "level-3", flags: Some("") },
    // What processors without vectors run, Cortex-M among them: the same source, though not the same machine code.
    Build {
        name: "s portable",
        profile: "level-s",
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
    let list = root.join(LIST);
    let list = std::fs::read_to_string(&list).map_err(|error| format!("cannot read {}: {error}", list.display()))?;
    let known = known_places(&list)?;
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

/// The program of one build. Those with other flags have a folder of their own, or they would build each other anew.
fn built(root: &Path, target: &Path, build: &Build) -> Outcome<PathBuf> {
    let target = build.flags.map_or(target.to_path_buf(), |_| target.join(build.name.replace(' ', "-")));
    let mut command = cargo(root);
    command.args(["build", "--quiet", "--locked", "--manifest-path", "tests/constant_time/Cargo.toml"]);
    command.args(["--profile", build.profile, "--target-dir"]).arg(&target);
    if let Some(flags) = build.flags {
        command.env("RUSTFLAGS", flags);
    }
    run(&mut command)?;
    Ok(target.join(build.profile).join("constant-time"))
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
    let places = places(&std::fs::read_to_string(&xml)?, root)?;
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
            let places: BTreeSet<_> = builds.iter().flat_map(BTreeMap::keys).collect();
            places.into_iter().for_each(|place| println!("    {operation} | {place}"));
        }
    }
}

/// The lines of the list: `operations | place | reason`, the operations with commas between them.
fn known_places(list: &str) -> Outcome<Vec<(String, String)>> {
    let mut known = Vec::new();
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [operations, place, reason] = line.split(" | ").collect::<Vec<_>>()[..] else {
            return Err(format!("{LIST} has a line that is not `operations | place | reason`: {line}").into());
        };
        if reason.trim().is_empty() {
            return Err(format!("{LIST} gives no reason for {place}").into());
        }
        known.extend(operations.split(',').map(|operation| (operation.trim().to_owned(), place.trim().to_owned())));
    }
    Ok(known)
}

/// True where a line of the list is about this place: the same, or everything in its file.
fn covers(listed: &str, place: &str) -> bool {
    listed == place || listed.strip_suffix('*').is_some_and(|file| file.ends_with(' ') && place.starts_with(file))
}

/// What is reported and not listed, what is listed and not reported, and controls that nothing was reported of.
fn faults(reports: &Reports, known: &[(String, String)]) -> Vec<String> {
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
        let of_operation: Vec<_> = known.iter().filter(|(listed, _)| listed == *operation).collect();
        for (places, build) in builds.iter().zip(&BUILDS) {
            let new = places.keys().filter(|place| !of_operation.iter().any(|(_, listed)| covers(listed, place)));
            faults.extend(new.map(|place| format!("{operation}: not in the list: {place} (level {})", build.name)));
        }
    }
    for (operation, listed) in known {
        let found = reports
            .get(operation)
            .is_some_and(|builds| builds.iter().flat_map(BTreeMap::keys).any(|place| covers(listed, place)));
        if !found {
            faults.push(format!("{operation}: in the list, and reported at no level: {listed}"));
        }
    }
    faults
}

const LIST: &str = "tests/constant_time/verdicts.txt";
/// What valgrind exits with where it reported something.
const REPORTED: i32 = 77;
const CONTROL: &str = "control: ";
const LEAST_CONTROLS: usize = 2;
const LEAST_OPERATIONS: usize = 14;

#[cfg(test)]
mod tests;
