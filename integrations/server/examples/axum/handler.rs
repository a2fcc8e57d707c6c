//! The handler. The example serves it, and the test in `tests/axum.rs` calls it.

use std::{error::Error, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use base64ct::{Base64, Encoding};
use rand_core::TryCryptoRng;
use serde::{Deserialize, Serialize};
use symbolon::{Access, Credential, Item, Proof, Session, SessionKey, Time, TokenBuf, reply_len};
use symbolon_server::Desk;

/// What a client sends: who it is, that it is, and what it wants to see.
#[derive(Serialize, Deserialize)]
pub(crate) struct Request {
    /// Base64.
    pub(crate) credential: String,
    /// Base64.
    pub(crate) proof: String,
    /// As they stand in the page.
    pub(crate) tokens: Vec<TokenBuf>,
}

/// The routes.
pub(crate) fn router(desk: Arc<Desk>) -> Router {
    Router::new().route("/reveal", post(reveal)).with_state(desk)
}

/// Authenticates, opens, and answers with what only this client can read. Every refusal is 403 and nothing more.
async fn reveal(State(desk): State<Arc<Desk>>, Json(request): Json<Request>) -> Result<Vec<u8>, StatusCode> {
    let credential = decode(&request.credential).and_then(|bytes| Credential::from_bytes(&bytes).ok());
    let proof = decode(&request.proof).and_then(|bytes| Proof::from_bytes(&bytes).ok());
    let (Some(credential), Some(proof)) = (credential, proof) else { return Err(StatusCode::BAD_REQUEST) };

    let context = context(&request.tokens);
    let context: Vec<&[u8]> = context.iter().map(Vec::as_slice).collect();
    let held =
        Session::authenticate_held(desk.vault(), &credential, &proof, &context, &mut desk.host()).map_err(status)?;
    let session = desk.settle(held).await.map_err(status)?;

    let items: Vec<Item<'_>> = request.tokens.iter().map(|token| Item::of(token.as_token())).collect();
    let mut out = vec![0; reply_len(&items)];
    let held = session.reveal_held(&Access::OWN, &items, &mut out, &mut desk.host()).map_err(status)?;
    let reply = desk.settle(held).await.map_err(status)?;
    Ok(reply.as_bytes().to_vec())
}

/// What the proof is for: method, path, and the tokens that are asked for.
fn context(tokens: &[TokenBuf]) -> Vec<Vec<u8>> {
    let tokens = tokens.iter().map(|token| token.as_token().as_bytes().to_vec());
    [b"POST".to_vec(), b"/reveal".to_vec()].into_iter().chain(tokens).collect()
}

/// The client's half: a request with a fresh proof.
pub(crate) fn request<R: TryCryptoRng>(
    key: &SessionKey,
    credential: &Credential,
    tokens: &[String],
    now: Time,
    rng: &mut R,
) -> Result<String, Box<dyn Error>> {
    let tokens: Vec<TokenBuf> =
        tokens.iter().map(|text| TokenBuf::from_text(text.as_bytes())).collect::<Result<_, _>>()?;
    let context = context(&tokens);
    let context: Vec<&[u8]> = context.iter().map(Vec::as_slice).collect();
    let proof = key.prove(credential, &context, now, rng)?;
    let (credential, proof) = (Base64::encode_string(credential.as_bytes()), Base64::encode_string(&proof.to_bytes()));
    Ok(serde_json::to_string(&Request { credential, proof, tokens })?)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

fn status(error: symbolon::Error) -> StatusCode {
    match error {
        symbolon::Error::Denied => StatusCode::FORBIDDEN,
        symbolon::Error::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}
