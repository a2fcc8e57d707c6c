//! Every input of the corpora, and every one that ever broke a promise, goes through its target once more.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use symbolon_fuzz_targets::{TARGETS, grant_file, messages, protect, roles_file, schema, session_file};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of a folder that need not be there, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The input is named before it is tried, so that it stands above the panic's message.
fn replay(folder: &str, at_least: usize) {
    for target in TARGETS {
        let inputs = files(&fuzz().join(folder).join(target.name));
        assert!(inputs.len() >= at_least, "{}: {} inputs in {folder}", target.name, inputs.len());
        for input in inputs {
            println!("{}", input.display());
            (target.run)(&fs::read(input).unwrap());
        }
    }
}

#[test]
fn corpora() {
    replay("corpus", 3);
}

#[test]
fn regressions() {
    replay("regressions", 0);
}

/// What the targets begin with breaks nothing, and neither does nothing at all.
#[test]
fn seeds() {
    for target in TARGETS {
        (target.run)(&[]);
        (target.seeds)().iter().for_each(|seed| (target.run)(seed));
    }
}

/// What is good among the seeds is taken as what it is, and what isn't is refused: a reader that took nothing would break no other promise. Each
/// seed has its name here; one that is to be refused has none.
#[test]
fn what_is_good_is_taken() {
    type Taken = fn(&[u8]) -> Vec<&'static str>;
    let readers: [(&str, Taken, &[&str]); 6] = [
        ("schema", schema::taken, &["schema", "schema", "", "", "", "", "", ""]),
        ("grant_file", grant_file::taken, &["grant", "grant", "", "", "", ""]),
        ("session_file", session_file::taken, &["session", "session", "", "", "", "", "", ""]),
        ("roles_file", roles_file::taken, &["roles", "roles", "roles", "", "", "", "", "roles"]),
        ("messages", messages::taken, &MESSAGES),
        ("protect", protect::taken, &PROTECTED),
    ];
    for (name, taken, expected) in readers {
        let seeds = TARGETS.iter().find(|target| target.name == name).map(|target| (target.seeds)()).unwrap();
        assert_eq!(seeds.len(), expected.len(), "{name}");
        for (number, (seed, expected)) in seeds.iter().zip(expected).enumerate() {
            let taken = taken(seed);
            let is_right = if expected.is_empty() { taken.is_empty() } else { taken.contains(expected) };
            assert!(is_right, "seed {number} of {name} was taken as {taken:?}, and is {expected:?}");
        }
    }
}

const MESSAGES: [&str; 23] = [
    "Request",
    "Request",
    "Request",
    "Request",
    "Request",
    "Response",
    "Response",
    "OfficerAct",
    "OfficerAct",
    "IssuerAct",
    "IssuerAct",
    "AuditorAct",
    "SessionAct",
    "SessionAct",
    "SessionAct",
    "SessionAct",
    "Sealing",
    "Who",
    "Asked",
    "Opening",
    "Granting",
    "SessionAct",
    "",
];

const PROTECTED: [&str; 17] = [
    "table", "table", "table", "table", "table", "", "", "", "lines", "lines", "lines", "", "", "", "table", "",
    "lines",
];

/// A target has a module, a program and a corpus; none of them is there without the others.
#[test]
fn nothing_is_left_out() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names.len(), TARGETS.len());
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let programs: BTreeSet<String> = manifest
        .split("[[bin]]")
        .skip(1)
        .map(|part| part.split_once("name = \"").unwrap().1.split_once('"').unwrap().0.to_owned())
        .collect();
    assert_eq!(programs, names, "the programs of fuzz/Cargo.toml");
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let sources: BTreeSet<String> = files(&fuzz().join("fuzz_targets")).into_iter().map(stem).collect();
    assert_eq!(sources, names, "fuzz_targets/*.rs");
    for name in &names {
        let source = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("symbolon_fuzz_targets::{name}::run(data)")), "{name}.rs calls another");
    }
    for folder in ["corpus", "regressions"] {
        let folders: BTreeSet<String> = files(&fuzz().join(folder)).into_iter().map(stem).collect();
        assert!(folders.is_subset(&names), "{folder} has folders of no target: {folders:?}");
    }
}
