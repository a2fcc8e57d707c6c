//! The targets can fail: what is broken on purpose is caught by the very functions that they assert with.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arbitrary::Unstructured;
use symbolon::{Checkpoint, Field, Proof, Scanner, appliance::open_frame};
use symbolon_fuzz_targets::{appliance, frames, names, promises, rewriter, schema, trail, values};

/// The closure panics.
#[track_caller]
fn is_caught(what: &str, check: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(check)).is_err(), "{what} was not caught");
}

/// A reader that passes over what follows, one that reads less than there is, and a writer of another form.
#[test]
fn what_is_not_written_back() {
    let proof = [7; Proof::LEN];
    let read = |bytes: &[u8]| Proof::from_bytes(bytes).ok().map(|proof| proof.to_bytes().to_vec());
    assert!(promises::written_back(&proof, read));
    assert!(!promises::written_back(&proof[1..], read));
    is_caught("a byte behind", || {
        promises::written_back(&proof, |bytes| read(bytes.get(..Proof::LEN)?));
    });
    is_caught("a byte too few", || {
        promises::written_back(&proof, |bytes| {
            let mut bytes = bytes.to_vec();
            bytes.resize(Proof::LEN.max(bytes.len()), 7);
            read(&bytes)
        });
    });
    is_caught("another form", || {
        promises::written_back(b"Name", |bytes| Some(bytes.to_ascii_lowercase()));
    });
}

/// Whoever takes everything, nothing, or looks at the first bytes only.
#[test]
fn what_is_not_genuine() {
    let (genuine, changes) = (b"a genuine one", [5, 11, 200, 0]);
    let altered = promises::altered(genuine, &changes);
    assert_ne!(altered, genuine);
    assert_eq!(promises::altered(genuine, &[]), genuine);
    promises::only_genuine(genuine, &changes, |bytes| bytes == genuine);
    is_caught("everything taken", || promises::only_genuine(genuine, &changes, |_| true));
    is_caught("nothing taken", || promises::only_genuine(genuine, &changes, |_| false));
    is_caught("a refusal that stays", || {
        let mut refused = false;
        promises::only_genuine(genuine, &changes, |bytes| {
            refused |= bytes != genuine;
            !refused
        });
    });
}

/// A secret in any of the forms that it may be shown in.
#[test]
fn what_is_told() {
    let secret = *b"\x01secret\xffkey";
    promises::tells_nothing("Key(redacted)", &[&secret]);
    let hexadecimal: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    for shown in [format!("{secret:?}"), hexadecimal, String::from_utf8_lossy(&secret).into_owned()] {
        is_caught(&shown, || promises::tells_nothing(&format!("Key({shown})"), &[&secret]));
    }
}

/// A reader that goes on behind a gap, and one that gives up in a whole log.
#[test]
fn a_trail_with_a_gap() {
    let (genuine, key) = trail::genuine_log();
    let mut gap = genuine.to_vec();
    gap.remove(2);
    let mut reader = key.reader();
    trail::reads_genuine_only(genuine, &gap, false, |entry| reader.read(entry).map_err(|_| ()));
    is_caught("a gap", || {
        let mut reader = key.reader();
        trail::reads_genuine_only(genuine, &gap, false, |entry| {
            reader.read(entry).or_else(|_| {
                // Makes up for what is missing.
                reader.pass(2, &genuine[2]).expect("ahead");
                reader.read(entry).map_err(|_| ())
            })
        });
    });
    is_caught("a reader that gives up", || trail::reads_genuine_only(genuine, genuine, false, |_| Err(())));
    assert!(!key.reader().confirms(&Checkpoint::from_bytes(&[0; 52]).expect("any 52 bytes")));
}

/// A reader of frames that hands on empty ones, and an opener that doesn't look at the check.
#[test]
fn frames_that_are_cut_wrongly() {
    let cut = |bytes: &[u8]| {
        let mut parts: Vec<_> = bytes.split(|&byte| byte == 0).map(|part| Some(part.to_vec())).collect();
        parts.pop();
        parts
    };
    frames::is_cut_at_zeros(b"\x01\x02\0\x03\0", cut);
    is_caught("an empty frame", || frames::is_cut_at_zeros(b"\x01\0\0", cut));

    let mut frame = frames::sealed(7, b"message");
    frame.pop();
    let open = |frame: &mut [u8]| open_frame(frame).map(|read| (read.id, read.message.to_vec()));
    frames::opens_as_specified(&frame, open);
    let last = frame.len() - 1;
    frame[last] ^= 1;
    frames::opens_as_specified(&frame, open);
    is_caught("a check that isn't looked at", || {
        frames::opens_as_specified(&frame, |_| Ok((7, b"message".to_vec())));
    });
}

/// Names that are known in one width only; masks that run, and that show everything.
#[test]
fn names_and_masks() {
    names::is_refused_in_any_width("cvv", symbolon::names_security_code);
    is_caught("wide letters", || names::is_refused_in_any_width("cvv", |name| name == "cvv"));
    is_caught("white space", || names::is_refused_in_any_width("cvv", |name| name == "cvv" || name == "ｃｖｖ"));
    values::is_harmless("●●●● 4242");
    for mask in ["", "=1", "<b>", "a\nb", &"●".repeat(30)] {
        is_caught(mask, || values::is_harmless(mask));
    }
    values::hides_some(Field::PERSON_NAME, b"Alice", "A●●");
    is_caught("the whole value", || values::hides_some(Field::PERSON_NAME, b"Al", "Al●●"));
}

/// A scanner that forgets what it carried, one that goes on behind an error, and one of another format.
#[test]
fn a_scanner_that_forgets() {
    let text = rewriter::Tokens::get().woven_into(b"id,\xf8,\"\xf8\"\n");
    let how = |bytes: &[u8]| rewriter::How::of(&mut Unstructured::new(bytes)).expect("enough bytes");
    let (cut, failing) = (how(b"c\x01\x07\x00\x00"), how(b"c\x01\x07\x0e\x00"));
    rewriter::finds_as_specified(&text, &cut, rewriter::scan);
    rewriter::finds_as_specified(&text, &failing, rewriter::scan);
    is_caught("nothing carried", || {
        rewriter::finds_as_specified(&text, &cut, |format, chunks, sink| {
            chunks.iter().for_each(|chunk| rewriter::scan(format, &[*chunk], sink));
        });
    });
    is_caught("an error passed over", || {
        rewriter::finds_as_specified(&text, &failing, |format, chunks, sink| {
            let mut scanner = Scanner::new(format);
            for chunk in chunks {
                let _ignored = scanner.feed(chunk, sink);
            }
            let _ignored = scanner.finish(sink);
        });
    });
    is_caught("an error that doesn't come through", || {
        rewriter::finds_as_specified(&text, &failing, |format, chunks, sink| {
            let mut scanner = Scanner::new(format);
            for chunk in chunks {
                // What is asked again until all is there, and says that all was well.
                while !sink.is_content(|sink| scanner.feed(chunk, sink).or(Ok(()))) {}
            }
            while !sink.is_content(|sink| scanner.finish(sink)) {}
        });
    });
    is_caught("a byte too early in one cut", || {
        rewriter::finds_as_specified(&text, &cut, |format, chunks, sink| match chunks {
            [before, _] if before.len() == 100 => rewriter::scan(format, &[*before], sink),
            _ => rewriter::scan(format, chunks, sink),
        });
    });
    is_caught("another format", || {
        rewriter::finds_as_specified(&text, &cut, |_, chunks, sink| {
            rewriter::scan(symbolon::Format::Json, chunks, sink)
        });
    });
}

/// A schema that protects what must not be kept, or hides the owner.
#[test]
fn a_schema_that_can_not_be_meant() {
    let with = |column: &str| symbolon_cli::fuzzing::ReadSchema {
        tenant: "t".into(),
        owner: "id".into(),
        record: None,
        fields: vec![(column.into(), Field::FREE_TEXT)],
        dropped: vec!["x".into()],
    };
    schema::can_be_meant(&with("name"));
    for column in ["id", "cvv", "x"] {
        is_caught(column, || schema::can_be_meant(&with(column)));
    }
}

/// A schema from which something is left out, or that was made up.
#[test]
fn a_schema_that_is_not_the_texts() {
    type Change = fn(&mut symbolon_cli::fuzzing::ReadSchema);
    let text = "tenant = \"t\"\nowner = \"id\"\ndrop_columns = [\"x\"]\n[fields]\nname = \"free-text\"\n";
    let read = || symbolon_cli::fuzzing::schema(text).expect("a schema");
    schema::is_what_the_text_says(&read(), text);
    let changes: [(&str, Change); 5] = [
        ("another tenant", |read| read.tenant.push('x')),
        ("a record", |read| read.record = Some("no".into())),
        ("a field left out", |read| read.fields.clear()),
        ("another field", |read| read.fields[0].1 = Field::EMAIL),
        ("a column kept", |read| read.dropped.clear()),
    ];
    for (what, change) in changes {
        let mut wrong = read();
        change(&mut wrong);
        is_caught(what, || schema::is_what_the_text_says(&wrong, text));
    }
    is_caught("a key passed over", || schema::is_what_the_text_says(&read(), &format!("other = 1\n{text}")));
}

/// No answer, two, one that ends too early, and one with a key in it.
#[test]
fn answers_that_are_none() {
    let done = frames::sealed(7, &[1]);
    appliance::well_formed(&done, Some(7));
    is_caught("no answer", || drop(appliance::well_formed(&[], Some(7))));
    is_caught("two answers", || drop(appliance::well_formed(&[&done[..], &done].concat(), Some(7))));
    is_caught("no end", || drop(appliance::well_formed(&done[..done.len() - 1], Some(7))));
    is_caught("another's answer", || drop(appliance::well_formed(&done, Some(8))));
    is_caught("no response", || drop(appliance::well_formed(&frames::sealed(7, &[77]), Some(7))));
    is_caught("no fault", || drop(appliance::well_formed(&frames::sealed(7, &[0, 99]), Some(7))));
    let key = appliance::officers_key();
    let shown = [&[2, 32][..], &key].concat();
    is_caught("a key", || drop(appliance::well_formed(&frames::sealed(7, &shown), Some(7))));
}
