//! The tests that don't run on the board.

/// Why this test is left out, if it is.
pub(crate) fn reason(file: &str, name: &str) -> Option<&'static str> {
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    let mut entries = lines.filter_map(|line| line.split_once(": "));
    entries.find(|(test, _)| test.split_once(' ') == Some((file, name))).map(|(_, reason)| reason)
}

const LIST: &str = include_str!("../../left_out.txt");
