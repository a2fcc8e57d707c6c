//! What is left of an owner who was erased: nothing, in any file.

use super::*;

/// What an owner's record holds, and can be told in a raw file.
const SECRET: &[u8; 32] = b"the secret that is to be erased!";

/// An owner's record, an erased owner's in its place, and a surrogate of this owner.
fn owner(id: u8) -> Row<'static> {
    row(Table::Owner, id, SECRET)
}

fn erased(id: u8) -> Row<'static> {
    Row { erases: true, ..row(Table::Owner, id, &[1, 1, 0, 0, 0, 0]) }
}

fn surrogate_value(owner: u8) -> Vec<u8> {
    [&[owner; 16], b"token".as_slice()].concat()
}

fn find(store: &DiskStore, index: &Index) -> Vec<Match> {
    store.find(index, &[8; 8], 100).unwrap()
}

fn index() -> Index {
    Index::new(symbolon::Field::EMAIL, b"by-address", 1).unwrap()
}

fn index_row(owner: u8) -> IndexRow<'static> {
    IndexRow { value: [8; 8], owner: [owner; 16], reference: b"INDEXED-REFERENCE" }
}

/// Every byte of every file.
fn raw(dir: &Path) -> Vec<u8> {
    let files = fs::read_dir(dir).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    files.collect::<Vec<_>>().concat()
}

fn holds(dir: &Path, what: &[u8]) -> bool {
    raw(dir).windows(what.len()).any(|window| window == what)
}

/// Index rows and surrogates go with the owner's record, and others' stay; none comes back.
#[test]
fn takes_what_belongs_to_the_owner() {
    let (_place, dir, mut store) = begin();
    let (hers, his) = (surrogate_value(1), surrogate_value(2));
    let rows = [
        owner(1),
        owner(2),
        row(Table::Surrogate, 10, &hers),
        row(Table::Surrogate, 11, &hers),
        row(Table::Surrogate, 12, &his),
    ];
    store.put(&rows, &entries(0..1), 0).unwrap();
    store.put_rows(&index(), [index_row(1), index_row(2)]).unwrap();
    assert!(!store.scrub_due().unwrap());

    // Another surrogate in the very batch that erases her.
    store.put(&[row(Table::Surrogate, 13, &hers), erased(1)], &entries(1..2), 0).unwrap();
    for _ in 0..2 {
        for id in [10, 11, 13] {
            assert_eq!(get(&store, Table::Surrogate, id), None);
        }
        assert_eq!(get(&store, Table::Surrogate, 12).unwrap(), his);
        assert_eq!(get(&store, Table::Owner, 1).unwrap(), [1, 1, 0, 0, 0, 0]);
        assert_eq!(get(&store, Table::Owner, 2).unwrap(), SECRET);
        assert_eq!(find(&store, &index()).len(), 1);
        // Late comers.
        store.put(&[row(Table::Surrogate, 10, &hers)], &[], 0).unwrap();
        assert_eq!(store.put_rows(&index(), [index_row(1)]).unwrap(), 0);
        store.scrub().unwrap();
    }
    drop(store);
    assert_eq!(get(&DiskStore::open(&dir).unwrap(), Table::Surrogate, 12).unwrap(), his);
}

/// A surrogate that was given anew to another owner is the other's.
#[test]
fn a_surrogate_has_one_owner() {
    let (_place, _dir, mut store) = begin();
    let (hers, his) = (surrogate_value(1), surrogate_value(2));
    store.put(&[row(Table::Surrogate, 10, &hers)], &[], 0).unwrap();
    store.put(&[row(Table::Surrogate, 10, &his)], &[], 0).unwrap();
    store.put(&[erased(1)], &[], 0).unwrap();
    assert_eq!(get(&store, Table::Surrogate, 10).unwrap(), his);
    store.put(&[erased(2)], &[], 0).unwrap();
    assert_eq!(get(&store, Table::Surrogate, 10), None);
}

/// The secret can be read in the raw files before, and even when the owner has been erased; after the scrub, nowhere.
#[test]
fn nothing_can_be_read_after_the_scrub() {
    let (_place, dir, mut store) = begin();
    store.put(&[owner(1), row(Table::Surrogate, 10, &surrogate_value(1))], &[], 0).unwrap();
    store.put_rows(&index(), [index_row(1)]).unwrap();
    assert!(holds(&dir, SECRET) && holds(&dir, b"INDEXED-REFERENCE"));
    store.put(&[erased(1)], &[], 0).unwrap();
    assert!(holds(&dir, SECRET), "the database no longer keeps old pages: is the scrub still needed?");
    assert!(store.scrub_if_due().unwrap());
    assert!(!holds(&dir, SECRET) && !holds(&dir, b"INDEXED-REFERENCE"));
    assert!(!store.scrub_if_due().unwrap());
    // Wherever later commits write.
    store.put(&[owner(2)], &entries(0..5), 0).unwrap();
    drop(store);
    assert!(holds(&dir, SECRET));
}

/// A file is overwritten before it goes: another name of the same file shows it.
#[cfg(unix)]
#[test]
fn the_old_file_is_overwritten() {
    let (place, dir, mut store) = begin();
    store.put(&[owner(1)], &[], 0).unwrap();
    let link = place.path().join("link");
    fs::hard_link(dir.join(scrub::NAME), &link).unwrap();
    assert!(fs::read(&link).unwrap().windows(32).any(|window| window == SECRET));
    store.put(&[erased(1)], &[], 0).unwrap();
    store.scrub_if_due().unwrap();
    let old = fs::read(&link).unwrap();
    assert!(!old.is_empty() && old.iter().all(|byte| *byte == 0));
}

/// A scrub that did not come to be, or was interrupted at any step, is made up for when the store is opened.
#[test]
fn an_interrupted_scrub_is_made_up_for() {
    for steps in 0..=scrub::STEPS.len() + 2 {
        let (_place, dir, mut store) = begin();
        store.put(&[owner(1), owner(2)], &entries(0..2), 0).unwrap();
        assert!(holds(&dir, SECRET));
        store.put(&[erased(1), row(Table::Owner, 2, b"lives")], &entries(2..3), 0).unwrap();
        if steps == 1 {
            // Half a copy.
            fs::write(dir.join("registry.part"), SECRET).unwrap();
        }
        if steps >= 2 {
            scrub::copy(store.rows().unwrap(), &dir).unwrap();
            store.rows = None;
            scrub::STEPS[..steps - 2].iter().for_each(|step| step(&dir).unwrap());
        }
        drop(store);
        let mut store = DiskStore::open(&dir).unwrap();
        assert!(!store.scrub_due().unwrap());
        assert!(!holds(&dir, SECRET), "{steps}");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 3);
        assert_eq!(get(&store, Table::Owner, 2).unwrap(), b"lives");
        assert_eq!(numbers(&store), [0, 1, 2]);
        store.put(&[row(Table::Owner, 2, b"on")], &entries(3..4), 0).unwrap();
        assert_eq!(numbers(&store), [0, 1, 2, 3]);
    }
}

/// A scrub that fails leaves the store as it was, and stays due.
#[test]
fn a_scrub_that_fails() {
    let (_place, dir, mut store) = begin();
    store.put(&[owner(1)], &[], 0).unwrap();
    store.put(&[erased(1)], &[], 0).unwrap();
    // The copy's name is taken by a directory.
    fs::create_dir(dir.join("registry.part")).unwrap();
    assert!(store.scrub_if_due().is_err());
    assert!(store.scrub_due().unwrap());
    store.put(&[owner(2)], &entries(0..1), 0).unwrap();
    fs::remove_dir(dir.join("registry.part")).unwrap();
    assert!(store.scrub_if_due().unwrap());
    assert_eq!(get(&store, Table::Owner, 2).unwrap(), SECRET);
}
