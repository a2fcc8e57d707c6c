//! The steps of `cargo xtask test`: everything that must pass.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bare_metal::Toolchain;
use crate::metadata::{CORE, Metadata, RustVersion};
use crate::process::{cargo, run, succeeds};
use crate::{Outcome, samples};

/// One thing that must pass.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it does, in one line.
    pub(crate) what: &'static str,
    /// Runs it, in the repository's root.
    pub(crate) run: fn(&Path) -> Outcome<Ended>,
}

/// How a step ended that did not fail.
#[derive(Debug)]
pub(crate) enum Ended {
    /// All that it checks holds.
    Passed,
    /// It could not run on this machine: the reason. Only `minimum-rust` may end so.
    Skipped(String),
}

/// All steps: the quick ones first, so that a small mistake shows soon.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "format", what: "the code is formatted as rustfmt formats it", run: format },
    Step { name: "samples", what: "the committed sample data is what the generator writes", run: sample_data },
    Step {
        name: "supply-chain",
        what: "others' licences, duplicate versions and the core's number of dependencies are as listed",
        run: supply_chain,
    },
    Step { name: "lint", what: "clippy has nothing to say, with all features and all targets", run: lint },
    Step { name: "features", what: "the core compiles with no feature, each feature alone, and all", run: features },
    Step {
        name: "bare-metal",
        what: "the core builds for Cortex-M0, Cortex-M4 and RISC-V (no_std, no alloc)",
        run: bare_metal,
    },
    Step {
        name: "minimum-rust",
        what: "the workspace compiles with the Rust that Cargo.toml declares",
        run: minimum_rust,
    },
    Step {
        name: "tests",
        what: "all tests, documentation examples among them; the core's with either cipher",
        run: tests,
    },
    Step { name: "device-tests", what: "the core's own tests pass on an emulated Cortex-M3", run: device_tests },
    Step { name: "refusals", what: "every cause of a refusal costs the same (valgrind, to 2 %)", run: refusals },
    Step {
        name: "constant-time",
        what: "the machine code branches on secrets at listed verdicts only (valgrind)",
        run: constant_time,
    },
    Step {
        name: "firmware",
        what: "on an emulated Cortex-M3: no allocator, no panic of ours, and flash, RAM, stack and time within limits",
        run: firmware,
    },
    Step {
        name: "device",
        what: "the appliance on the emulated board does what the program asks of it, whatever comes over the line",
        run: device,
    },
    Step { name: "documentation", what: "the documentation builds without a warning", run: documentation },
    Step {
        name: "second-implementation",
        what: "the Python implementation agrees, byte for byte",
        run: second_implementation,
    },
    Step { name: "package", what: "the core can be packaged, and builds from its package", run: package },
];

fn format(root: &Path) -> Outcome<Ended> {
    passed(run(cargo(root).args(["fmt", "--all", "--check"])))
}

fn sample_data(root: &Path) -> Outcome<Ended> {
    passed(samples::check(root))
}

fn supply_chain(root: &Path) -> Outcome<Ended> {
    crate::supply::check(root)?;
    Ok(Ended::Passed)
}

fn lint(root: &Path) -> Outcome<Ended> {
    let scope = ["clippy", "--workspace", "--all-targets", "--all-features"];
    passed(run(cargo(root).args(scope).args(["--", "-D", "warnings"])))
}

fn features(root: &Path) -> Outcome<Ended> {
    let check = || {
        let mut command = cargo(root);
        command.args(["check", "--package", CORE]);
        command
    };
    run(check().arg("--no-default-features"))?;
    for feature in Metadata::load(root)?.core_features()? {
        run(check().args(["--no-default-features", "--features", &feature]))?;
    }
    passed(run(check().arg("--all-features")))
}

fn bare_metal(root: &Path) -> Outcome<Ended> {
    for target in BARE_METAL {
        let toolchain = Toolchain::for_target(root, target)?;
        // All features but `ring`, which is assembly for servers. Whether it compiles is the question here: optimised it is in the firmware.
        for features in ["", "appliance"] {
            let build = ["build", "--package", CORE, "--lib", "--target", target, "--features", features];
            run(toolchain.cargo(root).args(build).args(["--config", "profile.dev.package.symbolon.opt-level=0"]))?;
        }
    }
    Ok(Ended::Passed)
}

/// Cortex-M0 (no compare-and-swap, no long multiplication), Cortex-M4, and a RISC-V without atomic instructions.
const BARE_METAL: [&str; 3] = ["thumbv6m-none-eabi", "thumbv7em-none-eabi", "riscv32imc-unknown-none-elf"];

fn minimum_rust(root: &Path) -> Outcome<Ended> {
    let metadata = Metadata::load(root)?;
    let declared = metadata.declared_rust()?;
    if let Some((dependency, rust)) = metadata.most_demanding_dependency()? {
        if rust > declared {
            return Err(format!("Cargo.toml declares Rust {declared}, but {dependency} asks for {rust}").into());
        }
        println!("    Rust {declared} is declared; the most demanding dependency, {dependency}, asks for {rust}");
    }
    if let Err(why) = have_toolchain(root, declared) {
        return Ok(Ended::Skipped(format!(
            "Rust {declared} is not installed, and rustup cannot install it here: {why}"
        )));
    }
    let toolchain = declared.to_string();
    // Through `rustup run`: the cargo that started this program is one toolchain's own, and does not know `+VERSION`.
    passed(run(rustup(root).args(["run", &toolchain, "cargo", "check", "--workspace"])))
}

/// Installs the toolchain unless it is there; the error is the first that rustup names.
fn have_toolchain(root: &Path, version: RustVersion) -> Outcome {
    let version = version.to_string();
    if succeeds(rustup(root).args(["run", &version, "rustc", "--version"])) {
        return Ok(());
    }
    let install = ["toolchain", "install", &version, "--profile", "minimal", "--no-self-update"];
    let output = rustup(root).args(install).output().map_err(|error| format!("cannot start rustup: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let why = said.lines().find(|line| line.starts_with("error")).unwrap_or("it did not say why");
    if output.status.success() { Ok(()) } else { Err(why.into()) }
}

/// Files of the core's tests that run with ring, too.
const WITH_RING: [&str; 8] = [
    "access_model",
    "appliance_vectors",
    "attacks_on_credentials",
    "attacks_on_the_appliance",
    "attacks_on_tokens",
    "trail_and_faults",
    "vectors",
    "way_of_a_value",
];

/// What the tests are built of. Whoever asks for something with other features builds it anew.
pub(crate) const TESTED: [&str; 3] = ["--workspace", "--features", "symbolon/appliance,symbolon-flash/appliance"];

fn tests(root: &Path) -> Outcome<Ended> {
    // Everything with RustCrypto's cipher, which is the default; with ring's, which every other feature is added to, once more what knows the
    // bytes, and what every sealed thing goes through: the cipher is one file of the core.
    run(cargo(root).arg("test").args(TESTED))?;
    let with_ring = WITH_RING.iter().flat_map(|file| ["--test", file]);
    run(cargo(root).args(["test", "--package", CORE, "--all-features", "--lib"]).args(with_ring))?;
    // Once more the examples that must not compile: only with nightly's features does rustdoc check that they fail for the reason they
    // say. In a folder of its own, for all that is built with that variable would be built anew without it.
    let apart = root.join("target").join("with-nightly-features");
    passed(run(cargo(root)
        .args(["test", "--doc", "--package", "symbolon", "--target-dir"])
        .arg(apart)
        .env("RUSTC_BOOTSTRAP", "1")))
}

fn device_tests(root: &Path) -> Outcome<Ended> {
    passed(crate::suite::run(root))
}

fn refusals(root: &Path) -> Outcome<Ended> {
    passed(crate::refusals::run_command(root, &crate::refusals::Arguments::default()))
}

fn constant_time(root: &Path) -> Outcome<Ended> {
    passed(crate::constant_time::run_command(root, &crate::constant_time::Arguments::default()))
}

fn firmware(root: &Path) -> Outcome<Ended> {
    passed(crate::firmware::run_command(root, &crate::firmware::Arguments::default()))
}

fn device(root: &Path) -> Outcome<Ended> {
    passed(crate::device::test(root))
}

fn documentation(root: &Path) -> Outcome<Ended> {
    passed(run(cargo(root).args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings")))
}

/// The script builds what it needs with the cargo that it finds in `CARGO`.
fn second_implementation(root: &Path) -> Outcome<Ended> {
    let python = python_environment(root)?;
    let cargo = cargo(root).get_program().to_owned();
    passed(run(Command::new(python).current_dir(root).env("CARGO", cargo).arg("tests/second/run.py")))
}

/// The Python of a virtual environment that holds what the script asks for. It is made once, and again when that changes.
fn python_environment(root: &Path) -> Outcome<PathBuf> {
    let environment = Metadata::load(root)?.target_directory()?.join("venv");
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let requirements = "tests/second/requirements.txt";
    let wanted =
        std::fs::read(root.join(requirements)).map_err(|error| format!("cannot read {requirements}: {error}"))?;
    let installed = environment.join("installed-requirements.txt");
    if std::fs::read(&installed).is_ok_and(|text| text == wanted) && succeeds(Command::new(&python).arg("--version")) {
        return Ok(python);
    }
    run(Command::new("python3").current_dir(root).args(["-m", "venv", "--clear"]).arg(&environment))
        .map_err(|error| format!("{error}: Python 3 with its `venv` module is needed"))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
    run(Command::new(&python).current_dir(root).args(pip))?;
    std::fs::write(installed, wanted)?;
    Ok(python)
}

fn package(root: &Path) -> Outcome<Ended> {
    passed(run(cargo(root).args(["package", "--package", CORE, "--allow-dirty"])))
}

fn rustup(root: &Path) -> Command {
    let mut command = Command::new("rustup");
    command.current_dir(root);
    command
}

fn passed(outcome: Outcome) -> Outcome<Ended> {
    outcome.map(|()| Ended::Passed)
}
