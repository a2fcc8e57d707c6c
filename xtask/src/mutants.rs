//! `cargo xtask mutants`: mutation testing of the core.
//!
//! cargo-mutants proposes the changes. Built one by one they would take a day; here all of them go into one build of the core, each behind a switch,
//! and a change is tried by the tests that reach it. What no switch can change is built alone.

mod hunt;
mod ledger;
mod switch;
mod tree;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::files::tracked;
use crate::metadata::{CORE, Metadata};
use crate::own_tests::{files_for_tests, first_line_of_tests};
use crate::{Outcome, process};
use hunt::{Tests, Verdict};
use ledger::{Fate, Ledger};
use switch::Mutant;
use tree::{Features, Tree};

/// Changes the core in many small ways, one at a time, and runs its tests on each change. A change that no test notices is a check that could be
/// removed unseen: it fails, unless `docs/mutants.md` explains it. What is done is kept in `target/mutants`; the same command goes on from there:
/// it tries again what survived, and what is in functions that have changed.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Forget what was done before
    #[arg(long)]
    afresh: bool,
    /// Don't try again what survived before
    #[arg(long)]
    only_new: bool,
    /// Don't build what takes a build of its own
    #[arg(long)]
    no_builds: bool,
    /// Write the counts, which are of all files, to docs/mutants.md
    #[arg(long, conflicts_with = "files")]
    write: bool,
    /// Write them though some were tried before the last change of the tests; the page says how many
    #[arg(long, requires = "write")]
    with_older: bool,
    /// These files only, such as src/token.rs
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

/// Lists the mutants, tries each, and says which no test noticed.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let work = Metadata::load(root)?.target_directory()?.join("mutants");
    std::fs::create_dir_all(&work)?;
    let mutants = list(root)?;
    if let Some(name) = arguments.files.iter().find(|name| !mutants.iter().any(|mutant| mutant.file == **name)) {
        return Err(format!("there is nothing to change in `{name}`").into());
    }
    let chosen = |mutant: &Mutant| arguments.files.is_empty() || arguments.files.contains(&mutant.file);
    let chosen: BTreeSet<_> =
        mutants.iter().enumerate().filter(|(_, mutant)| chosen(mutant)).map(|(at, _)| at).collect();
    let ledger = Ledger::open(&work, &mutants, number_of_tests(root)?, arguments.afresh)?;
    let run = Run {
        tree: Tree::new(root, &work, &mutants)?,
        mutants: &mutants,
        ledger: Mutex::new(ledger),
        heard: work.join("heard"),
    };
    let mut left: BTreeSet<_> = chosen.iter().copied().filter(|number| !run.done(*number)).collect();
    left.retain(|number| !arguments.only_new || run.fate(*number).is_none());
    println!("    {} mutants, {} of them to try", chosen.len(), left.len());
    let older = run.older(&chosen.difference(&left).copied().collect());
    if older > 0 {
        println!("    {older} others were tried before the last change of the tests: --afresh tries them again");
        if arguments.write && !arguments.with_older {
            return Err(
                format!("the counts are not written: {older} are older than the tests; see --with-older").into()
            );
        }
    }
    let mut alone = BTreeSet::new();
    let mut tests = None;
    for features in [APPLIANCE, EVERYTHING] {
        // With all features there is other code: what could not be reached, or not be switched, may be there.
        if left.is_empty() {
            break;
        }
        let placed = run.tree.switch(&mutants, &left, features)?;
        placed.unviable.iter().try_for_each(|number| run.note(*number, Fate::Unviable, ""))?;
        let programs = run.tree.build(features, ALL)?.ok_or("the core's tests do not build with all mutants")?;
        println!("    running each test alone, to see which mutants it reaches");
        let heard = Tests::listen(&run.tree.folder, programs, &run.heard)?;
        println!("    {} tests reach {} mutants", heard.len(), heard.reached().len());
        run.try_switched(&placed.switched, &heard)?;
        alone.extend(placed.alone);
        left = placed.switched.iter().copied().filter(|number| run.fate(*number) == Some(Fate::NotReached)).collect();
        tests.get_or_insert(heard);
    }
    if let Some(tests) = tests.filter(|_| !arguments.no_builds) {
        run.try_alone(&alone, &tests)?;
    }
    let ledger = run.ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
    ledger.report(root, &mutants, &chosen, arguments.write)
}

/// The version of cargo-mutants that the page's counts and names are of.
const TOOL: &str = "27.1.0";

/// A number that is another when the tests of the core change: what git keeps of `tests`, and the tests in the source.
fn number_of_tests(root: &Path) -> Outcome<u64> {
    let for_tests = files_for_tests(&root.join("src"))?;
    let mut number = DefaultHasher::new();
    for name in tracked(root, &["src", "tests"])? {
        let path = root.join(&name);
        let Ok(content) = std::fs::read(&path) else { continue };
        let of_source = path.starts_with(root.join("src")) && !for_tests.contains(&path);
        if of_source {
            let text = String::from_utf8(content)?;
            let before = usize::try_from(first_line_of_tests(&text) - 1).unwrap_or(usize::MAX);
            text.lines().skip(before).for_each(|line| line.hash(&mut number));
        } else if !NOT_OF_THE_CORE.iter().any(|folder| name.starts_with(folder)) {
            (name, content).hash(&mut number);
        }
    }
    Ok(number.finish())
}

/// Folders of `tests` with programs of their own.
const NOT_OF_THE_CORE: [&str; 2] = ["tests/constant_time/", "tests/second/"];

const APPLIANCE: Features = &["--features", "appliance"];
const EVERYTHING: Features = &["--all-features"];

/// All test programs; and the few that look at most of what is written.
const ALL: &[&str] = &["--lib", "--tests"];
const FIRST: &[&str] = &["--lib", "--test", "vectors", "--test", "appliance_vectors"];

/// What cargo-mutants proposes.
fn list(root: &Path) -> Outcome<Vec<Mutant>> {
    let said = process::cargo(root).args(["mutants", "--version"]).output()?;
    if String::from_utf8_lossy(&said.stdout).trim() != format!("cargo-mutants {TOOL}") {
        let install = format!("cargo install --locked cargo-mutants@{TOOL}");
        return Err(format!("cargo-mutants {TOOL} is needed, for others propose other changes: {install}").into());
    }
    let listed = process::output(process::cargo(root).args([
        "mutants",
        "--package",
        CORE,
        "--all-features",
        "--list",
        "--json",
    ]))?;
    let mut mutants = Vec::new();
    let (mut file, mut text) = (String::new(), String::new());
    for listed in serde_json::from_str::<Vec<Value>>(&listed)? {
        let name = listed["file"].as_str().unwrap_or_default();
        if name != file {
            file = name.into();
            text = std::fs::read_to_string(root.join(name))?;
        }
        mutants.push(Mutant::read(&listed, &text)?);
    }
    Ok(mutants)
}

struct Run<'a> {
    tree: Tree,
    mutants: &'a [Mutant],
    ledger: Mutex<Ledger>,
    heard: PathBuf,
}

impl Run<'_> {
    fn fate(&self, number: usize) -> Option<Fate> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).fate(number)
    }

    fn older(&self, numbers: &BTreeSet<usize>) -> usize {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).older(numbers)
    }

    /// Whether there is nothing more to find out about it.
    fn done(&self, number: usize) -> bool {
        self.fate(number).is_some_and(|fate| !matches!(fate, Fate::Survived | Fate::NotReached))
    }

    fn note(&self, number: usize, fate: Fate, by: &str) -> Outcome {
        if matches!(fate, Fate::Survived | Fate::NotReached) {
            let mutant = &self.mutants[number];
            println!("    {}: {}:{}: {}", fate.word(), mutant.file, mutant.line, mutant.name);
        }
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).note(number, fate, by)
    }

    fn judged(&self, number: usize, verdict: Verdict) -> Outcome {
        match verdict {
            Verdict::Caught(by) => self.note(number, Fate::Caught, &by),
            Verdict::Hung(by) => self.note(number, Fate::Hung, &by),
            Verdict::Survived => self.note(number, Fate::Survived, ""),
            Verdict::NotReached => self.note(number, Fate::NotReached, ""),
        }
    }

    /// Those behind switches, as many at a time as there are processors.
    fn try_switched(&self, numbers: &BTreeSet<usize>, tests: &Tests) -> Outcome {
        let numbers: Vec<_> = numbers.iter().copied().collect();
        let next = AtomicUsize::new(0);
        let workers = std::thread::available_parallelism()?.get();
        let work = || {
            while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = tests.judge(*number).and_then(|verdict| self.judged(*number, verdict));
                outcome.map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let ended =
                workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| Err("a worker panicked".into())));
            ended.collect::<Result<Vec<_>, _>>()
        })?;
        Ok(())
    }

    /// Those that are built one by one: constants, mostly. Only a few programs first, which notice most.
    fn try_alone(&self, numbers: &BTreeSet<usize>, tests: &Tests) -> Outcome {
        println!("    {} take a build of their own", numbers.len());
        for number in numbers {
            self.tree.put(&self.mutants[*number])?;
            let mut verdict = None;
            for programs in [FIRST, ALL] {
                let Some(built) = self.tree.build_alone(APPLIANCE, programs)? else {
                    verdict = None;
                    break;
                };
                let told = tests.built_again(built)?.judge_all()?;
                let noticed = told != Verdict::Survived;
                verdict = Some(told);
                if noticed {
                    break;
                }
            }
            match verdict {
                Some(verdict) => self.judged(*number, verdict)?,
                None => self.note(*number, Fate::Unviable, "")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Another test is another number, wherever it stands; other code, or the tests of another program, are not.
    #[test]
    fn the_tests_have_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let number = |name: &str, content: &str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
            assert!(process::succeeds(std::process::Command::new("git").current_dir(root).args(["add", "."])));
            number_of_tests(root).unwrap()
        };
        assert!(process::succeeds(std::process::Command::new("git").current_dir(root).arg("init")));
        let tests =
            |body: &str| format!("#[cfg(test)]\nmod cost;\nfn f() {{}}\n#[cfg(test)]\nmod tests {{\n{body}}}\n");
        let first = number("src/lib.rs", &tests(""));
        assert_eq!(number("src/lib.rs", &tests("").replace("f()", "g()")), first);
        assert_eq!(number("tests/second/run.py", "pass"), first);
        let in_source = number("src/lib.rs", &tests("fn a() {}\n"));
        let in_file = number("src/cost.rs", "fn a() {}\n");
        let beside = number("tests/a.rs", "fn a() {}\n");
        assert_eq!(BTreeSet::from([first, in_source, in_file, beside]).len(), 4);
    }
}
