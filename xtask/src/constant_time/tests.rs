//! The judge itself: what it must find, it finds.

use super::*;

fn frame(function: &str, dir: &str, file: &str) -> String {
    format!("<frame><ip>0x1</ip><fn>{function}</fn><dir>{dir}</dir><file>{file}</file><line>1</line></frame>")
}

fn xml(kind: &str, frames: &[String]) -> String {
    let frames = frames.concat();
    format!("<valgrindoutput><error><kind>{kind}</kind><stack>{frames}</stack></error></valgrindoutput>\n")
}

fn place_of(frames: &[String]) -> String {
    let places = places(&xml("UninitValue", frames), Path::new("/project")).unwrap();
    places.into_keys().next().unwrap()
}

/// The project's function and file, whoever of the standard library is above it, and the dependency that is.
#[test]
fn a_report_has_a_place() {
    let std = frame("eq&lt;u8&gt;", "/rustc/1/library/core/src", "cmp.rs");
    let dependency = frame("check&lt;a::B&gt;", "/home/cargo/registry/src/index-0/some-crate-1.2.3/src", "lib.rs");
    let closure = frame("{closure#0}&lt;64&gt;", "/project/src", "seal.rs");
    let core = frame("symbolon::session::Session&lt;V&gt;::open::{{closure}}", "/project", "src/session.rs");
    let named = frame("&lt;[T] as subtle::Eq&gt;::open", "/project/src", "session.rs");
    assert_eq!(place_of(&[std.clone(), core.clone()]), "src/session.rs open");
    assert_eq!(place_of(&[closure, named]), "src/session.rs open");
    assert_eq!(place_of(&[std.clone(), dependency, core]), "src/session.rs open > some-crate src/lib.rs check");
    assert_eq!(place_of(&[std]), "nowhere in the project");
}

/// What is no question of time, and a report that is cut off, are errors.
#[test]
fn only_undefined_values_are_taken() {
    assert!(places(&xml("InvalidRead", &[]), Path::new("/project")).is_err());
    assert!(places("<valgrindoutput>", Path::new("/project")).is_err());
    assert!(places("<valgrindoutput></valgrindoutput>", Path::new("/project")).unwrap().is_empty());
}

fn reports(place: &str) -> Reports {
    let places = |place: &str| BUILDS.iter().map(|_| Places::from([(place.to_owned(), 1)])).collect();
    let mut reports: Reports = (0..LEAST_OPERATIONS).map(|number| (format!("{number}"), Vec::new())).collect();
    reports.insert("0".into(), places(place));
    reports.insert("control: a".into(), places("naive"));
    reports.insert("control: b".into(), places("naive"));
    reports
}

/// What is not listed fails, what is listed and gone fails, and so does a control that is not reported at one level.
#[test]
fn the_list_is_exact() {
    let known = known_places("# why\n\n0 | src/seal.rs open | the verdict\n").unwrap();
    assert!(faults(&reports("src/seal.rs open"), &known).is_empty());
    let other = faults(&reports("src/seal.rs other"), &known);
    assert_eq!(other.len(), BUILDS.len() + 1, "{other:?}");
    let mut blind = reports("src/seal.rs open");
    blind.get_mut("control: b").unwrap()[3].clear();
    assert_eq!(faults(&blind, &known), ["control: b: not reported at level s"]);
    let mut few = reports("src/seal.rs open");
    few.remove("control: a");
    assert_eq!(faults(&few, &known).len(), 1);
}

#[test]
fn a_list_without_reasons_is_refused() {
    for line in ["0 | src/seal.rs open", "0 | src/seal.rs open | ", "nothing"] {
        assert!(known_places(line).is_err(), "{line}");
    }
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
