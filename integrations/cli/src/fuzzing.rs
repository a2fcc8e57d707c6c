//! What reads files, as functions of bytes: for the fuzz targets, and nobody else. Nothing here is weaker than in the program: these are its
//! own functions.

use std::{io::Cursor, path::Path};

use symbolon::{Credential, Field, Format, Grant, Item, Vault};
use zeroize::Zeroizing;

use crate::{
    grant_file::{self, GrantFile},
    progress::Progress,
    protect::{self, Options, input::Input},
    reveal::{self, blocks::each_block, segments, shape::RecordOf, source::Source},
    roles_file::Roles,
    schema::Plan,
    session_file::{self, SessionFile},
};

/// A session file that was read.
pub struct ReadSession {
    /// The session key.
    pub key: Zeroizing<[u8; 32]>,
    /// The credential.
    pub credential: Credential,
    /// The text that the program writes for the same.
    pub written: Zeroizing<Vec<u8>>,
}

/// Reads a session file; the error is the program's message.
///
/// # Errors
/// The text is no session file.
pub fn session_file(text: &[u8]) -> Result<ReadSession, String> {
    let file = SessionFile::parse(text).map_err(|error| format!("{error:#}"))?;
    let word = || "x".to_owned();
    let about = session_file::About { kind: "person", tenant: word(), subject: word(), valid_until: word() };
    let written = file.to_json(&about).map_err(|error| format!("{error:#}"))?;
    Ok(ReadSession { key: file.key.write_secret(), credential: file.credential, written })
}

/// A roles file that was read: the officer's, the issuer's, the auditor's and the transport key, and the text that the program writes for them.
pub type ReadRoles = ([Option<Zeroizing<[u8; 32]>>; 4], Zeroizing<Vec<u8>>);

/// Reads a roles file; the error is the program's message.
///
/// # Errors
/// The text is no roles file.
pub fn roles_file(text: &[u8]) -> Result<ReadRoles, String> {
    let roles = Roles::parse(text, Path::new("roles")).map_err(|error| format!("{error:#}"))?;
    let written = roles.to_json().map_err(|error| format!("{error:#}"))?;
    Ok((roles.into_keys(), written))
}

/// Reads a grant file: the grant, its tenant, and the text that the program writes for them.
#[must_use]
pub fn grant_file(text: &[u8]) -> Option<(Grant, String, String)> {
    let GrantFile { grant, tenant } = GrantFile::parse(text)?;
    let about = grant_file::About { words: vec![("tenant", tenant.clone())] };
    let written = GrantFile::to_text(&grant, &about).ok()?;
    Some((grant, tenant, written))
}

/// What a schema says.
#[derive(Debug)]
pub struct ReadSchema {
    /// The tenant.
    pub tenant: String,
    /// The owner's column.
    pub owner: String,
    /// The record's column.
    pub record: Option<String>,
    /// The columns that are protected.
    pub fields: Vec<(String, Field)>,
    /// The columns that are left out.
    pub dropped: Vec<String>,
}

/// Reads a schema, and checks it as `protect` does; the error is the program's message.
///
/// # Errors
/// The text is no schema, or one that can't be meant.
pub fn schema(text: &str) -> Result<ReadSchema, String> {
    let plan = plan(text)?;
    let Plan { tenant, owner, record, fields, dropped, .. } = plan;
    Ok(ReadSchema { tenant, owner, record, fields, dropped })
}

/// How `protect` is to read its input, and work on it.
#[derive(Debug, Clone, Copy)]
pub struct Protecting {
    /// The table's delimiter; JSON Lines where there is none.
    pub delimiter: Option<u8>,
    /// On one thread for each processor, otherwise on one.
    pub on_all_processors: bool,
}

/// Protects an input, and hands on what is written, up to the first problem; the error is the program's message.
///
/// # Errors
/// What `symbolon protect` refuses.
pub fn protect(
    vault: &Vault,
    schema: &str,
    how: Protecting,
    input: Vec<u8>,
    mut write: impl FnMut(&[u8]),
) -> Result<(), String> {
    let Protecting { delimiter, on_all_processors } = how;
    let plan = plan(schema)?;
    let format = if delimiter.is_some() { protect::Format::Csv } else { protect::Format::Jsonl };
    let told = |error: anyhow::Error| format!("{error:#}");
    let options = if on_all_processors {
        Options::new(Some(format), delimiter, Path::new("in")).map_err(told)?
    } else {
        Options::on_one_thread(format, delimiter.unwrap_or(b','))
    };
    let input = Input::look_at(Cursor::new(input), "in".into(), None).map_err(told)?;
    let write = |bytes: &[u8]| {
        write(bytes);
        Ok(())
    };
    protect::job::protect(vault, None, &plan, &options, input, write, &Progress::new(None, true)).map_err(told)?;
    Ok(())
}

/// What `reveal` is told of its input.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Where tokens may stand.
    pub format: Format<'a>,
    /// The column that says which record a row is about, and the table's delimiter.
    pub record_column: Option<(&'a str, u8)>,
}

/// Reveals an input that comes in these pieces; `open` says what is seen of a token's value. The error is the program's message.
///
/// # Errors
/// What `symbolon reveal` refuses.
pub fn reveal(
    shape: Shape<'_>,
    pieces: Vec<Vec<u8>>,
    mut open: impl FnMut(&Item<'_>) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, String> {
    let record_of =
        shape.record_column.map_or(RecordOf::Nothing, |(name, delimiter)| RecordOf::Column { name, delimiter });
    let (mut out, mut tally) = (Vec::new(), reveal::Tally::default());
    let source = Source::of_pieces(pieces, "in".into());
    each_block(shape.format, record_of, source, &Progress::new(None, true), |block| {
        let items = block.items()?;
        let values: Vec<_> = items.iter().map(&mut open).collect();
        block.weave(&mut out, |number, place, out| {
            segments::show(values[number].as_deref(), items[number].slot.field(), place, &mut tally, out);
        });
        Ok(())
    })
    .map_err(|error| format!("{error:#}"))?;
    Ok(out)
}

fn plan(schema: &str) -> Result<Plan, String> {
    let plan = Plan::parse(schema, "schema").map_err(|error| format!("{error:#}"))?;
    plan.check().map_err(|error| format!("{error:#}"))?;
    Ok(plan)
}
