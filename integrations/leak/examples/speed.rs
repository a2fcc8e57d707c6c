//! How fast a gigabyte of other text is looked through, beside ripgrep on the same file: `cargo run --release -p symbolon-leak --example speed`
//!
//! With a number, so many megabytes. With a path behind it, the text is written there, stays, and is
//! taken from there the next time; with anything more, only tokens are looked for. Processor time counts where others use the machine, too.
#![allow(clippy::unwrap_used, reason = "an example")]

#[path = "../tests/common/text.rs"]
mod text;

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::Command,
    time::Instant,
};

use symbolon_leak::{Event, Look, Options, Scan, Tokens, Values};

fn main() {
    let megabytes = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(1000);
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::args().nth(2).map_or_else(|| folder.path().join("text"), Into::into);
    if fs::metadata(&path).map_or(0, |file| file.len()) < megabytes * 1_000_000 {
        let mut out = BufWriter::new(File::create(&path).unwrap());
        text::Generator::new(7).write(megabytes * 1_000_000, &mut out).unwrap();
        out.flush().unwrap();
    }
    let len = fs::metadata(&path).unwrap().len();
    // Once before, so that both find it in memory.
    std::io::copy(&mut File::open(&path).unwrap(), &mut std::io::sink()).unwrap();
    let ours = measure(&Tokens::new(), &path, len, "tokens");
    let began = (Instant::now(), ticks(15));
    if let Ok(output) = Command::new("rg").arg("-c").arg("sym_").arg(&path).output() {
        let (wall, theirs) = (began.0.elapsed().as_secs_f64(), (ticks(15) - began.1).max(0.01));
        let lines = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let (rate, busy) = (len as f64 / wall / 1e6, len as f64 / theirs / 1e6);
        let ratio = ours / theirs;
        println!(
            "rg -c sym_: {rate:.0} MB/s, {busy:.0} of processor time ({lines} lines); ours takes {ratio:.1} times as much"
        );
    }
    if std::env::args().nth(3).is_some() {
        return;
    }
    let list: Vec<String> = (0..1000).map(|number| format!("someone.{number}.{}@example.jp", number * 7919)).collect();
    measure(&Values::new(&list).unwrap(), &path, len, "1,000 values");
}

/// Looks through the file, and says how much processor time that took, in seconds.
fn measure<L: Look>(look: &L, path: &Path, len: u64, what: &str) -> f64 {
    let (mut found, mut problems) = (0, 0);
    let began = (Instant::now(), ticks(13));
    Scan::new(look, Options::default(), |event: Event<'_, L::Item>| match event {
        Event::Found(_) => found += 1,
        Event::Problem(_) => problems += 1,
        _ => {}
    })
    .path(path);
    let (wall, busy) = (began.0.elapsed().as_secs_f64(), ticks(13) - began.1);
    let memory = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned();
    println!(
        "{what}: {found} found, {problems} problems, {:.0} MB/s, {:.0} of processor time, peak memory {peak}",
        len as f64 / wall / 1e6,
        len as f64 / busy / 1e6
    );
    busy
}

/// Processor time of this program (13) or of those that it ran (15), in seconds: user and system, in hundredths.
fn ticks(field: usize) -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let numbers = stat.split(' ').skip(field).take(2).filter_map(|number| number.parse::<f64>().ok());
    numbers.sum::<f64>() / 100.0
}
