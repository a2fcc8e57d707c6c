//! The demo's order page: a template that is filled from a row, as a server would, and read as a browser would.

use std::collections::HashMap;

use anyhow::{Context, Result};

/// What the shop has marked its elements with. (A real one takes a fresh random marker for each page.)
pub(super) const MARKER: &str = "demo";

/// Puts a cell in place of each name in double braces, escaped, in one pass: what was put in is never looked at again.
pub(super) fn fill(template: &str, row: &HashMap<String, String>) -> Result<String> {
    let mut page = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, name, after)) = next_name(rest) {
        page.push_str(before);
        let cell = row.get(name).with_context(|| format!("the order page asks for {name}, which no column has"))?;
        escape(cell, &mut page);
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

/// The cells of a person's first row, by the names of their columns.
pub(super) fn first_row_of(csv: &str, customer: &str) -> Result<HashMap<String, String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers()?.clone();
    for record in reader.records() {
        let record = record?;
        let row = header.iter().zip(&record).map(|(name, cell)| (name.to_owned(), cell.to_owned()));
        let row: HashMap<_, _> = row.collect();
        if row.get("customer_id").is_some_and(|id| id == customer) {
            return Ok(row);
        }
    }
    anyhow::bail!("the demo's {customer} has no row")
}

/// The texts of the marked elements, in order.
pub(super) fn marked(page: &str) -> Vec<String> {
    let start = format!("data-symbolon=\"{MARKER}\">");
    page.split(&start).skip(1).map(|rest| unescape(rest.split('<').next().unwrap_or_default())).collect()
}

/// Where the picture in the buyer's message points to.
pub(super) fn picture_link(page: &str) -> Result<&str> {
    let rest = page.split("<img alt=\"\" src=\"").nth(1).context("the order page has lost its picture")?;
    Ok(rest.split('"').next().unwrap_or_default())
}

fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (name, after) = rest.split_once("}}")?;
    Some((before, name, after))
}

fn escape(cell: &str, page: &mut String) {
    for c in cell.chars() {
        match ESCAPES.iter().find(|(plain, _)| *plain == c) {
            Some((_, escaped)) => page.push_str(escaped),
            None => page.push(c),
        }
    }
}

fn unescape(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let found = ESCAPES.iter().find_map(|(plain, escaped)| Some((*plain, rest.strip_prefix(escaped)?)));
        let (plain, after) = found.unwrap_or((first, &rest[first.len_utf8()..]));
        out.push(plain);
        rest = after;
    }
    out
}

const ESCAPES: [(char, &str); 5] = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];

#[cfg(test)]
mod tests {
    use super::*;

    /// A cell that looks like a name in braces, or like an element, is only text.
    #[test]
    fn cells_are_data() {
        let row = [("a", "{{b}}<i>\"&"), ("b", "never")].map(|(name, cell)| (name.to_owned(), cell.to_owned()));
        let row = HashMap::from(row);
        let page = fill("<dd data-symbolon=\"demo\">{{a}}</dd>", &row).unwrap();
        assert_eq!(page, "<dd data-symbolon=\"demo\">{{b}}&lt;i&gt;&quot;&amp;</dd>");
        assert_eq!(marked(&page), ["{{b}}<i>\"&"]);
        assert!(fill("{{c}}", &row).is_err());
    }
}
