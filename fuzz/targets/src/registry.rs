//! Rows of the registry, as somebody else left them.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use arbitrary::Unstructured;
use symbolon::{
    Batch, Error, Field, Host, Record, RecordKey, Rights, SealedEntry, Store, StoreError, Table, Time, Token,
};

use crate::promises::altered;
use crate::world::{Env, Memory, World, alice, bob, enter};

/// An owner's record of another form makes everything of that owner unavailable; an erased one opens nothing; without its own secret an erasable
/// token opens never. A trail's state or a clock's floor that was altered opens no host, and a stop is a stop whatever the row says but "no".
pub fn run(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let whole: bool = data.arbitrary().unwrap_or_default();
    let table = data.int_in_range(0..=3).unwrap_or_default();
    let data = data.take_rest();
    match table {
        0 | 1 => an_owner(data, whole),
        2 => a_stop(data),
        _ => a_trail(data),
    }
}

fn an_owner(data: &[u8], whole: bool) {
    let rows = Rows::default();
    let mut world = World::with(rows.clone());
    let plain = world.token(&alice(), Field::EMAIL, b"alice@example.com");
    let plain = plain.as_token();
    let held = world.vault.erasable_sealer_held(&alice(), &mut world.host).expect("room");
    let sealer = world.host.settle(&world.vault, held).expect("a sealer");
    let mut out = [0; Token::MAX_LEN];
    let mut rng = symbolon::CheckedRng::new(world.rng.clone());
    let erasable = sealer.tokenize(Field::PHONE, b"0312345678", &mut out, &mut rng).expect("a token");
    let key = RecordKey { table: Table::Owner, id: world.vault.owner_tag(&alice()) };
    let genuine = rows.row(&key).expect("she has a secret");
    let hers = world.log_in_as_bearer(&alice(), Rights::OWN);
    let his = world.log_in_as_bearer(&bob(), Rights::OWN);
    let (hers, his) = (enter(&world.vault, &hers, &mut world.host), enter(&world.vault, &his, &mut world.host));
    let mut row = if whole { data.to_vec() } else { altered(&genuine, data) };
    row.truncate(Record::MAX_LEN);
    let says = owner_record(&row);
    rows.plant(key, row);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let mut open = |session: &symbolon::Session<_>, field, token| {
        session.detokenize(field, token, &mut work, &mut world.host).map(|value| value.expose().to_vec())
    };
    for _ in 0..2 {
        let expected = match &says {
            None => Err(Error::Unavailable),
            Some(says) if says.erased => Err(Error::Denied),
            Some(_) => Ok(b"alice@example.com".to_vec()),
        };
        assert_eq!(open(&hers, Field::EMAIL, &plain), expected);
        let expected = match &says {
            None => Err(Error::Unavailable),
            Some(says) if says.secret != owner_record(&genuine).and_then(|genuine| genuine.secret) => {
                Err(Error::Denied)
            }
            Some(_) => Ok(b"0312345678".to_vec()),
        };
        assert_eq!(open(&hers, Field::PHONE, &erasable), expected);
        assert_eq!(open(&his, Field::EMAIL, &plain), Err(Error::Denied), "his own record is as it was");
    }
}

/// What an owner's record says.
struct Owner {
    erased: bool,
    secret: Option<[u8; 32]>,
}

/// SPEC.md section 13, read plainly.
fn owner_record(row: &[u8]) -> Option<Owner> {
    let (head, addresses) = row.split_at_checked(38)?;
    let (flags, secret) = (head[1], <[u8; 32]>::try_from(&head[6..]).ok()?);
    let (erased, has_secret) = (flags & 1 != 0, flags & 2 != 0);
    let mut fields = Vec::new();
    for address in addresses.chunks(20) {
        let [low, high, ..] = *address else { return None };
        fields.push(Field::from_code(u16::from_le_bytes([low, high])).ok()?.code());
    }
    let rises = fields.windows(2).all(|pair| pair[0] < pair[1]);
    let whole = addresses.len() % 20 == 0 && fields.len() <= 4 && rises;
    let nothing_kept = !has_secret && addresses.is_empty();
    let right = head[0] == 1 && flags < 4 && (has_secret || secret == [0; 32]) && (!erased || nothing_kept);
    (whole && right).then_some(Owner { erased, secret: has_secret.then_some(secret) })
}

fn a_stop(data: &[u8]) {
    let rows = Rows::default();
    let mut world = World::with(rows.clone());
    let token = world.token(&alice(), Field::EMAIL, b"alice@example.com");
    let client = world.log_in_as_bearer(&alice(), Rights::OWN);
    let row = data[..data.len().min(Record::MAX_LEN)].to_vec();
    let goes_on = row == [0];
    rows.plant(RecordKey { table: Table::Stop, id: [0; 16] }, row);
    restart(&mut world).expect("a stop is no damage");
    let mut work = [0; Token::MAX_OPEN_LEN];
    let opened = world.vault.authenticate_bearer(&client.credential, &mut world.host).and_then(|session| {
        session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).map(|_| ())
    });
    assert_eq!(opened, if goes_on { Ok(()) } else { Err(Error::Denied) });
}

fn a_trail(data: &[u8]) {
    let rows = Rows::default();
    let mut world = World::with(rows.clone());
    let key = RecordKey { table: Table::TrailState, id: [0; 16] };
    let genuine = rows.row(&key).expect("a trail");
    let mut row = altered(&genuine, data);
    row.truncate(Record::MAX_LEN);
    let same = row == genuine;
    rows.plant(key, row);
    let opened = restart(&mut world);
    assert_eq!(opened, if same { Ok(()) } else { Err(Error::Unavailable) });
}

fn restart(world: &mut World<Rows>) -> Result<(), Error> {
    let env = world.host.environment();
    let env = Env { clock: env.clock.clone(), rng: env.rng.clone(), store: env.store.clone() };
    world.host = Host::open(&world.vault, env)?;
    Ok(())
}

/// A store whose rows somebody else can write.
#[derive(Clone, Default)]
struct Rows {
    memory: Rc<RefCell<Memory>>,
    planted: Rc<RefCell<BTreeMap<RecordKey, Vec<u8>>>>,
}

impl Rows {
    fn row(&self, key: &RecordKey) -> Option<Vec<u8>> {
        let mut out = [0; Record::MAX_LEN];
        let len = self.memory.borrow().get(key, &mut out).ok()??;
        Some(out[..len].to_vec())
    }

    fn plant(&self, key: RecordKey, row: Vec<u8>) {
        self.planted.borrow_mut().insert(key, row);
    }
}

impl Store for Rows {
    fn room(&self) -> usize {
        self.memory.borrow().room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.memory.borrow().record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        match self.planted.borrow().get(key) {
            Some(row) => {
                out[..row.len()].copy_from_slice(row);
                Ok(Some(row.len()))
            }
            None => self.memory.borrow().get(key, out),
        }
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.memory.borrow_mut().commit(batch)?;
        batch.records().for_each(|record| drop(self.planted.borrow_mut().remove(record.key())));
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

/// Rows of every form.
pub fn seeds() -> Vec<Vec<u8>> {
    let row = |flags: u8, secret: u8, addresses: &[u8]| {
        let mut row = vec![1, flags, 0, 0, 0, 0];
        row.extend([secret; 32]);
        for &field in addresses {
            row.extend([field, 0, 1, 0]);
            row.extend([9; 16]);
        }
        row
    };
    let rows =
        [row(0, 0, &[]), row(2, 5, &[4]), row(1, 0, &[]), row(3, 0, &[]), row(0, 0, &[1, 3, 4, 5]), row(0, 1, &[])];
    // The table is told by the last byte.
    let mut seeds: Vec<Vec<u8>> = rows.into_iter().map(|row| [&[1][..], &row, &[0]].concat()).collect();
    seeds.push(vec![0, 0]);
    seeds.extend([[0, 0, 2].to_vec(), [0, 1, 2].to_vec(), [0, 2].to_vec(), [0, 0, 4, 3].to_vec(), [0, 3].to_vec()]);
    seeds
}
