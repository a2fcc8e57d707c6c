//! `symbolon protect`, over tables and JSON Lines.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use symbolon::{Field, Principal, Rights, Slot, Token, TokenBuf};
use symbolon_cli::fuzzing::{self, Protecting};

use crate::world::{TENANT, World, enter};

/// What comes out has the rows and cells that went in, in their order; protected cells are tokens, which open for their row's owner to what stood
/// there, and all others are as they were. So it is with what was written before something was refused; and the message shows no value.
pub fn run(data: &[u8]) {
    let _taken = taken(data);
}

/// The same, and what the input was taken as.
pub fn taken(data: &[u8]) -> Vec<&'static str> {
    let Some((&how, input)) = data.split_first() else { return Vec::new() };
    let delimiter = [Some(b','), Some(b';'), Some(b'\t'), None][usize::from(how % 4)];
    let how = Protecting { delimiter, on_all_processors: how & 4 != 0 };
    let is_long = data[0] & 0x38 == 0x38 && input.len() < 400;
    let input = if is_long { many_rows(input, delimiter) } else { input.to_vec() };
    let world = World::new();
    let protect = |input: &[u8]| {
        let mut out = Vec::new();
        let made = fuzzing::protect(&world.vault, SCHEMA, how, input.to_vec(), |bytes| out.extend_from_slice(bytes));
        (out, made)
    };
    let (out, made) = protect(&input);
    if let Err(told) = &made {
        assert!(told.starts_with("in"), "{told}");
        shows_no_value(told, &input, delimiter, |input| protect(input).1);
    }
    let is_whole = made.is_ok();
    match delimiter {
        Some(delimiter) => same_table(&input, &out, is_whole, delimiter, world),
        None => same_lines(&input, &out, is_whole, world),
    }
    let name = if delimiter.is_some() { "table" } else { "lines" };
    if is_whole { vec![name] } else { Vec::new() }
}

/// More rows than are worked on at a time: those of the input over and over, each with its number; its last one stands at the end alone.
fn many_rows(input: &[u8], delimiter: Option<u8>) -> Vec<u8> {
    let Some(delimiter) = delimiter else {
        let lines: Vec<&[u8]> = input.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"{")).collect();
        let numbered =
            |(number, line): (usize, &&[u8])| [format!("{{\"nr\":{number},").as_bytes(), &line[1..]].concat();
        return over_and_over(&lines).enumerate().map(numbered).collect::<Vec<_>>().join(&b'\n');
    };
    let rows = rows(input, delimiter);
    let Some((header, rows)) = rows.split_first() else { return input.to_vec() };
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
    let numbers = std::iter::once("nr".to_owned()).chain((2..).map(|number: u32| number.to_string()));
    for (row, number) in std::iter::once(header).chain(over_and_over(rows)).zip(numbers) {
        writer.write_record(row.iter().map(Vec::as_slice).chain([number.as_bytes()])).expect("into memory");
    }
    writer.into_inner().expect("into memory")
}

fn over_and_over<T>(rows: &[T]) -> impl Iterator<Item = &T> {
    let (last, before) = rows.split_last().map_or((None, rows), |(last, before)| (Some(last), before));
    before.iter().cycle().take(2 * CHUNK_ROWS + 100).chain(last)
}

/// Rows that a thread takes at a time.
const CHUNK_ROWS: usize = 1000;

/// What stands in the rows doesn't stand in the message, unless it stands there whatever is in the rows: the message is of words, too.
fn shows_no_value(told: &str, input: &[u8], delimiter: Option<u8>, again: impl Fn(&[u8]) -> Result<(), String>) {
    let header = delimiter.map_or(0, |delimiter| header_len(input, delimiter));
    let (header, rows) = input.split_at(header);
    let parts = rows.split(|byte| b"\",;\t\r\n:{}[]".contains(byte));
    for part in parts.filter(|part| part.len() >= 6) {
        let at = part.as_ptr() as usize - rows.as_ptr() as usize;
        let is_key = rows[at + part.len()..].trim_ascii_start().starts_with(b"\":");
        let shown = |told: &str| std::str::from_utf8(part).is_ok_and(|part| told.contains(part));
        if is_key || !shown(told) {
            continue;
        }
        let other: Vec<u8> =
            part.iter().map(|byte| if byte.is_ascii_alphanumeric() { byte ^ 1 } else { *byte }).collect();
        let other = [header, &rows[..at], &other, &rows[at + part.len()..]].concat();
        let told_then = again(&other).err().unwrap_or_default();
        assert!(shown(&told_then), "{told} shows {}", part.escape_ascii());
    }
}

/// Where the first row ends.
fn header_len(table: &[u8], delimiter: u8) -> usize {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(table);
    let _read = reader.read_byte_record(&mut csv::ByteRecord::new());
    usize::try_from(reader.position().byte()).expect("in memory")
}

const SCHEMA: &str = "tenant = \"shop-17\"\nowner = \"id\"\nrecord = \"no\"\ndrop_columns = [\"cvv\"]\n[fields]\n\
                      name = \"person-name\"\nmail = \"email\"\nto = \"shipping-address\"\n";

/// The field that a column has in the schema.
fn field_of(column: &str) -> Option<Field> {
    match column {
        "name" => Some(Field::PERSON_NAME),
        "mail" => Some(Field::EMAIL),
        "to" => Some(Field::SHIPPING_ADDRESS),
        _ => None,
    }
}

fn rows(table: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let table = table.strip_prefix(b"\xef\xbb\xbf").unwrap_or(table);
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.delimiter(delimiter).has_headers(false).flexible(true).from_reader(table);
    let row = |row: csv::Result<csv::ByteRecord>| row.expect("rows").iter().map(<[u8]>::to_vec).collect();
    reader.into_byte_records().map(row).collect()
}

fn same_table(input: &[u8], out: &[u8], is_whole: bool, delimiter: u8, mut world: World) {
    if out.is_empty() && !is_whole {
        return;
    }
    assert_eq!(input.starts_with(b"\xef\xbb\xbf"), out.starts_with(b"\xef\xbb\xbf"));
    let (before, after) = (rows(input, delimiter), rows(out, delimiter));
    assert!(before.len() == after.len() || !is_whole && before.len() > after.len(), "as many rows");
    let names: Vec<_> = before[0].iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let column = |name: &str| names.iter().position(|known| known == name).expect("a column of the plan");
    let (owner, record) = (column("id"), column("no"));
    for (number, (before, after)) in before.iter().zip(&after).enumerate() {
        let kept: Vec<_> = names.iter().zip(before).filter(|(name, _)| *name != "cvv").collect();
        assert_eq!(kept.len(), after.len(), "as many cells");
        for ((name, before_cell), after_cell) in kept.into_iter().zip(after) {
            match field_of(name).filter(|_| number > 0) {
                None => assert!(before_cell == after_cell, "{name} of row {number}"),
                Some(field) => opens_to(&mut world, field, &before[owner], &before[record], before_cell, after_cell),
            }
        }
    }
}

fn same_lines(input: &[u8], out: &[u8], is_whole: bool, mut world: World) {
    let lines = |text: &[u8]| -> Vec<Vec<u8>> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        lines.map(<[u8]>::to_vec).collect()
    };
    let (before, after) = (lines(input), lines(out));
    assert!(before.len() == after.len() || !is_whole && before.len() > after.len(), "as many lines");
    let object = |line: &[u8]| -> Members { serde_json::from_slice(line).expect("an object") };
    for (before, after) in before.iter().zip(&after) {
        let (before, mut after) = (object(before), object(after));
        let id = |name: &str| {
            before.get(name).map_or(Vec::new(), |id| text_of(id).unwrap_or_else(|| id.get().into()).into())
        };
        let (owner, record) = (id("id"), id("no"));
        for (name, value) in before.iter().filter(|(name, _)| *name != "cvv") {
            let made = after.remove(name).expect("every key is kept");
            match (field_of(name), text_of(value)) {
                (Some(field), Some(value)) => {
                    let made = text_of(&made).expect("a string");
                    opens_to(&mut world, field, &owner, &record, value.as_bytes(), made.as_bytes());
                }
                _ => assert_eq!(value.get(), made.get(), "{name}"),
            }
        }
        assert!(after.is_empty(), "keys were made up: {after:?}");
    }
}

/// An object's members as they are written: a number that no type holds, half a character by its escape and the deepest of lists are JSON, too.
type Members = BTreeMap<String, Box<RawValue>>;

/// What a string says; nothing of anything else.
fn text_of(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// A cell's token opens for the owner that its row names, in the record that it names, to what stood in it.
fn opens_to(world: &mut World, field: Field, owner: &[u8], record: &[u8], before: &[u8], after: &[u8]) {
    if before.is_empty() || TokenBuf::from_text(before).is_ok() {
        assert_eq!(before, after, "left as it was");
        return;
    }
    let token = TokenBuf::from_text(after).expect("a token");
    let owner = Principal::person(TENANT, owner).expect("an owner");
    // The trail has room for some: the first rows tell.
    if symbolon::Store::room(&world.host.environment().store) < 8 {
        return;
    }
    let client = world.log_in_as_bearer(&owner, Rights::OWN);
    let session = enter(&world.vault, &client, &mut world.host);
    let slot = if field.is_bound() { Slot::in_record(field, record).expect("a record") } else { field.into() };
    let mut work = [0; Token::MAX_OPEN_LEN];
    let opened = session.detokenize(slot, &token.as_token(), &mut work, &mut world.host).expect("the owner's");
    assert!(opened.expose() == before);
}

/// Tables and lines.
pub fn seeds() -> Vec<Vec<u8>> {
    let token = String::from_utf8_lossy(&crate::token::seeds()[4]).into_owned();
    let texts = [
        "\0id,no,name,mail,to,x,cvv\r\nalice,7,Alice,a@example.com,\"Rabbit Hole 1\r\nWonderland\",1,123\r\nbob,8,,,,,\r\n".to_owned(),
        "\0\u{feff}cvv,to,mail,name,no,id\n123,\"a \"\"b\"\"\",b@example.com,山田 太郎,o-1,bob\n".to_owned(),
        format!("\0id,no,name,mail,to,cvv\nalice,7,{token},a@example.com,x,\n"),
        "\x01id;no;name;mail;to;cvv\n1;2;\"a;b\";a@b.cd;d;".to_owned(),
        "\x02id\tno\tname\tmail\tto\tcvv\n1\t2\tx\ty@z.example\tz\t\n".to_owned(),
        "\0id,no,name,mail,to,cvv\nalice,7,Alice\n".to_owned(),
        "\0id,no,name,mail,to,cvv\n alice,7,Alice,a@b.cd,x,\n\n".to_owned(),
        "\0id,no,name,name\n".to_owned(),
        "\x03{\"id\":\"alice\",\"no\":7,\"name\":\"Alice\",\"mail\":\"a@example.com\",\"to\":\"x\",\"cvv\":1}\n".to_owned(),
        "\x03{\"id\":1,\"no\":\"7\",\"name\":null,\"mail\":\"\\u0061@example.com\",\"to\":\"\",\"x\":[1.50,{}]}\r\n\n{\"id\":2,\"no\":1}".to_owned(),
        "\x03{\"id\":1,\"no\":2,\"x\":1e999,\"y\":\"\\ud800\",\"name\":\"n\",\"mail\":\"m@example.com\",\"to\":\"t\"}\n".to_owned(),
        "\x03{\"id\":1,\"id\":2}\n".to_owned(),
        "\x03[1]\n".to_owned(),
        "\0PK\x03\x04".to_owned(),
        // On all processors, and more than one takes at a time: the last row is as good as the others, or isn't.
        "\x3cid,no,name,mail,to,cvv\nalice,7,Alice,a@example.com,x,1\nbob,8,Bob,,,\nbob,9,,,,2\n".to_owned(),
        "\x3cid,no,name,mail,to,cvv\nalice,7,Alice,a@example.com,x,1\nbob,8,Bob,,,\nbob,9,,not mail,,\n".to_owned(),
        "\x3f{\"id\":\"alice\",\"no\":7,\"name\":\"Alice\",\"mail\":\"a@example.com\",\"to\":\"x\"}\n{\"id\":\"bob\"}".to_owned(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}
