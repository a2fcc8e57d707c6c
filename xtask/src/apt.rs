//! Debian's packages: installed where nobody has to be asked.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{output, succeeds};

/// Installs packages as root, or by a `sudo` that wants no password, as on a machine for tests: true where that worked. Nothing that is
/// installed is removed for it.
///
/// Where that is what stands in the way, because something of Debian's backports is installed already, the packages are taken from there too.
pub(crate) fn install(packages: &[&str]) -> bool {
    let install = [&["install", "-y", "-qq", "--no-remove"], packages].concat();
    // Where the lists of packages are old or empty, they are fetched first.
    apt(&[], &install) || (apt(&[], &["update", "-qq"]) && apt(&[], &install)) || with_backports(&install)
}

/// Finds a program, or installs the package that has it, without what is only recommended beside it; the error says what to install.
pub(crate) fn have(program: &str, package: &str) -> crate::Outcome {
    let there = || succeeds(Command::new(program).arg("--version"));
    if there() || (install(&["--no-install-recommends", package]) && there()) {
        Ok(())
    } else {
        Err(format!("{program} is missing: install it with `sudo apt install {package}`").into())
    }
}

fn apt(options: &[String], words: &[&str]) -> bool {
    let run = |command: &mut Command| {
        succeeds(command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(options).args(words))
    };
    run(&mut Command::new("env")) || run(Command::new("sudo").args(["-n", "env"]))
}

/// With the backports of the machine's own mirror among the sources, for these calls only: the system's list stays what it is.
fn with_backports(install: &[&str]) -> bool {
    let targets = ["indextargets", "--format", "$(REPO_URI) $(LABEL) $(CODENAME)", "Created-By: Packages"];
    let Ok(targets) = output(Command::new("apt-get").args(targets)) else { return false };
    let Some((mirror, release)) = backports_of(&targets) else { return false };
    let Ok(folder) = tempfile::tempdir() else { return false };
    let list = folder.path().join("sources.list");
    let own = fs::read_to_string(Path::new("/etc/apt/sources.list")).unwrap_or_default();
    if fs::write(&list, format!("{own}\ndeb {mirror} {release} main\n")).is_err() {
        return false;
    }
    let sources = ["-o".to_owned(), format!("Dir::Etc::SourceList={}", list.display())];
    // Otherwise apt takes a backport only where nothing else has the name.
    let prefer = ["-t".to_owned(), release];
    apt(&sources, &["update", "-qq"]) && apt(&[&sources[..], &prefer].concat(), install)
}

/// The mirror that has the backports, and their release's name, by lines that say `mirror label codename`.
fn backports_of(targets: &str) -> Option<(&str, String)> {
    let (mirror, codename) = targets.lines().find_map(|line| {
        let (rest, codename) = line.rsplit_once(' ')?;
        let (mirror, label) = rest.split_once(' ')?;
        (label == "Debian" && !codename.contains('-')).then_some((mirror, codename))
    })?;
    Some((mirror, format!("{codename}-backports")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mirror of the release itself, not of its security updates; none where the machine isn't Debian's.
    #[test]
    fn backports_are_the_own_mirrors() {
        let targets = "http://a/security/ Debian-Security bookworm-security\nhttp://b/debian/ Debian bookworm-updates\n\
                       http://c/debian/ Debian bookworm\n";
        assert_eq!(backports_of(targets), Some(("http://c/debian/", "bookworm-backports".to_owned())));
        assert_eq!(backports_of("http://c/ubuntu/ Ubuntu noble\n"), None);
        assert_eq!(backports_of(""), None);
    }

    /// For a program that is there nothing is installed.
    #[test]
    fn what_is_there_is_enough() {
        assert!(have("cargo", "no-such-package-here").is_ok());
    }
}
