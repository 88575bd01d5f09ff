//! Tokens made here, by the library that checks them, and by hand where no library makes such.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat::{Refusal, Time};
use jsonwebtoken::{EncodingKey, Header, encode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::claims::{Believed, Terms, judge};
use super::keys::{Algorithm, Keys};

const SECRET: &[u8] = b"a secret that is as long as its hash, or longer";
const NOW: Time = Time(1_700_000_000_000);
const LATER_S: u64 = 1_700_000_600;

fn signed(header: &Header, secret: &[u8], claims: &Value) -> String {
    encode(header, claims, &EncodingKey::from_secret(secret)).expect("it can be signed")
}

fn keys(file: &[u8]) -> Keys {
    Keys::read(file, &Algorithm::ALL).expect("it holds keys")
}

fn judged(claims: &Value) -> Result<Believed, Refusal> {
    judge(&signed(&Header::default(), SECRET, claims), &keys(SECRET), &Terms::default(), NOW)
}

fn part(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

fn set(ids: &[&str]) -> Vec<u8> {
    let key = |id: &&str| json!({"kty": "oct", "kid": id, "k": URL_SAFE_NO_PAD.encode(format!("{id:032}"))});
    serde_json::to_vec(&json!({"keys": ids.iter().map(key).collect::<Vec<_>>()})).expect("it is JSON")
}

#[test]
fn a_token_says_who_its_bearer_is_and_until_when() {
    let claims =
        json!({"sub": "alice", "exp": LATER_S, "iat": 1_600_000_000, "jti": "7", "rooms": ["team-*"]});
    let Believed { user, standing, id } = judged(&claims).expect("it is good");
    assert_eq!((user.as_str(), id.as_deref(), standing.since_s.get()), ("alice", Some("7"), 1_600_000_000));
    assert_eq!(standing.until(), Some(Time(LATER_S * 1000)));
    assert!(standing.grants.is_some_and(|grants| grants.join.len() == 1 && grants.post.len() == 1));
}

#[test]
fn a_token_that_is_not_for_now_is_not_believed() {
    let refusal = |claims| judged(&claims).expect_err("it is not good");
    assert_eq!(refusal(json!({"sub": "alice", "exp": 1_699_999_999})), Refusal::TokenExpired);
    assert_eq!(refusal(json!({"sub": "alice", "exp": -1e300})), Refusal::TokenExpired);
    for claims in [
        json!({"sub": "alice"}),
        json!({"exp": LATER_S}),
        json!({"sub": 7, "exp": LATER_S}),
        json!({"sub": "", "exp": LATER_S}),
        json!({"sub": "a\nb", "exp": LATER_S}),
        json!({"sub": "alice", "exp": LATER_S.to_string()}),
        json!({"sub": "alice", "exp": LATER_S, "nbf": LATER_S}),
        json!({"sub": "alice", "exp": LATER_S, "aud": "somebody else"}),
        json!({"sub": "alice", "exp": LATER_S, "rooms": "all"}),
        json!({"sub": "alice", "exp": LATER_S, "rooms": ["a*b"]}),
        json!({"sub": "alice", "exp": LATER_S, "rooms": {"read": ["a"]}}),
    ] {
        assert_eq!(judged(&claims).expect_err("it is not good"), Refusal::BadToken, "{claims}");
    }
}

#[test]
fn issuer_and_audience_are_those_that_are_asked_for() {
    let terms = Terms { issuer: "us".into(), audience: vec!["chat".into(), "talk".into()], leeway_s: 0 };
    for (issuer, audience, is_good) in [
        (json!("us"), json!("chat"), true),
        (json!("us"), json!(["mail", "talk"]), true),
        (json!("them"), json!("chat"), false),
        (json!(null), json!("chat"), false),
        (json!("us"), json!("mail"), false),
        (json!("us"), json!([]), false),
        (json!("us"), json!(null), false),
    ] {
        let claims = json!({"sub": "alice", "exp": LATER_S, "iss": issuer, "aud": audience});
        let token = signed(&Header::default(), SECRET, &claims);
        assert_eq!(judge(&token, &keys(SECRET), &terms, NOW).is_ok(), is_good, "{claims}");
    }
}

#[test]
fn clocks_may_be_apart_by_the_leeway() {
    let terms = Terms { leeway_s: 10, ..Terms::default() };
    for (exp, nbf, is_good) in [
        (1_699_999_991, 0, true),
        (1_699_999_990, 0, false),
        (LATER_S, 1_700_000_010, true),
        (LATER_S, 1_700_000_011, false),
    ] {
        let token = signed(&Header::default(), SECRET, &json!({"sub": "alice", "exp": exp, "nbf": nbf}));
        assert_eq!(judge(&token, &keys(SECRET), &terms, NOW).is_ok(), is_good, "{exp} {nbf}");
    }
}

#[test]
fn what_is_not_signed_by_the_key_is_not_believed() {
    let claims = json!({"sub": "alice", "exp": LATER_S});
    let good = signed(&Header::default(), SECRET, &claims);
    let (message, signature) = good.rsplit_once('.').expect("three parts");
    let (header, payload) = message.split_once('.').expect("three parts");
    let none = |name| format!("{}.{payload}.", part(&format!("{{\"alg\":\"{name}\"}}")));
    let other = part(&json!({"sub": "admin", "exp": LATER_S}).to_string());
    let critical = part(r#"{"alg":"HS256","crit":["exp"]}"#);
    for token in [
        signed(&Header::default(), b"another secret that is as long as its hash", &claims),
        format!("{header}.{other}.{signature}"),
        none("none"),
        none("None"),
        none("nOnE"),
        none("HS256"),
        none("HS384"),
        none(""),
        format!("{message}."),
        message.to_owned(),
        format!("{message}.{signature}x"),
        format!("{message}.{signature}="),
        format!("{good}.{signature}"),
        String::new(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{critical}.{payload}.{signature}"),
    ] {
        let judged = judge(&token, &keys(SECRET), &Terms::default(), NOW);
        assert_eq!(judged.expect_err("it is not good"), Refusal::BadToken, "{token}");
    }
}

#[test]
fn a_public_key_is_no_secret_of_hmac() {
    let public = include_bytes!("testkeys/rsa.pub.pem");
    let claims = json!({"sub": "alice", "exp": LATER_S});
    for secret in [&public[..], public.trim_ascii()] {
        let token = signed(&Header::default(), secret, &claims);
        let judged = judge(&token, &keys(public), &Terms::default(), NOW);
        assert_eq!(judged.expect_err("it is not good"), Refusal::BadToken);
    }
}

#[test]
fn a_key_is_found_by_its_id_and_by_nothing_else_that_a_token_says() {
    let claims = json!({"sub": "alice", "exp": LATER_S});
    let with_id = |id: Option<&str>, secret: &str| {
        let header = Header { kid: id.map(str::to_owned), ..Header::default() };
        signed(&header, format!("{secret:032}").as_bytes(), &claims)
    };
    let is_good = |token: &str, file: &[u8]| judge(token, &keys(file), &Terms::default(), NOW).is_ok();
    let two = set(&["one", "two"]);
    assert!(is_good(&with_id(Some("one"), "one"), &two) && is_good(&with_id(Some("two"), "two"), &two));
    for id in ["two", "three", "../one", "one' OR '1'='1", ""] {
        assert!(!is_good(&with_id(Some(id), "one"), &two), "{id}");
    }
    assert!(!is_good(&with_id(None, "one"), &two), "it leaves open which key it is");
    assert!(is_good(&with_id(None, "one"), &set(&["one"])));
    let own = Header {
        jku: Some("https://evil.example/jwks".into()),
        kid: Some("one".into()),
        ..Header::default()
    };
    assert!(!is_good(&signed(&own, b"a secret of nobody but the forger's own", &claims), &two));
}

#[test]
fn files_without_a_fitting_key_are_refused() {
    let refused = |file: &[u8], algorithms: &[Algorithm]| Keys::read(file, algorithms).expect_err("no key").0;
    assert!(refused(b"short", &Algorithm::ALL).contains("32 bytes"));
    assert!(refused(b"", &Algorithm::ALL).contains("32 bytes"));
    assert!(refused(SECRET, &[Algorithm::Rs256]).contains("no key for any"));
    assert!(refused(b"{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}]}", &Algorithm::ALL).contains("no key"));
    assert!(refused(b"{", &Algorithm::ALL).contains("JWKS"));
    assert!(refused(b"-----BEGIN CERTIFICATE-----\n", &Algorithm::ALL).contains("no public key"));
    assert!(refused(b"-----BEGIN PRIVATE KEY-----\n", &Algorithm::ALL).contains("private"));
    assert!(refused(&set(&["x"; 65]), &Algorithm::ALL).contains("64"));
}

#[test]
fn a_public_key_says_what_it_is_for() {
    for (file, algorithm) in [
        (&include_bytes!("testkeys/rsa.pub.pem")[..], Algorithm::Rs256),
        (include_bytes!("testkeys/p256.pub.pem"), Algorithm::Es256),
        (include_bytes!("testkeys/ed25519.pub.pem"), Algorithm::EdDsa),
    ] {
        assert!(Keys::read(file, &[algorithm]).is_ok(), "{algorithm:?}");
        let others: Vec<_> = Algorithm::ALL.into_iter().filter(|other| *other != algorithm).collect();
        assert!(Keys::read(file, &others).is_err(), "{algorithm:?}");
    }
    assert!(Keys::read(include_bytes!("testkeys/p384.pub.pem"), &Algorithm::ALL).is_err());
}

proptest! {
    #[test]
    fn whatever_is_shown_is_refused_and_never_a_panic(token in "[a-zA-Z0-9_.=-]{0,80}", noise in any::<String>()) {
        for shown in [token, noise] {
            prop_assert_eq!(judge(&shown, &keys(SECRET), &Terms::default(), NOW).err(), Some(Refusal::BadToken));
        }
    }

    #[test]
    fn a_good_token_with_any_byte_changed_is_refused(place: prop::sample::Index, byte in "[a-zA-Z0-9_.-]") {
        let good = signed(&Header::default(), SECRET, &json!({"sub": "alice", "exp": LATER_S}));
        let place = place.index(good.len());
        let changed = format!("{}{byte}{}", &good[..place], &good[place + 1..]);
        let is_same = changed == good;
        // The last character of a signature has bits that say nothing, and must be 0.
        prop_assert_eq!(judge(&changed, &keys(SECRET), &Terms::default(), NOW).is_ok(), is_same);
    }

    #[test]
    fn claims_of_any_sort_are_judged(sub in any::<String>(), exp in any::<i64>(), rooms in prop::collection::vec(any::<String>(), 0..4)) {
        let token = signed(&Header::default(), SECRET, &json!({"sub": sub, "exp": exp, "rooms": rooms}));
        if let Ok(Believed { standing, .. }) = judge(&token, &keys(SECRET), &Terms::default(), NOW) {
            prop_assert!(standing.until().is_some_and(|until| until > NOW) && exp > 0);
        }
    }
}

/// A token with this header, word for word, signed with a secret.
fn signed_with(header: &str, secret: &[u8], claims: &str) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let signature = jsonwebtoken::crypto::sign(
        message.as_bytes(),
        &EncodingKey::from_secret(secret),
        jsonwebtoken::Algorithm::HS256,
    );
    format!("{message}.{}", signature.expect("anything can be signed"))
}

#[test]
fn keys_that_a_token_brings_along_are_not_looked_at() {
    const FORGERS: &[u8] = b"a secret of nobody but the forger's own";
    let claims = format!("{{\"sub\":\"admin\",\"exp\":{LATER_S}}}");
    let key = part(std::str::from_utf8(FORGERS).expect("it is text"));
    for brought in [
        format!("\"jwk\":{{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"{key}\"}}"),
        "\"jku\":\"http://127.0.0.1:1/keys\"".to_owned(),
        "\"x5u\":\"http://127.0.0.1:1/certificate\"".to_owned(),
        "\"x5c\":[\"MIIB\"],\"x5t\":\"AAAA\",\"x5t#S256\":\"AAAA\"".to_owned(),
        "\"kid\":\"/dev/null\"".to_owned(),
        "\"kid\":\"../../../../dev/null\"".to_owned(),
        "\"kid\":\"x' UNION SELECT 'a secret of nobody but the forger\\u2019s own\"".to_owned(),
        "\"kid\":7".to_owned(),
    ] {
        let forged = signed_with(&format!("{{\"alg\":\"HS256\",{brought}}}"), FORGERS, &claims);
        let judged = judge(&forged, &keys(SECRET), &Terms::default(), NOW);
        assert_eq!(judged.expect_err("it is forged"), Refusal::BadToken, "{brought}");
    }
}

#[test]
fn a_key_is_good_for_no_algorithm_but_its_own() {
    let claims = part(&format!("{{\"sub\":\"admin\",\"exp\":{LATER_S}}}"));
    // RFC 8725 §3.1. A signature of nothing but zeros was good for everything once, in some libraries of ECDSA.
    let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
    for file in [
        &include_bytes!("testkeys/rsa.pub.pem")[..],
        include_bytes!("testkeys/p256.pub.pem"),
        include_bytes!("testkeys/ed25519.pub.pem"),
        SECRET,
    ] {
        for name in [
            "HS256", "HS384", "HS512", "RS256", "RS384", "PS256", "ES256", "ES384", "EdDSA", "none", "hs256",
            "HS256 ", "",
        ] {
            for signature in ["", "AA", &zeros] {
                let token = format!("{}.{claims}.{signature}", part(&format!("{{\"alg\":\"{name}\"}}")));
                let judged = judge(&token, &keys(file), &Terms::default(), NOW);
                assert_eq!(
                    judged.expect_err("nobody has signed it"),
                    Refusal::BadToken,
                    "{name} {signature}"
                );
            }
        }
    }
}

#[test]
fn times_at_their_edges_and_numbers_at_theirs_are_judged() {
    let judged = |claims: &str| {
        judge(&signed_with(r#"{"alg":"HS256"}"#, SECRET, claims), &keys(SECRET), &Terms::default(), NOW)
    };
    assert_eq!(judged(r#"{"sub":"a","exp":1700000000}"#).expect_err("it is over"), Refusal::TokenExpired);
    assert!(
        judged(r#"{"sub":"a","exp":1700000000.5}"#).is_ok() && judged(r#"{"sub":"a","exp":1e300}"#).is_ok()
    );
    assert!(judged(r#"{"sub":"a","exp":1700000600,"nbf":1700000000}"#).is_ok());
    for claims in [
        r#"{"sub":"a","exp":1e999}"#,
        r#"{"sub":"a","exp":-1e999}"#,
        r#"{"sub":"a","exp":NaN}"#,
        r#"{"sub":"a","exp":null}"#,
        r#"{"sub":"a","exp":[1700000600]}"#,
        r#"{"sub":"a","exp":true}"#,
        r#"{"sub":"a","exp":1700000600,"exp":1}"#,
        r#"{"sub":"a","sub":"admin","exp":1700000600}"#,
        r#"{"sub":"a","exp":1700000600,"nbf":1e400}"#,
        r#"{"sub":"\ud800","exp":1700000600}"#,
        r#"{"sub":"a\u0000","exp":1700000600}"#,
        r#"{"sub":"a","#,
        r#"{"sub":"a","exp":1700000600}{}"#,
        r#"["a",1700000600]"#,
    ] {
        assert_eq!(judged(claims).expect_err("it is none"), Refusal::BadToken, "{claims}");
    }
    let deep = |name: &str| {
        format!("{{\"sub\":\"a\",\"exp\":{LATER_S},\"{name}\":{}1{}}}", "[".repeat(3000), "]".repeat(3000))
    };
    assert!(judged(&deep("x")).is_ok(), "what is not meant is passed over, however deep");
    for name in ["rooms", "aud", "jti", "nbf"] {
        assert_eq!(judged(&deep(name)).err(), Some(Refusal::BadToken), "{name}");
    }
}

#[test]
fn the_longest_tokens_and_the_most_rooms_are_judged_in_no_time() {
    let long = "A".repeat(chat::SECRET_BYTES_MAX);
    let dots = ".".repeat(chat::SECRET_BYTES_MAX);
    for shown in [&*long, &dots, &format!("{}.{}.{}", &long[..4000], &long[..4000], &long[..100])] {
        assert_eq!(judge(shown, &keys(SECRET), &Terms::default(), NOW).err(), Some(Refusal::BadToken));
    }
    let rooms: Vec<String> = (0..1001).map(|room| room.to_string()).collect();
    let claims = json!({"sub": "alice", "exp": LATER_S, "rooms": rooms});
    assert_eq!(judged(&claims).expect_err("too many"), Refusal::BadToken);
}

#[test]
fn files_that_cannot_be_read_again_are_told_of_and_keep_nobody_out() {
    use crate::desk::Clerk as _;
    let path = std::env::temp_dir().join(format!("heimdallr-keys-{}", std::process::id()));
    std::fs::write(&path, SECRET).expect("there is room");
    let (herald, _heard) = crate::Herald::new(&[]);
    let settings = super::TokenSettings {
        keys: path.clone(),
        algorithms: Algorithm::ALL.to_vec(),
        terms: Terms::default(),
        revoked: None,
    };
    assert!(super::check_keys(&settings).is_ok());
    let mut clerk = super::Judge::new(&settings, herald).expect("it opens");
    clerk.look();
    assert_eq!(clerk.fault(), None);
    std::fs::write(&path, "short").expect("there is room");
    clerk.look();
    let fault = clerk.fault().expect("it is told of");
    assert!(fault.reason.contains("32 bytes") && !fault.bars, "{fault:?}");
    assert!(super::check_keys(&settings).is_err());
    std::fs::remove_file(&path).expect("it is there");
    clerk.look();
    assert!(clerk.fault().is_some_and(|fault| fault.reason.contains("No such file")));
    std::fs::write(&path, SECRET).expect("there is room");
    clerk.look();
    assert_eq!(clerk.fault(), None);
    // What is left is in the folder for what nobody needs.
    let _ = std::fs::remove_file(&path);
}
