//! The board in QEMU, with the appliance's firmware.

use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use symbolon_device::{Address, Device};

use crate::Outcome;
use crate::bare_metal::qemu_system_arm;

/// What stays when the power goes: the chip's key and the flash.
#[derive(Debug)]
pub(crate) struct Chip {
    folder: PathBuf,
}

impl Chip {
    /// The chip of this folder; a new one, blank, where there is none.
    pub(crate) fn in_folder(folder: &Path) -> Outcome<Self> {
        fs::create_dir_all(folder)?;
        let (key, flash) = (folder.join(KEY), folder.join(FLASH));
        if !key.exists() {
            let mut bytes = [0; 32];
            File::open("/dev/urandom")?.read_exact(&mut bytes)?;
            fs::write(key, bytes)?;
        }
        if !flash.exists() {
            fs::write(flash, vec![0xff; FLASH_BYTES])?;
        }
        Ok(Self { folder: folder.to_owned() })
    }
}

/// A running appliance. Dropping it takes its power.
#[derive(Debug)]
pub(crate) struct Emulated {
    qemu: Child,
    port: u16,
}

impl Emulated {
    /// Starts the firmware on this chip, its serial line at a port of loopback.
    pub(crate) fn start(image: &Path, chip: &Chip, port: u16) -> Outcome<Self> {
        let mut qemu = Command::new(qemu_system_arm()?);
        qemu.current_dir(&chip.folder);
        qemu.args(["-machine", "emcraft-sf2", "-display", "none", "-monitor", "none"]);
        // The firmware reads its chip's key, the time and its seed by semihosting, and says there that it is ready.
        qemu.args(["-semihosting-config", "enable=on,target=native", "-serial"]);
        qemu.arg(format!("tcp:127.0.0.1:{port},server=on,wait=off,nodelay=on"));
        qemu.arg("-kernel").arg(image).args(["-drive", &format!("if=mtd,format=raw,file={FLASH}")]);
        qemu.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(chip.folder.join("qemu.log"))?);
        let qemu = qemu.spawn().map_err(|error| format!("cannot start QEMU: {error}"))?;
        let mut started = Self { qemu, port };
        started.wait_till_it_answers(&chip.folder)?;
        Ok(started)
    }

    /// The same at a port that is free.
    pub(crate) fn start_anywhere(image: &Path, chip: &Chip) -> Outcome<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start(image, chip, port)
    }

    /// As the client and the program take it.
    pub(crate) fn address(&self) -> String {
        format!("tcp:{}", self.place())
    }

    /// Host and port.
    pub(crate) fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A client of it.
    pub(crate) fn connect(&self) -> Outcome<Device> {
        Ok(Device::connect(&Address::parse(&self.address())?)?)
    }

    /// Takes its power, in the middle of whatever it does.
    pub(crate) fn cut_power(mut self) -> Outcome {
        self.qemu.kill()?;
        self.qemu.wait()?;
        Ok(())
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Outcome {
        let status = self.qemu.wait()?;
        Err(format!("QEMU has ended ({status})").into())
    }

    fn wait_till_it_answers(&mut self, folder: &Path) -> Outcome {
        let start = Instant::now();
        loop {
            if let Some(status) = self.qemu.try_wait()? {
                let log = fs::read_to_string(folder.join("qemu.log")).unwrap_or_default();
                return Err(format!("QEMU has ended ({status}): {}", log.trim()).into());
            }
            match Address::parse(&self.address()).and_then(|address| Device::connect_within(&address, PATIENCE)) {
                Ok(_) => return Ok(()),
                Err(error) if start.elapsed() > START => return Err(format!("the appliance: {error}").into()),
                Err(_not_yet) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ended = self.qemu.kill().and_then(|()| self.qemu.wait());
    }
}

/// The flash's file.
pub(crate) const FLASH: &str = "flash.img";
/// What fuses are in a chip: a secret that the firmware alone reads.
const KEY: &str = "chip.key";
const FLASH_BYTES: usize = 16 << 20;
const PATIENCE: Duration = Duration::from_secs(3);
const START: Duration = Duration::from_secs(30);
