//! The vectors of the specification and its reference implementations, and every way to fail.

use super::*;
use proptest::prelude::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn secrets(all: &[&str]) -> Secrets {
    Secrets::new(&all.iter().map(|text| Secret::new(*text)).collect::<Vec<_>>())
}

fn claim(signatures: &str) -> Claim<'_> {
    Claim { id: ID, timestamp: "1614265330", signatures }
}

fn verify(signatures: &str) -> Result<(), Doubt> {
    secrets(&[SECRET]).verify(claim(signatures), BODY, SENT)
}

#[test]
fn the_vectors_of_the_specification_hold() {
    assert_eq!(sign(&Secret::new(SECRET), ID, SENT, BODY).as_deref(), Some(SIGNED));
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    let signed = sign(&Secret::new(OTHER), "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
    assert_eq!(signed.as_deref(), Some("v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="));
    assert_eq!(verify(SIGNED), Ok(()));
}

#[test]
fn one_good_signature_among_several_is_enough() {
    let bad = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    assert_eq!(verify(&format!("{bad} v2,{bad} nonsense {SIGNED}")), Ok(()));
    assert_eq!(verify(bad), Err(Doubt::Signature));
}

#[test]
fn any_of_the_secrets_in_force_will_do_and_none_that_is_not() {
    for all in [&[SECRET, OTHER][..], &[OTHER, SECRET]] {
        assert_eq!(secrets(all).verify(claim(SIGNED), BODY, SENT), Ok(()));
    }
    assert_eq!(secrets(&[OTHER]).verify(claim(SIGNED), BODY, SENT), Err(Doubt::Signature));
    assert_eq!(secrets(&[]).verify(claim(SIGNED), BODY, SENT), Err(Doubt::NoSecrets));
}

#[test]
fn another_version_half_a_signature_and_none_are_doubted() {
    let bare = SIGNED.trim_start_matches("v1,");
    for signatures in ["", "v1,", "v1", bare, &SIGNED[..20], &format!("v1a,{bare}"), &format!("v2,{bare}"), "v1,AAAA"] {
        assert_eq!(verify(signatures), Err(Doubt::Signature), "{signatures}");
    }
}

#[test]
fn what_was_signed_can_not_be_changed() {
    let secrets = secrets(&[SECRET]);
    let id = Claim { id: "msg_other", ..claim(SIGNED) };
    assert_eq!(secrets.verify(id, BODY, SENT), Err(Doubt::Signature));
    let timestamp = Claim { timestamp: "1614265331", ..claim(SIGNED) };
    assert_eq!(secrets.verify(timestamp, BODY, SENT), Err(Doubt::Signature));
    assert_eq!(secrets.verify(claim(SIGNED), br#"{"test":2432232314}"#, SENT), Err(Doubt::Signature));
    // The same number, written otherwise than it was signed.
    let zeros = Claim { timestamp: "01614265330", ..claim(SIGNED) };
    assert_eq!(secrets.verify(zeros, BODY, SENT), Err(Doubt::Signature));
}

#[test]
fn five_minutes_are_tolerated_both_ways_and_no_more() {
    let at = |now| secrets(&[SECRET]).verify(claim(SIGNED), BODY, now);
    assert_eq!((at(SENT + TOLERANCE), at(SENT - TOLERANCE)), (Ok(()), Ok(())));
    assert_eq!((at(SENT + TOLERANCE + 1), at(SENT - TOLERANCE - 1)), (Err(Doubt::Old), Err(Doubt::Early)));
    for timestamp in ["", "now", "1614265330.0", "1614265330 ", "99999999999999999999"] {
        let claim = Claim { timestamp, ..claim(SIGNED) };
        assert_eq!(secrets(&[SECRET]).verify(claim, BODY, SENT), Err(Doubt::Timestamp), "{timestamp}");
    }
    for timestamp in [i64::MIN, i64::MAX] {
        let timestamp = timestamp.to_string();
        let claim = Claim { timestamp: &timestamp, ..claim(SIGNED) };
        assert!(secrets(&[SECRET]).verify(claim, BODY, SENT).is_err());
    }
}

#[test]
fn an_id_has_a_length() {
    let long = "x".repeat(256);
    for id in ["", &long] {
        let claim = Claim { id, ..claim(SIGNED) };
        assert_eq!(secrets(&[SECRET]).verify(claim, BODY, SENT), Err(Doubt::Id));
    }
}

proptest! {
    #[test]
    fn what_is_signed_is_believed_whatever_it_is(id in "[!-~]{1,255}", body in any::<Vec<u8>>(), off in -300_i64..=300) {
        let signatures = sign(&Secret::new(OTHER), &id, SENT, &body).expect("a secret");
        let timestamp = SENT.to_string();
        let claim = Claim { id: &id, timestamp: &timestamp, signatures: &signatures };
        prop_assert_eq!(secrets(&[SECRET, OTHER]).verify(claim, &body, SENT + off), Ok(()));
    }
}
