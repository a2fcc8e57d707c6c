//! Where it was measured.

use std::fs;
use std::process::Command;
use std::thread;

/// Processor, cores, system, compiler and flags, as a list.
pub(crate) fn describe() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = |line: &&str| line.starts_with("model name");
    let model = cpu.lines().find(named).and_then(|line| line.split_once(": ")).map_or("unknown", |(_, model)| model);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let rustc = Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let rustc = String::from_utf8_lossy(&rustc);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let backend = if cfg!(poly1305_backend = "soft") { "`--cfg poly1305_backend=\"soft\"`" } else { "none" };
    format!(
        "- {model}, {cores} cores, {} {}; load average {load} when it was done\n- {}, release, thin LTO, one codegen unit; cfg of the libraries: {backend}\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
        rustc.trim(),
    )
}
