//! `cargo xtask program`: what the program `symbolon` does in a second, on generated files of a size that one has.

mod place;
mod table;

use std::path::Path;

use self::place::{Place, Runs};
use self::table::{Row, three};
use crate::metadata::Metadata;
use crate::page::{self, grouped};
use crate::process::{cargo, run};
use crate::{Outcome, apt, samples};

/// Builds the program and runs each job several times by turns with what it is compared with. It takes some minutes and two gigabytes in `target`;
/// run it on a machine that does nothing else.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A hundredth of everything, once: to see that it runs
    #[arg(long, conflicts_with = "write")]
    quick: bool,
    /// Put the table into the README
    #[arg(long)]
    write: bool,
}

/// Measures, and prints or writes the table.
pub(crate) fn run_command(root: &Path, arguments: &Arguments) -> Outcome {
    for (program, package) in [("grep", "grep"), ("sha256sum", "coreutils")] {
        apt::have(program, package)?;
    }
    run(cargo(root).args(["build", "--release", "--package", "symbolon-cli"]))?;
    let target = Metadata::load(root)?.target_directory()?;
    let place = Place::new(&target, &target.join("release/symbolon"))?;
    let size = if arguments.quick { Size { share: 100, rounds: 1 } } else { Size { share: 1, rounds: 3 } };
    let of_files = [leaks(root, &place, size)?, memory(&place, size)?, tables(&place, size)?];
    let rows = [of_files.concat(), trail(&place, size)?].concat();
    let table = table::markdown(&rows);
    print!("\n{table}");
    if arguments.write { page::put(&root.join("README.md"), &MARKS, &table) } else { Ok(()) }
}

/// How much of everything, and how often.
#[derive(Debug, Clone, Copy)]
struct Size {
    share: u64,
    rounds: usize,
}

impl Size {
    fn of(self, whole: u64) -> u64 {
        whole / self.share
    }
}

/// The two scanners, beside a search for the same by `grep`.
fn leaks(root: &Path, place: &Place, size: Size) -> Outcome<Vec<Row>> {
    samples::write_customers(place.create("customers.csv")?, VALUES)?;
    place.run(&protect("customers.csv", "protected.csv"))?;
    place.run(&format!("scanner-key --keyring {KEYRING} --tenant {TENANT} -o shop.scanner"))?;
    place.column("customers.csv", "email", "values.txt")?;
    let own = ["README.md", "SPEC.md", "SECURITY.md", "src/token.rs"].map(|name| root.join(name));
    let parts = [vec![place.at("customers.csv"), place.at("protected.csv")], own.to_vec()].concat();
    place.repeat(&parts, "text", size.of(TEXT))?;
    place.repeat(&parts, "less", size.of(TEXT) / 10)?;

    let [mut scan, mut grep, mut residue, mut grep_all] = [const { Runs::new() }; 4];
    for _ in 0..size.rounds {
        scan.push(place.run("scan text --scanner-key shop.scanner")?);
        grep.push(place.run_other("grep -c sym_ text")?);
        residue.push(place.run("residue less --values values.txt --lines")?);
        grep_all.push(place.run_other("grep -c -F -f values.txt less")?);
    }
    let (text, less) = (place.megabytes("text")?, place.megabytes("less")?);
    place.remove(&["text", "less"])?;
    Ok(vec![
        Row {
            job: format!("scan {} MB of mixed text for tokens", three(text)),
            figure: format!("{} MB/s", three(text / scan.seconds())),
            beside: format!("one thread; `grep -c sym_` on the same file {}", three(text / grep.seconds())),
        },
        Row {
            job: format!("look through {} MB of it for {} values", three(less), grouped(VALUES)),
            figure: format!("{} MB/s", three(less / residue.seconds())),
            beside: format!(
                "one thread, in all their encodings; `grep -F`, as they are, {}",
                three(less / grep_all.seconds())
            ),
        },
    ])
}

/// What `protect` takes of memory does not grow with the file.
fn memory(place: &Place, size: Size) -> Outcome<Vec<Row>> {
    let of = |rows: u64| -> Outcome<f64> {
        samples::write_customers(place.create("many.csv")?, rows)?;
        let ran = place.run(&protect("many.csv", "many.protected.csv"))?;
        place.remove(&["many.csv", "many.protected.csv"])?;
        Ok(ran.peak as f64 / 1e6)
    };
    let (rows, fewer) = (size.of(MANY), size.of(MANY) / 50);
    Ok(vec![Row {
        job: format!("memory that `protect` takes for {} rows", grouped(rows)),
        figure: format!("{:.0} MB", of(rows)?),
        beside: format!("{:.0} MB for {} rows", of(fewer)?, grouped(fewer)),
    }])
}

/// A table of two tokens a row: revealed to one of its owners, and rewrapped where there are 2 epochs and where there are 8.
fn tables(place: &Place, size: Size) -> Outcome<Vec<Row>> {
    let owners = size.of(OWNERS);
    let tokens = owners * 2;
    samples::write_customers(place.create("two.csv")?, owners)?;
    place.run(&format!("login --keyring {KEYRING} --tenant {TENANT} --person alice -o alice.session"))?;
    let [mut sealed, mut seen, mut of_two, mut of_eight] = [const { Runs::new() }; 4];
    for _ in 0..size.rounds {
        place.remove(&["protected.csv", "seen.csv"])?;
        sealed.push(place.run(&format!("{} --threads 1", protect("two.csv", "protected.csv")))?);
        let reveal = format!("reveal --keyring {KEYRING} --session alice.session protected.csv -o seen.csv");
        seen.push(place.run(&reveal)?);
    }
    for (rotations, runs) in [(1, &mut of_two), (6, &mut of_eight)] {
        for _ in 0..rotations {
            place.run(&format!("rotate --keyring {KEYRING}"))?;
        }
        for _ in 0..size.rounds {
            place.remove(&["rewrapped.csv"])?;
            let whose = format!("--tenant {TENANT} --owner {OWNER}");
            runs.push(place.run(&format!("rewrap --keyring {KEYRING} {whose} protected.csv -o rewrapped.csv"))?);
        }
    }
    let megabytes = place.megabytes("protected.csv")?;
    let each = |runs: &Runs| three(runs.seconds() * 1e6 / tokens as f64);
    Ok(vec![
        Row {
            job: format!("reveal {} MB with {} tokens, of which 2 open", three(megabytes), grouped(tokens)),
            figure: format!("{} µs a token", each(&seen)),
            beside: format!(
                "{} MB/s, one thread, an entry for each; protecting them {} µs",
                three(megabytes / seen.seconds()),
                each(&sealed)
            ),
        },
        Row {
            job: format!("rewrap {} tokens of {} owners, a grant for each", grouped(tokens), grouped(owners)),
            figure: format!("{} µs a token", each(&of_two)),
            beside: format!("one thread, with 2 epochs; with 8, {}", each(&of_eight)),
        },
    ])
}

/// The trail that all this has left, verified.
fn trail(place: &Place, size: Size) -> Outcome<Vec<Row>> {
    let file = place.largest(&format!("{KEYRING}.state"))?;
    let [mut verified, mut hashed] = [const { Runs::new() }; 2];
    let mut told = String::new();
    for _ in 0..size.rounds {
        let (ran, said) = place.run_and_hear(&format!("trail verify --audit-key {KEYRING}.audit"))?;
        verified.push(ran);
        told = said;
        hashed.push(place.run_other(&format!("sha256sum {file}"))?);
    }
    let megabytes = three(place.megabytes(&file)?);
    Ok(vec![Row {
        job: format!("verify the trail of all this, {} entries", table::entries(&told)?),
        figure: format!("{} s", three(verified.seconds())),
        beside: format!("one thread; `sha256sum` of its file of {megabytes} MB {} s", three(hashed.seconds())),
    }])
}

/// The command that protects names and mail addresses of the sample shop's customers.
fn protect(from: &str, to: &str) -> String {
    let fields = "--field name=person-name --field email=email";
    format!("protect --keyring {KEYRING} --tenant {TENANT} --owner {OWNER} {fields} {from} -o {to}")
}

/// Where the table stands in the README.
const MARKS: page::Marks = ["<!-- program -->", "<!-- /program -->"];
const KEYRING: &str = "shop.keyring";
const TENANT: &str = "shop-17";
const OWNER: &str = "customer_id";
/// Bytes of text that is scanned for tokens; a tenth of it is looked through for values.
const TEXT: u64 = 1_000_000_000;
/// Values that are looked for.
const VALUES: u64 = 1_000;
/// Rows of the large table.
const MANY: u64 = 1_000_000;
/// Rows of the table of two tokens a row, each with an owner of its own.
const OWNERS: u64 = 40_000;
