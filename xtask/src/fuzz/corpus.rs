//! Which inputs a committed corpus keeps: few, that together reach as much as they can.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;

/// An input, and the places in the code that it reaches.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Input {
    path: PathBuf,
    reaches: BTreeSet<u64>,
}

/// Reads the account that libFuzzer leaves of a merge: how many inputs, how many of them are in the first folder, their names; then for each
/// what it reaches. (With `-set_cover_merge=1` that is all that it reaches; otherwise it would be what no input before did.)
pub(super) fn read(account: &str) -> Option<Vec<Input>> {
    let mut lines = account.lines();
    let count: usize = lines.next()?.parse().ok()?;
    let _in_the_first_folder = lines.next()?;
    let mut inputs: Vec<_> =
        lines.by_ref().take(count).map(|path| Input { path: path.into(), reaches: BTreeSet::new() }).collect();
    for line in lines {
        let Some(numbers) = line.strip_prefix("FT ") else { continue };
        let mut numbers = numbers.split_whitespace().map(str::parse::<u64>);
        let at = usize::try_from(numbers.next()?.ok()?).ok()?;
        inputs.get_mut(at)?.reaches = numbers.collect::<Result<_, _>>().ok()?;
    }
    (inputs.len() == count).then_some(inputs)
}

/// Those that are kept: all seeds, and then always the one that reaches the most that none before did; the shorter where two reach as much.
pub(super) fn chosen(inputs: &[Input], most: usize, len: impl Fn(&Path) -> u64) -> BTreeSet<&Path> {
    let (seeds, mut others): (Vec<_>, Vec<_>) = inputs.iter().partition(|input| is_seed(&input.path));
    let mut reached: BTreeSet<u64> = seeds.iter().flat_map(|input| &input.reaches).copied().collect();
    let mut chosen: BTreeSet<&Path> = seeds.iter().map(|input| input.path.as_path()).collect();
    let lens: BTreeMap<&Path, u64> = others.iter().map(|input| (input.path.as_path(), len(&input.path))).collect();
    while chosen.len() < most {
        others.retain(|input| !input.reaches.is_subset(&reached));
        let best = others.iter().copied().max_by_key(|input| {
            let gain = input.reaches.difference(&reached).count();
            (gain, Reverse(lens.get(input.path.as_path())), Reverse(&input.path))
        });
        let Some(best) = best else { break };
        reached.extend(&best.reaches);
        chosen.insert(&best.path);
    }
    chosen
}

fn is_seed(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"))
}

/// Makes the folder have these inputs of its own and of others, and none besides.
pub(super) fn put(folder: &Path, chosen: &BTreeSet<&Path>) -> Outcome {
    for path in chosen {
        let name = path.file_name().ok_or("an input without a name")?;
        let place = folder.join(name);
        if !place.exists() {
            fs::copy(path, place)?;
        }
    }
    let names: BTreeSet<_> = chosen.iter().filter_map(|path| path.file_name()).collect();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !names.contains(entry.file_name().as_os_str()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "4\n1\na/seed-00\nb/long\nb/short\nb/little\nSTARTED 0 3\nFT 0 1 2\nCOV 0 9\nSTARTED 1 9\nFT 1 1 3 4\n\
                           STARTED 2 2\nFT 2 3 4 2\nSTARTED 3 1\nFT 3 5\n";

    fn names<'n>(chosen: &BTreeSet<&'n Path>) -> Vec<&'n str> {
        chosen.iter().map(|path| path.to_str().unwrap()).collect()
    }

    /// Seeds stay; the most is taken first, the shorter of two, and nothing that adds nothing.
    #[test]
    fn the_most_comes_first() {
        let inputs = read(ACCOUNT).unwrap();
        let len = |path: &Path| if path.ends_with("long") { 9 } else { 2 };
        assert_eq!(names(&chosen(&inputs, 9, len)), ["a/seed-00", "b/little", "b/short"]);
        assert_eq!(names(&chosen(&inputs, 2, len)), ["a/seed-00", "b/short"]);
        assert_eq!(names(&chosen(&inputs, 0, len)), ["a/seed-00"]);
    }

    /// What is no account is none.
    #[test]
    fn accounts_are_read_whole() {
        for wrong in ["", "2\n0\na\n", "x\n0\n", "1\n0\na\nFT 7 1\n", "1\n0\na\nFT 0 x\n"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    /// What is not chosen goes, and what is comes.
    #[test]
    fn the_folder_has_what_was_chosen() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(folder.path().join("old"), "x").unwrap();
        fs::write(folder.path().join("stays"), "y").unwrap();
        fs::write(other.path().join("new"), "z").unwrap();
        let (stays, new) = (folder.path().join("stays"), other.path().join("new"));
        put(folder.path(), &BTreeSet::from([stays.as_path(), new.as_path()])).unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["new", "stays"]);
    }
}
