//! The board tries itself out: counter, stack, clock, random numbers, flash, serial line.
//!
//! It counts its starts in the flash, so that the test which starts it twice sees that the contents outlive the power; and sends back each line that it
//! is sent, until one says `end`.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

use board::{Clock, Entropy, SpiFlash, Uart, count, host, stack};
use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use rand_core::TryRng;

#[cortex_m_rt::entry]
fn main() -> ! {
    host::line(format_args!("counter {}", if count::calibrate() { "calibrated" } else { "not calibrated" }));
    let (sum, depth) = stack::depth_of(|| deep(10));
    host::line(format_args!("stack {} {}", sum, (10 * 256..11 * 256 + 512).contains(&depth)));
    let mut clock = Clock::new();
    host::line(format_args!("clock {}", clock.now().unwrap_or_default()));
    let mut random = [0; 8];
    let drawn = Entropy::new().is_ok_and(|mut entropy| entropy.try_fill_bytes(&mut random).is_ok());
    host::line(format_args!("random {drawn} {:016x}", u64::from_le_bytes(random)));
    match flash() {
        Ok(starts) => host::line(format_args!("flash {starts}")),
        Err(error) => host::line(format_args!("flash {error:?}")),
    }
    echo(&mut Uart::new());
    host::exit()
}

/// Uses 256 bytes of stack and some for each level.
#[inline(never)]
fn deep(levels: u32) -> u32 {
    let mut block = [levels; 64];
    core::hint::black_box(&mut block);
    if levels == 0 { block[63] } else { block[0] + deep(levels - 1) }
}

/// How many starts the flash has seen, this one included: each clears one bit more. And whether it does what a NOR flash does.
fn flash() -> Result<u32, board::FlashError> {
    let mut flash = SpiFlash::<4>::new()?;
    let (mut starts, mut across) = ([0; 4], [0; 600]);
    flash.read(0, &mut starts)?;
    let seen = u32::from_le_bytes(starts);
    let seen = if seen == 0 { u32::MAX } else { seen };
    if seen == u32::MAX {
        flash.erase(0, SpiFlash::<4>::SECTOR as u32)?;
    }
    flash.write(0, &(seen << 1).to_le_bytes())?;
    // Over the borders of pages and of a sector, which is erased first and then cleared twice.
    let at = 2 * SpiFlash::<4>::SECTOR as u32 - 300;
    flash.erase(SpiFlash::<4>::SECTOR as u32, 3 * SpiFlash::<4>::SECTOR as u32)?;
    flash.read(at, &mut across)?;
    assert!(across.iter().all(|byte| *byte == 0xff), "erased");
    flash.write(at, &[0xf5; 600])?;
    flash.write(at, &[0x5f; 600])?;
    flash.read(at, &mut across)?;
    assert!(across.iter().all(|byte| *byte == 0x55), "bits are cleared, never set");
    assert!(flash.read(4 * SpiFlash::<4>::SECTOR as u32 - 1, &mut across[..2]).is_err(), "there are four sectors");
    flash.read(0, &mut starts)?;
    Ok(u32::from_le_bytes(starts).trailing_zeros())
}

fn echo(uart: &mut Uart) {
    let (mut line, mut len) = ([0; 64], 0);
    uart.write(b"ready\n");
    loop {
        let byte = uart.read();
        if byte != b'\n' {
            if let Some(slot) = line.get_mut(len) {
                *slot = byte;
                len += 1;
            }
            continue;
        }
        let text = line.get(..len).unwrap_or_default();
        if text == b"end" {
            return;
        }
        uart.write(text);
        uart.write(b"\n");
        len = 0;
    }
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    host::line(format_args!("{info}"));
    host::fail()
}
