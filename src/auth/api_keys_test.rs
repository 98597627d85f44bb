//! Keys and what is remembered of them.

use super::*;

fn key(name: &str) -> Arc<ApiKey> {
    Arc::new(ApiKey {
        id: ApiKeyId::generate(),
        name: name.into(),
        rooms: Json::default(),
        events: Json::default(),
        created_at: Time::now(),
        last_used_at: None,
    })
}

#[test]
fn a_key_is_hk_and_43_characters_that_need_no_escaping() {
    let text = format!("{PREFIX}{}", random_text());
    assert!(is_key(&text), "{text}");
    let others = [
        String::new(),
        PREFIX.into(),
        text[..text.len() - 1].into(),
        format!("{text}a"),
        text.replacen("hk_", "HK_", 1),
        format!("hk_{}", "é".repeat(21) + "a"),
        format!("hk_{}", " ".repeat(43)),
    ];
    for other in others {
        assert!(!is_key(&other), "{other}");
    }
}

#[test]
fn a_key_is_known_for_a_while_and_then_looked_up_again() {
    let (keyring, now) = (Keyring::default(), Instant::now());
    assert_eq!(keyring.find("h", now), (None, 0));
    let one = key("one");
    keyring.keep("h".into(), one.clone(), 0, now);
    let late = now + FRESH - Duration::from_millis(1);
    assert_eq!(keyring.find("h", late), (Some(one), 0));
    assert_eq!(keyring.find("other", late).0, None);
    assert_eq!(keyring.find("h", now + FRESH).0, None, "another node may have revoked it");
}

#[test]
fn what_is_revoked_is_forgotten_and_not_learnt_again_by_who_read_it_before() {
    let (keyring, now) = (Keyring::default(), Instant::now());
    keyring.keep("h".into(), key("one"), 0, now);
    // One reads it from the database; before it is kept, it is revoked.
    let (_, before) = keyring.find("other", now);
    keyring.forget();
    keyring.keep("h".into(), key("one"), before, now);
    assert_eq!(keyring.find("h", now), (None, 1));
    keyring.keep("h".into(), key("two"), 1, now);
    assert!(keyring.find("h", now).0.is_some());
}

#[test]
fn no_more_are_remembered_than_there_may_be() {
    let (keyring, now) = (Keyring::default(), Instant::now());
    let one = key("one");
    for n in 0..KEYS_MAX + 5 {
        keyring.keep(n.to_string(), one.clone(), 0, now);
    }
    assert_eq!(keyring.known().keys.len(), 5);
}
