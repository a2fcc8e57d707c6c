//! The desk: one host behind a lock that nobody holds while waiting, and one task that commits for all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use symbolon::{Alarm, Environment, Error, Held, Host, Outcome, Receipt, Ticket, Vault};
use tokio::sync::{Notify, broadcast, watch};

use crate::log::{Log, LogStore, Server};

/// Up to 1,024 entries staged between two commits, 16,384 proofs remembered for their minute.
pub type ServerHost = Host<Server, 1024, 16384>;

/// What request handlers share.
pub struct Desk {
    vault: Arc<Vault>,
    host: Mutex<Box<ServerHost>>,
    staged: Notify,
    /// The newest receipt, or that committing failed; and how many commits there were.
    receipts: watch::Sender<(Option<Receipt>, u64)>,
    failures: watch::Sender<u64>,
    alarms: broadcast::Sender<Alarm>,
    log: Log,
}

impl Desk {
    /// Opens the vault's trail in `store` and starts the task that commits. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: no trail of this vault in the store, no clock, no random numbers.
    pub fn open(vault: Arc<Vault>, store: LogStore) -> Result<Arc<Self>, Error> {
        let log = store.log();
        let environment = Server::new(store).map_err(|_| Error::Unavailable)?;
        let host = open_host(&vault, environment)?;
        let desk = Arc::new(Self {
            vault,
            host: Mutex::new(host),
            staged: Notify::new(),
            receipts: watch::Sender::new((None, 0)),
            failures: watch::Sender::new(0),
            alarms: broadcast::Sender::new(ALARMS),
            log,
        });
        tokio::spawn(commit_forever(Arc::downgrade(&desk)));
        Ok(desk)
    }

    /// The vault, to be shared with sessions.
    #[must_use]
    pub fn vault(&self) -> Arc<Vault> {
        Arc::clone(&self.vault)
    }

    /// The host, for one call of the core's. The guard can't be held across an await: it isn't `Send`, and handlers must be.
    pub fn host(&self) -> MutexGuard<'_, Box<ServerHost>> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, without a lock, until the outcome's entry is durable, and gives the outcome.
    ///
    /// # Errors
    /// [`Error::Denied`]: refused; [`Error::Unavailable`]: the entry could not be made durable.
    pub async fn settle<T: Outcome>(&self, held: Held<T>) -> Result<T, Error> {
        let mut receipts = self.receipts.subscribe();
        let mut failures = self.failures.subscribe();
        self.staged.notify_one();
        loop {
            let newest = receipts.borrow_and_update().0;
            if let Some(receipt) = newest.filter(|receipt| held.is_covered_by(receipt)) {
                return held.release(&receipt);
            }
            tokio::select! {
                changed = receipts.changed() => changed.map_err(|_| Error::Unavailable)?,
                _ = failures.changed() => return Err(Error::Unavailable),
            }
        }
    }

    /// Alarms from now on, as they are raised; each is in the trail with the commit after. A receiver that falls 64 behind is told how many it
    /// missed. Whom to wake is the application's to say: an alarm that should stop everything does so by itself ([`symbolon::Reaction`]).
    #[must_use]
    pub fn alarms(&self) -> broadcast::Receiver<Alarm> {
        self.alarms.subscribe()
    }

    /// How many commits there were: fewer than requests, when these come at the same time.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.receipts.borrow().1
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("commits", &self.commits()).finish_non_exhaustive()
    }
}

/// A host keeps its memory in itself, most of a megabyte here, and moves through the stack on its way to the heap: more than a worker
/// thread has in a debug build.
fn open_host(vault: &Vault, environment: Server) -> Result<Box<ServerHost>, Error> {
    std::thread::scope(|scope| {
        let opening = std::thread::Builder::new()
            .stack_size(16 << 20)
            .spawn_scoped(scope, || Host::open(vault, environment).map(Box::new))
            .map_err(|_| Error::Unavailable)?;
        opening.join().unwrap_or(Err(Error::Unavailable))
    })
}

/// Commits what was staged, again and again, until the desk is gone.
async fn commit_forever(desk: std::sync::Weak<Desk>) {
    while let Some(desk) = desk.upgrade() {
        let waiting = desk.staged.notified();
        // Looks in now and then whether the desk is still there.
        let _woken = tokio::time::timeout(std::time::Duration::from_secs(1), waiting).await;
        commit_once(&desk).await;
    }
}

/// Alarms that wait for a receiver.
const ALARMS: usize = 64;

/// Hands out what was raised, when the callers that raised it have their answers.
fn tell_alarms(desk: &Desk) {
    let mut host = desk.host();
    while let Some(alarm) = host.next_alarm() {
        // An error says that nobody listens: the alarm is in the trail.
        let _nobody = desk.alarms.send(alarm);
        desk.staged.notify_one();
    }
}

/// Takes the batch under the lock, writes it without, and says under the lock what became of it.
async fn commit_once(desk: &Desk) {
    let Some((bytes, ticket)) = take(desk) else { return };
    let log = desk.log.clone();
    let written = tokio::task::spawn_blocking(move || log.append(&bytes).map(|()| bytes)).await;
    let mut host = desk.host();
    if let Ok(Ok(bytes)) = written {
        host.environment().store().apply(&bytes);
        let receipt = host.committed(ticket);
        drop(host);
        let Ok(receipt) = receipt else { return };
        desk.receipts.send_modify(|(newest, commits)| {
            *newest = Some(receipt);
            *commits += 1;
        });
        tell_alarms(desk);
    } else {
        host.not_committed(ticket);
        drop(host);
        desk.failures.send_modify(|failures| *failures += 1);
    }
}

/// The batch's bytes, where there is anything to commit.
fn take(desk: &Desk) -> Option<(Vec<u8>, Ticket)> {
    let mut host = desk.host();
    let (batch, ticket) = host.batch(&desk.vault).ok()?;
    let bytes = Log::encode(&batch);
    if bytes.is_empty() {
        host.not_committed(ticket);
        return None;
    }
    Some((bytes, ticket))
}
