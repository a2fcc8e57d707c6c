//! Running an image in QEMU, which is killed where it doesn't end in time.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::bare_metal::qemu_system_arm;

/// What an image wrote.
#[derive(Debug)]
pub(crate) struct Output {
    /// To the debugger.
    pub(crate) printed: String,
    /// To its serial line.
    pub(crate) serial: String,
}

/// Runs an image to its end, with `input` for its serial line, and the flash in a file where it needs one. Every instruction takes 64 ns of
/// the board's time, so that they can be counted.
pub(crate) fn run(image: &Path, input: &str, flash: Option<&Path>) -> Outcome<Output> {
    let mut qemu = Command::new(qemu_system_arm()?);
    qemu.args(["-machine", "emcraft-sf2", "-display", "none", "-monitor", "none", "-icount", "shift=6"]);
    qemu.args(["-semihosting-config", "enable=on,target=native", "-serial", "stdio", "-kernel"]).arg(image);
    if let Some(flash) = flash {
        qemu.arg("-drive").arg(format!("if=mtd,format=raw,file={}", flash.display()));
    }
    qemu.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = qemu.spawn().map_err(|error| format!("cannot start QEMU: {error}"))?;
    let input_pipe = child.stdin.take().map(|mut pipe| {
        // Kept open till the end: where the input is over, QEMU would go on, but some versions drop what they have not delivered.
        let written = pipe.write_all(input.as_bytes());
        (pipe, written)
    });
    let serial = read_in_background(child.stdout.take());
    let printed = read_in_background(child.stderr.take());
    let success = wait(&mut child, TIMEOUT);
    drop(input_pipe);
    let output = Output { serial: serial.join().unwrap_or_default(), printed: printed.join().unwrap_or_default() };
    match success? {
        true => Ok(output),
        false => Err(format!("{} failed; it printed:\n{}", image.display(), output.printed).into()),
    }
}

fn read_in_background(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all there is.
        let _whole = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Whether the program ended well; an error where it had to be killed.
fn wait(child: &mut Child, timeout: Duration) -> Outcome<bool> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if start.elapsed() > timeout {
            child.kill()?;
            child.wait()?;
            return Err(format!("it did not end within {} s and was stopped", timeout.as_secs()).into());
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The longest image takes a second.
const TIMEOUT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that hangs is an error, soon.
    #[cfg(unix)]
    #[test]
    fn a_hang_fails() {
        let mut child = Command::new("sleep").arg("100").spawn().unwrap();
        assert!(wait(&mut child, Duration::from_millis(50)).is_err());
        let mut child = Command::new("true").spawn().unwrap();
        assert!(wait(&mut child, Duration::from_secs(10)).unwrap());
    }
}
