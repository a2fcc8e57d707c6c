//! What the repository takes from others: under which licences, in how many versions, and how much of it the core links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use spdx::{Expression, ParseMode};

use crate::Outcome;
use crate::files::tracked;
use crate::metadata::{CORE, Metadata, Package};
use crate::process::{cargo, output};

/// Checks all three: the first two of every workspace.
pub(crate) fn check(root: &Path) -> Outcome {
    let mut wrong = Vec::new();
    let mut versions = BTreeMap::new();
    for lock in tracked(root, &["*Cargo.lock"])? {
        let workspace = lock.trim_end_matches("Cargo.lock");
        let packages = Metadata::load(&root.join(workspace))?.foreign_packages()?;
        println!("    {lock}: {} packages of others", packages.len());
        let measured = workspace == MEASURED;
        wrong.extend(licences(&packages, measured).map(|why| format!("{lock}: {why}")));
        if !measured {
            several(&packages, &mut versions);
        }
    }
    wrong.extend(duplicates(&versions));
    wrong.extend(counted(root)?);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n       ").into()) }
}

/// Whoever builds, links or ships this may do so under these, whatever they do with it.
const LICENCES: [&str; 9] =
    ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Unicode-3.0", "Unlicense", "Zlib"];

/// Other licences, of these packages only, and why they are accepted.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    ("libfuzzer-sys", "NCSA", "asks what MIT and BSD-3-Clause ask; only the fuzzer links it"),
    ("serialport", "MPL-2.0", "asks for the source of that crate alone; the program links it, the core doesn't"),
];

/// The workspace of the measurements. Its program has the peers in it, is built by who measures, and goes to nobody else: so licences that ask for
/// something of those who pass a program on are in order there. And its duplicates are the peers', whose versions are not ours to choose.
const MEASURED: &str = "benches/";
const LICENCES_MEASURED: [&str; 3] = ["AGPL-3.0-only", "CDLA-Permissive-2.0", "MPL-2.0"];

/// Packages that are there in several versions, and who holds on to the older.
const DUPLICATES: [(&str, &str); 12] = [
    ("bitflags", "serialport"),
    ("block-buffer", "argon2, until its 0.6"),
    ("cpufeatures", "argon2, until its 0.6"),
    ("crypto-common", "argon2, until its 0.6"),
    ("embedded-hal", "cortex-m, in the test firmware"),
    ("embedded-io", "postcard names both, as features that are off"),
    ("getrandom", "ring"),
    ("nb", "embedded-hal's old version, for cortex-m"),
    ("nix", "serialport"),
    ("rand_core", "argon2, until its 0.6"),
    ("syn", "zeroize_derive; at compile time only"),
    ("windows-sys", "ring and serialport; on Windows only"),
];

fn licences(packages: &[Package], measured: bool) -> impl Iterator<Item = String> {
    let refused = packages.iter().filter_map(move |package| Some((package, why_refused(package, measured)?)));
    refused.map(|(package, why)| format!("{} {}: {why}", package.name, package.version))
}

fn why_refused(package: &Package, measured: bool) -> Option<String> {
    let Some(text) = &package.licence else { return Some("states no licence".into()) };
    // A slash stood for OR before there was SPDX.
    let Ok(expression) = Expression::parse_mode(text, ParseMode::LAX) else {
        return Some(format!("its licence `{text}` can't be read"));
    };
    let accepted = |licence: &str| {
        let excepted = EXCEPTIONS.iter().any(|(name, other, _)| *name == package.name && *other == licence);
        excepted || LICENCES.contains(&licence) || (measured && LICENCES_MEASURED.contains(&licence))
    };
    let holds = expression.evaluate(|required| required.license.id().is_some_and(|id| accepted(id.name)));
    (!holds).then(|| format!("`{text}` is not among the accepted licences"))
}

/// Adds the packages that a workspace has in several versions, with these.
fn several(packages: &[Package], found: &mut BTreeMap<String, BTreeSet<String>>) {
    let mut versions = BTreeMap::<&str, BTreeSet<String>>::new();
    for package in packages {
        versions.entry(&package.name).or_default().insert(package.version.clone());
    }
    for (name, versions) in versions.into_iter().filter(|(_, versions)| versions.len() > 1) {
        found.entry(name.into()).or_default().extend(versions);
    }
}

/// What is there twice and not listed, and what is listed and not there twice any more.
fn duplicates(found: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let new = found.iter().filter(|(name, _)| !DUPLICATES.iter().any(|(known, _)| known == name));
    let new = new.map(|(name, versions)| format!("{name} is there in several versions: {versions:?}"));
    let gone = DUPLICATES.iter().filter(|(name, _)| !found.contains_key(*name));
    new.chain(gone.map(|(name, _)| format!("{name} is there once: take it off the list of duplicates"))).collect()
}

/// What the core links on a device, besides itself, is the number that the README states.
fn counted(root: &Path) -> Outcome<Option<String>> {
    let tree = ["tree", "--package", CORE, "--edges", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe"];
    let said = output(cargo(root).args(tree).args(["--target", "thumbv7em-none-eabi"]))?;
    let linked = linked(&said);
    println!("    the core links {} crates of others on a device: {}", linked.len(), linked.join(", "));
    let stated = format!("{} crates of others", linked.len());
    let readme = fs::read_to_string(root.join("README.md"))?;
    Ok((!readme.contains(&stated)).then(|| format!("README.md does not say \"{stated}\"")))
}

fn linked(tree: &str) -> Vec<&str> {
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    names.into_iter().filter(|name| !name.is_empty() && *name != CORE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, licence: Option<&str>) -> Package {
        Package { name: name.into(), version: version.into(), licence: licence.map(Into::into) }
    }

    /// One choice that is accepted is enough, both sides of an AND are needed, and an exception is one package's.
    #[test]
    fn licences_are_told() {
        let accepted = |name: &str, licence| why_refused(&package(name, "1.0.0", licence), false).is_none();
        for good in ["MIT", "MIT OR GPL-3.0-only", "Unlicense/MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
            assert!(accepted("some", Some(good)), "{good}");
        }
        for bad in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "MPL-2.0", "no licence", ""] {
            assert!(!accepted("some", Some(bad)), "{bad}");
        }
        assert!(!accepted("some", None));
        assert!(accepted("serialport", Some("MPL-2.0")));
    }

    /// What asks for something of those who pass a program on may be measured, and nothing more.
    #[test]
    fn more_may_be_measured() {
        let refused = |licence, measured| licences(&[package("peer", "1.0.0", Some(licence))], measured).count();
        assert_eq!([refused("AGPL-3.0-only", false), refused("AGPL-3.0-only", true)], [1, 0]);
        assert_eq!(refused("Proprietary", true), 1);
    }

    /// A second version that nobody listed, and a listed one that is gone.
    #[test]
    fn duplicates_are_told() {
        let both = |name: &str| ["1.0.0", "2.0.0"].map(|version| package(name, version, None));
        let mut found = BTreeMap::new();
        several(&DUPLICATES.iter().flat_map(|(name, _)| both(name)).collect::<Vec<_>>(), &mut found);
        assert!(duplicates(&found).is_empty());
        several(&both("new"), &mut found);
        found.remove("syn");
        let told = duplicates(&found);
        assert!(told.len() == 2 && told[0].starts_with("new ") && told[1].starts_with("syn "), "{told:?}");
    }

    /// A version in one workspace and another in the next are not there together.
    #[test]
    fn workspaces_are_looked_at_alone() {
        let mut found = BTreeMap::new();
        for version in ["1.0.0", "2.0.0"] {
            several(&[package("some", version, None)], &mut found);
        }
        assert!(found.is_empty());
    }

    /// Each crate once, and not the core.
    #[test]
    fn what_is_linked_is_counted() {
        assert_eq!(linked("symbolon v0.1.0 (/x)\nb v1.0.0\na v1.0.0\nb v1.0.0\n\n"), ["a", "b"]);
    }
}
