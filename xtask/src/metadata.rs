//! What `cargo metadata` says about the workspace.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Outcome, process};

/// The core's package.
pub(crate) const CORE: &str = "symbolon";

/// The answer of `cargo metadata`.
#[derive(Debug)]
pub(crate) struct Metadata(Value);

impl Metadata {
    /// Asks cargo, in the folder `root`.
    pub(crate) fn load(root: &Path) -> Outcome<Self> {
        let text = process::output(process::cargo(root).args(["metadata", "--format-version", "1", "--all-features"]))?;
        Ok(Self(serde_json::from_str(&text)?))
    }

    /// Where cargo builds.
    pub(crate) fn target_directory(&self) -> Outcome<PathBuf> {
        let folder = self.0["target_directory"].as_str();
        Ok(folder.ok_or("`cargo metadata` names no target directory")?.into())
    }

    /// The features of the core, without `default`.
    pub(crate) fn core_features(&self) -> Outcome<Vec<String>> {
        let features = self.core()?["features"].as_object();
        let features = features.ok_or("`cargo metadata` lists no features of the core")?;
        Ok(features.keys().filter(|name| *name != "default").cloned().collect())
    }

    /// The Rust version that the core declares.
    pub(crate) fn declared_rust(&self) -> Outcome<RustVersion> {
        rust_version(self.core()?)?.ok_or_else(|| "Cargo.toml declares no rust-version".into())
    }

    /// The dependency that asks for the newest Rust, as `name version`, and the Rust it asks for.
    pub(crate) fn most_demanding_dependency(&self) -> Outcome<Option<(String, RustVersion)>> {
        let mut greatest: Option<(String, RustVersion)> = None;
        for package in self.packages()?.iter().filter(|package| !package["source"].is_null()) {
            let Some(rust) = rust_version(package)? else { continue };
            if greatest.as_ref().is_none_or(|(_, most)| rust > *most) {
                greatest = Some((format!("{} {}", text(&package["name"]), text(&package["version"])), rust));
            }
        }
        Ok(greatest)
    }

    /// All packages that are not this workspace's own.
    pub(crate) fn foreign_packages(&self) -> Outcome<Vec<Package>> {
        let foreign = self.packages()?.iter().filter(|package| !package["source"].is_null());
        let read = |package: &Value| Package {
            name: text(&package["name"]).into(),
            version: text(&package["version"]).into(),
            licence: package["license"].as_str().map(Into::into),
        };
        Ok(foreign.map(read).collect())
    }

    fn core(&self) -> Outcome<&Value> {
        let core = self.packages()?.iter().find(|package| package["name"] == CORE && package["source"].is_null());
        core.ok_or_else(|| format!("no package `{CORE}` in this workspace").into())
    }

    fn packages(&self) -> Outcome<&Vec<Value>> {
        self.0["packages"].as_array().ok_or_else(|| "`cargo metadata` lists no packages".into())
    }
}

/// A package of somebody else's.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// As it states it.
    pub(crate) licence: Option<String>,
}

/// A version of Rust, such as 1.89 or 1.89.0: the two are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RustVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl RustVersion {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|part| part.parse().ok());
        let version = Self {
            major: numbers.next()??,
            minor: numbers.next().unwrap_or(Some(0))?,
            patch: numbers.next().unwrap_or(Some(0))?,
        };
        numbers.next().is_none().then_some(version)
    }
}

/// As rustup names a toolchain.
impl fmt::Display for RustVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

fn rust_version(package: &Value) -> Outcome<Option<RustVersion>> {
    let Some(text) = package["rust_version"].as_str() else { return Ok(None) };
    match RustVersion::parse(text) {
        Some(version) => Ok(Some(version)),
        None => Err(format!("cannot read the rust-version `{text}` of {}", package["name"]).into()),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn example() -> Metadata {
        let registry = "registry+index";
        Metadata(json!({
            "target_directory": "target",
            "packages": [
                { "name": CORE, "version": "0.1.0", "source": null, "rust_version": "1.89",
                  "features": { "default": [], "b": [], "a": [] } },
                { "name": "old", "version": "1.0.0", "source": registry, "rust_version": "1.9.2" },
                { "name": "new", "version": "2.0.0", "source": registry, "rust_version": "1.85" },
                { "name": "silent", "version": "3.0.0", "source": registry, "rust_version": null },
            ],
        }))
    }

    /// `default` is a choice among the features, not one of them.
    #[test]
    fn features_are_listed_without_default() {
        assert_eq!(example().core_features().unwrap(), ["a", "b"]);
    }

    /// Versions are compared as numbers: 1.85 is newer than 1.9.
    #[test]
    fn the_most_demanding_dependency_is_found() {
        let (name, rust) = example().most_demanding_dependency().unwrap().unwrap();
        assert_eq!((name.as_str(), rust.to_string().as_str()), ("new 2.0.0", "1.85.0"));
        assert!(example().declared_rust().unwrap() > rust);
    }

    /// Short and long forms are the same version; anything else is refused.
    #[test]
    fn rust_versions_are_parsed() {
        assert_eq!(RustVersion::parse("1.89"), RustVersion::parse("1.89.0"));
        for wrong in ["", "x", "1.x", "1.2.3.4", "1.89.0-nightly"] {
            assert_eq!(RustVersion::parse(wrong), None, "{wrong}");
        }
    }
}
