//! Index rows.

use symbolon::Field;

use super::*;

fn index(name: &str, version: u16) -> Index {
    Index::new(Field::EMAIL, name.as_bytes(), version).unwrap()
}

fn a_row(value: u8, owner: u8, reference: &[u8]) -> IndexRow<'_> {
    IndexRow { value: [value; 8], owner: [owner; 16], reference }
}

fn references(store: &DiskStore, index: &Index, value: u8) -> Vec<String> {
    let found = store.find(index, &[value; 8], 100).unwrap();
    found.into_iter().map(|found| String::from_utf8(found.reference).unwrap()).collect()
}

/// Rows are found by index and value, and by nothing near them.
#[test]
fn finds() {
    let (_place, dir, mut store) = begin();
    let (first, second, newer) = (index("a", 1), index("b", 1), index("a", 2));
    assert!(references(&store, &first, 1).is_empty());
    let rows = [a_row(1, 1, b"r1"), a_row(1, 2, b"r2"), a_row(1, 2, b"r3"), a_row(2, 1, b"r1"), a_row(1, 2, b"r3")];
    assert_eq!(store.put_rows(&first, rows).unwrap(), 5);
    store.put_rows(&second, [a_row(1, 3, b"")]).unwrap();
    store.put_rows(&newer, [a_row(0xff, 3, b"last")]).unwrap();
    for _ in 0..2 {
        assert_eq!(references(&store, &first, 1), ["r1", "r2", "r3"]);
        assert_eq!(references(&store, &first, 2), ["r1"]);
        assert_eq!(references(&store, &second, 1), [""]);
        assert_eq!(references(&store, &newer, 0xff), ["last"]);
        assert!(references(&store, &newer, 1).is_empty() && references(&store, &index("c", 1), 1).is_empty());
        assert_eq!(store.find(&first, &[1; 8], 2).unwrap().len(), 2);
        drop(store);
        store = DiskStore::open(&dir).unwrap();
        store.scrub().unwrap();
    }
}

/// One row goes, or all of an owner's, in every index.
#[test]
fn removes() {
    let (_place, _dir, mut store) = begin();
    let (first, second) = (index("a", 1), index("b", 1));
    for index in [&first, &second] {
        store.put_rows(index, [a_row(1, 1, b"r1"), a_row(1, 2, b"r2"), a_row(3, 2, b"r3")]).unwrap();
    }
    store.remove_rows(&first, [a_row(1, 1, b"r1"), a_row(1, 1, b"never")]).unwrap();
    assert_eq!(references(&store, &first, 1), ["r2"]);
    assert_eq!(store.remove_owner(&[2; 16]).unwrap(), 4);
    assert_eq!(store.remove_owner(&[2; 16]).unwrap(), 0);
    assert!(references(&store, &first, 1).is_empty() && references(&store, &second, 3).is_empty());
    assert_eq!(references(&store, &second, 1), ["r1"]);
}

/// Lengths at their limits; a row that is too long leaves none of its batch.
#[test]
fn lengths() {
    let (_place, _dir, mut store) = begin();
    for (len, fits) in [(0, false), (1, true), (64, true), (65, false)] {
        assert_eq!(Index::new(Field::EMAIL, &vec![b'n'; len], 1).is_ok(), fits);
    }
    let index = index("a", 1);
    assert!(store.put_rows(&index, [a_row(1, 1, &[b'r'; 64])]).is_ok());
    let put = store.put_rows(&index, [a_row(1, 2, b"fits"), a_row(1, 1, &[b'r'; 65])]);
    assert!(matches!(put, Err(RegistryError::Length)));
    assert_eq!(references(&store, &index, 1).len(), 1);
}
