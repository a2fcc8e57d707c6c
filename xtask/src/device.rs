//! `cargo xtask device`: the appliance's firmware in an emulator, to talk to. `cargo xtask test` has the conversation of `conversation.rs` with
//! it, and runs the very commands that are printed here.

mod commands;
mod conversation;
mod damage;
mod emulated;
mod line;

use std::path::{Path, PathBuf};

use crate::metadata::Metadata;
use crate::process::{cargo, run};
use crate::{Outcome, firmware, steps};
use commands::Script;
use emulated::{Chip, Emulated};

/// Starts an appliance in QEMU, a Cortex-M3 with a flash that outlives it, and prints the commands to try. It runs until it is ended with Ctrl-C.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where its flash, its chip's key and what the commands make are kept: in the target folder unless said otherwise
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The port of this machine, on loopback, that stands for its serial line
    #[arg(long, default_value_t = 7017)]
    port: u16,
    /// Begin with a blank appliance: removes what the folder has
    #[arg(long)]
    blank: bool,
}

/// Starts it, and waits for its end.
pub(crate) fn run_command(root: &Path, arguments: &Arguments) -> Outcome {
    let target = Metadata::load(root)?.target_directory()?;
    let folder = arguments.folder.clone().unwrap_or_else(|| target.join("device"));
    if arguments.blank {
        remove(&folder)?;
    }
    let image = firmware::appliance(root)?;
    run(cargo(root).args(["build", "--release", "--package", "symbolon-cli"]))?;
    let program = target.join("release/symbolon");
    let chip = Chip::in_folder(&folder)?;
    let device = Emulated::start(&image, &chip, arguments.port)?;
    let address = device.address();
    let script = Script::new(&program, &folder, &address, "");
    script.write_input(root)?;
    println!("\nThe appliance listens at {address}; its flash is {}/flash.img.", folder.display());
    println!("Try, in another terminal:\n");
    println!("  cd {}", folder.display());
    script.lines().iter().for_each(|line| println!("  {line}"));
    println!("\nCtrl-C takes its power. Start it again, and it knows all that it knew; with --blank it is new.");
    device.wait()
}

/// What `cargo xtask test` does with it.
pub(crate) fn test(root: &Path) -> Outcome {
    let target = Metadata::load(root)?.target_directory()?;
    let image = firmware::appliance(root)?;
    // As it was built for its own tests, so that it is there: it waits for the emulator most of the time.
    run(cargo(root).args(["test", "--no-run", "--test", "device_relay"]).args(steps::TESTED))?;
    let program = target.join("debug/symbolon");
    let folder = target.join("device-test");
    remove(&folder)?;
    conversation::hold(&image, &folder.join("conversation"))?;
    commands::run(root, &image, &program, &folder.join("commands"))
}

/// Removes what an earlier run made. A folder with anything else in it is left alone.
fn remove(folder: &Path) -> Outcome {
    let is_ours = |folder: &Path| folder.join(emulated::FLASH).exists() || folder.ends_with("device-test");
    match folder.exists() {
        false => Ok(()),
        true if is_ours(folder) => Ok(std::fs::remove_dir_all(folder)?),
        true => Err(format!("{} is not the folder of an emulated appliance", folder.display()).into()),
    }
}
