//! A copy of the repository with all mutants in it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::switch::{Mutant, Plan, Switched};
use crate::Outcome;
use crate::files::tracked;
use crate::metadata::CORE;
use crate::process::cargo;

/// The copy.
pub(super) struct Tree {
    pub(super) folder: PathBuf,
    target: PathBuf,
    /// The files that have mutants, as they are.
    texts: BTreeMap<String, String>,
}

/// What became of the mutants when they were put in.
pub(super) struct Placed {
    /// Each is behind its switch.
    pub(super) switched: BTreeSet<usize>,
    /// The compiler refuses what they put in.
    pub(super) unviable: BTreeSet<usize>,
    /// No switch can change these, or something around them: each takes a build of its own.
    pub(super) alone: BTreeSet<usize>,
}

/// Which features the core is built with.
pub(super) type Features = &'static [&'static str];

impl Tree {
    /// Copies what git keeps, where it differs; what is the same isn't built again.
    pub(super) fn new(root: &Path, work: &Path, mutants: &[Mutant]) -> Outcome<Self> {
        let folder = work.join("tree");
        for name in tracked(root, &[])? {
            let Ok(content) = fs::read(root.join(&name)) else { continue };
            write(&folder.join(name), &content)?;
        }
        let names: BTreeSet<_> = mutants.iter().map(|mutant| mutant.file.clone()).collect();
        let read = |name: String| Ok((name.clone(), fs::read_to_string(root.join(&name))?));
        let texts = names.into_iter().map(read).collect::<Outcome<_>>()?;
        Ok(Self { folder, target: work.join("build"), texts })
    }

    /// Puts in all mutants of these numbers that the compiler takes.
    pub(super) fn switch(&self, mutants: &[Mutant], numbers: &BTreeSet<usize>, features: Features) -> Outcome<Placed> {
        let mut plans = BTreeMap::new();
        for (name, text) in &self.texts {
            let here =
                mutants.iter().enumerate().filter(|(number, mutant)| numbers.contains(number) && mutant.file == *name);
            plans.insert(name.as_str(), Plan::new(text, &here.collect::<Vec<_>>())?);
        }
        let mut placed = Placed {
            switched: plans.values().flat_map(Plan::numbers).collect(),
            unviable: BTreeSet::new(),
            alone: BTreeSet::new(),
        };
        placed.alone = numbers.difference(&placed.switched).copied().collect();
        let (mut dropped, mut constant) = (HashSet::new(), HashSet::new());
        let module = include_str!("switched.rs").replace("MUTANTS]", &format!("{}]", mutants.len()));
        loop {
            let files: BTreeMap<_, _> =
                plans.iter().map(|(name, plan)| (*name, plan.write(&dropped, &constant))).collect();
            for (name, switched) in &files {
                write(&self.folder.join(name), switched.text.as_bytes())?;
            }
            let lib = self
                .texts
                .get("src/lib.rs")
                .cloned()
                .map_or_else(|| fs::read_to_string(self.folder.join("src/lib.rs")), Ok)?;
            let lib = lib.split("/// Which mutant is on").next().unwrap_or_default();
            write(&self.folder.join("src/lib.rs"), format!("{lib}{module}").as_bytes())?;
            let mut errors = self.check(features, &["--lib"])?;
            if errors.is_empty() {
                // The tests have constants too.
                errors = self.check(features, &["--lib", "--tests"])?;
            }
            let (behind, alone) = (placed.switched.len(), placed.alone.len());
            println!("    {behind} behind switches, {alone} need builds of their own, {} errors", errors.len());
            if errors.is_empty() {
                return Ok(placed);
            }
            let before = (dropped.len(), constant.len());
            for error in &errors {
                if let Some(name) = error.constant() {
                    constant.insert(name);
                    continue;
                }
                let (own, around) = error.mutants(&files);
                let own = own.filter(|_| error.code != NOT_CONSTANT);
                for number in own.map_or(around, |number| vec![number]) {
                    dropped.insert(number);
                    placed.switched.remove(&number);
                    if own.is_some() { &mut placed.unviable } else { &mut placed.alone }.insert(number);
                }
            }
            if before == (dropped.len(), constant.len()) {
                let first = errors.first().map(|error| error.message.as_str()).unwrap_or_default();
                return Err(
                    format!("the core with all mutants does not build, and no mutant is the cause: {first}").into()
                );
            }
        }
    }

    /// Puts in this one alone.
    pub(super) fn put(&self, mutant: &Mutant) -> Outcome {
        self.restore()?;
        let text = self.texts.get(&mutant.file).map(String::as_str).unwrap_or_default();
        write(&self.folder.join(&mutant.file), mutant.applied(text).as_bytes())
    }

    fn restore(&self) -> Outcome {
        self.texts.iter().try_for_each(|(name, text)| write(&self.folder.join(name), text.as_bytes()))
    }

    /// The errors of the compiler in the core as it is now.
    fn check(&self, features: Features, what: &[&str]) -> Outcome<Vec<Error>> {
        let said =
            self.cargo("check", features).args(what).args(["--keep-going", "--message-format", "json"]).output()?;
        let messages = String::from_utf8(said.stdout)?;
        let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let errors: Vec<_> = messages.filter_map(|message| Error::read(&message["message"])).collect();
        if said.status.success() != errors.is_empty() {
            return Err(String::from_utf8_lossy(&said.stderr).into_owned().into());
        }
        Ok(errors)
    }

    /// Builds these test programs of the core as it is now; `None` where it doesn't build.
    pub(super) fn build(&self, features: Features, programs: &[&str]) -> Outcome<Option<Vec<PathBuf>>> {
        Self::built(self.cargo("test", features), programs)
    }

    /// The same with the compiler's lints: one of them ends a constant's loop that has no end.
    pub(super) fn build_alone(&self, features: Features, programs: &[&str]) -> Outcome<Option<Vec<PathBuf>>> {
        let mut command = self.cargo("test", features);
        // It is built more often than it runs.
        command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "0").env("CARGO_PROFILE_DEV_DEBUG", "none");
        command.env("RUSTFLAGS", POLY1305);
        Self::built(command, programs)
    }

    fn built(mut command: std::process::Command, programs: &[&str]) -> Outcome<Option<Vec<PathBuf>>> {
        let said = command.args(programs).args(["--no-run", "--message-format", "json"]).output()?;
        let messages = String::from_utf8(said.stdout)?;
        let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let programs: BTreeSet<_> =
            messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).collect();
        Ok(said.status.success().then(|| programs.into_iter().collect()))
    }

    fn cargo(&self, what: &str, features: Features) -> std::process::Command {
        let mut command = cargo(&self.folder);
        command.args([what, "--package", CORE]).args(features).arg("--target-dir").arg(&self.target);
        command.env("RUSTFLAGS", format!("--cap-lints warn {POLY1305}"));
        command
    }
}

/// What `.cargo/config.toml` says, whose place the flags of a build take. (A switch makes code that lints would refuse, hence the other.)
const POLY1305: &str = "--cfg poly1305_backend=\"soft\"";

/// The compiler's number for what is not constant, where it must be.
const NOT_CONSTANT: &str = "E0015";

/// And for a `match` that doesn't cover all.
const NOT_ALL_COVERED: &str = "E0004";

/// What the compiler says.
struct Error {
    code: String,
    message: String,
    file: String,
    at: usize,
}

impl Error {
    fn read(message: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let spans = message["spans"].as_array()?;
        let primary = spans.iter().find(|span| span["is_primary"] == true)?;
        (message["level"] == "error").then_some(())?;
        Some(Self {
            code: text(&message["code"]["code"]),
            message: text(&message["message"]),
            file: text(&primary["file_name"]),
            at: usize::try_from(primary["byte_start"].as_u64()?).ok()?,
        })
    }

    /// The function that must stay constant: a constant, or another such function, calls it.
    fn constant(&self) -> Option<String> {
        let path = self.message.strip_prefix("cannot call non-const ").filter(|_| self.code == NOT_CONSTANT)?;
        let path = path.split('`').nth(1).filter(|path| *path != "on" && !path.ends_with("::on"))?;
        let mut words = without_generics(path).split("::").map(str::to_owned).collect::<Vec<_>>();
        let name = words.pop()?;
        let owner = words.pop().filter(|word| word.starts_with(char::is_uppercase)).unwrap_or_default();
        Some(format!("{owner}::{name}"))
    }

    /// The mutant whose own text is wrong, and those around it.
    fn mutants(&self, files: &BTreeMap<&str, Switched>) -> (Option<usize>, Vec<usize>) {
        let Some(file) = files.get(self.file.as_str()) else { return (None, Vec::new()) };
        if self.code == NOT_ALL_COVERED {
            return (None, file.guards(self.at));
        }
        (file.own(self.at), file.around(self.at).to_vec())
    }
}

/// A path without what stands in angle brackets.
fn without_generics(path: &str) -> String {
    let mut depth = 0_i32;
    let outside = path.chars().filter(|letter| {
        depth += match letter {
            '<' => 1,
            '>' => -1,
            _ => 0,
        };
        depth == 0 && *letter != '>'
    });
    outside.collect::<String>().replace("::::", "::")
}

/// Writes a file, unless it holds just that.
fn write(path: &Path, content: &[u8]) -> Outcome {
    if fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, content)?)
}
