//! `cargo xtask suite`: the core's own tests on an emulated Cortex-M3. What runs is in `no_std_tests/suite`; here it is built and run,
//! and compared with the core, so that no test is lost on the way.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Outcome;
use crate::bare_metal::{Toolchain, qemu_system_arm};
use crate::files::files_below;
use crate::process::{cargo, output};

/// Builds the images, proves that a failure would be noticed, runs all, and prints what ran and what didn't.
pub(crate) fn run(root: &Path) -> Outcome {
    let folder = root.join("no_std_tests").join("suite");
    compare(&package(root)?, &package(&folder)?)?;
    let qemu = Qemu(qemu_system_arm()?);
    let mut images = build(&Toolchain::for_target(root, TARGET)?, &folder)?;
    // Behind the others it would run alone.
    images.sort_by_key(|image| image.name != LONGEST);
    qemu.notices_failure(images.iter().find(|image| image.name == PROOF).ok_or("the image of the proof is missing")?)?;
    let total = run_all(&qemu, &images)?;
    total.check(attributes(&root.join("src"))? + attributes(&root.join("tests"))?)?;
    total.check_list(&fs::read_to_string(folder.join("left_out.txt"))?)?;
    println!(
        "    {} tests ran on a Cortex-M3, {} left out, {} ignored",
        total.ran,
        total.left_out.len(),
        total.ignored
    );
    total.left_out.iter().for_each(|entry| println!("        left out: {entry}"));
    Ok(())
}

/// What cargo says about the package in `folder`: the workspace's one that is the core, or the suite.
fn package(folder: &Path) -> Outcome<Value> {
    let text = output(cargo(folder).args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let mut metadata: Value = serde_json::from_str(&text)?;
    let manifest = folder.join("Cargo.toml");
    let packages = metadata["packages"].as_array_mut().ok_or("`cargo metadata` lists no packages")?;
    let found =
        packages.iter_mut().find(|package| package["manifest_path"].as_str().map(Path::new) == Some(&*manifest));
    Ok(found.ok_or("`cargo metadata` doesn't know the folder's package")?.take())
}

/// The suite has the core's features, dependencies and test files: what is tested is what is delivered.
fn compare(core: &Value, suite: &Value) -> Outcome {
    if core["features"] != suite["features"] {
        return Err("no_std_tests/suite/Cargo.toml has other features than the core".into());
    }
    let dependencies = |package: &Value| -> BTreeSet<String> {
        let all = package["dependencies"].as_array().into_iter().flatten();
        all.filter(|dependency| dependency["kind"].is_null()).map(Value::to_string).collect()
    };
    if let Some(one) = dependencies(core).symmetric_difference(&dependencies(suite)).next() {
        return Err(format!("no_std_tests/suite/Cargo.toml and the core's differ in a dependency: {one}").into());
    }
    let files = |package: &Value| -> BTreeSet<String> {
        let targets = package["targets"].as_array().into_iter().flatten();
        targets.filter(|target| target["kind"][0] == "test").map(|target| target["name"].to_string()).collect()
    };
    match files(core).symmetric_difference(&files(suite)).next() {
        Some(file) => Err(format!("no_std_tests/suite/Cargo.toml and `tests` differ in the file {file}").into()),
        None => Ok(()),
    }
}

/// One program for the board: the tests of one file in `tests`, or those in `src`.
#[derive(Debug)]
struct Image {
    name: String,
    path: PathBuf,
}

fn build(toolchain: &Toolchain, folder: &Path) -> Outcome<Vec<Image>> {
    let mut command = toolchain.cargo(folder);
    // All features but `ring`, which is assembly for servers.
    command.args(["test", "--no-run", "--features", "appliance", "--target", TARGET, "--message-format=json"]);
    // Set for the host, it would replace the flags of the folder's configuration.
    command.env_remove("RUSTFLAGS");
    let built = command.stderr(Stdio::inherit()).output().map_err(|error| format!("cannot start cargo: {error}"))?;
    let text = String::from_utf8(built.stdout)?;
    let messages: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if !built.status.success() {
        // Only errors: the warnings of the core are those of its own build, and one more (no_std_tests/suite/.cargo/config.toml).
        let errors = messages.iter().filter(|message| message["message"]["level"] == "error");
        errors.filter_map(|error| error["message"]["rendered"].as_str()).for_each(|error| eprintln!("{error}"));
        return Err("the images don't build".into());
    }
    let image = |message: &Value| {
        let name = message["target"]["name"].as_str()?.to_owned();
        Some(Image { name, path: message["executable"].as_str()?.into() })
    };
    Ok(messages.iter().filter(|message| message["profile"]["test"] == true).filter_map(image).collect())
}

/// The emulator.
#[derive(Debug)]
struct Qemu(PathBuf);

impl Qemu {
    /// Runs an image; what it wrote is left beside it, too.
    fn run(&self, image: &Image, argument: &str) -> Outcome<Run> {
        let log = image.path.with_extension("log");
        let file = File::create(&log)?;
        let semihosting = format!("enable=on,target=native,arg={},arg={argument}", image.name);
        let devices = ["-display", "none", "-monitor", "none", "-serial", "none"];
        let mut command = Command::new(&self.0);
        command.args(["-machine", "mps2-an385"]).args(devices).args(["-semihosting-config", &semihosting]);
        command.args([OsStr::new("-kernel"), image.path.as_os_str()]);
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let start = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("cannot start QEMU: {error}"))?;
        let code = loop {
            match child.try_wait()? {
                Some(status) => break status.code(),
                None if start.elapsed() > PATIENCE => {
                    child.kill()?;
                    child.wait()?;
                    break None;
                }
                None => thread::sleep(Duration::from_millis(20)),
            }
        };
        Ok(Run { code, took: start.elapsed(), text: String::from_utf8_lossy(&fs::read(log)?).into_owned() })
    }

    /// A run that was told to fail must be taken for a failure: else a run that passes says nothing.
    fn notices_failure(&self, image: &Image) -> Outcome {
        let run = self.run(image, "--fail")?;
        match run.report(&image.name) {
            Err(_) if run.code == Some(1) && run.text.contains("failed on purpose") => Ok(()),
            _ => Err(format!("a failure on purpose was not noticed (exit code {:?}):\n{}", run.code, run.text).into()),
        }
    }
}

/// How the run of an image ended.
#[derive(Debug)]
struct Run {
    /// None: it didn't end by itself.
    code: Option<i32>,
    took: Duration,
    text: String,
}

impl Run {
    /// What ran: an error unless the image says at its end that all is well, and exits so.
    fn report(&self, name: &str) -> Outcome<Report> {
        let counts = self.text.lines().last().and_then(counts).filter(|_| self.code == Some(0));
        let Some([ran, left_out, ignored]) = counts else {
            return Err(format!("{name} failed on the Cortex-M3 (exit code {:?}):\n{}", self.code, self.text).into());
        };
        let entry = |line: &str| line.split_once(LEFT_OUT).map(|(test, reason)| format!("{test}: {reason}"));
        let entries: BTreeSet<_> = self.text.lines().filter_map(entry).collect();
        if entries.len() != left_out {
            return Err(format!("{name} left out {left_out} tests, and named {}", entries.len()).into());
        }
        Ok(Report { ran, ignored, left_out: entries })
    }
}

/// The numbers in `suite: 41 ran, 1 left out, 0 ignored`.
fn counts(line: &str) -> Option<[usize; 3]> {
    let (ran, rest) = line.strip_prefix("suite: ")?.split_once(" ran, ")?;
    let (left_out, rest) = rest.split_once(" left out, ")?;
    let ignored = rest.strip_suffix(" ignored")?;
    Some([ran.parse().ok()?, left_out.parse().ok()?, ignored.parse().ok()?])
}

/// Runs the images side by side, as many as there are processors.
fn run_all(qemu: &Qemu, images: &[Image]) -> Outcome<Report> {
    let (queue, done) = (Mutex::new(images.iter()), Mutex::new(Vec::new()));
    let work = || {
        while let Some(image) = { queue.lock().ok().and_then(|mut queue| queue.next()) } {
            let outcome = qemu.run(image, "").and_then(|run| {
                println!("    {:24} {:>6.1} s", image.name, run.took.as_secs_f64());
                run.report(&image.name)
            });
            // A message, for the error itself can't leave its thread.
            let outcome = outcome.map_err(|error| error.to_string());
            done.lock().iter_mut().for_each(|done| done.push(outcome.clone()));
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let done = done.into_inner()?;
    let mut total = Report::default();
    for report in done {
        let Report { ran, ignored, left_out } = report?;
        total.ran += ran;
        total.ignored += ignored;
        total.left_out.extend(left_out);
    }
    Ok(total)
}

/// What ran and what didn't.
#[derive(Debug, Clone, Default)]
struct Report {
    ran: usize,
    ignored: usize,
    /// As in `left_out.txt`.
    left_out: BTreeSet<String>,
}

impl Report {
    /// None is missing of all the tests in the sources.
    fn check(&self, in_sources: usize) -> Outcome {
        let here = self.ran + self.ignored + self.left_out.len();
        if here == in_sources {
            return Ok(());
        }
        Err(format!("the sources have {in_sources} `#[test]`s, the images {here} tests").into())
    }

    /// Every entry of the list names a test, or it would hide one that gets this name later.
    fn check_list(&self, list: &str) -> Outcome {
        let mut entries = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        match entries.find(|entry| !self.left_out.contains(*entry)) {
            Some(entry) => Err(format!("left_out.txt has an entry without a test: {entry}").into()),
            None => Ok(()),
        }
    }
}

/// How many `#[test]`s the Rust files have in and below `folder`.
fn attributes(folder: &Path) -> Outcome<usize> {
    let mut sum = 0;
    for path in files_below(folder)?.iter().filter(|path| path.extension() == Some(OsStr::new("rs"))) {
        sum += fs::read_to_string(path)?.lines().filter(|line| line.trim() == "#[test]").count();
    }
    Ok(sum)
}

const TARGET: &str = "thumbv7m-none-eabi";
/// A quick image, which is made to fail.
const PROOF: &str = "way_of_a_value";
/// It takes as long as all others.
const LONGEST: &str = "access_model";
/// After this time an image hangs.
const PATIENCE: Duration = Duration::from_secs(600);
/// As the images print it, behind a test's name and before the reason.
const LEFT_OUT: &str = " ... left out: ";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GOOD: &str = "src/a.rs a ... ok\ntests/b.rs b ... left out: why\nsuite: 1 ran, 1 left out, 2 ignored\n";

    fn run(code: Option<i32>, text: &str) -> Run {
        Run { code, took: Duration::ZERO, text: text.into() }
    }

    /// All of it must be there: the exit code, the closing line, and a name for each test that was left out.
    #[test]
    fn only_a_whole_run_passes() {
        let report = run(Some(0), GOOD).report("x").unwrap();
        assert_eq!((report.ran, report.ignored, report.left_out.len()), (1, 2, 1));
        let cut = GOOD.rsplit_once("suite").unwrap().0;
        let nameless = GOOD.replace("left out: why", "ok");
        for (code, text) in [(Some(1), GOOD), (None, GOOD), (Some(0), cut), (Some(0), ""), (Some(0), &nameless)] {
            assert!(run(code, text).report("x").is_err(), "{code:?} {text}");
        }
    }

    /// One test more in the sources, or one entry more in the list, is an error.
    #[test]
    fn nothing_is_lost() {
        let report = run(Some(0), GOOD).report("x").unwrap();
        assert!(report.check(4).is_ok());
        assert!(report.check(5).is_err() && report.check(3).is_err());
        assert!(report.check_list("# why\n\ntests/b.rs b: why\n").is_ok());
        assert!(report.check_list("tests/b.rs b: why\ntests/b.rs gone: why\n").is_err());
    }

    /// The suite must have what the core has; dependencies of the tests may differ.
    #[test]
    fn a_difference_from_the_core_is_found() {
        let dependency = |name: &str, kind: Value| json!({ "name": name, "kind": kind });
        let core = json!({ "features": {}, "dependencies": [dependency("a", Value::Null), dependency("dev", json!("dev"))],
            "targets": [{ "name": "x", "kind": ["test"] }] });
        let mut suite = core.clone();
        suite["dependencies"][1]["name"] = json!("other");
        assert!(compare(&core, &suite).is_ok());
        for (part, other) in [("features", json!({ "f": [] })), ("dependencies", json!([])), ("targets", json!([]))] {
            let mut suite = suite.clone();
            suite[part] = other;
            assert!(compare(&core, &suite).is_err(), "{part}");
        }
    }
}
