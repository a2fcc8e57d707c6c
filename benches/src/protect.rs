//! `symbolon protect` of a generated file, on one core and on two, by turns.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::frame::Spread;

/// Rows a second.
pub(crate) struct Protected {
    pub(crate) one_core: Spread,
    pub(crate) two_cores: Spread,
    pub(crate) ratio: f64,
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
    run(Command::new(program).current_dir(folder).args(["keygen", "shop.keyring"]))?;
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let turns = [rows_per_second(program, folder, 1)?, rows_per_second(program, folder, 2)?];
        // The first round fills the caches.
        if round > 0 {
            one.push(turns[0]);
            two.push(turns[1]);
        }
    }
    let ratios: Vec<f64> = two.iter().zip(&one).map(|(two, one)| two / one).collect();
    Ok(Protected { one_core: Spread::of(&one), two_cores: Spread::of(&two), ratio: Spread::of(&ratios).median })
}

fn rows_per_second(program: &Path, folder: &Path, cores: usize) -> Result<f64, Box<dyn Error>> {
    let out = folder.join("out.csv");
    let _none_yet = fs::remove_file(&out);
    let mut command = Command::new("taskset");
    command.current_dir(folder).args(["-c", if cores == 1 { "0" } else { "0,1" }]).arg(program);
    command.args(["protect", "--keyring", "shop.keyring", "--tenant", "shop-17", "--owner", "customer_id"]);
    for field in ["name=person-name", "address=postal-address", "phone=phone", "mail=email"] {
        command.args(["--field", field]);
    }
    command.args(["--threads", &cores.to_string(), "customers.csv", "-o", "out.csv"]);
    let start = Instant::now();
    run(&mut command)?;
    Ok(ROWS as f64 / start.elapsed().as_secs_f64())
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let output = command.stdin(Stdio::null()).output()?;
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
