//! The main job on sample data: a shop, two customers, and one page that reaches the wrong one.
//!
//! Each step is printed as the command that a reader can type, and done by that command's own code. What should come out is
//! checked, so that the demo fails where the program does.

mod check;
mod page;

use std::{
    collections::HashMap,
    fs,
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
  symbolon demo --dir /tmp/try-symbolon

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
    prepare(&args.dir, args.force)?;
    let demo = Demo { dir: args.dir.to_str().context("the directory's name must be UTF-8")?.into() };
    let mut out = std::io::stdout().lock();
    writeln!(out, "A shop, two of its customers, and one page in the wrong hands. Everybody in it is invented.")?;
    drop(out);
    demo.write_samples()?;
    demo.protect()?;
    let row = demo.alices_order("orders.protected.csv", "customers.protected.csv")?;
    demo.log_in()?;
    demo.render(&row)?;
    demo.reveal()?;
    let pages = Pages {
        plain: page::fill(PAGE, &demo.alices_order("orders.csv", "customers.csv")?)?,
        cached: demo.read("order-page.protected.html")?,
        alice: demo.read("order-page.alice.html")?,
        bob: demo.read("order-page.bob.html")?,
    };
    let rows = pages.check()?;
    check::alices_orders(&demo.read("orders.csv")?, &demo.read("orders.alice.csv")?)?;
    demo.summary(&rows, &pages.link_in_alices_page()?)
}

/// The directory, as a reader would type it.
struct Demo {
    dir: String,
}

impl Demo {
    fn write_samples(&self) -> Result<()> {
        for (name, bytes) in SAMPLES {
            fs::write(self.at(name), bytes).with_context(|| format!("can't write {}", self.at(name)))?;
        }
        self.step(
            "The shop's data: 3,000 customers and 5,000 orders, with schemas that say which columns are personal.",
        )?;
        say(&format!("wrote {} and {}, each with its .schema.toml", self.at("customers.csv"), self.at("orders.csv")))
    }

    fn protect(&self) -> Result<()> {
        self.step("Once: a keyring.")?;
        self.command(&["keygen", "@shop.keyring"])?;
        self.step("The personal columns become tokens. This is what the database holds from now on.")?;
        for table in ["customers", "orders"] {
            let (plain, schema) = (format!("@{table}.csv"), format!("@{table}.schema.toml"));
            let protected = format!("@{table}.protected.csv");
            self.command(&["protect", &plain, "--schema", &schema, "--keyring", "@shop.keyring", "-o", &protected])?;
        }
        Ok(())
    }

    fn log_in(&self) -> Result<()> {
        self.step("Alice logs in, and so does Bob.")?;
        for who in ["alice", "bob"] {
            let session = format!("@{who}.session");
            let keyring = ["--keyring", "@shop.keyring", "--tenant", "shop-17"];
            self.command(&[&["login"], keyring.as_slice(), &["--person", who, "-o", &session]].concat())?;
        }
        Ok(())
    }

    /// What a server does with a template. It has tokens only.
    fn render(&self, row: &HashMap<String, String>) -> Result<()> {
        self.step("Alice opens her order. The server fills the page from its database, that is, with tokens.")?;
        let path = self.at("order-page.protected.html");
        fs::write(&path, page::fill(PAGE, row)?).with_context(|| format!("can't write {path}"))?;
        say(&format!("wrote {path}, which is what a cache would hold"))
    }

    fn reveal(&self) -> Result<()> {
        self.step("By mistake the cache gives her page to Bob, too. Each of them has only their own session.")?;
        for who in ["alice", "bob"] {
            let (session, out) = (format!("@{who}.session"), format!("@order-page.{who}.html"));
            let common = ["--keyring", "@shop.keyring", "--session", &session, "-o", &out];
            let html = ["reveal", "@order-page.protected.html", "--format", "html", "--html-marker", page::MARKER];
            self.command(&[html.as_slice(), &common].concat())?;
        }
        self.step("The same with the whole table of orders: of 5,000 rows Alice reads her own.")?;
        let files = ["reveal", "@orders.protected.csv", "-o", "@orders.alice.csv"];
        self.command(&[files.as_slice(), &["--keyring", "@shop.keyring", "--session", "@alice.session"]].concat())
    }

    /// Alice's first order, with card and e-mail address from her customer's row.
    fn alices_order(&self, orders: &str, customers: &str) -> Result<HashMap<String, String>> {
        let mut row = page::first_row_of(&self.read(orders)?, "alice")?;
        let customer = page::first_row_of(&self.read(customers)?, "alice")?;
        row.extend(customer.into_iter().filter(|(name, _)| name == "card_number" || name == "email"));
        Ok(row)
    }

    fn summary(&self, rows: &[check::Row], link: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nOne page, three readers:\n")?;
        check::table(&mut out, rows)?;
        writeln!(
            out,
            "\nSomebody wrote a picture into the buyer's message, to make Alice's own browser send her name away."
        )?;
        writeln!(out, "In Alice's page it still asks for a token:\n  {}…", link.get(..60).unwrap_or(link))?;
        writeln!(out, "\nLook at them:")?;
        let width = LOOK.iter().map(|(name, _)| self.at(name).len()).max().unwrap_or(0);
        for (name, what) in LOOK {
            writeln!(out, "  {:width$}  {what}", self.at(name))?;
        }
        writeln!(
            out,
            "\nNext: protect your own file. A schema says whose a row is and which columns are personal; begin with a copy of"
        )?;
        writeln!(out, "{}, then:", self.at("customers.schema.toml"))?;
        writeln!(out, "  symbolon keygen my.keyring")?;
        writeln!(out, "  symbolon protect my.csv --schema my.schema.toml --keyring my.keyring -o my.protected.csv")?;
        Ok(())
    }

    /// Shows a command and runs it. Words that begin with @ are files of the demo.
    fn command(&self, words: &[&str]) -> Result<()> {
        let word = |word: &&str| word.strip_prefix('@').map_or_else(|| (*word).into(), |name| self.at(name));
        let line: Vec<String> = words.iter().map(word).collect();
        let shown = text::command_line(&line);
        say(&format!("$ symbolon {shown}"))?;
        crate::run_line(&line).with_context(|| format!("the demo's `symbolon {shown}` failed"))
    }

    fn step(&self, what: &str) -> Result<()> {
        say(&format!("\n{what}"))
    }

    fn read(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.at(name)).with_context(|| format!("can't read {}", self.at(name)))
    }

    fn at(&self, name: &str) -> String {
        Path::new(&self.dir).join(name).display().to_string()
    }
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

const LOOK: [(&str, &str); 5] = [
    ("order-page.protected.html", "what the server, the cache and the log have"),
    ("order-page.alice.html", "what Alice reads (open it in a browser)"),
    ("order-page.bob.html", "what Bob reads of the same page"),
    ("customers.protected.csv", "what the database holds, and a thief of it"),
    ("orders.alice.csv", "the orders, as Alice's session opens them"),
];

const MARKER_FILE: &str = "ABOUT.txt";

const ABOUT: &str = "\
symbolon demo made this directory. Everybody in it is invented, and the keys in it protect nothing else: delete it when you like.
";
