//! The core's [`Appliance`] on TCP: one client at a time, as on a serial line. For tests; it protects nothing.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::SystemTime,
};

use chacha20::ChaCha20Rng;
use getrandom::SysRng;
use rand_core::SeedableRng;
use symbolon::{
    MemoryStore, Parts, Time,
    appliance::{Appliance, FrameReader},
};

type Clock = fn() -> Option<Time>;
type Device<const ENTRIES: usize> = Appliance<Parts<Clock, ChaCha20Rng, MemoryStore<ENTRIES, 512>>>;

/// Serves one client after another with a blank appliance that has room for so many trail entries, until the process ends.
pub(crate) fn serve<const ENTRIES: usize>(listener: TcpListener) -> io::Result<()> {
    // An unoptimised build moves the whole store through every return.
    let server = thread::Builder::new().stack_size(64 << 20).spawn(move || -> io::Result<()> {
        let mut device = Box::new(plug_in::<ENTRIES>()?);
        for stream in listener.incoming() {
            let _client_is_gone = talk(stream?, &mut device);
        }
        Ok(())
    })?;
    server.join().map_err(|_| io::Error::other("the appliance's thread has failed"))?
}

fn plug_in<const ENTRIES: usize>() -> io::Result<Device<ENTRIES>> {
    let rng = ChaCha20Rng::try_from_rng(&mut SysRng).map_err(io::Error::other)?;
    let board = Parts { clock: clock as Clock, rng, store: MemoryStore::new() };
    // A chip's own key would be its alone; here there is no flash that it could protect.
    let mut device = Appliance::new(board, [7; 32]);
    let _its_status_says_it = device.start();
    Ok(device)
}

fn clock() -> Option<Time> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok().map(Time::from_millis)
}

fn talk<const ENTRIES: usize>(mut stream: TcpStream, device: &mut Device<ENTRIES>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // What the specification asks for at least, and a little more.
    let (mut reader, mut out) = (FrameReader::<1536>::new(), [0; 2048]);
    let mut bytes = [0; 1024];
    loop {
        let len = stream.read(&mut bytes)?;
        if len == 0 {
            return Ok(());
        }
        for byte in bytes.iter().take(len) {
            let answer = match reader.push(*byte) {
                Ok(None) => continue,
                Ok(Some(frame)) => device.handle(frame, &mut out),
                Err(fault) => device.refuse(fault, &mut out),
            };
            stream.write_all(answer)?;
        }
    }
}
