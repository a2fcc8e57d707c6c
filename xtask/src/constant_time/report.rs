//! What memcheck reports: its XML, reduced to places in the source that stay the same when lines move.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Outcome;

/// How many reports there are of each place.
///
/// A place is a line of the core, named by what it says rather than by its number: `src/seal.rs open: if authentic {`. Whoever changes a
/// line that is in the list has a new place, and looks at it anew. Where a dependency's line is above it, it is that: `src/seal.rs decrypt >
/// subtle src/lib.rs ct_eq: …`. What the standard library does counts for whoever called it, a closure for the function around it.
pub(super) type Places = BTreeMap<String, usize>;

/// The text of a line of a file; nothing where it is not known.
pub(super) type Sources<'s> = &'s dyn Fn(&Path, usize) -> Option<String>;

/// What stands in the files themselves.
pub(super) fn line_of_file(path: &Path, number: usize) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().nth(number.checked_sub(1)?)?.trim().to_owned())
}

/// The places of all reports in `xml`, for a project in `root`.
pub(super) fn places(xml: &str, root: &Path, sources: Sources<'_>) -> Outcome<Places> {
    if !xml.trim_end().ends_with("</valgrindoutput>") {
        return Err("valgrind's report is cut off".into());
    }
    let mut places = Places::new();
    for error in elements(xml, "error") {
        let kind = element(error, "kind").unwrap_or_default();
        if !matches!(kind, "UninitCondition" | "UninitValue") {
            return Err(format!("valgrind reports {kind}, which is no question of time").into());
        }
        let stack = element(error, "stack").unwrap_or_default();
        *places.entry(place(stack, root, sources)).or_default() += 1;
    }
    Ok(places)
}

/// Whose a frame is.
enum Owner<'x> {
    /// The project's, with its file in the project.
    Project(&'x str),
    /// A dependency's, with its name and file.
    Dependency(String),
    /// The standard library's, or nobody's that is known.
    Other,
}

/// Of the frames from the top: the first of the project with a name, and the first of a dependency above that. Where valgrind finds no way to
/// the project, it is the lowest function that it names.
fn place(stack: &str, root: &Path, sources: Sources<'_>) -> String {
    let mut dependency = None;
    let mut lowest = "?".to_owned();
    for frame in believed(stack) {
        let (dir, file) = (element(frame, "dir").unwrap_or_default(), element(frame, "file").unwrap_or_default());
        let path = format!("{dir}/{file}");
        let Some(function) = element(frame, "fn").and_then(base_name) else { continue };
        let line = || {
            let number = element(frame, "line").and_then(|number| number.parse().ok()).unwrap_or(0);
            sources(Path::new(&path), number).map(|text| format!(": {text}")).unwrap_or_default()
        };
        match owner(&path, root) {
            Owner::Project(file) => {
                return format!("{file} {function}{}", dependency.unwrap_or_else(line));
            }
            Owner::Dependency(file) => {
                dependency.get_or_insert_with(|| format!(" > {file} {function}{}", line()));
            }
            Owner::Other => {}
        }
        lowest = function;
    }
    format!("nowhere in the project: {lowest}{}", dependency.unwrap_or_default())
}

/// The frames of a stack that goes down to `main`. Where it does not, valgrind lost its way, and takes for callers whatever stood on the stack:
/// then only those of the first address.
fn believed(stack: &str) -> Vec<&str> {
    let mut frames: Vec<&str> = elements(stack, "frame").collect();
    if !frames.iter().any(|frame| element(frame, "fn") == Some("main")) {
        let first = frames.first().and_then(|frame| element(frame, "ip"));
        frames.retain(|frame| element(frame, "ip") == first);
    }
    frames
}

fn owner<'x>(path: &'x str, root: &Path) -> Owner<'x> {
    if let Ok(file) = Path::new(path).strip_prefix(root) {
        return file.to_str().map_or(Owner::Other, Owner::Project);
    }
    // …/registry/src/index.crates.io-0123/subtle-2.6.1/src/lib.rs
    let Some((_, rest)) = path.split_once("/registry/src/") else { return Owner::Other };
    let mut parts = rest.splitn(3, '/');
    let (Some(krate), Some(file)) = (parts.nth(1), parts.next()) else { return Owner::Other };
    let name = krate.rsplit_once('-').map_or(krate, |(name, _version)| name);
    Owner::Dependency(format!("{name} {file}"))
}

/// The last part of a function's path, without what stands in angle brackets; `None` for a closure that says nothing of what is around
/// it, and for what valgrind has no name of.
fn base_name(function: &str) -> Option<String> {
    let function = function.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let mut plain = String::new();
    let mut depth = 0_usize;
    let mut before = ' ';
    for c in function.chars() {
        match c {
            '<' => depth += 1,
            // Not the one of an arrow.
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
        before = c;
    }
    let named = plain.split("::").take_while(|part| !part.starts_with('{')).filter(|part| !part.is_empty()).last()?;
    (named != "UnknownInlinedFun").then(|| named.to_owned())
}

/// What stands in the first `<name>`.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    elements(xml, name).next()
}

/// What stands in each `<name>`; none of those that are asked for holds another of its own name.
fn elements<'x>(xml: &'x str, name: &str) -> impl Iterator<Item = &'x str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, behind) = rest.split_once(&open)?;
        let (inside, after) = behind.split_once(&close)?;
        rest = after;
        Some(inside)
    })
}
