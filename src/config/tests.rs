//! What is accepted, what is refused, and that all of it is said at once.

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn given(env: &[(&str, &str)]) -> Given {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Given { env, ..Given::default() }
}

fn read(env: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    Config::read(given(env), false)
}

fn faults(env: &[(&str, &str)]) -> Vec<String> {
    read(env).expect_err("faults")
}

#[test]
fn a_secret_is_all_that_has_to_be_set() {
    let config = read(&[("JWT_SECRET", SECRET)]).expect("a config");
    assert_eq!(config.addr.to_string(), "127.0.0.1:3000");
    assert_eq!(config.database_url.expose(), "sqlite:herald.db");
    assert_eq!((config.history.seconds, config.history.notices), (7 * 86_400, 1_000_000));
    assert_eq!(config.limits.stall, Duration::from_secs(10));
    assert_eq!((config.auth.access_seconds, config.auth.registration), (900, true));
}

#[test]
fn without_a_key_the_three_ways_to_give_one_are_named() {
    let faults = faults(&[]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    for way in ["JWT_SECRET", "JWT_PUBLIC_KEY_FILE", "JWKS_URL", "--demo"] {
        assert!(faults[0].contains(way), "{way}");
    }
}

#[test]
fn all_faults_are_reported_together_each_with_its_setting() {
    let wrong = [
        ("HERALD_ADDR", "here"),
        ("DATABASE_URL", "mysql://x"),
        ("REDIS_URL", "redis://localhost"),
        ("JWT_SECRET", "short"),
        ("CORS_ORIGINS", "https://a.example, app.example.com, https://b.example/path, *"),
        ("PUBLIC_URL", "example.com"),
        ("PROCESSOR_URL", "ftp://example.com"),
        ("WEBHOOK_SECRETS", "whsec_c2hvcnQ="),
        ("SMTP_URL", "mail.example"),
        ("MAIL_FROM", "herald"),
        ("HISTORY_DAYS", "0"),
        ("HISTORY_MAX", "many"),
        ("STALL_SECONDS", "16"),
        ("REGISTRATION", "maybe"),
        ("WORKERS", "-1"),
        ("TRUSTED_PROXIES", "proxy"),
    ];
    let faults = faults(&wrong);
    for (name, _) in wrong {
        assert!(faults.iter().any(|fault| fault.starts_with(&format!("{name}: "))), "{name} in {faults:#?}");
    }
    assert_eq!(faults.len(), wrong.len() + 2, "three of the origins are wrong: {faults:#?}");
}

#[test]
fn a_processor_needs_a_secret_that_its_callbacks_are_signed_with() {
    let to = ("PROCESSOR_URL", "https://processor.example/files");
    let faults = faults(&[("JWT_SECRET", SECRET), to]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("WEBHOOK_SECRETS: ") && faults[0].contains("PROCESSOR_URL"), "{faults:?}");
    let secrets = ("WEBHOOK_SECRETS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert!(read(&[("JWT_SECRET", SECRET), to, secrets]).is_ok());
}

#[test]
fn only_one_source_of_keys_may_be_given() {
    let faults = faults(&[("JWT_SECRET", SECRET), ("JWKS_URL", "https://issuer.example/keys")]);
    assert!(faults[0].contains("only one of"), "{faults:?}");
}

#[test]
fn keys_are_not_fetched_where_they_could_be_changed_on_the_way() {
    assert!(read(&[("JWKS_URL", "https://issuer.example/keys")]).is_ok());
    assert!(read(&[("JWKS_URL", "http://127.0.0.1:8080/keys")]).is_ok());
    assert!(read(&[("JWKS_URL", "http://[::1]:8080/keys")]).is_ok());
    assert!(read(&[("JWKS_URL", "http://issuer.example/keys")]).is_err());
}

#[test]
fn a_key_file_has_to_be_there_and_hold_public_keys() {
    assert!(faults(&[("JWT_PUBLIC_KEY_FILE", "/nowhere")])[0].starts_with("JWT_PUBLIC_KEY_FILE: /nowhere: "));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.pub");
    std::fs::write(&path, include_str!("../auth/token/keys/ed.pub")).expect("written");
    let path = path.display().to_string();
    assert!(read(&[("JWT_PUBLIC_KEY_FILE", path.as_str())]).is_ok());
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_demo() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("h.db").display());
    let mut given = given(&[("DATABASE_URL", url.as_str()), ("WORKERS", "3"), ("HISTORY_DAYS", "2"), ("RUST_LOG", "")]);
    given.flags.insert("WORKERS", "4".into());
    let config = Config::read(given.clone(), true).expect("a config");
    assert_eq!((config.workers, config.history.seconds, config.log.as_str()), (4, 2 * 86_400, "info"));
    let KeySource::Secret(made) = config.auth.keys else { panic!("no secret") };
    assert!(made.expose().len() >= 32);
    given.env.insert("JWT_SECRET".into(), SECRET.into());
    let KeySource::Secret(own) = Config::read(given, true).expect("a config").auth.keys else { panic!("no secret") };
    assert_eq!(own.expose(), SECRET);
}

#[test]
fn a_demo_listens_on_loopback_only() {
    let with = |addr| Config::read(given(&[("JWT_SECRET", SECRET), ("HERALD_ADDR", addr)]), true);
    assert!(with("[::1]:0").is_ok());
    assert!(with("0.0.0.0:3000").expect_err("faults")[0].starts_with("HERALD_ADDR: "));
}

#[test]
fn sqlite_urls_may_be_written_with_slashes_and_need_a_file() {
    assert_eq!(checks::database("sqlite://herald.db").as_deref(), Ok("sqlite:herald.db"));
    assert_eq!(checks::database("sqlite:///var/h.db").as_deref(), Ok("sqlite:/var/h.db"));
    assert!(checks::database("sqlite::memory:").is_err());
    assert!(checks::database("herald.db").is_err());
}

#[test]
fn e_mail_is_off_without_a_server_and_needs_a_sender_with_one() {
    let with = |more: &[(&str, &str)]| read(&[&[("JWT_SECRET", SECRET)], more].concat());
    assert!(with(&[]).expect("a config").mail.is_none());
    assert!(with(&[("MAIL_FROM", "herald@example.com")]).expect("a config").mail.is_none());
    let alone = with(&[("SMTP_URL", "smtps://mail.example")]).expect_err("faults");
    assert!(alone.len() == 1 && alone[0].starts_with("MAIL_FROM: "), "{alone:?}");
    let sender = ("MAIL_FROM", "Herald <herald@example.com>");
    let mail = with(&[("SMTP_URL", "smtps://mail.example"), sender]).expect("a config").mail.expect("e-mail");
    assert_eq!((mail.server.host(), mail.after_seconds), ("mail.example", 900));
    for wrong in ["herald", "Herald <herald@müller.example>", "a@b.example, c@d.example"] {
        let faults = with(&[("SMTP_URL", "smtps://mail.example"), ("MAIL_FROM", wrong)]).expect_err("faults");
        assert!(faults[0].starts_with("MAIL_FROM: "), "{faults:?}");
    }
}

#[test]
fn no_password_is_sent_to_a_mail_server_in_the_clear() {
    let with = |url| read(&[("JWT_SECRET", SECRET), ("SMTP_URL", url), ("MAIL_FROM", "herald@example.com")]);
    for good in [
        "smtp://u:hunter22@mail.example?tls=required",
        "smtps://u:hunter22@mail.example",
        "smtp://u:hunter22@localhost",
        "smtp://u:hunter22@127.0.0.1:2525",
        "smtp://u:hunter22@[::1]:2525",
        "smtp://mail.example",
        "smtp://mail.example?tls=opportunistic",
    ] {
        let printed = format!("{:?}", with(good).expect(good));
        assert!(!printed.contains("hunter22"), "{printed}");
    }
    // Whoever sits between can hide that the server offers STARTTLS.
    for bad in ["smtp://u:hunter22@mail.example", "smtp://u:hunter22@mail.example?tls=opportunistic"] {
        let faults = with(bad).expect_err(bad);
        assert!(faults[0].starts_with("SMTP_URL: ") && !faults[0].contains("hunter22"), "{faults:?}");
    }
}

#[test]
fn no_secret_shows_when_a_config_is_printed_or_a_fault_reported() {
    let password = "hunter22";
    let webhook = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let url = format!("postgres://herald:{password}@db/herald");
    let env = [("JWT_SECRET", SECRET), ("WEBHOOK_SECRETS", webhook), ("DATABASE_URL", url.as_str())];
    let printed = format!("{:?}", read(&env).expect("a config"));
    let bytes = format!("{:?}", &SECRET.as_bytes()[..4]);
    for secret in [SECRET, password, webhook, bytes.trim_matches(['[', ']'])] {
        assert!(!printed.contains(secret), "{printed}");
    }
    let mistaken = faults(&[("HERALD_ADDR", SECRET), ("WEBHOOK_SECRETS", SECRET), ("PUBLIC_URL", SECRET)]).join(" ");
    assert!(!mistaken.contains(SECRET), "{mistaken}");
}

#[test]
fn every_setting_has_a_flag_of_its_own_and_says_what_it_is_for() {
    for setting in SETTINGS {
        assert_eq!(by_flag(&flag_of(setting.name)).map(|found| found.name), Some(setting.name));
        assert!(!setting.doc.is_empty() && setting.doc.len() < 110, "{}", setting.name);
    }
    assert_eq!(by_flag("addr").map(|found| found.name), Some("HERALD_ADDR"));
}
