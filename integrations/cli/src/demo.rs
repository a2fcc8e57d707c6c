//! The main job on sample data: a shop, two customers, and one page that reaches the wrong one.
//!
//! Each step is printed as the command that a reader can type, and done by that command's own code. What should come out is
//! checked, so that the demo fails where the program does.

mod check;
mod page;

use std::{
    collections::HashMap,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use self::check::Pages;
use crate::{error::Failure, text};

/// symbolon demo
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon demo
  symbolon demo --dir ../try-symbolon

Everybody in the sample data is invented. Nothing outside the directory is read or written.")]
pub(crate) struct DemoArgs {
    /// Where to put the demo's files: a new or empty directory
    #[arg(long, default_value = "symbolon-demo")]
    dir: PathBuf,
    /// Replace the files of an earlier demo in that directory; all others stay
    #[arg(long)]
    force: bool,
}

/// Does everything, and checks it.
pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    let dir = args.dir.display();
    prepare(&args.dir, args.force)?;
    say("A shop, two of its customers, and one page in the wrong hands. Everybody in it is invented.")?;
    say(&format!("\n$ cd {}", text::command_line(&[dir.to_string()])))?;
    // So that the commands below are short, and yet the ones to type.
    env::set_current_dir(&args.dir).with_context(|| format!("can't go to {dir}"))?;
    write_samples()?;
    protect()?;
    log_in()?;
    render()?;
    reveal()?;
    let pages = Pages {
        plain: page::fill(PAGE, &alices_order("orders.csv", "customers.csv")?)?,
        cached: read("order-page.protected.html")?,
        alice: read("order-page.alice.html")?,
        bob: read("order-page.bob.html")?,
    };
    let rows = pages.check()?;
    check::alices_orders(&read("orders.csv")?, &read("orders.alice.csv")?)?;
    summary(&args.dir, &rows, &pages.link_in_alices_page()?)
}

fn write_samples() -> Result<()> {
    for (name, bytes) in SAMPLES {
        fs::write(name, bytes).with_context(|| format!("can't write {name}"))?;
    }
    say("\nThe shop's data: 3,000 customers and 5,000 orders, with schemas that say which columns are personal.")?;
    say("wrote customers.csv, customers.schema.toml, orders.csv, orders.schema.toml")
}

fn protect() -> Result<()> {
    say("\nOnce: a keyring.")?;
    command("keygen shop.keyring")?;
    say("\nThe personal columns become tokens. This is what the database holds from now on.")?;
    for table in ["customers", "orders"] {
        let files = format!("{table}.csv --schema {table}.schema.toml");
        command(&format!("protect {files} --keyring shop.keyring -o {table}.protected.csv"))?;
    }
    Ok(())
}

fn log_in() -> Result<()> {
    say("\nAlice logs in, and so does Bob.")?;
    for who in ["alice", "bob"] {
        command(&format!("login --keyring shop.keyring --tenant shop-17 --person {who} -o {who}.session"))?;
    }
    Ok(())
}

/// What a server does with a template. It has tokens only.
fn render() -> Result<()> {
    let (row, name) = (alices_order("orders.protected.csv", "customers.protected.csv")?, "order-page.protected.html");
    say("\nAlice opens her order. The server fills the page from its database, that is, with tokens.")?;
    fs::write(name, page::fill(PAGE, &row)?).with_context(|| format!("can't write {name}"))?;
    say(&format!("wrote {name}, which is what a cache would hold"))
}

fn reveal() -> Result<()> {
    say("\nBy mistake the cache gives her page to Bob, too. Each of them has only their own session.")?;
    for who in ["alice", "bob"] {
        let (common, marker) = (format!("--keyring shop.keyring --session {who}.session"), page::MARKER);
        let output = format!("order-page.{who}.html");
        command(&format!("reveal order-page.protected.html --html-marker {marker} {common} -o {output}"))?;
    }
    say("\nThe same with the whole table of orders: of 5,000 rows Alice reads her own.")?;
    command("reveal orders.protected.csv --keyring shop.keyring --session alice.session -o orders.alice.csv")
}

/// Alice's first order, with card and e-mail address from her customer's row.
fn alices_order(orders: &str, customers: &str) -> Result<HashMap<String, String>> {
    let mut row = page::first_row_of(&read(orders)?, "alice")?;
    let customer = page::first_row_of(&read(customers)?, "alice")?;
    row.extend(customer.into_iter().filter(|(name, _)| name == "card_number" || name == "email"));
    Ok(row)
}

fn summary(dir: &Path, rows: &[check::Row], link: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nOne page, three readers:\n")?;
    check::table(&mut out, rows)?;
    writeln!(
        out,
        "\nSomebody put a picture into the buyer's message, to make Alice's own browser send her name away."
    )?;
    writeln!(out, "In Alice's page, too, it asks for nothing but a token:\n  {}…", link.get(..60).unwrap_or(link))?;
    writeln!(out, "\nLook at them:")?;
    for (name, what) in LOOK {
        writeln!(out, "  {}  {what}", dir.join(format!("{name:25}")).display())?;
    }
    writeln!(
        out,
        "\nNext: protect your own file. A schema says whose data a row is and which columns are personal; begin with a"
    )?;
    writeln!(out, "copy of {}. Then:", dir.join("customers.schema.toml").display())?;
    writeln!(out, "  symbolon keygen my.keyring")?;
    writeln!(out, "  symbolon protect my.csv --schema my.schema.toml --keyring my.keyring -o my.protected.csv")?;
    if let Some(program) = program_outside_the_path() {
        writeln!(
            out,
            "Here `symbolon` is {program}. To have it by that name, in a checkout: cargo install --path integrations/cli"
        )?;
    }
    Ok(())
}

/// This program's path, where the shell would not find it by its name: as `cargo run` starts it.
fn program_outside_the_path() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let folders = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&folders).any(|folder| program.parent() == Some(folder.as_path()));
    (!found).then(|| program.display().to_string())
}

/// Shows a command and runs it. (No word of it has a space.)
fn command(line: &str) -> Result<()> {
    say(&format!("$ symbolon {line}"))?;
    let words: Vec<String> = line.split(' ').map(Into::into).collect();
    crate::run_line(&words).with_context(|| format!("the demo's `symbolon {line}` failed"))
}

fn read(name: &str) -> Result<String> {
    fs::read_to_string(name).with_context(|| format!("can't read {name}"))
}

/// One line, out at once: the commands in between write to the same terminal.
fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Makes sure of a directory in which nothing is written over that the demo did not make.
fn prepare(dir: &Path, force: bool) -> Result<()> {
    let name = dir.display();
    fs::create_dir_all(dir).with_context(|| format!("can't make {name}"))?;
    let is_empty = fs::read_dir(dir).with_context(|| format!("can't look into {name}"))?.next().is_none();
    let marker = dir.join(MARKER_FILE);
    match (is_empty, force) {
        (true, _) => {}
        (false, false) => {
            bail!("{name} is not empty. Choose another with --dir, or replace an earlier demo with --force")
        }
        (false, true) if marker.exists() => remove_made(dir)?,
        (false, true) => {
            let message = format!(
                "{name} has files, but no earlier demo made them ({MARKER_FILE} is missing): choose another with --dir"
            );
            return Err(Failure::Input.because(message));
        }
    }
    fs::write(&marker, ABOUT).with_context(|| format!("can't write {}", marker.display()))
}

/// Removes what the demo makes, by name.
fn remove_made(dir: &Path) -> Result<()> {
    let samples = SAMPLES.iter().map(|(name, _)| *name);
    for name in samples.chain(MADE) {
        let path = dir.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("can't remove {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

const PAGE: &str = include_str!("../samples/order-page.html");

const SAMPLES: [(&str, &[u8]); 5] = [
    ("customers.csv", include_bytes!("../samples/customers.csv")),
    ("customers.schema.toml", include_bytes!("../samples/customers.schema.toml")),
    ("orders.csv", include_bytes!("../samples/orders.csv")),
    ("orders.schema.toml", include_bytes!("../samples/orders.schema.toml")),
    ("order-page.html", PAGE.as_bytes()),
];

/// What the demo makes besides the samples.
const MADE: [&str; 11] = [
    "shop.keyring",
    "shop.keyring.state",
    "shop.keyring.audit",
    "customers.protected.csv",
    "orders.protected.csv",
    "alice.session",
    "bob.session",
    "order-page.protected.html",
    "order-page.alice.html",
    "order-page.bob.html",
    "orders.alice.csv",
];

const LOOK: [(&str, &str); 6] = [
    ("order-page.protected.html", "what the server, the cache and the log have"),
    ("order-page.alice.html", "what Alice reads (open it in a browser)"),
    ("order-page.bob.html", "what Bob reads of the same page"),
    ("customers.protected.csv", "what the database holds, and a thief of it"),
    ("orders.alice.csv", "the orders, as Alice's session opens them"),
    ("shop.keyring.state", "the audit trail: each opening and refusal above, sealed for the auditor"),
];

const MARKER_FILE: &str = "ABOUT.txt";

const ABOUT: &str = "\
symbolon demo made this directory. Everybody in it is invented, and the keys in it protect nothing else: delete it when you like.
";
