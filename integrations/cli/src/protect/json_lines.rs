//! JSON Lines: one object on each line. Keys keep their order, and what is not protected keeps its text.

use std::{
    borrow::Cow,
    fmt,
    io::{BufRead, BufReader, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use symbolon::names_security_code;

use super::{
    cells::holds_token,
    input::Input,
    problem::{Place, Problem, What},
    rows::{Broken, CHUNK_BYTES, CHUNK_ROWS, Cell, Chunk, MAX_ROW, Made, Refused, Rows, Work},
};
use crate::schema;

/// The reading half.
pub(super) struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    line: u64,
    over: bool,
}

/// Some lines.
pub(super) struct LineRows {
    /// Each with its number; empty lines are left out.
    lines: Vec<(u64, Vec<u8>)>,
}

impl Lines {
    pub(super) fn open(input: Input) -> Self {
        Self { reader: BufReader::with_capacity(64 << 10, input.reader), line: 0, over: false }
    }

    /// The next line with its end; `None` at the end of the input.
    fn read_line(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        let mut line = Vec::new();
        self.line += 1;
        let read = self.reader.by_ref().take(MAX_ROW).read_until(b'\n', &mut line).map_err(Broken::Unreadable)?;
        if u64::try_from(read).is_ok_and(|read| read == MAX_ROW) {
            let what = What::Other(format!("a line of over {} MiB begins here: is this JSON Lines?", MAX_ROW >> 20));
            return Err(Broken::Problem(Problem { place: Place::Line(self.line), column: None, what }));
        }
        Ok((read > 0).then_some(line))
    }
}

impl Iterator for Lines {
    type Item = Chunk<LineRows>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let (mut lines, mut bytes, mut broken) = (Vec::with_capacity(CHUNK_ROWS), 0, None);
        while lines.len() < CHUNK_ROWS && bytes < CHUNK_BYTES && !self.over {
            match self.read_line() {
                Ok(Some(line)) => {
                    bytes += u64::try_from(line.len()).unwrap_or_default();
                    if !line.trim_ascii().is_empty() {
                        lines.push((self.line, line));
                    }
                }
                Ok(None) => self.over = true,
                Err(error) => {
                    broken = Some(error);
                    self.over = true;
                }
            }
        }
        Some(Chunk { rows: LineRows { lines }, bytes, broken })
    }
}

impl Rows for LineRows {
    fn walk(&self, work: &mut impl Work, made: &mut Made) {
        made.seen = vec![false; work.plan().fields.len()];
        // Names that the lines before had too need no second look: most lines have the same.
        let mut harmless = Vec::new();
        for (number, line) in &self.lines {
            made.tally.rows += 1;
            let end: &[u8] = match line.as_slice() {
                [.., b'\r', b'\n'] => b"\r\n",
                [.., b'\n'] => b"\n",
                _ => b"",
            };
            let refuse = |what| Problem { place: Place::Line(*number), column: None, what };
            match std::str::from_utf8(line).map(serde_json::from_str::<Pairs<'_>>) {
                Ok(Ok(pairs)) => {
                    line_of(&pairs.0, Place::Line(*number), &mut harmless, work, made);
                    made.out.extend_from_slice(end);
                }
                Ok(Err(error)) => made.refuse(refuse(What::Other(why_not(&error)))),
                Err(_) => made.refuse(refuse(What::NotUtf8)),
            }
            if made.is_over() {
                return;
            }
        }
    }
}

/// The column alone is told: the library's own message may quote the value.
fn why_not(error: &serde_json::Error) -> String {
    let twice = error.to_string().starts_with(TWICE);
    let what = if twice { "a key stands twice in this object" } else { "this is not one JSON object on one line" };
    format!("{what} (at character {})", error.column())
}

fn line_of(
    pairs: &[(String, &RawValue)],
    place: Place,
    harmless: &mut Vec<String>,
    work: &mut impl Work,
    made: &mut Made,
) {
    let plan = work.plan();
    let id =
        |name: &String| pairs.iter().find(|(key, _)| key == name).and_then(|(_, raw)| id_of(raw)).unwrap_or_default();
    let (owner, record) = (id(&plan.owner), plan.record.as_ref().map(id).unwrap_or_default());
    let mut told = Vec::new();
    let mut separator = b'{';
    for (at, (key, raw)) in pairs.iter().enumerate() {
        let plan = work.plan();
        if plan.drops(key) {
            continue;
        }
        if harmless.get(at) != Some(key) {
            if names_security_code(key) && !plan.tokens_only {
                made.refuse(Problem { place, column: None, what: What::Other(schema::security_code(key)) });
            }
            harmless.resize(harmless.len().max(at + 1), String::new());
            harmless[at].clone_from(key);
        }
        if let Some(seen) =
            plan.fields.iter().position(|(column, _)| column == key).and_then(|at| made.seen.get_mut(at))
        {
            *seen = true;
        }
        let mut value = Cow::Borrowed(raw.get());
        if let Some(field) = plan.work_on(key) {
            let cell =
                Cell { place, column: key, field, owner: owner.as_bytes(), record: record.as_bytes(), value: b"" };
            match value_of(&cell, raw, work, made) {
                Ok(None) => {}
                Ok(Some(new)) => value = Cow::Owned(format!("\"{new}\"")),
                Err(refused) => made.refuse_cell(&cell, work.plan(), refused, &mut told),
            }
        }
        made.out.push(separator);
        separator = b',';
        // A string always has a text.
        made.out.extend_from_slice(serde_json::to_string(key).unwrap_or_default().as_bytes());
        made.out.push(b':');
        made.out.extend_from_slice(value.as_bytes());
    }
    made.out.extend_from_slice(if separator == b'{' { b"{}" } else { b"}" });
}

/// What is to stand in place of a string; nothing for `null`, which holds no data.
fn value_of<'w>(
    cell: &Cell<'_>,
    raw: &RawValue,
    work: &'w mut impl Work,
    made: &mut Made,
) -> Result<Option<&'w str>, Refused> {
    if raw.get() == "null" {
        made.tally.empty += 1;
        return Ok(None);
    }
    match serde_json::from_str::<String>(raw.get()) {
        Ok(value) => work.cell(&Cell { value: value.as_bytes(), ..*cell }, made),
        Err(_) if work.plan().tokens_only => {
            if holds_token(raw.get().as_bytes()) {
                made.leave(cell, What::TokenInText);
            }
            Ok(None)
        }
        Err(_) => Err(Refused::value(What::NotAString)),
    }
}

/// Owners and records are strings, or whole numbers as they are written.
fn id_of(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Some(text.to_owned()) } else { serde_json::from_str(text).ok() }
}

/// An object's keys and the text of its values, in order.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs: Vec<(String, &'de RawValue)> = Vec::new();
                while let Some((key, value)) = map.next_entry()? {
                    if pairs.iter().any(|(earlier, _)| *earlier == key) {
                        return Err(A::Error::custom(TWICE));
                    }
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

const TWICE: &str = "a key stands twice";
