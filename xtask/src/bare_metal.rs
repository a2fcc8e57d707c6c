//! What builds and runs firmware: a Rust toolchain for a target without an operating system, and QEMU.
//!
//! Rust's library for a target comes with rustup. Where rustup isn't there, or its server can't be reached, Debian's packages do:
//! they hold the library's source, and cargo builds `core` and `alloc` from it. Set `SYMBOLON_BARE_METAL=debian` to try that way
//! where rustup would do.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{cargo, output, succeeds};
use crate::{Outcome, apt};

/// A Rust toolchain that can build for a target.
///
/// ```text
/// let toolchain = Toolchain::for_target(root, target)?;
/// run(toolchain.cargo(root).args(["build", "--release", "--target", target]))?;
/// ```
#[derive(Debug)]
pub(crate) struct Toolchain {
    target: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The one that runs this program has the target's library.
    Own,
    /// Debian's, with the linker for bare metal.
    Debian { linker: PathBuf },
}

impl Toolchain {
    /// Finds, or installs where that asks no question, what builds for `target`; the error says what to install.
    pub(crate) fn for_target(root: &Path, target: &str) -> Outcome<Self> {
        let debian_only = std::env::var_os(CHOICE).is_some_and(|choice| choice == "debian");
        if !debian_only && (has_library(root, target) || add_library(root, target)) {
            return Ok(Self { target: target.into(), kind: Kind::Own });
        }
        let debian = || is_debian_complete().then(|| linker(root)).flatten();
        if debian().is_none() {
            apt::install(&DEBIAN);
        }
        let missing = format!(
            "Rust's library for {target} is missing: install it with `rustup target add {target}`, or `sudo apt install {}`",
            DEBIAN.join(" ")
        );
        Ok(Self { target: target.into(), kind: Kind::Debian { linker: debian().ok_or(missing)? } })
    }

    /// Its cargo, in `folder`: the caller adds what to do, and `--target` with the target that was asked for.
    pub(crate) fn cargo(&self, folder: &Path) -> Command {
        match &self.kind {
            Kind::Own => cargo(folder),
            Kind::Debian { linker } => debian_cargo(folder, &self.target, linker),
        }
    }
}

/// QEMU for ARM boards: found, or installed where that asks no question; the error says what to install.
pub(crate) fn qemu_system_arm() -> Outcome<PathBuf> {
    apt::have(QEMU, QEMU)?;
    Ok(QEMU.into())
}

/// Whether rustc has the library of `target`: asked from rustc, so that it works without rustup too.
fn has_library(root: &Path, target: &str) -> bool {
    let folder = output(Command::new("rustc").current_dir(root).args(["--print", "target-libdir", "--target", target]));
    folder.is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

fn add_library(root: &Path, target: &str) -> bool {
    succeeds(Command::new("rustup").current_dir(root).args(["target", "add", target]))
}

/// Whether Debian's compiler, its cargo and the library's source are there. By their paths: rustup's come first on most `PATH`s.
fn is_debian_complete() -> bool {
    let works = |program: &str| succeeds(Command::new(program).env_remove(LIBRARIES).arg("--version"));
    works(DEBIAN_RUSTC) && works(DEBIAN_CARGO) && Path::new(DEBIAN_LIBRARY_SOURCE).is_dir()
}

fn debian_cargo(folder: &Path, target: &str, linker: &Path) -> Command {
    let mut command = Command::new(DEBIAN_CARGO);
    command.current_dir(folder).arg("-Zbuild-std=core,alloc");
    // Without the second, a released compiler refuses `-Z`. The third names the folder of the running toolchain's libraries.
    command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").env_remove(LIBRARIES);
    command.env(format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_")), linker);
    command
}

/// The linker: Debian's, a recommendation of its `rustc-web`, or the one that the running toolchain brings.
fn linker(root: &Path) -> Option<PathBuf> {
    let works = |linker: &Path| succeeds(Command::new(linker).args(["-flavor", "gnu", "--version"]));
    let own = || {
        let libraries = output(Command::new("rustc").current_dir(root).args(["--print", "target-libdir"])).ok()?;
        Some(Path::new(libraries.trim()).parent()?.join("bin/rust-lld"))
    };
    [Some(PathBuf::from("/usr/bin/rust-lld")), own()].into_iter().flatten().find(|linker| works(linker))
}

/// Debian's package, and the program in it.
const QEMU: &str = "qemu-system-arm";
/// The variable that chooses the toolchain: `debian`, or anything else for whichever is there.
const CHOICE: &str = "SYMBOLON_BARE_METAL";
/// Debian's packages with a Rust as new as its web browsers need; a `rustc` of a stable Debian is too old for us.
const DEBIAN: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_LIBRARY_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/core";
/// Where a program of one toolchain must not look when another toolchain's cargo started it.
const LIBRARIES: &str = "LD_LIBRARY_PATH";

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn variables(command: &Command) -> Vec<(String, Option<String>)> {
        let text = |value: &OsStr| value.to_string_lossy().into_owned();
        command.get_envs().map(|(name, value)| (text(name), value.map(text))).collect()
    }

    /// Debian's cargo must not run rustup's compiler, and must link with what it was given.
    #[test]
    fn debian_keeps_to_itself() {
        let kind = Kind::Debian { linker: "some/rust-lld".into() };
        let toolchain = Toolchain { target: "thumbv7m-none-eabi".into(), kind };
        let command = toolchain.cargo(Path::new("."));
        assert_eq!(command.get_program(), DEBIAN_CARGO);
        let variables = variables(&command);
        let expected = [
            ("CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER", Some("some/rust-lld")),
            ("LD_LIBRARY_PATH", None),
            ("RUSTC", Some(DEBIAN_RUSTC)),
            ("RUSTC_BOOTSTRAP", Some("1")),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        assert_eq!(variables, expected);
    }

    /// A target that doesn't exist has no library; the own one has, or nothing here would have been built.
    #[test]
    fn a_missing_library_is_noticed() {
        assert!(!has_library(Path::new("."), "no-such-target"));
        let host = output(Command::new("rustc").arg("-vV")).unwrap();
        let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        assert!(has_library(Path::new("."), host));
    }
}
