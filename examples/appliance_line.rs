//! An appliance behind a pipe: frames on standard input, answers on standard output, as SPEC.md section 17 has them on a line. A tool for
//! tests, which `tests/second/interop_appliance.py` drives: its random numbers are a seed's, its clock is an argument, its memory goes with
//! the process.
//!
//! ```text
//! appliance_line SEED BEGIN STEP DEVICEKEY POWER
//! ```
//!
//! The clock begins at BEGIN and goes on by STEP milliseconds before each frame. Before frame POWER (from 1 on; 0: never) the power is cut and
//! comes back. Once the input ends, what the store holds goes to standard error, in hex: `record TABLE ID VALUE`, `entry ENTRY`.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    io::{BufRead, Write},
    rc::Rc,
};

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use symbolon::{
    Batch, MemoryStore, Parts, Record, RecordKey, SealedEntry, Store, StoreError, Time,
    appliance::{Appliance, FrameReader, Wipe},
};

/// The least that SPEC.md asks for.
const LONGEST_FRAME: usize = 1536;
const LONGEST_ANSWER: usize = 2048;

type Memory = MemoryStore<256, 64>;
type Clock = Box<dyn FnMut() -> Option<Time>>;
type Device = Appliance<Parts<Clock, ChaCha20Rng, Flash>, 8, 32>;

/// A memory that outlives the appliance, and knows what was ever put into it.
#[derive(Clone, Default)]
struct Flash {
    memory: Rc<RefCell<Memory>>,
    keys: Rc<RefCell<BTreeSet<RecordKey>>>,
}

impl Store for Flash {
    fn room(&self) -> usize {
        self.memory.borrow().room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.memory.borrow().record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        self.memory.borrow().get(key, out)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.memory.borrow_mut().commit(batch)?;
        self.keys.borrow_mut().extend(batch.records().map(|record| *record.key()));
        Ok(())
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.memory.borrow().entries(sink)
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.memory.borrow().last_entry()
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.memory.borrow_mut().acknowledge(sequence)
    }
}

impl Wipe for Flash {
    fn wipe(&mut self) -> Result<(), StoreError> {
        self.memory.borrow_mut().wipe()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [seed, begin, step, device_key, power] = arguments.as_slice() else {
        return Err("five arguments: SEED BEGIN STEP DEVICEKEY POWER".into());
    };
    let (begin, step, power) = (begin.parse::<u64>()?, step.parse::<u64>()?, power.parse::<u64>()?);
    let device_key = key(device_key).ok_or("DEVICEKEY: 32 bytes in hex")?;
    let mut seeds = ChaCha20Rng::seed_from_u64(seed.parse()?);
    let (time, flash) = (Rc::new(Cell::new(begin)), Flash::default());
    let mut device = plug_in(&time, &flash, device_key, &mut seeds);
    let mut reader = FrameReader::<LONGEST_FRAME>::new();
    let mut out = vec![0; LONGEST_ANSWER];
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut frames = 0_u64;
    loop {
        let chunk = input.fill_buf()?.to_vec();
        if chunk.is_empty() {
            break;
        }
        for byte in &chunk {
            let frame = match reader.push(*byte) {
                Ok(None) => continue,
                frame => frame,
            };
            frames += 1;
            time.set(begin + step * frames);
            if frames == power {
                device = plug_in(&time, &flash, device_key, &mut seeds);
            }
            let answer = match frame {
                Ok(Some(frame)) => device.handle(frame, &mut out),
                Ok(None) => continue,
                Err(fault) => device.refuse(fault, &mut out),
            };
            output.write_all(answer)?;
            output.flush()?;
        }
        input.consume(chunk.len());
    }
    dump(&flash)
}

fn plug_in(time: &Rc<Cell<u64>>, flash: &Flash, device_key: [u8; 32], seeds: &mut ChaCha20Rng) -> Device {
    let clock = Rc::clone(time);
    let mut seed = [0; 32];
    seeds.fill_bytes(&mut seed);
    let board = Parts {
        clock: Box::new(move || Some(Time::from_millis(clock.get()))) as Clock,
        rng: ChaCha20Rng::from_seed(seed),
        store: flash.clone(),
    };
    let mut device = Appliance::new(board, device_key);
    if let Err(fault) = device.start() {
        eprintln!("start: {fault}");
    }
    device
}

/// What the store holds. A tool for tests shows it; nothing else may.
fn dump(flash: &Flash) -> Result<(), Box<dyn std::error::Error>> {
    let mut output = std::io::stderr().lock();
    for key in flash.keys.borrow().iter() {
        let mut value = [0; Record::MAX_LEN];
        if let Some(len) = flash.get(key, &mut value)? {
            writeln!(output, "record {} {} {}", key.table.code(), hex(&key.id), hex(&value[..len]))?;
        }
    }
    flash.entries(&mut |entry| writeln!(output, "entry {}", hex(entry.as_bytes())).is_ok())?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
}

fn key(text: &str) -> Option<[u8; 32]> {
    let bytes: Option<Vec<u8>> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect();
    bytes?.try_into().ok()
}
