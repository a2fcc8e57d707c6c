//! An appliance in a process of its own, and lines to it that break.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "shared by test programs that use parts"
)]

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    thread,
};

#[path = "../../../device/examples/appliance/server.rs"]
mod server;

/// A process that ends with the test.
pub struct Running {
    pub child: Child,
    /// What it says next.
    pub out: BufReader<ChildStdout>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// What stands behind these words on a line that it prints.
    pub fn says(&mut self, words: &str) -> String {
        let mut line = String::new();
        while self.out.read_line(&mut line).unwrap() > 0 {
            if let Some((_, rest)) = line.split_once(words) {
                return rest.trim_end().to_owned();
            }
            line.clear();
        }
        panic!("it has ended without {words:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A blank appliance with room for a long trail, or for a short one.
pub struct Appliance {
    pub process: Running,
    pub port: u16,
}

impl Appliance {
    pub fn blank() -> Self {
        Self::start("long")
    }

    pub fn with_little_room() -> Self {
        Self::start("short")
    }

    fn start(trail: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "appliance::serve_an_appliance", "--nocapture"]).env(TRAIL, trail);
        let mut process = Running::start(&mut command);
        let port = process.says(PORT).parse().unwrap();
        Self { process, port }
    }

    /// As `--device` takes it.
    pub fn address(&self) -> String {
        format!("tcp:127.0.0.1:{}", self.port)
    }

    /// A line to it that breaks before it has given so many answers.
    pub fn broken_after(&self, answers: i64) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp:{}", listener.local_addr().unwrap());
        let (port, left) = (self.port, Arc::new(AtomicI64::new(answers)));
        thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let device = TcpStream::connect(("127.0.0.1", port)).unwrap();
            client.set_nodelay(true).unwrap();
            device.set_nodelay(true).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), device.try_clone().unwrap());
            let there = thread::spawn(move || {
                let _broken = io::copy(&mut from, &mut to);
                let _gone = to.shutdown(Shutdown::Both);
            });
            carry_back(device, client, &left);
            there.join().unwrap();
        });
        address
    }
}

/// Answers end with a zero byte each. The one too many was given by the appliance, and is lost.
fn carry_back(mut device: TcpStream, mut client: TcpStream, left: &AtomicI64) {
    let mut byte = [0];
    while let Ok(1) = device.read(&mut byte) {
        if left.load(Ordering::SeqCst) <= 0 {
            // All of it, so that the appliance has done what it was asked.
            if byte == [0] {
                break;
            }
            continue;
        }
        if client.write_all(&byte).is_err() {
            break;
        }
        if byte == [0] {
            left.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let _gone = client.shutdown(Shutdown::Both);
    let _gone = device.shutdown(Shutdown::Both);
}

/// Not a test: the process that [`Appliance`] starts.
#[test]
#[ignore = "runs in a process of its own, which other tests start"]
fn serve_an_appliance() {
    let Ok(trail) = env::var(TRAIL) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{PORT}{}", listener.local_addr().unwrap().port());
    io::stdout().flush().unwrap();
    if trail == "short" { server::serve::<64>(listener) } else { server::serve::<16384>(listener) }.unwrap();
}

const TRAIL: &str = "SYMBOLON_TEST_APPLIANCE_TRAIL";
const PORT: &str = "appliance at port ";
