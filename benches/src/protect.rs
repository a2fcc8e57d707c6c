//! `symbolon protect` of a generated file, on one core, on two, and twice at once on a core each, by turns.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use crate::frame::Spread;

/// Rows a second.
pub(crate) struct Protected {
    pub(crate) one_core: Spread,
    pub(crate) two_cores: Spread,
    /// A program on each core, with a result of its own: what two cores of this machine are for this job at best.
    pub(crate) apart: Spread,
    /// Medians of the rounds' ratios to one core.
    pub(crate) two_to_one: f64,
    pub(crate) apart_to_one: f64,
}

pub(crate) const ROWS: usize = 50_000;
/// Sealed in each row.
pub(crate) const CELLS: usize = 4;

/// Runs the program `rounds` times on each number of cores.
pub(crate) fn measure(program: &Path, rounds: usize) -> Result<Protected, Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("symbolon-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = in_folder(program, &folder, rounds);
    fs::remove_dir_all(&folder)?;
    measured
}

fn in_folder(program: &Path, folder: &Path, rounds: usize) -> Result<Protected, Box<dyn Error>> {
    fs::write(folder.join("customers.csv"), customers()?)?;
    succeeds(Command::new(program).current_dir(folder).args(["keygen", "shop.keyring"]))?;
    let [mut one, mut two, mut apart] = [const { Vec::new() }; 3];
    for round in 0..=rounds {
        let turns = [&["0"][..], &["0,1"], &["0", "1"]].map(|runs| rows_per_second(program, folder, runs));
        let [on_one, on_two, each] = turns;
        // The first round fills the caches.
        if round > 0 {
            one.push(on_one?);
            two.push(on_two?);
            apart.push(each?);
        }
    }
    let to_one = |rates: &[f64]| Spread::of(&rates.iter().zip(&one).map(|(rate, one)| rate / one).collect::<Vec<_>>());
    Ok(Protected {
        two_to_one: to_one(&two).median,
        apart_to_one: to_one(&apart).median,
        one_core: Spread::of(&one),
        two_cores: Spread::of(&two),
        apart: Spread::of(&apart),
    })
}

/// The rows of all runs together, until the last is done. A run is on these cores, with a thread for each, all runs at once.
fn rows_per_second(program: &Path, folder: &Path, runs: &[&str]) -> Result<f64, Box<dyn Error>> {
    let mut commands: Vec<_> = runs.iter().map(|cores| protect(program, folder, cores)).collect();
    for cores in runs {
        let _none_yet = fs::remove_file(folder.join(result_of(cores)));
    }
    let start = Instant::now();
    let running: Vec<_> = commands
        .iter_mut()
        .map(|command| command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn())
        .collect::<Result<_, _>>()?;
    for (child, command) in running.into_iter().zip(&commands) {
        check(command, &child.wait_with_output()?)?;
    }
    Ok((runs.len() * ROWS) as f64 / start.elapsed().as_secs_f64())
}

fn result_of(cores: &str) -> String {
    format!("out-{cores}.csv")
}

fn protect(program: &Path, folder: &Path, cores: &str) -> Command {
    let mut command = Command::new("taskset");
    command.current_dir(folder).args(["-c", cores]).arg(program);
    command.args(["protect", "--keyring", "shop.keyring", "--tenant", "shop-17", "--owner", "customer_id"]);
    for field in ["name=person-name", "address=postal-address", "phone=phone", "mail=email"] {
        command.args(["--field", field]);
    }
    let threads = cores.split(',').count().to_string();
    command.args(["--threads", &threads, "customers.csv", "-o", &result_of(cores)]);
    command
}

fn succeeds(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let output = command.stdin(Stdio::null()).output()?;
    check(command, &output)
}

fn check(command: &Command, output: &Output) -> Result<(), Box<dyn Error>> {
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn customers() -> Result<String, std::fmt::Error> {
    let mut csv = String::from("customer_id,name,address,phone,mail,points\n");
    for row in 0..ROWS {
        let block = row % 97 + 1;
        writeln!(
            csv,
            "c{row:06},Yamada Taro,\"{block}-2-3 Ginza, Tokyo\",+81 3 1234 5678,taro.{row}@example.com,{block}"
        )?;
    }
    Ok(csv)
}
