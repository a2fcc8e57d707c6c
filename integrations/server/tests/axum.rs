//! The example's handler, called by many clients at once.

use std::sync::Arc;

use axum::{body::Body, http::Request};
use base64ct::{Base64, Encoding};
use http_body_util::BodyExt;
use rand_core::SeedableRng;
use symbolon::{
    AuditKey, Config, Credential, Environment, Event, Field, Item, Keyring, Kind, Principal, Proof, Reason, SessionKey,
    Store, Terms, Token, TokenBuf, Vault,
};
use symbolon_server::{Desk, LogStore};
use tower::ServiceExt;

#[path = "../examples/axum/handler.rs"]
mod handler;

struct Setting {
    desk: Arc<Desk>,
    vault: Arc<Vault>,
    audit: AuditKey,
    rng: chacha20::ChaCha20Rng,
    directory: tempfile::TempDir,
}

fn setting() -> Setting {
    let mut rng = chacha20::ChaCha20Rng::from_seed([3; 32]);
    let vault = Arc::new(Vault::new(Keyring::generate(&mut rng).unwrap(), &Config::new(b"order-pages")).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let mut store = LogStore::open(&directory.path().join("trail")).unwrap();
    let audit = AuditKey::create(&vault, &mut store, &mut rng).unwrap();
    let desk = Desk::open(Arc::clone(&vault), store).unwrap();
    Setting { desk, vault, audit, rng, directory }
}

impl Setting {
    fn client(&mut self, name: &str) -> (SessionKey, Credential) {
        let who = Principal::person("shop-17", name).unwrap();
        let now = symbolon::Environment::now(self.desk.host().environment()).unwrap();
        let key = SessionKey::generate(&mut self.rng).unwrap();
        let issuer = self.vault.issuer("shop-17", Kind::Person, now.period()).unwrap();
        let credential = issuer.issue(&who, &key, &Terms::default(), now, &mut self.rng).unwrap();
        (key, credential)
    }

    fn token(&mut self, owner: &str, value: &str) -> String {
        let owner = Principal::person("shop-17", owner).unwrap();
        let mut out = [0; Token::MAX_LEN];
        let mut host = self.desk.host();
        self.vault.tokenize(&owner, Field::EMAIL, value.as_bytes(), &mut out, &mut host).unwrap().to_string()
    }

    /// A proof's time must be after the window's first two seconds: the client's clock is a little ahead.
    fn body(&mut self, client: &(SessionKey, Credential), tokens: &[String]) -> String {
        let now = symbolon::Environment::now(self.desk.host().environment()).unwrap();
        handler::request(&client.0, &client.1, tokens, now.plus(1900), &mut self.rng).unwrap()
    }

    async fn past_the_start(&self) {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}

async fn post(desk: Arc<Desk>, body: String) -> (u16, Vec<u8>) {
    let request = Request::post("/reveal").header("content-type", "application/json").body(Body::from(body)).unwrap();
    let response = handler::router(desk).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

/// Alice reads hers out of the reply; Bob, given the same reply or asking himself, reads nothing; a replay is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_reads_and_nobody_else() {
    let mut setting = setting();
    let token = setting.token("alice", "alice@example.com");
    let (alice, bob) = (setting.client("alice"), setting.client("bob"));
    setting.past_the_start().await;
    let body = setting.body(&alice, std::slice::from_ref(&token));
    let (status, mut reply) = post(setting.desk.clone(), body.clone()).await;
    assert_eq!(status, 200);
    let sent: handler::Request = serde_json::from_str(&body).unwrap();
    let proof = Proof::from_bytes(&Base64::decode_vec(&sent.proof).unwrap()).unwrap();
    let token = TokenBuf::from_text(token.as_bytes()).unwrap();
    let items = [Item::of(token.as_token())];
    let mut at_bob = reply.clone();
    assert!(bob.0.open_reply(&bob.1, Some(&proof), &items, &mut at_bob).is_err());
    let opened = alice.0.open_reply(&alice.1, Some(&proof), &items, &mut reply).unwrap();
    assert_eq!(opened.values().next().unwrap(), Some(b"alice@example.com".as_slice()));
    assert_eq!(post(setting.desk.clone(), body).await.0, 403, "a replay");

    let body = setting.body(&bob, &[token.as_token().to_string()]);
    let (status, mut reply) = post(setting.desk.clone(), body.clone()).await;
    assert_eq!(status, 200);
    let sent: handler::Request = serde_json::from_str(&body).unwrap();
    let proof = Proof::from_bytes(&Base64::decode_vec(&sent.proof).unwrap()).unwrap();
    let opened = bob.0.open_reply(&bob.1, Some(&proof), &items, &mut reply).unwrap();
    assert_eq!(opened.values().next().unwrap(), None);
    assert_eq!(post(setting.desk.clone(), "{}".into()).await.0, 422);
}

/// A hundred requests at once share their commits, each waits for its own entry, and the file on disk holds them all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_share_commits() {
    let mut setting = setting();
    let token = setting.token("alice", "alice@example.com");
    let alice = setting.client("alice");
    setting.past_the_start().await;
    let before = setting.desk.commits();
    let bodies: Vec<String> = (0..100).map(|_| setting.body(&alice, std::slice::from_ref(&token))).collect();
    let calls: Vec<_> = bodies.into_iter().map(|body| tokio::spawn(post(setting.desk.clone(), body))).collect();
    for call in calls {
        assert_eq!(call.await.unwrap().0, 200);
    }
    let commits = setting.desk.commits() - before;
    assert!((1..200).contains(&commits), "200 entries in {commits} commits");

    // The file is locked for the desk alone; a copy is not.
    assert!(LogStore::open(&setting.directory.path().join("trail")).is_err());
    std::fs::copy(setting.directory.path().join("trail"), setting.directory.path().join("copy")).unwrap();
    let store = LogStore::open(&setting.directory.path().join("copy")).unwrap();
    let mut reader = setting.audit.reader();
    let mut revealed = 0;
    store
        .entries(&mut |sealed| {
            let recorded = reader.read(sealed).unwrap();
            revealed += usize::from(recorded.entry.event == Event::Reveal && recorded.entry.reason == Reason::Done);
            true
        })
        .unwrap();
    assert_eq!(revealed, 100);
}

/// A cached page of Alice's comes to Bob: the alarm rings within the second, says whose request it was, and is in the trail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_page_rings() {
    let mut setting = setting();
    let page: Vec<String> = (0..5).map(|n| setting.token("alice", &format!("alice{n}@example.com"))).collect();
    let (alice, bob) = (setting.client("alice"), setting.client("bob"));
    let mut alarms = setting.desk.alarms();
    setting.past_the_start().await;
    for (client, name) in [(&alice, "alice"), (&bob, "bob")] {
        let body = setting.body(client, &page);
        assert_eq!(post(setting.desk.clone(), body).await.0, 200);
        let rung = tokio::time::timeout(std::time::Duration::from_secs(1), alarms.recv()).await;
        let caller = rung.map(|alarm| alarm.unwrap().caller).ok();
        let expected = setting.vault.owner_tag(&Principal::person("shop-17", name).unwrap());
        assert_eq!(caller, (name == "bob").then_some(expected));
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let mut reader = setting.audit.reader();
    let mut last = None;
    let mut each = |sealed: &symbolon::SealedEntry| {
        last = Some(reader.read(sealed).unwrap().entry.event);
        true
    };
    setting.desk.host().environment().store().entries(&mut each).unwrap();
    assert_eq!(last, Some(Event::Alarm));
}
