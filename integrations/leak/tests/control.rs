//! The control finds its marker everywhere, and notices each decoder that is off.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod common;

use common::{tokens, vault};
use symbolon_leak::{Coding, Codings, Match, Options, Tokens, Values, control};

/// All Japanese there is in a marker: two alphabets, a space, signs that escapes are made of.
const VALUE: &str = "検査値 アイ@x_9-試験+1";

fn token_report(codings: Codings) -> control::Report {
    let token = tokens(&vault(), "t", 1).remove(0);
    control::run(&Tokens::new(), &Options { codings, ..Options::default() }, &token, |_| true)
}

fn value_report(codings: Codings) -> control::Report {
    let values = Values::in_charsets(["another value", VALUE], codings).unwrap();
    control::run(&values, &Options { codings, ..Options::default() }, VALUE, |found| *found == Match(1))
}

#[test]
fn all_are_found() {
    let (tokens, values) = (token_report(Codings::ALL), value_report(Codings::ALL));
    assert_eq!(tokens.missed, [""; 0]);
    assert_eq!(values.missed, [""; 0]);
    assert!(tokens.all >= 38 && values.all >= 38, "{} {}", tokens.all, values.all);
}

/// With a decoder off, exactly that is missed what needs it. (A tar holds files as they are; of two in each other, one is needed.)
#[test]
fn each_decoder_is_missed() {
    for coding in Coding::ALL {
        let codings = Codings::ALL.without(coding);
        let needing = |marker: &str| -> Vec<String> {
            let needs = |case: &control::Case| case.codings.has(coding);
            control::cases(marker).into_iter().filter(needs).map(|case| case.name).collect()
        };
        let token = tokens(&vault(), "t", 1).remove(0);
        for (missed, mut expected) in
            [(token_report(codings).missed, needing(&token)), (value_report(codings).missed, needing(VALUE))]
        {
            expected.retain(|name| name != "tar" && !(coding == Coding::Tar && name == "tar in gzip"));
            // What is escaped in a form is unescaped with its plus signs.
            assert_eq!(missed, expected, "without {coding}");
        }
    }
}
