//! Inputs that are not what they must be: each is refused with its exit code, its place and its reason, without a value in the
//! message and without anything left behind.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{CANARY, PLAN, Place};

/// Protecting `text` fails with these words, with an output file and without.
fn refused(name: &str, text: impl AsRef<[u8]>, words: &[&str]) {
    let place = Place::new();
    refused_at(&place, name, text, words);
}

fn refused_at(place: &Place, name: &str, text: impl AsRef<[u8]>, words: &[&str]) {
    place.write(name, text);
    let args = [&["protect", "--keyring", "k", name, "-o", "out"][..], &PLAN].concat();
    place.fails(&args, 5, words);
    let check = [&["protect", "--check", name][..], &PLAN].concat();
    place.fails(&check, 5, words);
}

/// What isn't text isn't read.
#[test]
fn files_that_are_no_text() {
    let place = Place::new();
    refused_at(&place, "empty.csv", "", &["empty.csv is empty"]);
    refused_at(&place, "blank.csv", "\n\r\n\n", &["nothing but empty lines"]);
    refused_at(&place, "x.csv", b"PK\x03\x04....", &["spreadsheet"]);
    refused_at(&place, "bin.csv", b"id,name,mail\n\x00\x01\x02", &["is binary"]);
    refused_at(&place, "wide.csv", b"\xff\xfei\0d\0", &["UTF-16"]);
    refused_at(&place, "x.jsonl", "", &["is empty"]);
    let args = [&["protect", "--keyring", "k", "none.csv"][..], &PLAN].concat();
    place.fails(&args, 5, &["there is no file none.csv"]);
    let args = [&["protect", "--keyring", "k", "x"][..], &PLAN].concat();
    place.fails(&args, 5, &["--format"]);
}

/// Headers that can't be meant.
#[test]
fn headers() {
    let place = Place::new();
    let rest = format!("\nalice,{CANARY},{CANARY}@example.com\n");
    let with = |header: &str| format!("{header}{rest}");
    refused_at(&place, "a.csv", with("id,name,email"), &["no column \"mail\"", "\"id\", \"name\", \"email\""]);
    refused_at(&place, "b.csv", with("id,name,mail,name"), &["two columns are named \"name\""]);
    refused_at(&place, "c.csv", with("id,name,mail,CVV2"), &["\"CVV2\"", "PCI DSS", "--drop-column"]);
    refused_at(&place, "d.csv", with("id;name;mail"), &["no column"]);
    refused_at(&place, "e.csv", b"id,name,mail,\xe9\n", &["header is not UTF-8"]);
    // No header at all: somebody's data must not be in the message.
    let first = format!("alice,{CANARY},{CANARY}@example.com{rest}");
    refused_at(&place, "f.csv", first, &["is the header missing?"]);
    let args = ["protect", "--keyring", "k", "a.csv", "--tenant", "t", "--owner", "id"];
    place.fails(&[&args[..], &["--field", "cvc=free-text"]].concat(), 5, &["PCI DSS"]);
    place.fails(&[&args[..], &["--field", "id=free-text"]].concat(), 5, &["can't be protected itself"]);
    place.fails(&[&args[..], &["--field", "name=nombre"]].concat(), 2, &["person-name"]);
}

/// Rows and cells, with row and column.
#[test]
fn rows_and_cells() {
    let place = Place::new();
    let with = |row: &str| format!("id,name,mail\nbob,x y,\n{row}\nbob,x y,\n");
    let long = "x".repeat(1023);
    let refused = |row: &str, words: &[&str]| refused_at(&place, "in.csv", with(row), words);
    refused(&format!("alice,{CANARY}"), &["in.csv, row 3: the header has 3 columns and this row 2"]);
    refused(&format!("alice,{CANARY},,"), &["row 3: the header has 3 columns and this row 4"]);
    refused(&format!("alice,x,{CANARY}"), &["row 3, column \"mail\"", "An e-mail address has", "free-text"]);
    refused(&format!("alice,{CANARY}{long},"), &["row 3, column \"name\": this value has 1036 bytes"]);
    refused(&format!(",{CANARY},"), &["row 3, column \"id\": there is no owner"]);
    refused(&format!("{},{CANARY},", "i".repeat(65)), &["row 3, column \"id\": the owner has 65 bytes"]);
    refused(&format!(" alice,{CANARY},"), &["row 3, column \"id\": there is white space"]);
    refused(&format!("alice,sym_EQABAAEA{CANARY},"), &["row 3, column \"name\": this looks like a damaged token"]);
    refused(&format!("alice,\"{CANARY} %B4242424242424242^A/B^2512101\","), &["column \"name\"", "PCI DSS"]);
    refused(&format!("alice,\"{CANARY}\n,x,\n\n"), &["row 3"]);
}

/// A row is counted as spreadsheets do, and its line is told where it is another.
#[test]
fn rows_of_several_lines_are_counted() {
    let text = format!("id,name,mail\nbob,\"x\ny\nz\",\nalice,x,{CANARY}\n");
    refused("in.csv", text, &["in.csv, row 3 (line 5), column \"mail\""]);
}

/// Bytes that aren't UTF-8, protected column or not.
#[test]
fn other_encodings() {
    let place = Place::new();
    let row = |cells: &[u8]| [b"id,name,mail\n", cells, b"\n"].concat();
    refused_at(&place, "a.csv", row(b"alice,\x8e\x52\x93\x63,"), &["row 2, column \"name\"", "not UTF-8", "iconv"]);
    refused_at(&place, "b.csv", row(b"al\xeece,x,"), &["row 2, column \"id\""]);
    refused_at(
        &place,
        "c.jsonl",
        b"{\"id\":\"a\",\"name\":\"\x8e\x52\",\"mail\":\"\"}\n",
        &["c.jsonl, line 1", "UTF-8"],
    );
}

/// A quote that is never closed does not fill the memory.
#[test]
fn a_quote_that_is_not_closed() {
    let mut text = format!("id,name,mail\nalice,\"{CANARY}\n");
    while text.len() < 20 << 20 {
        text.push_str("bob,x y,bob@example.com\n");
    }
    refused("in.csv", text, &["row 2", "quote"]);
}

/// The first problem of the file is told, however the threads run.
#[test]
fn the_first_problem_is_told() {
    let place = Place::new();
    let mut text = common::table(3000);
    for row in 0..2000 {
        text.push_str(&format!("alice,{CANARY},{CANARY}{row}\n"));
    }
    place.write("in.csv", &text);
    for threads in ["1", "2", "7"] {
        let args = [&["protect", "--keyring", "k", "in.csv", "-o", "out", "--threads", threads][..], &PLAN].concat();
        place.fails(&args, 5, &["in.csv, row 3002: the header has 4 columns"]);
    }
}

/// JSON Lines.
#[test]
fn json_lines() {
    let place = Place::new();
    let with = |line: &str| format!("{{\"id\":\"bob\",\"name\":\"x y\",\"mail\":null}}\n{line}\n");
    let refused = |line: &str, words: &[&str]| refused_at(&place, "in.jsonl", with(line), words);
    refused(&format!("{{\"id\":\"a\",\"name\":\"{CANARY}\""), &["in.jsonl, line 2: this is not one JSON object"]);
    refused(&format!("\"{CANARY}\""), &["line 2: this is not one JSON object"]);
    refused(&format!("[\"{CANARY}\"]"), &["line 2: this is not one JSON object"]);
    refused(&format!("{{\"id\":\"a\",\"name\":{{\"x\":\"{CANARY}\"}}}}"), &["line 2, column \"name\": only strings"]);
    refused("{\"id\":\"a\",\"name\":17}", &["line 2, column \"name\": only strings"]);
    refused(&format!("{{\"name\":\"{CANARY}\"}}"), &["line 2, column \"id\": there is no owner"]);
    refused(&format!("{{\"id\":\"a\",\"id\":\"b\",\"name\":\"{CANARY}\"}}"), &["line 2: a key stands twice"]);
    refused(&format!("{{\"id\":\"a\",\"mail\":\"{CANARY}\"}}"), &["line 2, column \"mail\"", "An e-mail address has"]);
    refused(&format!("{{\"id\":\"a\",\"cardCvv2\":\"{CANARY}\"}}"), &["line 2", "PCI DSS"]);
    refused_at(
        &place,
        "b.jsonl",
        format!("{{\"id\":\"a\",\"name\":\"{CANARY}\"}}\n"),
        &["no line has the key \"mail\""],
    );
}

/// Schemas.
#[test]
fn schemas() {
    let place = Place::new();
    place.write("in.csv", common::table(1));
    for (schema, words) in [
        ("", "missing field"),
        ("tenant = \"t\"\nowner = \"id\"\n[fields]\n", "no column to protect"),
        ("tenant = \"t\"\nowner = \"id\"\n[fields]\nname = \"x\"\n", "there is no field \"x\""),
        ("tenant = \"t\"\nowner = \"id\"\ncolumns = 1\n[fields]\n", "unknown field"),
        ("tenant = \"\"\nowner = \"id\"\n[fields]\nname = \"person-name\"\n", "the tenant has 0 bytes"),
    ] {
        place.write("s.toml", schema);
        place.fails(&["protect", "--keyring", "k", "--schema", "s.toml", "in.csv"], 5, &[words]);
    }
    place.fails(&["protect", "--keyring", "k", "in.csv"], 2, &["--tenant"]);
}

/// Schema files know records and erasable tokens, and a bound field without a record is refused before anything is read.
#[test]
fn schemas_of_bound_fields() {
    let place = Place::new();
    place.write("in.csv", format!("id,order,to\nalice,,{CANARY}\n"));
    let schema = |rest: &str| format!("tenant = \"t\"\nowner = \"id\"\n{rest}[fields]\nto = \"shipping-address\"\n");
    let check = ["protect", "--check", "--schema", "s.toml", "in.csv"];
    place.write("s.toml", schema(""));
    place.fails(&check, 5, &["\"to\" is to be shipping-address", "record = \"COLUMN\" in the schema"]);
    place.write("s.toml", schema("record = \"order\"\n"));
    place.fails(&check, 5, &["row 2, column \"order\": there is no record in this row"]);
    place.write("s.toml", schema("record = \"order\"\nerasable = \"yes\"\n"));
    place.fails(&check, 5, &["s.toml is not a schema", "erasable = true"]);
    let both = ["protect", "--check", "--schema", "s.toml", "--record", "order", "in.csv"];
    place.fails(&both, 2, &["cannot be used with"]);
}
