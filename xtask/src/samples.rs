//! `cargo xtask samples`: the invented shop whose data the demo, the tests and the measurements use.
//!
//! Nobody in it exists. Cards are the test numbers that payment networks publish, mail addresses are in the domains that
//! RFC 2606 reserves, telephone numbers are in ranges that are not given out, and block numbers exist in no town.
//! The generator is deterministic: the committed files are what it writes. (`order-page.html` beside them is written by hand.)

mod generator;
mod orders;
mod people;
mod pools;

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::Outcome;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Compare the committed files with what the generator gives; fail where they differ
    #[arg(long, conflicts_with_all = ["rows", "out"])]
    check: bool,
    /// Write a customers file of this many rows instead, for measurements; each row has its own customer id
    #[arg(long, value_name = "N", requires = "out")]
    rows: Option<u64>,
    /// Where to write the file of --rows
    #[arg(long, value_name = "FILE", requires = "rows")]
    out: Option<PathBuf>,
}

/// Writes the samples, compares them, or writes a large customers file.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    match (arguments.rows, &arguments.out) {
        (Some(rows), Some(out)) => {
            let file = fs::File::create(out).map_err(|error| format!("cannot write {}: {error}", out.display()))?;
            write_customers(BufWriter::new(file), rows)
        }
        _ if arguments.check => check(root),
        _ => write(root),
    }
}

/// Fails unless every committed file is what the generator gives.
pub(crate) fn check(root: &Path) -> Outcome {
    for (name, wanted) in files()? {
        let path = root.join(FOLDER).join(name);
        let found = fs::read(&path).map_err(|error| format!("cannot read {FOLDER}/{name}: {error}"))?;
        if found != wanted {
            let line = 1 + found
                .split(|byte| *byte == b'\n')
                .zip(wanted.split(|byte| *byte == b'\n'))
                .take_while(|(a, b)| a == b)
                .count();
            return Err(
                format!("{FOLDER}/{name} differs at line {line}; write it again with: cargo xtask samples").into()
            );
        }
    }
    Ok(())
}

fn write(root: &Path) -> Outcome {
    fs::create_dir_all(root.join(FOLDER))?;
    for (name, bytes) in files()? {
        fs::write(root.join(FOLDER).join(name), &bytes)?;
        println!("wrote {FOLDER}/{name} ({} bytes)", bytes.len());
    }
    Ok(())
}

/// Every generated file: its name and its bytes.
fn files() -> Outcome<Vec<(&'static str, Vec<u8>)>> {
    let (mut customers, mut orders) = (Vec::new(), Vec::new());
    write_customers(&mut customers, CUSTOMERS)?;
    write_orders(&mut orders)?;
    Ok(vec![
        ("customers.csv", customers),
        ("customers.schema.toml", schema("customers.csv", people::FIELDS)),
        ("orders.csv", orders),
        ("orders.schema.toml", schema("orders.csv", orders::FIELDS)),
    ])
}

/// A customers file of this many rows, each with its own customer id.
pub(crate) fn write_customers(out: impl Write, rows: u64) -> Outcome {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(people::COLUMNS)?;
    for index in 0..rows {
        csv.write_record(people::customer(SEED, index).cells())?;
    }
    Ok(csv.flush()?)
}

fn write_orders(out: impl Write) -> Outcome {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(orders::COLUMNS)?;
    for index in 0..ORDERS {
        csv.write_record(orders::order(SEED, index, CUSTOMERS).cells())?;
    }
    Ok(csv.flush()?)
}

/// Which columns hold what, for the command line.
fn schema(file: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!(
        "# Of {file}: whose data a row is, and which columns hold what. A column that is not named here is left as it is.\n\
         tenant = \"{TENANT}\"\nowner = \"{OWNER}\"\n\n[fields]\n"
    );
    for (column, field) in fields {
        text.push_str(&format!("{column} = \"{field}\"\n"));
    }
    text.into_bytes()
}

/// Where the samples are.
const FOLDER: &str = "integrations/cli/samples";
/// What all samples follow from. Another seed gives another shop.
const SEED: u64 = 0x0017_5e1f_5a3b_0101;
/// Rows of `customers.csv`.
const CUSTOMERS: u64 = 3_000;
/// Rows of `orders.csv`.
const ORDERS: u64 = 5_000;
/// The shop.
const TENANT: &str = "shop-17";
/// The column that says whose data a row is.
const OWNER: &str = "customer_id";

#[cfg(test)]
mod tests;
