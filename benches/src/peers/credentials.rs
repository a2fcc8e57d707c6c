//! What else a server would check of a caller, beside our authentication: parsed, verified, its claims looked at.

use std::time::{SystemTime, UNIX_EPOCH};

use super::CREDENTIALS;
use crate::frame::Row;

/// The rows.
pub(super) fn rows() -> Vec<Row> {
    vec![jwt(), macaroon(), biscuit()]
}

const SECRET: &[u8; 32] = &[9; 32];

#[derive(serde::Serialize, serde::Deserialize)]
struct Claims {
    sub: String,
    tenant: String,
    aud: String,
    exp: u64,
}

fn jwt() -> Row {
    use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let claims = Claims { sub: "alice".into(), tenant: "shop-17".into(), aud: "bench".into(), exp: now + 86_400 };
    let text =
        encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET).expect("a secret")).expect("claims");
    let key = DecodingKey::from_secret(SECRET).expect("a secret");
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["bench"]);
    Row::new(CREDENTIALS, "verify", "JWT HS256 (jsonwebtoken)", move || {
        decode::<Claims>(&text, &key, &validation).expect("genuine").claims.sub.len()
    })
}

fn macaroon() -> Row {
    use macaroon::{Format, Macaroon, MacaroonKey, Verifier};
    macaroon::initialize().expect("its library");
    let key = MacaroonKey::generate(SECRET);
    let caveats = ["aud = bench", "tenant = shop-17", "person = alice", "not-after = 2027-01-15T08:00:00Z"];
    let mut made = Macaroon::create(Some("bench".into()), &key, "session 7".into()).expect("a location");
    caveats.iter().for_each(|caveat| made.add_first_party_caveat((*caveat).into()));
    let text = made.serialize(Format::V2).expect("it can be written");
    let mut verifier = Verifier::default();
    caveats.iter().for_each(|caveat| verifier.satisfy_exact((*caveat).into()));
    Row::new(CREDENTIALS, "verify", "macaroon, four caveats", move || {
        let read = Macaroon::deserialize(&text).expect("its own");
        verifier.verify(&read, &key, Vec::new()).expect("genuine");
    })
}

fn biscuit() -> Row {
    use biscuit_auth::{AuthorizerBuilder, Biscuit, KeyPair};
    let root = KeyPair::new();
    let made = Biscuit::builder().code(r#"user("shop-17", "alice")"#).expect("a fact").build(&root).expect("a token");
    let text = made.to_base64().expect("it can be written");
    let policy = AuthorizerBuilder::new().code(r#"allow if user("shop-17", "alice")"#).expect("a policy");
    Row::new(CREDENTIALS, "verify", "biscuit, one block", move || {
        let read = Biscuit::from_base64(&text, root.public()).expect("genuine");
        policy.clone().build(&read).expect("an authorizer").authorize().expect("allowed")
    })
}
