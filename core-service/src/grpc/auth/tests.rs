//! Credentials of every kind, good and bad.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::*;
use crate::{config, grpc::status, secret::KeyRing, secret::Secret, store::Store};

const SECRET: &str = "a secret of thirty-two bytes or more";
const ISSUER: &str = "https://site.example";
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
const OTHER_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAqsa0OGhmnYBKxWg+YgNuMbXLZOqUbLldItpQNs36EoU=\n-----END PUBLIC KEY-----\n";
const THIRD_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMhjgN1a21ELvFt7F/9CjbRpL6wj+Yfx7bQ35UNjbCvn\n-----END PRIVATE KEY-----\n";
const OTHER_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbLgCHHdOhBBmTMoWwK4R4nCd0wCx7mm\n-----END PRIVATE KEY-----\n";

struct Gate {
    _directory: tempfile::TempDir,
    keys: Arc<ApiKeys>,
    clock: Clock,
    authenticator: Authenticator,
}

async fn gate(auth: config::Auth) -> Gate {
    let directory = tempfile::tempdir().unwrap();
    let ring = Arc::new(KeyRing::from_settings::<&str>("a key for tests 0123456789 abcdefghij", &[]).unwrap());
    let clock = Clock::system();
    let store =
        Store::open(crate::store::db::testing::place(directory.path()).await, ring, clock.clone()).await.unwrap();
    store.migrate().await.unwrap();
    let keys = Arc::new(ApiKeys::new(store.clone()));
    let dashboard = Arc::new(Dashboard::new(store, clock.clone()));
    let cookies = Cookies::of(&url::Url::parse("https://reels.example").unwrap());
    let authenticator = Authenticator::new(keys.clone(), dashboard, cookies, Jwt::new(&auth).unwrap(), clock.clone());
    Gate { _directory: directory, keys, clock, authenticator }
}

fn both_keys() -> config::Auth {
    config::Auth {
        jwt_secret: Some(Secret::new(SECRET)),
        jwt_public_keys: vec![PUBLIC.to_owned()],
        jwt_issuer: Some(ISSUER.to_owned()),
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}

impl Gate {
    async fn call(&self, pairs: &[(&'static str, &str)], scope: Scope) -> Result<i64, Status> {
        match self.who(pairs, rpc(scope)).await? {
            Who::User(caller) => Ok(caller.user.0),
            Who::Site => panic!("a token of the site"),
        }
    }

    async fn who(&self, pairs: &[(&'static str, &str)], rpc: Rpc) -> Result<Who, Status> {
        let who = self.authenticator.caller(&headers(pairs), &rpc, Asked::Begins).await;
        who.map(|identity| identity.who).map_err(|denied| status::denied(denied, self.clock.now()))
    }

    async fn bearer(&self, credential: &str) -> Result<i64, Status> {
        self.call(&[("authorization", &format!("Bearer {credential}"))], Scope::Publish).await
    }

    fn claims(&self) -> Value {
        let now = self.clock.now().timestamp();
        json!({ "iss": ISSUER, "iat": now, "nbf": now, "exp": now + 60, "data": { "user": { "id": "7" } } })
    }
}

/// An RPC that needs this scope, and that the site itself may not call.
fn rpc(scope: Scope) -> Rpc {
    Rpc { path: "/aurareels.v1.PostService/SomeRpc", scope }
}

fn signed(claims: &Value, algorithm: Algorithm, key: &EncodingKey) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

fn hs256(claims: &Value) -> String {
    signed(claims, Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()))
}

fn eddsa(claims: &Value, key: &str) -> String {
    signed(claims, Algorithm::EdDSA, &EncodingKey::from_ed_pem(key.as_bytes()).unwrap())
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[track_caller]
fn refused(answer: Result<i64, Status>, code: Code, part: &str) {
    let status = answer.expect_err("should be refused");
    assert_eq!(status.code(), code, "{status}");
    let info = status.get_details_error_info().expect("every status carries ErrorInfo");
    assert_eq!(info.domain, "aurareels");
    assert!(status.message().contains(part), "{part:?} is missing in {:?}", status.message());
    assert!(!info.metadata["remedy"].is_empty(), "it says what to do");
}

#[tokio::test]
async fn a_key_of_a_user_serves_that_user() {
    let gate = gate(config::Auth::default()).await;
    let (key, _) = gate.keys.create("k", vec![Scope::Read], Some(UserId(5))).await.unwrap();
    let bearer = format!("Bearer {}", key.expose());
    assert_eq!(gate.call(&[("authorization", &bearer)], Scope::Read).await.unwrap(), 5);
    let lower = bearer.replace("Bearer", "bearer");
    assert_eq!(gate.call(&[("authorization", &lower)], Scope::Read).await.unwrap(), 5);
    let same = [("authorization", bearer.as_str()), (USER_HEADER, "5")];
    assert_eq!(gate.call(&same, Scope::Read).await.unwrap(), 5);
    let other = [("authorization", bearer.as_str()), (USER_HEADER, "6")];
    refused(gate.call(&other, Scope::Read).await, Code::PermissionDenied, "does not act for user 6");
    refused(
        gate.call(&[("authorization", &bearer)], Scope::Publish).await,
        Code::PermissionDenied,
        "lacks the scope `publish`",
    );
}

#[tokio::test]
async fn a_key_for_any_user_needs_the_header() {
    let gate = gate(config::Auth::default()).await;
    let (key, _) = gate.keys.create("k", vec![Scope::Read], None).await.unwrap();
    let bearer = format!("Bearer {}", key.expose());
    assert_eq!(gate.call(&[("authorization", &bearer), (USER_HEADER, "12")], Scope::Read).await.unwrap(), 12);
    let without = gate.call(&[("authorization", &bearer)], Scope::Read).await.unwrap_err();
    assert_eq!(without.code(), Code::InvalidArgument);
    assert_eq!(without.get_details_bad_request().unwrap().field_violations[0].field, USER_HEADER);
    for bad in ["0", "-1", "+1", "1.5", "abc", "", "99999999999999999999"] {
        let pairs = [("authorization", bearer.as_str()), (USER_HEADER, bad)];
        assert_eq!(gate.call(&pairs, Scope::Read).await.unwrap_err().code(), Code::InvalidArgument, "{bad:?}");
    }
    let mut twice = headers(&[("authorization", &bearer), (USER_HEADER, "1")]);
    twice.append(USER_HEADER, HeaderValue::from_static("2"));
    assert!(matches!(
        gate.authenticator.caller(&twice, &rpc(Scope::Read), Asked::Begins).await,
        Err(Denied::Header { .. })
    ));
}

#[tokio::test]
async fn missing_malformed_unknown_and_revoked_credentials() {
    let gate = gate(both_keys()).await;
    refused(gate.call(&[], Scope::Read).await, Code::Unauthenticated, "no credential was sent");
    for value in ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "ar_x"] {
        refused(gate.call(&[("authorization", value)], Scope::Read).await, Code::Unauthenticated, "is not `Bearer`");
    }
    refused(gate.bearer("ar_doesnotexist").await, Code::Unauthenticated, "unknown or was revoked");
    refused(gate.bearer("neither.a.jwt").await, Code::Unauthenticated, "neither an API key nor a JWT");
    refused(gate.bearer(&"a".repeat(9000)).await, Code::Unauthenticated, "is not `Bearer`");
    let mut twice = headers(&[("authorization", "Bearer ar_1")]);
    twice.append("authorization", HeaderValue::from_static("Bearer ar_2"));
    assert!(matches!(
        gate.authenticator.caller(&twice, &rpc(Scope::Read), Asked::Begins).await,
        Err(Denied::Unauthenticated { .. })
    ));
    let (key, row) = gate.keys.create("k", vec![Scope::Publish], Some(UserId(5))).await.unwrap();
    assert_eq!(gate.bearer(key.expose()).await.unwrap(), 5);
    gate.keys.revoke(row.id).await.unwrap();
    refused(gate.bearer(key.expose()).await, Code::Unauthenticated, "unknown or was revoked");
}

#[tokio::test]
async fn tokens_of_the_wordpress_plugin() {
    let gate = gate(both_keys()).await;
    assert_eq!(gate.bearer(&hs256(&gate.claims())).await.unwrap(), 7);
    let number = with(gate.claims(), "data", json!({ "user": { "id": 8 } }));
    assert_eq!(gate.bearer(&hs256(&number)).await.unwrap(), 8);
    let token = format!("Bearer {}", hs256(&gate.claims()));
    refused(gate.call(&[("authorization", &token)], Scope::Admin).await, Code::PermissionDenied, "not administer");
    let other = [("authorization", token.as_str()), (USER_HEADER, "9")];
    refused(gate.call(&other, Scope::Read).await, Code::PermissionDenied, "does not act for user 9");
    for id in [json!("0"), json!(-3), json!("7; DROP"), json!(null), json!(1.5)] {
        let claims = with(gate.claims(), "data", json!({ "user": { "id": id } }));
        refused(gate.bearer(&hs256(&claims)).await, Code::Unauthenticated, "names no user");
    }
}

#[tokio::test]
async fn issuer_and_end_are_always_demanded() {
    let gate = gate(both_keys()).await;
    let now = gate.clock.now().timestamp();
    let token = |name: &str, value: Value| hs256(&with(gate.claims(), name, value));
    refused(
        gate.bearer(&token("iss", json!("https://site.example/"))).await,
        Code::Unauthenticated,
        "issuer is not the one",
    );
    refused(gate.bearer(&token("iss", json!(null))).await, Code::Unauthenticated, "names no issuer");
    refused(gate.bearer(&token("exp", json!(null))).await, Code::Unauthenticated, "has no end");
    refused(gate.bearer(&token("exp", json!("never"))).await, Code::Unauthenticated, "has no end");
    refused(gate.bearer(&token("exp", json!(now - 31))).await, Code::Unauthenticated, "expired");
    assert!(gate.bearer(&token("exp", json!(now - 20))).await.is_ok(), "clocks may differ by 30 s");
    refused(gate.bearer(&token("nbf", json!(now + 40))).await, Code::Unauthenticated, "not valid yet");
    refused(gate.bearer(&token("nbf", json!("soon"))).await, Code::Unauthenticated, "not valid yet");
    assert!(gate.bearer(&token("nbf", json!(now + 20))).await.is_ok());
}

#[tokio::test]
async fn numbers_that_are_no_times_and_no_users_are_refused_in_plain_words() {
    let gate = gate(both_keys()).await;
    let now = gate.clock.now().timestamp();
    let token = |name: &str, value: Value| hs256(&with(gate.claims(), name, value));
    for wrong in [json!(i64::MIN), json!(-1), json!(i64::MAX), json!(u64::MAX), json!(1e300), json!(now * 1000)] {
        for name in ["exp", "nbf"] {
            let token = token(name, wrong.clone());
            refused(gate.bearer(&token).await, Code::Unauthenticated, "no time in seconds since 1970");
        }
    }
    for wrong in [json!(u64::MAX), json!(1e300), json!(9_223_372_036_854_775_808u64)] {
        let token = token("data", json!({ "user": { "id": wrong } }));
        refused(gate.bearer(&token).await, Code::Unauthenticated, "larger than any user's number");
    }
    let text = token("data", json!({ "user": { "id": "99999999999999999999" } }));
    refused(gate.bearer(&text).await, Code::Unauthenticated, "names no user");
}

#[tokio::test]
async fn the_end_of_a_token_follows_the_cores_clock() {
    let gate = gate(both_keys()).await;
    let token = hs256(&gate.claims());
    gate.clock.set_offset(TimeDelta::seconds(89));
    assert!(gate.bearer(&token).await.is_ok());
    gate.clock.set_offset(TimeDelta::seconds(95));
    refused(gate.bearer(&token).await, Code::Unauthenticated, "expired");
}

#[tokio::test]
async fn ed25519_tokens_need_the_cores_audience() {
    let gate = gate(both_keys()).await;
    let claims = with(gate.claims(), "aud", json!("aurareels-core"));
    assert_eq!(gate.bearer(&eddsa(&claims, PRIVATE)).await.unwrap(), 7);
    refused(gate.bearer(&eddsa(&gate.claims(), PRIVATE)).await, Code::Unauthenticated, "not meant for this core");
    let elsewhere = with(gate.claims(), "aud", json!("another-service"));
    refused(gate.bearer(&eddsa(&elsewhere, PRIVATE)).await, Code::Unauthenticated, "not meant for this core");
    refused(gate.bearer(&eddsa(&claims, OTHER_PRIVATE)).await, Code::Unauthenticated, "signature is wrong");
}

#[tokio::test]
async fn while_an_issuer_changes_its_key_both_are_taken() {
    let gate = gate(config::Auth { jwt_public_keys: vec![OTHER_PUBLIC.to_owned(), PUBLIC.to_owned()], ..both_keys() });
    let gate = gate.await;
    let claims = with(gate.claims(), "aud", json!("aurareels-core"));
    assert_eq!(gate.bearer(&eddsa(&claims, PRIVATE)).await.unwrap(), 7);
    assert_eq!(gate.bearer(&eddsa(&claims, OTHER_PRIVATE)).await.unwrap(), 7);
    refused(gate.bearer(&eddsa(&gate.claims(), OTHER_PRIVATE)).await, Code::Unauthenticated, "not meant for this core");
    refused(gate.bearer(&eddsa(&claims, THIRD_PRIVATE)).await, Code::Unauthenticated, "signature is wrong");
}

#[tokio::test]
async fn a_token_may_narrow_itself_to_reading() {
    let gate = gate(both_keys()).await;
    let claims = with(gate.claims(), "aud", json!("aurareels-core"));
    let token = format!("Bearer {}", eddsa(&with(claims.clone(), "scope", json!("read")), PRIVATE));
    let bearer = [("authorization", token.as_str())];
    assert_eq!(gate.call(&bearer, Scope::Read).await.unwrap(), 7);
    refused(gate.call(&bearer, Scope::Publish).await, Code::PermissionDenied, "may only read");
    assert_eq!(gate.bearer(&eddsa(&with(claims.clone(), "scope", json!("publish")), PRIVATE)).await.unwrap(), 7);
    for scope in [json!("admin"), json!(""), json!(["read"]), json!(1)] {
        let token = eddsa(&with(claims.clone(), "scope", scope), PRIVATE);
        refused(gate.bearer(&token).await, Code::Unauthenticated, "`scope` is unknown");
    }
    // Tokens of other plugins may use the name as they like.
    assert_eq!(gate.bearer(&hs256(&with(gate.claims(), "scope", json!("internal")))).await.unwrap(), 7);
}

#[tokio::test]
async fn the_site_itself_reaches_the_internal_rpcs_alone() {
    let gate = gate(both_keys()).await;
    let mut claims = with(gate.claims(), "aud", json!("aurareels-core"));
    claims["scope"] = json!("internal");
    claims.as_object_mut().unwrap().remove("data");
    let token = format!("Bearer {}", eddsa(&claims, PRIVATE));
    for (path, _) in scopes::RPCS {
        let rpc = scopes::find(path).unwrap();
        let who = gate.who(&[("authorization", &token)], rpc).await;
        if scopes::INTERNAL.contains(path) {
            assert_eq!(who.unwrap(), Who::Site, "{path}");
            let named = gate.who(&[("authorization", &token), (USER_HEADER, "9")], rpc).await.unwrap();
            assert_eq!(named, Who::User(Caller { user: UserId(9) }), "{path}");
        } else {
            assert_eq!(who.unwrap_err().code(), Code::PermissionDenied, "{path}");
        }
    }
}

#[tokio::test]
async fn the_algorithm_is_the_keys_own() {
    let gate = gate(both_keys()).await;
    // The public key as an HS256 secret: the classic confusion.
    let confused = signed(&gate.claims(), Algorithm::HS256, &EncodingKey::from_secret(PUBLIC.as_bytes()));
    refused(gate.bearer(&confused).await, Code::Unauthenticated, "signature is wrong");
    let hs384 = signed(&gate.claims(), Algorithm::HS384, &EncodingKey::from_secret(SECRET.as_bytes()));
    refused(gate.bearer(&hs384).await, Code::Unauthenticated, "HS384 are not taken");
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for header in [json!({ "alg": "none" }), json!({ "alg": "None", "typ": "JWT" })] {
        let none = format!("{}.{}.", part(&header), part(&gate.claims()));
        assert_eq!(gate.bearer(&none).await.unwrap_err().code(), Code::Unauthenticated, "{header}");
    }
    let mut forged = hs256(&gate.claims());
    let end = if forged.ends_with('A') { "B" } else { "A" };
    forged.replace_range(forged.len() - 2..forged.len() - 1, end);
    assert_eq!(gate.bearer(&forged).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn without_a_key_no_token_is_taken() {
    let gate = gate(config::Auth::default()).await;
    refused(gate.bearer(&hs256(&gate.claims())).await, Code::Unauthenticated, "AURAREELS_JWT_SECRET is not set");
    let claims = with(gate.claims(), "aud", json!("aurareels-core"));
    refused(gate.bearer(&eddsa(&claims, PRIVATE)).await, Code::Unauthenticated, "AURAREELS_JWT_PUBLIC_KEY is not set");
}

#[tokio::test]
async fn a_stream_ends_with_its_credential() {
    let gate = gate(both_keys()).await;
    let (key, row) = gate.keys.create("k", vec![Scope::Read], Some(UserId(5))).await.unwrap();
    let of = |credential: &str| {
        let headers = headers(&[("authorization", &format!("Bearer {credential}"))]);
        super::layer::CredentialRecheck::new(&gate.authenticator, &headers, rpc(Scope::Read))
    };
    let (by_key, by_token) = (of(key.expose()), of(&hs256(&gate.claims())));
    assert!(by_key.allowed().await.is_ok() && by_token.allowed().await.is_ok());
    gate.keys.revoke(row.id).await.unwrap();
    gate.clock.set_offset(TimeDelta::seconds(120));
    assert_eq!(by_key.allowed().await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(by_token.allowed().await.unwrap_err().code(), Code::Unauthenticated);
}
