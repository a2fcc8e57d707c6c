//! What a command works with: the vault, and the host that keeps its trail beside the keyring file.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use rand_core::SeedableRng;
use symbolon::{Cause, Config, Environment, Host, Keyring, Limits, Store, Time, Vault};
use zeroize::Zeroizing;

use crate::{error::Failure, file_store::FileStore, keyfile};

/// The generator for nonces and keys: ChaCha20, seeded once by the operating system.
pub(crate) type CliRng = chacha20::ChaCha20Rng;

/// 8,192 trail entries are staged at a time (the largest batch of one commit), 64 proofs are remembered for a minute each.
pub(crate) type CliHost = Host<SystemEnvironment, 8192, 64>;

/// The audience of credentials that this program issues and accepts.
pub(crate) const AUDIENCE: &[u8] = b"symbolon-cli";

/// A vault and its host. They are borrowed apart: a session borrows the vault, every opening borrows the host.
pub(crate) struct State {
    /// The root keys and the rules.
    pub(crate) vault: Vault,
    /// Clock, random numbers, trail; boxed, for it holds a megabyte.
    pub(crate) host: Box<CliHost>,
}

impl State {
    /// Reads the keyring (asking for its passphrase where it has one), takes the lock of the state beside it and goes on with its
    /// trail.
    pub(crate) fn open(keyring: &Path) -> Result<Self> {
        Self::resume(keyring, open_vault(keyring)?)
    }

    /// The same with a vault that is open already, and a keyring file that need not be there.
    pub(crate) fn resume(keyring: &Path, vault: Vault) -> Result<Self> {
        let dir = state_dir(keyring);
        let store = FileStore::open(&dir)?;
        store.report_repairs(&dir);
        Self::start(vault, store).with_context(|| format!("can't go on with the audit trail in {}", dir.display()))
    }

    /// Goes on with the trail in `store`.
    fn start(vault: Vault, store: FileStore) -> Result<Self> {
        wait_past(store.last_entry()?.map(|last| last.time()))?;
        let environment = SystemEnvironment { rng: rng()?, store };
        let host = open_host(&vault, environment)?;
        // The vault refuses proofs of the moment of its start: see `SessionFile::authenticate`.
        thread::sleep(Duration::from_millis(2));
        Ok(Self { vault, host })
    }
}

/// What is wrong is said, and stands in the trail, before the program ends.
impl Drop for State {
    fn drop(&mut self) {
        let mut raised = false;
        while let Some(alarm) = self.host.next_alarm() {
            eprintln!("symbolon: ALARM: {}", alarm_in_words(alarm.cause));
            raised = true;
        }
        if raised && self.host.commit(&self.vault).is_err() {
            eprintln!("symbolon: the alarm could not be recorded in the audit trail");
        }
    }
}

fn alarm_in_words(cause: Cause) -> String {
    match cause {
        Cause::Canary => "a canary was presented: this input has data in it that nobody has a reason to use. `symbolon trail report` counts \
                          what else this session did"
            .into(),
        cause => symbolon_host::audit::words::cause(cause.code()),
    }
}

/// Takes the lock of the state beside a keyring, for what changes the keyring itself: two at a time would lose one's change.
pub(crate) fn lock(keyring: &Path) -> Result<impl Sized + use<>> {
    FileStore::open(&state_dir(keyring))
}

/// The vault of a keyring file, without its trail: enough to seal and to issue credentials.
pub(crate) fn open_vault(keyring: &Path) -> Result<Vault> {
    vault_of(keyfile::read(keyring)?)
}

/// The vault of this program with these keys.
pub(crate) fn vault_of(keyring: Keyring) -> Result<Vault> {
    // A person runs it on whole files: how much is usual can't be told.
    let config = Config { max_life: MAX_LIFE, limits: Limits::NONE, ..Config::new(AUDIENCE) };
    Ok(Vault::new(keyring, &config)?)
}

/// The directory where the trail of this keyring is kept: `shop.keyring.state`.
pub(crate) fn state_dir(keyring: &Path) -> PathBuf {
    beside(keyring, ".state")
}

/// The file that the audit key is handed out in: `shop.keyring.audit`.
pub(crate) fn audit_file(keyring: &Path) -> PathBuf {
    beside(keyring, ".audit")
}

fn beside(keyring: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(keyring);
    name.push(ending);
    name.into()
}

/// A generator seeded by the operating system.
pub(crate) fn rng() -> Result<CliRng> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice())
        .map_err(|error| Failure::Unavailable.because(format!("the system has no random numbers: {error}")))?;
    Ok(CliRng::from_seed(*seed))
}

/// The time.
pub(crate) fn now() -> Result<Time> {
    clock().ok_or_else(|| {
        Failure::Unavailable.because("the system's clock is before 1970: set it, nothing opens until then")
    })
}

fn clock() -> Option<Time> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since_1970.as_millis()).ok().map(Time::from_millis)
}

/// The system's clock, a generator, and files.
pub(crate) struct SystemEnvironment {
    rng: CliRng,
    store: FileStore,
}

impl Environment for SystemEnvironment {
    type Rng = CliRng;
    type Store = FileStore;

    fn now(&mut self) -> Option<Time> {
        clock()
    }

    fn rng(&mut self) -> &mut CliRng {
        &mut self.rng
    }

    fn store(&mut self) -> &mut FileStore {
        &mut self.store
    }
}

/// Makes the host on a stack that surely holds it, a few times over: an unoptimised build moves it through every return.
fn open_host(vault: &Vault, environment: SystemEnvironment) -> Result<Box<CliHost>> {
    let opened = thread::scope(|scope| {
        let open = || CliHost::open(vault, environment).map(Box::new);
        let thread = thread::Builder::new().stack_size(HOST_STACK).spawn_scoped(scope, open)?;
        thread.join().map_err(|_| std::io::Error::other("the thread that opens the trail has failed"))
    })?;
    opened.context("the clock is behind the trail's last entry, the trail is not this keyring's, or the disk failed")
}

/// Where the clock was set back by a moment since the last entry, waits until it has caught up. (The core refuses what is more.)
fn wait_past(last: Option<Time>) -> Result<()> {
    let behind = last.map_or(0, |last| last.as_millis().saturating_sub(now().map_or(0, Time::as_millis)));
    if behind > 0 && behind <= CLOCK_STEP {
        thread::sleep(Duration::from_millis(behind + 1));
    }
    Ok(())
}

/// A credential may live for 24 hours, in milliseconds.
pub(crate) const MAX_LIFE: u64 = 24 * 60 * 60 * 1000;

/// The step back, in milliseconds, that clocks make when they are set by the network.
const CLOCK_STEP: u64 = 2000;

const HOST_STACK: usize = 64 << 20;
