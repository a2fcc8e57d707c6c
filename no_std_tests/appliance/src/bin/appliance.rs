//! The appliance on the emulated board: frames in and out on the serial line, everything that it keeps in the flash.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::panic::PanicInfo;

use board::{Clock, Entropy, SpiFlash, Uart, host};
use static_cell::{ConstStaticCell, StaticCell};
use symbolon::{
    Environment, Time,
    appliance::{Appliance, FrameReader},
};
use symbolon_flash::FlashStore;
use zeroize::Zeroize;

/// Four sectors of 64 KiB, 64 entries of the trail, 48 records.
type Flash = FlashStore<SpiFlash<4>, 64, 48>;

/// Batches of up to 5 entries, so up to 4 items a reveal; 16 proofs are remembered for a minute, and challenged ones need no place.
type Device = Appliance<Board, 5, 16>;

/// What the appliance sees of the board.
struct Board {
    clock: Clock,
    entropy: Entropy,
    flash: Flash,
}

impl Environment for Board {
    type Rng = Entropy;
    type Store = Flash;

    fn now(&mut self) -> Option<Time> {
        self.clock.now().map(Time::from_millis)
    }

    fn rng(&mut self) -> &mut Entropy {
        &mut self.entropy
    }

    fn store(&mut self) -> &mut Flash {
        &mut self.flash
    }
}

static DEVICE: StaticCell<Device> = StaticCell::new();
static READER: ConstStaticCell<FrameReader<1536>> = ConstStaticCell::new(FrameReader::new());
static ANSWER: ConstStaticCell<[u8; Device::MIN_ANSWER]> = ConstStaticCell::new([0; Device::MIN_ANSWER]);

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut uart = Uart::new();
    let (Ok(entropy), Ok(flash), Some(key)) = (Entropy::new(), SpiFlash::new(), board::chip_key()) else {
        host::line(format_args!("the board lacks random numbers, its flash, or chip.key"));
        host::fail()
    };
    let Ok(flash) = Flash::open(flash) else {
        host::line(format_args!("the flash can't be read"));
        host::fail()
    };
    let device = DEVICE.init_with(|| Appliance::new(Board { clock: Clock::new(), entropy, flash }, key));
    // Where that fails, the status says so, and it is tried again with each request.
    let _said_in_the_status = device.start();
    host::line(format_args!("ready"));
    serve(device, &mut uart)
}

/// Answers frames for ever.
fn serve(device: &mut Device, uart: &mut Uart) -> ! {
    let (Some(reader), Some(answer)) = (READER.try_take(), ANSWER.try_take()) else { host::fail() };
    loop {
        let sent = match reader.push(uart.read()) {
            Ok(None) => continue,
            Ok(Some(frame)) => device.handle(frame, answer),
            Err(fault) => device.refuse(fault, answer),
        };
        uart.write(sent);
        answer.zeroize();
        // Recorded when the answer is on its way: an alarm costs its caller no time.
        while device.next_alarm().is_some() {}
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    host::fail()
}
