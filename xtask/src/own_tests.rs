//! Which of the core's source is there for its tests only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::files::files_below;

/// The files of modules that there are for tests only.
pub(crate) fn files_for_tests(folder: &Path) -> Outcome<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for path in files_below(folder)? {
        // What a file declares stands in the folder of its name; what lib.rs declares, beside it.
        let of_root = path.ends_with("src/lib.rs");
        let inside = if of_root { folder.into() } else { path.with_extension("") };
        found.extend(modules_for_tests(&fs::read_to_string(&path)?).map(|name| inside.join(format!("{name}.rs"))));
    }
    Ok(found)
}

/// `mod name;` behind `#[cfg(test)]`.
fn modules_for_tests(source: &str) -> impl Iterator<Item = &str> {
    let after = source.split("#[cfg(test)]\n").skip(1);
    after.filter_map(|rest| rest.lines().next()?.strip_prefix("mod ")?.strip_suffix(';'))
}

/// The line on which the file's own tests begin, or none that it has.
pub(crate) fn first_line_of_tests(source: &str) -> u64 {
    let lines: Vec<&str> = source.lines().collect();
    let begins = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod tests");
    let at = lines.windows(2).position(begins);
    at.and_then(|at| u64::try_from(at + 1).ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Modules for tests are told by theirs.
    #[test]
    fn modules_for_tests_are_told() {
        let source =
            "mod a;\n#[cfg(test)]\nmod cost;\n#[cfg(test)]\nmod tests {\n}\n#[cfg(test)]\npub(crate) fn f() {}\n";
        assert_eq!(modules_for_tests(source).collect::<Vec<_>>(), ["cost"]);
    }

    /// A file's own tests are not its code.
    #[test]
    fn tests_are_told_by_their_attribute() {
        assert_eq!(first_line_of_tests("fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n"), 3);
        assert_eq!(first_line_of_tests("#[cfg(test)]\nuse x;\nfn a() {}\n"), u64::MAX);
    }
}
