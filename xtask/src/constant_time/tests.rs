//! The judge itself: what it must find, it finds.

use super::*;

fn frame(function: &str, dir: &str, file: &str) -> String {
    format!("<frame><ip>0x1</ip><fn>{function}</fn><dir>{dir}</dir><file>{file}</file><line>7</line></frame>")
}

fn xml(kind: &str, frames: &[String]) -> String {
    let frames = frames.concat();
    format!("<valgrindoutput><error><kind>{kind}</kind><stack>{frames}</stack></error></valgrindoutput>\n")
}

/// Every line says where it stands.
fn sources(path: &Path, number: usize) -> Option<String> {
    Some(format!("line {number} of {}", path.file_name()?.to_str()?))
}

fn place_of(frames: &[String]) -> String {
    let places = places(&xml("UninitValue", frames), Path::new("/project"), &sources).unwrap();
    places.into_keys().next().unwrap()
}

/// The project's function, file and line, whoever of the standard library is above it; and the dependency's that is.
#[test]
fn a_report_has_a_place() {
    let std = frame("eq&lt;u8&gt;", "/rustc/1/library/core/src", "cmp.rs");
    let dependency = frame("check&lt;a::B&gt;", "/home/cargo/registry/src/index-0/some-crate-1.2.3/src", "lib.rs");
    let closure = frame("{closure#0}&lt;64&gt;", "/project/src", "seal.rs");
    let core = frame("symbolon::session::Session&lt;V&gt;::open::{{closure}}", "/project", "src/session.rs");
    let named = frame("&lt;[T] as subtle::Eq&gt;::open", "/project/src", "session.rs");
    assert_eq!(place_of(&[std.clone(), core.clone()]), "src/session.rs open: line 7 of session.rs");
    assert_eq!(place_of(&[closure, named]), "src/session.rs open: line 7 of session.rs");
    let both = [std.clone(), dependency, core];
    assert_eq!(place_of(&both), "src/session.rs open > some-crate src/lib.rs check: line 7 of lib.rs");
    assert_eq!(place_of(&[std]), "nowhere in the project: eq");
}

/// A caller is one where the stack goes down to `main`; otherwise it may be anything.
#[test]
fn a_lost_way_is_not_followed() {
    let std = frame("trim", "/rustc/1/library/core/src", "str.rs");
    let other = frame("open", "/project", "src/session.rs").replace("0x1", "0x2");
    let main = frame("main", "", "").replace("0x1", "0x3");
    assert_eq!(place_of(&[std.clone(), other.clone()]), "nowhere in the project: trim");
    assert_eq!(place_of(&[std, other, main]), "src/session.rs open: line 7 of session.rs");
}

/// What the debug information has no line for has none in its place either: it is not taken for another one.
#[test]
fn a_line_that_is_not_known_is_left_out() {
    let core = frame("open", "/project", "src/session.rs");
    let found = places(&xml("UninitValue", &[core]), Path::new("/project"), &|_, _| None).unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["src/session.rs open"]);
    assert_eq!(line_of_file(Path::new(file!()), 0), None);
    assert_eq!(line_of_file(Path::new("/nowhere"), 1), None);
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/constant_time/tests.rs");
    assert_eq!(line_of_file(&here, 3).unwrap(), "use super::*;");
}

/// What is no question of time, and a report that is cut off, are errors.
#[test]
fn only_undefined_values_are_taken() {
    let places = |xml: &str| places(xml, Path::new("/project"), &sources);
    assert!(places(&xml("InvalidRead", &[])).is_err());
    assert!(places("<valgrindoutput>").is_err());
    assert!(places("<valgrindoutput></valgrindoutput>").unwrap().is_empty());
}

const LISTED: &str = "src/seal.rs open: if authentic";

/// Reports of a first operation, the same at all levels, and of both controls; the other operations have none.
fn reports(place: &str) -> Reports {
    let places = |place: &str| BUILDS.iter().map(|_| Places::from([(place.to_owned(), 1)])).collect();
    let mut reports: Reports = (0..LEAST_OPERATIONS).map(|number| (format!("{number}"), Vec::new())).collect();
    reports.insert("0".into(), places(place));
    reports.insert("control: a".into(), places("naive"));
    reports.insert("control: b".into(), places("naive"));
    reports
}

fn list() -> Vec<Verdict> {
    verdicts::read(&format!("# why\n\n0 | whether the tag is right, or not\n    {LISTED}\n")).unwrap()
}

/// What is not listed fails, at one level as at all; what is listed and gone fails.
#[test]
fn the_list_is_exact() {
    assert!(faults(&reports(LISTED), &list()).is_empty());
    let other = faults(&reports("src/seal.rs other: if authentic"), &list());
    assert_eq!(other.len(), 3, "{other:?}");
    let changed = faults(&reports("src/seal.rs open: if tag == other"), &list());
    assert!(changed[0].contains("not in the list: src/seal.rs open: if tag == other (level 1, 2,"), "{changed:?}");
    let mut once = reports(LISTED);
    once.get_mut("0").unwrap()[3].insert("src/prf.rs step".into(), 1);
    assert_eq!(faults(&once, &list()), ["0: not in the list: src/prf.rs step (level s portable)"]);
    assert_eq!(faults(&reports(LISTED), &[]).len(), 1);
    let elsewhere = Reports::from_iter(reports(LISTED).into_iter().map(|(name, builds)| match &*name {
        "0" => ("1".to_owned(), builds),
        "1" => ("0".to_owned(), builds),
        _ => (name, builds),
    }));
    assert_eq!(faults(&elsewhere, &list()).len(), 3, "what one operation may, no other may");
}

/// An operation, or a place, of which nothing is reported any more: the line of the list is to go.
#[test]
fn the_list_has_nothing_that_is_gone() {
    let with = |operations: &str, places: &str| {
        verdicts::read(&format!("{operations} | whether the tag is right, or not\n{places}")).unwrap()
    };
    let listed = format!("    {LISTED}\n");
    assert_eq!(faults(&reports(LISTED), &with("0, 1", &listed)).len(), 1);
    assert_eq!(faults(&reports(LISTED), &with("0, no such operation", &listed)).len(), 1);
    let moved = format!("{listed}    src/seal.rs open: another line\n");
    assert!(faults(&reports(LISTED), &with("0", &moved)).is_empty(), "another line of the same function");
    let two = format!("{listed}    src/seal.rs gone\n");
    let gone = faults(&reports(LISTED), &with("0", &two));
    assert_eq!(gone, ["0: in the list, and reported at no level: src/seal.rs gone"]);
}

/// A control of which nothing is reported, at a single level, is an error: there the check sees nothing, whatever else it says. So is one
/// that isn't there, or that has been listed away, or an operation that isn't there.
#[test]
fn a_blind_check_fails() {
    for (control, build) in
        ["control: a", "control: b"].into_iter().flat_map(|name| (0..BUILDS.len()).map(move |at| (name, at)))
    {
        let mut blind = reports(LISTED);
        blind.get_mut(control).unwrap()[build].clear();
        assert_eq!(faults(&blind, &list()), [format!("{control}: not reported at level {}", BUILDS[build].name)]);
    }
    let mut nothing = reports(LISTED);
    nothing.values_mut().flatten().for_each(Places::clear);
    assert_eq!(faults(&nothing, &[]).len(), 2 * BUILDS.len());
    for gone in ["control: a", "1"] {
        let mut few = reports(LISTED);
        few.remove(gone);
        assert_eq!(faults(&few, &list()), ["there are fewer operations or controls than there were"]);
    }
}

#[test]
fn a_list_without_reasons_is_refused() {
    let reason = "0 | whether the tag is right, or not";
    for list in ["nothing", "0 | ", "0 | verdict\n    a", "    a", reason, &format!("{reason}\n{reason}\n    a")] {
        assert!(verdicts::read(list).is_err(), "{list}");
    }
    assert!(verdicts::read(&format!("{reason}\n    a | b\n")).is_ok(), "lines of Rust have bars");
}

/// A star stands for all functions of one file, of no other.
#[test]
fn a_star_covers_one_file() {
    assert!(covers("src/card.rs *", "src/card.rs is_number"));
    assert!(covers("src/card.rs is_number", "src/card.rs is_number"));
    assert!(!covers("src/card.rs *", "src/cards.rs is_number"));
    assert!(!covers("*", "src/card.rs is_number"));
    assert!(!covers("src/card.rs is", "src/card.rs is_number"));
}
