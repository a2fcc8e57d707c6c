//! A relay: several clients, one device, one request at a time.

use std::{
    fmt,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use symbolon::appliance::{Fault, Request, Response, open_frame, read, write};
use zeroize::Zeroizing;

use crate::{
    Address, Error,
    exchange::{Exchange, frame},
    line::Line,
};

/// Carries requests from TCP clients to a device, and answers back: an application server's part, that knows no key.
///
/// Clients have turns, for what a client does takes several requests: a challenge, and what answers it. A turn ends when its client goes
/// away or is silent for half a second, or after a second where others wait.
///
/// It wipes nothing that it carries: that is noise to it, and where it isn't ([`SessionAct::Detokenize`](symbolon::appliance::SessionAct)), its owner
/// has chosen to let it see the value.
pub struct Relay {
    listener: TcpListener,
    device: Arc<Turns>,
}

impl Relay {
    /// Reaches the device, and listens for clients at `HOST:PORT`.
    ///
    /// # Errors
    /// As [`Device::connect`](crate::Device::connect); [`Error::Connect`] also where nobody can listen there.
    pub fn listen(device: &Address, at: &str) -> Result<Self, Error> {
        let listener = TcpListener::bind(at).map_err(|error| Error::Connect(at.to_owned(), error))?;
        let mut open = Open { address: device.clone(), exchange: None };
        open.exchange()?.status()?;
        let device = Turns { queue: Mutex::default(), next: Condvar::new(), open: Mutex::new(open) };
        Ok(Self { listener, device: Arc::new(device) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`Error::Line`]
    pub fn place(&self) -> Result<SocketAddr, Error> {
        self.listener.local_addr().map_err(Error::Line)
    }

    /// Serves clients for as long as the program runs.
    pub fn run(&self) {
        loop {
            let Ok((stream, _)) = self.listener.accept() else {
                // Too many are open: some will close.
                thread::sleep(WAIT);
                continue;
            };
            let device = self.device.clone();
            // Its client is gone, or it could not be begun: the others go on.
            let _ends_by_itself = thread::Builder::new().spawn(move || serve(stream, &device));
        }
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// Whose turn it is.
struct Turns {
    queue: Mutex<Queue>,
    next: Condvar,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Queue {
    drawn: u64,
    served: u64,
}

/// The line, which is opened again where it broke.
struct Open {
    address: Address,
    exchange: Option<Exchange>,
}

impl Open {
    fn exchange(&mut self) -> Result<&mut Exchange, Error> {
        match &mut self.exchange {
            Some(exchange) => Ok(exchange),
            none => Ok(none.insert(Exchange::new(Line::open(&self.address, TIMEOUT)?, TIMEOUT))),
        }
    }

    fn ask(&mut self, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let fresh = self.exchange.is_none();
        let exchange = self.exchange()?;
        if fresh {
            exchange.status()?;
        }
        let asked = exchange.ask_message(message);
        if matches!(asked, Err(Error::Line(_) | Error::NoAnswer(_))) {
            self.exchange = None;
        }
        asked
    }
}

impl Turns {
    /// Waits for a turn, in order of coming.
    fn take(&self) -> Turn<'_> {
        let mut queue = locked(&self.queue);
        let mine = queue.drawn;
        queue.drawn += 1;
        let queue = self.next.wait_while(queue, |queue| queue.served != mine);
        drop(queue.unwrap_or_else(PoisonError::into_inner));
        Turn { turns: self, open: locked(&self.open), began: Instant::now() }
    }
}

struct Turn<'t> {
    turns: &'t Turns,
    open: MutexGuard<'t, Open>,
    began: Instant,
}

impl Turn<'_> {
    fn is_up(&self) -> bool {
        let queue = locked(&self.turns.queue);
        self.began.elapsed() > LONGEST_TURN && queue.drawn > queue.served + 1
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        locked(&self.turns.queue).served += 1;
        self.turns.next.notify_all();
    }
}

fn serve(stream: TcpStream, device: &Turns) {
    let _slower_without = stream.set_nodelay(true);
    let _as_long_as_it_takes = stream.set_write_timeout(Some(TIMEOUT));
    let mut client = Line::over(Box::new(stream));
    let (mut turn, mut out) = (None, Vec::new());
    loop {
        let wait = if turn.is_some() { IDLE } else { FOR_EVER };
        let mut frame = match client.receive(Instant::now() + wait) {
            Ok(Some(frame)) => frame,
            // Others may go on; what has come of a frame stays.
            Ok(None) => {
                turn = None;
                continue;
            }
            Err(_gone) => return,
        };
        let (turn_now, ends) = (turn.get_or_insert_with(|| device.take()), ends_turn(&mut frame));
        if carry(&mut frame, &mut turn_now.open, &mut client, &mut out).is_err() {
            return;
        }
        if ends && turn_now.is_up() {
            turn = None;
        }
    }
}

/// One request and its answer. Where the device gives none, the client gets none: it will ask how the device is.
fn carry(frame_in: &mut [u8], device: &mut Open, client: &mut Line, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut copy = frame_in.to_vec();
    let (id, answer) = match open_frame(&mut copy) {
        Err((id, fault)) => (id, fault_message(fault)?),
        Ok(received) => match device.ask(received.message) {
            Ok(answer) => (received.id, answer.to_vec()),
            Err(Error::TooLong) => (received.id, fault_message(Fault::TooLong)?),
            Err(_) => return Ok(()),
        },
    };
    client.send(frame(&answer, id, out).ok_or(Error::TooLong)?)
}

fn fault_message(fault: Fault) -> Result<Vec<u8>, Error> {
    let mut message = vec![0; 8];
    let len = write(&Response::Fault(fault.code()), &mut message)?;
    message.truncate(len);
    Ok(message)
}

/// A challenge, and a log-in, are for what comes next.
fn ends_turn(frame: &mut [u8]) -> bool {
    let mut copy = frame.to_vec();
    let Ok(received) = open_frame(&mut copy) else { return true };
    !matches!(read(received.message), Ok(Request::Challenge | Request::LogIn { .. }))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Less than its clients wait, so that they hear of it.
const TIMEOUT: Duration = Duration::from_secs(5);
const WAIT: Duration = Duration::from_millis(50);
const IDLE: Duration = Duration::from_millis(500);
const LONGEST_TURN: Duration = Duration::from_secs(1);
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);
