//! A token's bytes and text.

use symbolon::{Error, Field, Rights, Token, TokenBuf};

use crate::promises::{only_genuine, tells_nothing, written_back};
use crate::world::{World, alice, bob, enter};

/// What is taken as a token is written as it was read, in both forms; nothing else is taken. A token that was altered opens for nobody, and
/// her own still opens for her and for nobody else.
pub fn run(data: &[u8]) {
    written_back(data, |bytes| Token::from_bytes(bytes).ok().map(|token| token.as_bytes().to_vec()));
    written_back(data, |text| {
        let token = TokenBuf::from_text(text).ok()?;
        assert_eq!(Token::text_len_from_start(text), Some(text.len()), "its start says how long it is");
        assert_eq!(token.as_token().to_string().as_bytes(), text, "shown as it is written");
        Some(text_of(&token.as_token()))
    });
    if let Ok(token) = Token::from_bytes(data) {
        let back = TokenBuf::from_text(&text_of(&token)).expect("its own text");
        assert_eq!(back.as_token().as_bytes(), data);
    }
    opens_unaltered_only(data);
}

fn text_of(token: &Token<'_>) -> Vec<u8> {
    let mut text = [0; Token::MAX_TEXT_LEN];
    Token::write_text(token, &mut text).expect("a token has a text").as_bytes().to_vec()
}

fn opens_unaltered_only(data: &[u8]) {
    let mut world = World::new();
    let value = b"Alice Liddell, Christ Church";
    let token = world.token(&alice(), Field::PERSON_NAME, value);
    let hers = world.log_in_as_bearer(&alice(), Rights::OWN);
    let his = world.log_in_as_bearer(&bob(), Rights::OWN);
    let (hers, his) = (enter(&world.vault, &hers, &mut world.host), enter(&world.vault, &his, &mut world.host));
    only_genuine(token.as_token().as_bytes(), data, |bytes| {
        let Ok(token) = Token::from_bytes(bytes) else { return false };
        let (mut work, mut other) = ([0; Token::MAX_OPEN_LEN], [0; Token::MAX_OPEN_LEN]);
        let refused = his.detokenize(Field::PERSON_NAME, &token, &mut other, &mut world.host);
        assert_eq!(refused.err(), Some(Error::Denied));
        assert!(other.iter().all(|&byte| byte == 0), "nothing is left where nothing opened");
        match hers.detokenize(Field::PERSON_NAME, &token, &mut work, &mut world.host) {
            Ok(opened) => {
                tells_nothing(&format!("{opened:?} {token:?}"), &[value]);
                opened.expose() == value
            }
            Err(error) => {
                assert_eq!(error, Error::Denied);
                false
            }
        }
    });
}

/// Inputs of every valid form.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut world = World::new();
    let mut seeds = vec![Vec::new(), vec![0, 7, 1], vec![4, 0, 10]];
    for (field, value) in [
        (Field::PERSON_NAME, &b"Alice"[..]),
        (Field::CARD_NUMBER, b"4242 4242 4242 4242"),
        (Field::POSTAL_ADDRESS, b"1-1 Chiyoda"),
        (Field::FREE_TEXT, &[b'x'; 1022]),
    ] {
        let token = world.token(&alice(), field, value);
        seeds.push(token.as_token().as_bytes().to_vec());
        seeds.push(text_of(&token.as_token()));
    }
    seeds
}
