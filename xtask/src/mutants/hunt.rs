//! Which tests reach a mutant, and whether one of them fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::process::{output, within};

/// One test of a program, without a mutant.
#[derive(Debug)]
struct Test {
    program: usize,
    name: String,
    took: Duration,
    reached: BTreeSet<usize>,
}

/// The tests of the core.
pub(super) struct Tests {
    folder: PathBuf,
    programs: Vec<PathBuf>,
    tests: Vec<Test>,
}

/// How the tests took a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A test of this program failed.
    Caught(String),
    /// A test of this program did not come to its end in many times the time that it takes.
    Hung(String),
    /// No test runs it.
    NotReached,
    /// Tests run it, and all pass.
    Survived,
}

impl Tests {
    /// Runs each test for itself, and writes down which mutants it reaches. One that fails now is named, and left out.
    pub(super) fn listen(folder: &Path, programs: Vec<PathBuf>, heard: &Path) -> Outcome<Self> {
        let mut tests = Vec::new();
        for (program, path) in programs.iter().enumerate() {
            let list = |more: &[&str]| {
                output(Command::new(path).current_dir(folder).args(["--list", "--format", "terse"]).args(more))
            };
            let ignored = list(&["--ignored"])?;
            for line in list(&[])?.lines().filter(|line| !ignored.lines().any(|other| other == *line)) {
                let Some(name) = line.strip_suffix(": test") else { continue };
                if heard.exists() {
                    fs::remove_file(heard)?;
                }
                let start = Instant::now();
                let mut command = quiet(path, folder);
                command.args(["--exact", name, "--test-threads", "1"]).env("SYMBOLON_HEARD", heard);
                if !command.status()?.success() {
                    println!("    left out, for it fails with nothing changed: {name} of {}", short(path));
                    continue;
                }
                let took = start.elapsed();
                let reached = fs::read_to_string(heard).unwrap_or_default();
                let reached = reached.lines().filter_map(|line| line.parse().ok()).collect();
                tests.push(Test { program, name: name.into(), took, reached });
            }
        }
        tests.sort_by_key(|test| test.took);
        Ok(Self { folder: folder.into(), programs, tests })
    }

    /// The tests of these programs, which were built anew, and may reach anything.
    pub(super) fn built_again(&self, programs: Vec<PathBuf>) -> Outcome<Self> {
        let by_name: BTreeMap<_, _> = programs.iter().enumerate().map(|(at, path)| (short(path), at)).collect();
        let mut tests = Vec::new();
        for test in &self.tests {
            let Some(program) = by_name.get(&short(&self.programs[test.program])) else { continue };
            tests.push(Test { program: *program, name: test.name.clone(), took: test.took, reached: BTreeSet::new() });
        }
        if tests.is_empty() {
            return Err("the test programs have other names when they are built again".into());
        }
        Ok(Self { folder: self.folder.clone(), programs, tests })
    }

    /// How many tests there are.
    pub(super) fn len(&self) -> usize {
        self.tests.len()
    }

    /// The mutants that a test reaches.
    pub(super) fn reached(&self) -> BTreeSet<usize> {
        self.tests.iter().flat_map(|test| test.reached.iter().copied()).collect()
    }

    /// Runs the tests that reach a mutant, the quickest first.
    pub(super) fn judge(&self, mutant: usize) -> Outcome<Verdict> {
        let reaching: Vec<_> = self.tests.iter().filter(|test| test.reached.contains(&mutant)).collect();
        if reaching.is_empty() {
            return Ok(Verdict::NotReached);
        }
        self.run(&reaching, Some(mutant))
    }

    /// Runs all tests, the quickest first, on what is built.
    pub(super) fn judge_all(&self) -> Outcome<Verdict> {
        self.run(&self.tests.iter().collect::<Vec<_>>(), None)
    }

    fn run(&self, tests: &[&Test], mutant: Option<usize>) -> Outcome<Verdict> {
        for (program, names, limit) in portions(tests) {
            let path = &self.programs[program];
            let mut command = quiet(path, &self.folder);
            command.arg("--exact").args(&names).args(["--test-threads", "1"]);
            if let Some(mutant) = mutant {
                command.env("SYMBOLON_MUTANT", mutant.to_string());
            }
            match within(&mut command, limit)? {
                Some(true) => {}
                Some(false) => return Ok(Verdict::Caught(format!("{}: {}", short(path), names.join(" ")))),
                None => return Ok(Verdict::Hung(short(path))),
            }
        }
        Ok(Verdict::Survived)
    }
}

/// Tests of one program that run together, and how long they may; `tests` from the quickest to the slowest. What is quick is taken by the
/// dozen, what is slow one by one.
fn portions<'a>(tests: &[&'a Test]) -> Vec<(usize, Vec<&'a str>, Duration)> {
    let mut portions: Vec<(usize, Vec<&str>, Duration)> = Vec::new();
    for test in tests {
        let fits = |(program, names, took): &&mut (usize, Vec<&str>, Duration)| {
            *program == test.program && names.len() < 12 && *took + test.took < SHORT
        };
        match portions.iter_mut().find(fits) {
            Some((_, names, took)) => {
                names.push(&test.name);
                *took += test.took;
            }
            None => portions.push((test.program, vec![&test.name], test.took)),
        }
    }
    portions.sort_by_key(|(_, _, took)| *took);
    portions
        .into_iter()
        .map(|(program, names, took)| (program, names, took * PATIENCE + Duration::from_secs(5)))
        .collect()
}

/// What runs together takes at most this long.
const SHORT: Duration = Duration::from_millis(200);
/// A test that takes this many times its time, and some seconds, does not come to its end.
const PATIENCE: u32 = 8;

/// A test program that says nothing, and has so much memory.
fn quiet(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 8000000; exec \"$0\" \"$@\""]).arg(program).current_dir(folder);
    command.env("CARGO_MANIFEST_DIR", folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The name of a test program, without the number that cargo gives it.
fn short(path: &Path) -> String {
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.rsplit_once('-').map_or(name.clone(), |(name, _)| name.into())
}
