//! Running other programs, so that the developer sees what ran and can run it again.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// The cargo that started this program, in the folder `root`.
pub(crate) fn cargo(root: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root);
    command
}

/// Prints the command, runs it, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let line = line(command);
    println!("    $ {line}");
    let status = command.status().map_err(|error| format!("cannot start `{line}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})").into()) }
}

/// Runs the command and gives what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let line = line(command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot start `{line}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{line}` failed ({})", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether the command can be started and succeeds; what it writes is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Whether the command succeeds; `None` where it doesn't come to its end in this time, and is killed with all that it started.
pub(crate) fn within(command: &mut Command, limit: Duration) -> Outcome<Option<bool>> {
    let mut child =
        command.process_group(0).spawn().map_err(|error| format!("cannot start `{}`: {error}", line(command)))?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if start.elapsed() > limit {
            kill(&child);
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Stops a program that has a process group of its own, with all that it started.
pub(crate) fn kill(child: &Child) {
    succeeds(Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]));
}

/// The command as a developer would type it: without the folder of the program, with the variables set for it.
fn line(command: &Command) -> String {
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| value.map(|value| format!("{}={}", name.to_string_lossy(), quoted(value))));
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args()).map(quoted);
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.contains(' ') { format!("'{word}'") } else { word.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed can be pasted into a shell.
    #[test]
    fn a_line_shows_variables_program_and_arguments() {
        let mut command = Command::new("some/folder/cargo");
        command.args(["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(line(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    /// What takes too long is stopped, and what it started; what ends says how.
    #[test]
    fn a_limit_is_kept() {
        let limit = Duration::from_millis(300);
        let shell = |text: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", text]);
            command
        };
        assert_eq!(within(&mut shell("true"), limit).unwrap(), Some(true));
        assert_eq!(within(&mut shell("false"), limit).unwrap(), Some(false));
        let start = Instant::now();
        assert_eq!(within(&mut shell("sleep 100; true"), limit).unwrap(), None);
        assert!(start.elapsed() < Duration::from_secs(50));
    }

    /// A program that does not exist is an error with its name, not a panic.
    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(error.to_string().contains("no-such-program-here"));
        assert!(!succeeds(&mut Command::new("no-such-program-here")));
    }
}
