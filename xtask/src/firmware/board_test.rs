//! What the emulated board must do, before anything that is measured on it is worth anything.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::emulator::{self, Output};
use crate::Outcome;

/// Runs the board's own image twice, with the same flash: the second time it must find what the first one wrote.
pub(crate) fn run(image: &Path, folder: &Path) -> Outcome {
    let flash = folder.join("flash");
    std::fs::write(&flash, vec![0xff; FLASH_BYTES])?;
    let first = emulator::run(image, INPUT, Some(&flash))?;
    let second = emulator::run(image, INPUT, Some(&flash))?;
    let [random, other] = [check(&first, 1)?, check(&second, 2)?];
    if random == other {
        return Err("two starts drew the same random numbers".into());
    }
    let erased = SECTOR..SECTOR + 1;
    match std::fs::read(&flash)?.get(erased) {
        Some([0xff]) => Ok(()),
        _ => Err("the flash's file is not what the board wrote".into()),
    }
}

/// An overflow of the stack must stop the processor, before anything else is overwritten.
pub(crate) fn overflow_stops(image: &Path) -> Outcome {
    match emulator::run(image, "", None) {
        Err(error) if error.to_string().contains(STOPPED) => Ok(()),
        Err(error) => Err(format!("an overflow of the stack should stop the processor: {error}").into()),
        Ok(_) => Err("an overflow of the stack went unnoticed".into()),
    }
}

/// Checks what one start wrote and gives its random number.
fn check(output: &Output, start: u32) -> Outcome<String> {
    let said = |what: &str| {
        let line = output.printed.lines().find_map(|line| line.strip_prefix(what));
        line.map(str::trim).ok_or(format!("the board said nothing of its {what}"))
    };
    expect("counter", said("counter")?, "calibrated")?;
    expect("stack", said("stack")?, "55 true")?;
    expect("flash", said("flash")?, &start.to_string())?;
    expect("serial line", &output.serial, ECHO)?;
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    if said("clock")?.parse::<u64>()?.abs_diff(now) > 120_000 {
        return Err("the board's clock is off".into());
    }
    let random = said("random")?;
    random.strip_prefix("true ").map(str::to_owned).ok_or_else(|| format!("random numbers: {random}").into())
}

fn expect(what: &str, said: &str, expected: &str) -> Outcome {
    if said == expected { Ok(()) } else { Err(format!("the board's {what}: {said:?}, not {expected:?}").into()) }
}

const INPUT: &str = "a line\nanother one\nend\n";
const ECHO: &str = "ready\na line\nanother one\n";
/// What QEMU says where a fault can't be handled, because there is no stack to handle it on.
const STOPPED: &str = "Lockup";
/// The size of the chip, which the file must have.
const FLASH_BYTES: usize = 16 << 20;
const SECTOR: usize = 65536;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every part of what the board says is looked at.
    #[test]
    fn each_failure_is_noticed() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let good = format!("counter calibrated\nstack 55 true\nclock {now}\nrandom true 1234\nflash 2\n");
        let said = |printed: &str, serial: &str| check(&Output { printed: printed.into(), serial: serial.into() }, 2);
        assert_eq!(said(&good, ECHO).unwrap(), "1234");
        for part in ["counter calibrated", "stack 55 true", "clock", "random true", "flash 2"] {
            assert!(said(&good.replace(part, "nothing"), ECHO).is_err(), "{part}");
        }
        assert!(said(&good, "ready\n").is_err());
        assert!(said(&good.replace("clock 1", "clock 2"), ECHO).is_err());
    }
}
