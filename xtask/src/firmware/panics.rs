//! The panic list: which code of an image can panic, and whose it is.
//!
//! Every panic goes through `core::panicking`, and an image keeps its relocations, so whoever can panic is found from the end: the call of a function of
//! `core::panicking`. Debug information says which functions are inlined at that place, and the innermost that isn't `core`'s is the culprit. Where all are `core`'s, the
//! function around them may panic on its caller's behalf, and its callers are looked at in turn. So nothing depends on a list of names that could be incomplete.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::image::{Frame, Function, Image};
use crate::Outcome;

/// Code that can panic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Culprit {
    /// Code of this repository: none may.
    Ours { function: String, file: String },
    /// A dependency's.
    Dependency { package: String, function: String },
}

/// All code of the image that can panic.
pub(crate) fn culprits(image: &Image) -> Outcome<BTreeSet<Culprit>> {
    let functions = image.functions()?;
    let references = image.references()?;
    let mut panics: BTreeSet<u64> = functions.iter().filter(|f| is_panic(&f.name)).map(|f| f.address).collect();
    if panics.is_empty() {
        return Err("the image has no function of core::panicking: nothing would be found".into());
    }
    let calls: Vec<u64> = references.iter().filter(|reference| reference.in_code).map(|call| call.from).collect();
    let frames: BTreeMap<u64, Vec<Frame>> = calls.iter().copied().zip(image.frames(&calls)?).collect();
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    loop {
        let to_panic = |reference: &&super::image::Reference| panics.contains(&reference.to);
        let new: Vec<u64> =
            references.iter().filter(to_panic).map(|r| r.from).filter(|from| seen.insert(*from)).collect();
        if new.is_empty() {
            return Ok(found);
        }
        for from in new {
            let around = Image::function_at(&functions, from);
            if around.is_some_and(|around| panics.contains(&around.address)) {
                continue;
            }
            match culprit(frames.get(&from).map(Vec::as_slice).unwrap_or_default(), around) {
                Some(culprit) => drop(found.insert(culprit)),
                None => drop(around.map(|around| panics.insert(around.address))),
            }
        }
    }
}

/// Where panics end up. The handler itself is called from there.
fn is_panic(function: &str) -> bool {
    function.starts_with("core::panicking::") || function.ends_with("rust_begin_unwind")
}

/// Whose the code is; nobody's where it is all `core`'s.
fn culprit(frames: &[Frame], around: Option<&Function>) -> Option<Culprit> {
    let unknown = || {
        let function = around.map_or("a pointer in the image's constants", |around| &around.name).to_owned();
        Culprit::Ours { function, file: "no debug information".into() }
    };
    if frames.is_empty() {
        return Some(unknown());
    }
    let frame = frames.iter().find(|frame| !is_core(&frame.file))?;
    Some(match package_and_file(&frame.file) {
        Some((package, file)) => {
            Culprit::Dependency { package, function: format!("{file} {}", short(&frame.function)) }
        }
        None => Culprit::Ours { function: frame.function.clone(), file: frame.file.clone() },
    })
}

/// The function's own name, without its path, its types, and what closure of it it is: compilers write these in more than one way.
fn short(function: &str) -> String {
    let (mut name, mut depth) = (String::new(), 0_usize);
    for letter in function.chars() {
        match letter {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => name.push(letter),
            _ => {}
        }
    }
    let own = name.rsplit("::").find(|part| !part.is_empty() && !part.starts_with('{'));
    own.unwrap_or(function).to_owned()
}

/// Whether a source file is of Rust's own library.
fn is_core(file: &str) -> bool {
    let file = file.replace('\\', "/");
    ["/library/core/", "/library/alloc/", "compiler-builtins", "compiler_builtins"]
        .iter()
        .any(|part| file.contains(part))
}

/// The package of a source file in cargo's registry, without its version, and the file's place in it.
fn package_and_file(file: &str) -> Option<(String, String)> {
    let file = file.replace('\\', "/");
    let (_, inside) = file.split_once("/registry/src/")?;
    let (folder, file) = inside.split_once('/')?.1.split_once('/')?;
    let version = folder.match_indices('-').find(|(at, _)| folder[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let package = version.map_or(folder, |(at, _)| &folder[..at]);
    Some((package.to_owned(), file.to_owned()))
}

/// Compares with the list: every culprit is on it, and nothing else is. Code of ours can't be on it.
pub(crate) fn compare(image: &str, found: &BTreeSet<Culprit>, list: &[Listed]) -> Outcome {
    let listed: BTreeSet<_> = list.iter().filter(|row| row.image == image).map(|row| row.culprit()).collect();
    let mut wrong = Vec::new();
    for culprit in found {
        match culprit {
            Culprit::Ours { function, file } => wrong.push(format!("{function} can panic ({file})")),
            other if !listed.contains(other) => wrong.push(format!("new: {}", line(image, other))),
            Culprit::Dependency { .. } => {}
        }
    }
    wrong.extend(listed.difference(found).map(|gone| format!("no longer there: {}", line(image, gone))));
    if wrong.is_empty() { Ok(()) } else { Err(format!("panics of the image `{image}`: {}", wrong.join("; ")).into()) }
}

fn line(image: &str, culprit: &Culprit) -> String {
    match culprit {
        Culprit::Ours { function, file } => format!("{image} | {function} ({file})"),
        Culprit::Dependency { package, function } => format!("{image} | {package} | {function}"),
    }
}

/// A line of the list: image, package, function, and why it never panics, or why it may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    image: String,
    package: String,
    function: String,
}

impl Listed {
    fn culprit(&self) -> Culprit {
        Culprit::Dependency { package: self.package.clone(), function: self.function.clone() }
    }
}

/// Reads the list. A line without a reason is an error.
pub(crate) fn read_list(path: &Path) -> Outcome<Vec<Listed>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    parse_list(&text)
}

fn parse_list(text: &str) -> Outcome<Vec<Listed>> {
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| match *row.split('|').map(str::trim).collect::<Vec<_>>() {
        [image, package, function, reason] if !reason.is_empty() => {
            Ok(Listed { image: image.into(), package: package.into(), function: function.into() })
        }
        _ => Err(format!("not `image | package | function | reason`: {row}").into()),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, file: &str) -> Frame {
        Frame { function: function.into(), file: file.into() }
    }

    const CORE: &str = "/rustc/0123/library/core/src/option.rs";
    const CIPHER: &str = "/home/me/.cargo/registry/src/index.crates.io-0123/cipher-0.5.2/src/stream.rs";

    /// The innermost function that is not Rust's own is the one to be blamed, whoever it is inlined into.
    #[test]
    fn the_innermost_is_blamed() {
        let inlined = [frame("expect", CORE), frame("apply", CIPHER), frame("seal", "src/seal.rs")];
        let expected = Culprit::Dependency { package: "cipher".into(), function: "src/stream.rs apply".into() };
        assert_eq!(culprit(&inlined, None), Some(expected));
        let ours = [frame("expect", CORE), frame("seal", "/somewhere/src/seal.rs"), frame("apply", CIPHER)];
        assert!(matches!(culprit(&ours, None), Some(Culprit::Ours { .. })));
        assert_eq!(culprit(&[frame("expect", CORE)], None), None, "its callers are looked at");
        assert!(matches!(culprit(&[], None), Some(Culprit::Ours { .. })), "what nobody knows is not let through");
    }

    /// Names of packages have digits and hyphens too.
    #[test]
    fn packages_are_told_by_their_folder() {
        let of = |folder: &str| package_and_file(&format!("/registry/src/index/{folder}/src/lib.rs"));
        assert_eq!(of("cortex-m-rt-0.7.7"), Some(("cortex-m-rt".into(), "src/lib.rs".into())));
        assert_eq!(of("chacha20-0.10.2"), Some(("chacha20".into(), "src/lib.rs".into())));
        assert_eq!(package_and_file("/somewhere/src/seal.rs"), None);
    }

    /// The same function, as two compilers name it.
    #[test]
    fn names_are_the_compilers_choice() {
        assert_eq!(short("cipher::stream::StreamCipher::apply"), "apply");
        assert_eq!(short("<cipher::Wrapper<chacha20::R20> as cipher::StreamCipher>::apply::<u8>"), "apply");
        assert_eq!(short("heapless::vec::open::{{closure}}"), "open");
        assert_eq!(short("<a::B>::open::{closure#0}"), "open");
    }

    /// The list is true: nothing new, nothing that is gone, nothing of ours.
    #[test]
    fn the_list_must_be_what_is_found() {
        let list = parse_list("# a comment\n\ncore | cipher | apply | never that long\n").unwrap();
        let apply = Culprit::Dependency { package: "cipher".into(), function: "apply".into() };
        let ours = Culprit::Ours { function: "seal".into(), file: "src/seal.rs".into() };
        let said = |found: &[&Culprit]| compare("core", &found.iter().copied().cloned().collect(), &list);
        assert!(said(&[&apply]).is_ok());
        assert!(said(&[]).unwrap_err().to_string().contains("no longer there"));
        assert!(said(&[&apply, &ours]).unwrap_err().to_string().contains("seal can panic"));
        let other = Culprit::Dependency { package: "cipher".into(), function: "seek".into() };
        assert!(said(&[&apply, &other]).unwrap_err().to_string().contains("new: core | cipher | seek"));
        assert!(compare("other", &BTreeSet::new(), &list).is_ok(), "another image's lines say nothing of this one");
        assert!(parse_list("core | cipher | apply |").is_err(), "without a reason");
    }
}
