//! An appliance at the other end of a loopback connection, with a clock that can be set, and power that can be switched.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "shared by test programs that use parts"
)]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use symbolon::{
    Batch, Environment, MemoryStore, Record, RecordKey, SealedEntry, Store, StoreError, Time,
    appliance::{Appliance, FrameReader, Wipe},
};
use symbolon_device::{Address, Device};

/// What the device's flash holds, which outlives its power.
#[derive(Clone)]
pub struct Flash(Arc<Mutex<Box<dyn Wipe + Send>>>);

impl Store for Flash {
    fn room(&self) -> usize {
        self.0.lock().unwrap().room()
    }
    fn record_room(&self, now: Time) -> usize {
        self.0.lock().unwrap().record_room(now)
    }
    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        self.0.lock().unwrap().get(key, out)
    }
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.0.lock().unwrap().commit(batch)
    }
    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.0.lock().unwrap().entries(sink)
    }
    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.0.lock().unwrap().last_entry()
    }
    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.0.lock().unwrap().acknowledge(sequence)
    }
}

impl Wipe for Flash {
    fn wipe(&mut self) -> Result<(), StoreError> {
        self.0.lock().unwrap().wipe()
    }
}

/// The board.
struct Board {
    flash: Flash,
    rng: ChaCha20Rng,
    ahead: Arc<AtomicI64>,
}

impl Environment for Board {
    type Rng = ChaCha20Rng;
    type Store = Flash;
    fn now(&mut self) -> Option<Time> {
        let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
        let ahead = self.ahead.load(Ordering::SeqCst);
        (ahead != i64::MIN).then(|| Time::from_millis((ours + ahead) as u64))
    }
    fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.rng
    }
    fn store(&mut self) -> &mut Flash {
        &mut self.flash
    }
}

/// A device that runs for as long as the test.
pub struct Served {
    pub port: u16,
    /// Milliseconds that its clock is ahead of ours; the least there is: it has none.
    pub ahead: Arc<AtomicI64>,
    /// Set it: with the next connection the power was off in between.
    pub restart: Arc<AtomicBool>,
    /// So many answers are not given.
    pub mute: Arc<AtomicU32>,
    /// Requests that were handled.
    pub handled: Arc<AtomicU32>,
}

impl Served {
    /// A blank one with room for a long trail.
    pub fn blank() -> Self {
        Self::with_room::<4096>(2048)
    }

    /// A blank one with room for so many trail entries, and for answers of so many bytes.
    pub fn with_room<const ENTRIES: usize>(longest_answer: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let served = Self {
            port: listener.local_addr().unwrap().port(),
            ahead: Arc::default(),
            restart: Arc::default(),
            mute: Arc::default(),
            handled: Arc::default(),
        };
        let (ahead, restart) = (served.ahead.clone(), served.restart.clone());
        let (mute, handled) = (served.mute.clone(), served.handled.clone());
        let run = move || {
            let flash = Flash(Arc::new(Mutex::new(Box::new(MemoryStore::<ENTRIES, 256>::new()))));
            let mut reader = FrameReader::<1536>::new();
            let mut appliance = start(&flash, &ahead, 1);
            // Past the moment of the start, whose proofs are refused.
            ahead.fetch_add(5000, Ordering::SeqCst);
            for (number, stream) in (2..).zip(listener.incoming()) {
                if restart.swap(false, Ordering::SeqCst) {
                    appliance = start(&flash, &ahead, number);
                }
                let _client_is_gone =
                    talk(stream.unwrap(), &mut reader, &mut appliance, longest_answer, &mute, &handled);
            }
        };
        thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap();
        served
    }

    pub fn address(&self) -> Address {
        Address::Tcp(format!("127.0.0.1:{}", self.port))
    }

    pub fn connect(&self) -> Device {
        Device::connect_within(&self.address(), Duration::from_secs(3)).unwrap()
    }
}

fn start(flash: &Flash, ahead: &Arc<AtomicI64>, seed: u8) -> Box<Appliance<Board>> {
    let board = Board { flash: flash.clone(), rng: ChaCha20Rng::from_seed([seed; 32]), ahead: ahead.clone() };
    let mut appliance = Box::new(Appliance::<_>::new(board, [5; 32]));
    let _told_by_its_status = appliance.start();
    appliance
}

fn talk(
    mut stream: TcpStream,
    reader: &mut FrameReader<1536>,
    appliance: &mut Appliance<Board>,
    longest_answer: usize,
    mute: &AtomicU32,
    handled: &AtomicU32,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut bytes, mut out) = ([0; 1024], vec![0; longest_answer]);
    loop {
        let len = stream.read(&mut bytes)?;
        if len == 0 {
            return Ok(());
        }
        for byte in &bytes[..len] {
            let answer = match reader.push(*byte) {
                Ok(None) => continue,
                Ok(Some(frame)) => appliance.handle(frame, &mut out),
                Err(fault) => appliance.refuse(fault, &mut out),
            };
            handled.fetch_add(1, Ordering::SeqCst);
            let is_mute = mute.load(Ordering::SeqCst) > 0;
            if is_mute {
                mute.fetch_sub(1, Ordering::SeqCst);
            } else {
                stream.write_all(answer)?;
            }
        }
    }
}

/// A line between that damages: of `one_in` bytes it flips a bit of one, in either direction.
pub fn noisy(to: u16, one_in: u32, seed: u8) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (number, client) in (0..).zip(listener.incoming()) {
            let (client, device) = (client.unwrap(), TcpStream::connect(("127.0.0.1", to)).unwrap());
            client.set_nodelay(true).unwrap();
            device.set_nodelay(true).unwrap();
            let (client2, device2) = (client.try_clone().unwrap(), device.try_clone().unwrap());
            let there = thread::spawn(move || flip(client, device, one_in, [seed, number]));
            flip(device2, client2, one_in, [seed, number ^ 0x80]);
            there.join().unwrap();
        }
    });
    port
}

fn flip(mut from: TcpStream, mut to: TcpStream, one_in: u32, seed: [u8; 2]) {
    let mut rng = ChaCha20Rng::from_seed(std::array::from_fn(|at| seed[at % 2]));
    let mut bytes = [0; 512];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        for byte in &mut bytes[..len] {
            let drawn = rand_core::Rng::next_u32(&mut rng);
            if drawn.is_multiple_of(one_in) {
                *byte ^= 1 << (drawn >> 29);
            }
        }
        if to.write_all(&bytes[..len]).is_err() {
            break;
        }
    }
    let _both_ends = to.shutdown(std::net::Shutdown::Both);
    let _both_ends = from.shutdown(std::net::Shutdown::Both);
}
