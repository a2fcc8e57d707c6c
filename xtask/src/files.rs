//! Files of a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::process::output;

/// All files in and below `folder`, sorted.
pub(crate) fn files_below(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}

/// What git keeps of these paths, or of all, by the names below `root`.
pub(crate) fn tracked(root: &Path, paths: &[&str]) -> Outcome<Vec<String>> {
    let listed = output(Command::new("git").current_dir(root).args(["ls-files", "-z", "--"]).args(paths))?;
    Ok(listed.split_terminator('\0').map(str::to_owned).collect())
}
