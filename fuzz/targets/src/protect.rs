//! `symbolon protect`, over tables and JSON Lines.

use serde_json::Value;
use symbolon::{Field, Principal, Rights, Slot, Token, TokenBuf};
use symbolon_cli::fuzzing;

use crate::world::{TENANT, World, enter};

/// What comes out has the rows and cells that went in; protected cells are tokens, which open for their row's owner to what stood there, and all
/// others are as they were. What is refused has nothing written, and the message shows no value.
pub fn run(data: &[u8]) {
    let Some((&how, input)) = data.split_first() else { return };
    let world = World::new();
    let delimiter = [Some(b','), Some(b';'), Some(b'\t'), None][usize::from(how % 4)];
    let made = fuzzing::protect(&world.vault, SCHEMA, delimiter, input.to_vec());
    match (made, delimiter) {
        (Ok(out), Some(delimiter)) => same_table(input, &out, delimiter, world),
        (Ok(out), None) => same_lines(input, &out, world),
        (Err(told), _) => assert!(told.starts_with("in"), "{told}"),
    }
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

fn same_table(input: &[u8], out: &[u8], delimiter: u8, mut world: World) {
    assert_eq!(input.starts_with(b"\xef\xbb\xbf"), out.starts_with(b"\xef\xbb\xbf"));
    let (before, after) = (rows(input, delimiter), rows(out, delimiter));
    assert_eq!(before.len(), after.len(), "as many rows");
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

fn same_lines(input: &[u8], out: &[u8], mut world: World) {
    let lines = |text: &[u8]| -> Vec<serde_json::Map<String, Value>> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("an object")).collect()
    };
    let (before, after) = (lines(input), lines(out));
    assert_eq!(before.len(), after.len(), "as many lines");
    for (before, mut after) in before.into_iter().zip(after) {
        let id = |name: &str| match before.get(name) {
            Some(Value::String(id)) => id.clone().into_bytes(),
            Some(other) => other.to_string().into_bytes(),
            None => Vec::new(),
        };
        let (owner, record) = (id("id"), id("no"));
        for (name, value) in before.iter().filter(|(name, _)| *name != "cvv") {
            let made = after.remove(name).expect("every key is kept");
            match (field_of(name), value) {
                (Some(field), Value::String(value)) => {
                    let made = made.as_str().expect("a string");
                    opens_to(&mut world, field, &owner, &record, value.as_bytes(), made.as_bytes());
                }
                _ => assert_eq!(*value, made, "{name}"),
            }
        }
        assert!(after.is_empty(), "keys were made up: {after:?}");
    }
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
        "\0id,no,name,mail,to,x\r\nalice,7,Alice,a@example.com,\"Rabbit Hole 1\r\nWonderland\",1\r\nbob,8,,,,\r\n".to_owned(),
        "\0\u{feff}cvv,to,mail,name,no,id\n123,\"a \"\"b\"\"\",b@example.com,山田 太郎,o-1,bob\n".to_owned(),
        format!("\0id,no,name,mail,to\nalice,7,{token},a@example.com,x\n"),
        "\x01id;no;name;mail;to\n1;2;\"a;b\";a@b.c;d".to_owned(),
        "\x02id\tno\tname\tmail\tto\n1\t2\tx\ty\tz\n".to_owned(),
        "\0id,no,name,mail,to\nalice,7,Alice\n".to_owned(),
        "\0id,no,name,mail,to\n alice,7,Alice,a@b.c,x\n\n".to_owned(),
        "\0id,no,name,name\n".to_owned(),
        "\x03{\"id\":\"alice\",\"no\":7,\"name\":\"Alice\",\"mail\":\"a@example.com\",\"to\":\"x\",\"cvv\":1}\n".to_owned(),
        "\x03{\"id\":1,\"no\":\"7\",\"name\":null,\"mail\":\"\\u0061@example.com\",\"to\":\"\",\"x\":[1.50,{}]}\r\n\n{\"id\":2,\"no\":1}".to_owned(),
        "\x03{\"id\":1,\"id\":2}\n".to_owned(),
        "\x03[1]\n".to_owned(),
        "\0PK\x03\x04".to_owned(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}
