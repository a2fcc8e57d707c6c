//! A host on top of a rig: batches can only be made by the core, so this makes all the kinds there are.

use std::{cell::Cell, rc::Rc};

use symbolon::{
    AuditKey, Config, Credential, Environment, Error, Field, Host, Keyring, Principal, Purposes, Rights, Session,
    SessionId, SessionKey, Store, Terms, Time, Vault,
};

use super::{TestRng, nor::Board, rig::Rig};

/// What a batch is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// One entry.
    Enter,
    /// Several entries.
    EnterSeveral(usize),
    /// One record of the host's own, with a value of so many bytes.
    Row(u8, usize),
    /// Several records, and no entry.
    Rows(u8, usize),
    /// A record that expires, and an entry.
    LogOut,
    /// An owner's secret: a record and an entry; only an entry where there is one already.
    Erasable(u8),
    /// Replaces the owner's record.
    Confirm(u8),
    /// Replaces it by one that says so.
    Erase(u8),
    /// Acknowledges so many entries.
    Acknowledge(usize),
}

pub struct Shop<F, const E: usize, const N: usize> {
    pub vault: Vault,
    pub host: Host<Surroundings<F, E, N>, 8, 64>,
    pub rig: Rig<F, E, N>,
    pub clock: Rc<Cell<Time>>,
    pub rng: TestRng,
}

/// The host's surroundings.
pub struct Surroundings<F, const E: usize, const N: usize> {
    clock: Rc<Cell<Time>>,
    rng: TestRng,
    rig: Rig<F, E, N>,
}

impl<F: Board, const E: usize, const N: usize> Environment for Surroundings<F, E, N> {
    type Rng = TestRng;
    type Store = Rig<F, E, N>;

    fn now(&mut self) -> Option<Time> {
        Some(self.clock.get())
    }

    fn rng(&mut self) -> &mut TestRng {
        &mut self.rng
    }

    fn store(&mut self) -> &mut Rig<F, E, N> {
        &mut self.rig
    }
}

impl<F: Board, const E: usize, const N: usize> Shop<F, E, N> {
    /// On a blank flash of so many sectors more than the least.
    pub fn blank(more: u32) -> Self {
        Self::begin(Rig::blank(more))
    }

    /// Makes a trail in an empty store.
    pub fn begin(mut rig: Rig<F, E, N>) -> Self {
        let mut rng = TestRng(7);
        let vault = Vault::new(Keyring::generate(&mut rng).unwrap(), &Config::new(b"shop")).unwrap();
        AuditKey::create(&vault, &mut rig, &mut rng).unwrap();
        let clock = Rc::new(Cell::new(NOW));
        let host = Self::open(&vault, &clock, &rig);
        Self { vault, host, rig, clock, rng }
    }

    fn open(vault: &Vault, clock: &Rc<Cell<Time>>, rig: &Rig<F, E, N>) -> Host<Surroundings<F, E, N>, 8, 64> {
        let surroundings = Surroundings { clock: clock.clone(), rng: TestRng(8), rig: rig.clone() };
        Host::open(vault, surroundings).expect("a trail")
    }

    /// Power off and on, for the host too. A start is an entry.
    pub fn restart(&mut self) {
        self.make_room(1);
        self.rig.reopen();
        self.host = Self::open(&self.vault, &self.clock, &self.rig);
    }

    /// Acknowledges so many of the oldest entries as it takes for so much room.
    pub fn make_room(&mut self, entries: usize) {
        let room = self.rig.room();
        if room < entries {
            self.acknowledge(entries - room).unwrap();
        }
    }

    fn acknowledge(&mut self, entries: usize) -> Result<(), Error> {
        let model = self.rig.model();
        let Some((last, _)) = model.entries.iter().take(entries).next_back() else { return Ok(()) };
        self.rig.acknowledge(*last).map_err(|_| Error::Unavailable)
    }

    pub fn pass(&self, millis: u64) {
        self.clock.set(self.clock.get().plus(millis));
    }

    /// One commit of this kind, or none where it is refused.
    pub fn do_job(&mut self, job: Job) -> Result<(), Error> {
        match job {
            Job::Acknowledge(entries) => return self.acknowledge(entries),
            Job::Row(row, len) => self.put_row(row, len)?,
            Job::Rows(row, count) => (0..count).try_for_each(|more| self.put_row(row + more as u8, 40 + more))?,
            Job::LogOut => {
                let id = SessionId::from_bytes(self.rng.bytes(16).try_into().unwrap());
                let _released_by_the_commit = self.vault.log_out_held(id, &mut self.host)?;
            }
            Job::Enter => self.enter(1)?,
            Job::EnterSeveral(count) => self.enter(count)?,
            Job::Erasable(name) => {
                let _released_by_the_commit = self.vault.erasable_sealer_held(&owner(name), &mut self.host)?;
            }
            Job::Confirm(name) => {
                let credential = self.credential();
                let session = self.vault.authenticate_bearer(&credential, &mut self.host)?;
                let address = self.rng.bytes(20);
                let held = session.confirm_address_held(&owner(name), Field::EMAIL, &address, &mut self.host)?;
                return self.host.settle(&self.vault, held);
            }
            Job::Erase(name) => {
                let credential = self.credential();
                let session = self.vault.authenticate_bearer(&credential, &mut self.host)?;
                let held = session.erase_held(&owner(name), &mut self.host)?;
                return self.host.settle(&self.vault, held);
            }
        }
        self.host.commit(&self.vault).map(|_receipt| ())
    }

    fn put_row(&mut self, row: u8, len: usize) -> Result<(), Error> {
        let value = self.rng.bytes(len);
        self.host.put_surrogate([row; 16], &value)
    }

    fn enter(&mut self, count: usize) -> Result<(), Error> {
        let credential = self.credential();
        for _ in 0..count {
            let _released_by_the_commit = Session::authenticate_bearer_held(&self.vault, &credential, &mut self.host)?;
        }
        Ok(())
    }

    fn credential(&mut self) -> Credential {
        let now = self.clock.get();
        let desk = Principal::service("shop-17", "desk").unwrap();
        let rights = Rights::MAINTAIN.and(Rights::CONFIRM_ADDRESS);
        let terms = Terms { rights, purposes: Purposes::OWN_USE, life: 1000, proof_required: false };
        let key = SessionKey::generate(&mut self.rng).unwrap();
        let issuer = self.vault.issuer(desk.tenant(), desk.kind(), now.period()).unwrap();
        issuer.issue(&desk, &key, &terms, now, &mut self.rng).unwrap()
    }
}

/// Beginnings of trails of other nodes: each is a commit of one record, in a table of secrets, without a host.
pub fn trails<S: Store>() -> impl Iterator<Item = impl Fn(&mut S) -> Result<(), Error>> {
    (0..).map(|node| {
        move |store: &mut S| {
            let mut rng = TestRng(u64::from(node));
            let config = Config { node, ..Config::new(b"shop") };
            let vault = Vault::new(Keyring::generate(&mut rng).unwrap(), &config).unwrap();
            AuditKey::create(&vault, store, &mut rng).map(|_key| ())
        }
    })
}

pub fn owner(name: u8) -> Principal {
    Principal::person("shop-17", [b'a' + name]).unwrap()
}

pub const NOW: Time = Time::from_secs(1_800_000_000);
