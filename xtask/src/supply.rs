//! What the workspace takes from others: under which licences, in how many versions, and how much of it the core links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use spdx::{Expression, ParseMode};

use crate::Outcome;
use crate::metadata::{CORE, Metadata, Package};
use crate::process::{cargo, output};

/// Checks all three.
pub(crate) fn check(root: &Path) -> Outcome {
    let packages = Metadata::load(root)?.foreign_packages()?;
    let mut wrong = licences(&packages);
    wrong.extend(duplicates(&packages));
    wrong.extend(counted(root)?);
    if wrong.is_empty() {
        println!("    {} packages of others: licences and versions are as listed", packages.len());
        return Ok(());
    }
    Err(wrong.join("\n       ").into())
}

/// Whoever builds, links or ships this may do so under these, whatever they do with it.
const LICENCES: [&str; 9] =
    ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Unicode-3.0", "Unlicense", "Zlib"];

/// Other licences, of these packages only, and why they are accepted.
const EXCEPTIONS: [(&str, &str, &str); 1] =
    [("serialport", "MPL-2.0", "asks for the source of that crate alone; the program links it, the core doesn't")];

/// Packages that are there in several versions, and who holds on to the older.
const DUPLICATES: [(&str, &str); 10] = [
    ("bitflags", "serialport"),
    ("block-buffer", "argon2, until its 0.6"),
    ("cpufeatures", "argon2, until its 0.6"),
    ("crypto-common", "argon2, until its 0.6"),
    ("embedded-io", "postcard names both, as features that are off"),
    ("getrandom", "ring"),
    ("nix", "serialport"),
    ("rand_core", "argon2, until its 0.6"),
    ("syn", "zeroize_derive; at compile time only"),
    ("windows-sys", "ring and serialport; on Windows only"),
];

fn licences(packages: &[Package]) -> Vec<String> {
    let refused = packages.iter().filter_map(|package| why_refused(package).map(|why| (package, why)));
    refused.map(|(package, why)| format!("{} {}: {why}", package.name, package.version)).collect()
}

fn why_refused(package: &Package) -> Option<String> {
    let Some(text) = &package.licence else { return Some("states no licence".into()) };
    // A slash stood for OR before there was SPDX.
    let Ok(expression) = Expression::parse_mode(text, ParseMode::LAX) else {
        return Some(format!("its licence `{text}` can't be read"));
    };
    let accepted = |licence: &str| {
        let excepted = EXCEPTIONS.iter().any(|(name, other, _)| *name == package.name && *other == licence);
        excepted || LICENCES.contains(&licence)
    };
    let holds = expression.evaluate(|required| required.license.id().is_some_and(|id| accepted(id.name)));
    (!holds).then(|| format!("`{text}` is not among the accepted licences"))
}

/// What is there twice and not listed, and what is listed and not there twice any more.
fn duplicates(packages: &[Package]) -> Vec<String> {
    let mut versions = BTreeMap::<&str, BTreeSet<&str>>::new();
    for package in packages {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let listed = |name: &str| DUPLICATES.iter().any(|(known, _)| *known == name);
    let new = versions.iter().filter(|(name, _)| !listed(name));
    let new = new.map(|(name, versions)| format!("{name} is there in several versions: {versions:?}"));
    let gone = DUPLICATES.iter().filter(|(name, _)| !versions.contains_key(name));
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
        let accepted = |name: &str, licence| why_refused(&package(name, "1.0.0", licence)).is_none();
        for good in ["MIT", "MIT OR GPL-3.0-only", "Unlicense/MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
            assert!(accepted("some", Some(good)), "{good}");
        }
        for bad in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "MPL-2.0", "no licence", ""] {
            assert!(!accepted("some", Some(bad)), "{bad}");
        }
        assert!(!accepted("some", None));
        assert!(accepted("serialport", Some("MPL-2.0")));
    }

    /// A second version that nobody listed, and a listed one that is gone.
    #[test]
    fn duplicates_are_told() {
        let listed =
            DUPLICATES.iter().flat_map(|(name, _)| [package(name, "1.0.0", None), package(name, "2.0.0", None)]);
        let mut packages: Vec<_> = listed.collect();
        assert!(duplicates(&packages).is_empty());
        packages.extend([package("new", "1.0.0", None), package("new", "1.0.1", None)]);
        packages.retain(|package| package.name != "syn" || package.version == "2.0.0");
        let told = duplicates(&packages);
        assert!(told.len() == 2 && told[0].starts_with("new ") && told[1].starts_with("syn "), "{told:?}");
    }

    /// Each crate once, and not the core.
    #[test]
    fn what_is_linked_is_counted() {
        assert_eq!(linked("symbolon v0.1.0 (/x)\nb v1.0.0\na v1.0.0\nb v1.0.0\n\n"), ["a", "b"]);
    }
}
