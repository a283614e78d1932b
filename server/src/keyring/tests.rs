use std::os::unix::fs::PermissionsExt;
use std::thread;

use base64::engine::general_purpose::STANDARD;

use super::stored::{parse, text};
use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn ids(keyring: &Keyring) -> Vec<&str> {
    let signing = keyring.signing.iter().map(|key| key.kid.as_str());
    signing
        .chain(keyring.sealing.iter().map(|key| key.id.as_str()))
        .collect()
}

#[test]
fn keys_are_created_once_privately_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("a/b");
    let created = Keyring::load_or_create(&data_dir, 7).unwrap();
    assert_eq!(mode(&data_dir), 0o700);
    assert_eq!(mode(&data_dir.join(FILE_NAME)), 0o600);
    let loaded = Keyring::load_or_create(&data_dir, 8).unwrap();
    assert_eq!(ids(&created), ids(&loaded));
    let (one, two) = (&created.signing[0], &loaded.signing[0]);
    assert_eq!(
        (one.public_key(), one.created_at),
        (two.public_key(), two.created_at)
    );
    assert_eq!(one.pkcs8, two.pkcs8);
    assert_eq!(created.sealing[0].key, loaded.sealing[0].key);
    // Nothing temporary stays behind.
    assert_eq!(fs::read_dir(&data_dir).unwrap().count(), 1);
}

#[test]
fn processes_that_start_at_once_agree_on_the_keys() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let all: Vec<Keyring> = thread::scope(|scope| {
        let started: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| Keyring::load_or_create(path, 0).unwrap()))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(all.iter().all(|keyring| ids(keyring) == ids(&all[0])));
    assert_eq!(fs::read_dir(path).unwrap().count(), 1);
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    Keyring::load_or_create(dir.path(), 0).unwrap();
    let path = dir.path().join(FILE_NAME);
    for exposed in [0o644, 0o604, 0o620, 0o660, 0o444] {
        fs::set_permissions(&path, fs::Permissions::from_mode(exposed)).unwrap();
        let error = Keyring::load_or_create(dir.path(), 0).unwrap_err();
        assert!(matches!(error, KeyringError::Exposed { mode, .. } if mode == exposed));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    Keyring::load_or_create(dir.path(), 0).unwrap();
}

#[test]
fn a_file_of_root_may_be_read_by_the_group_of_the_process() {
    const ROOT: u32 = 0;
    const SOMEBODY: u32 = 1000;
    for (mode, owner, is_own_group, exposed) in [
        (0o100_440, ROOT, true, false),
        (0o100_640, ROOT, true, false),
        (0o100_440, ROOT, false, true),
        (0o100_440, SOMEBODY, true, true),
        (0o100_640, SOMEBODY, true, true),
        (0o100_460, ROOT, true, true),
        (0o100_444, ROOT, true, true),
        (0o100_404, ROOT, true, true),
        (0o100_400, SOMEBODY, false, false),
        (0o100_600, SOMEBODY, false, false),
    ] {
        let found = is_exposed(mode, owner, is_own_group);
        assert_eq!(found, exposed, "{mode:o} of {owner}, {is_own_group}");
    }
}

#[test]
fn a_damaged_file_is_refused_without_showing_or_replacing_it() {
    let good = text(&Keyring::generate(0).unwrap()).unwrap().to_string();
    let other = SigningKey::generate(0).unwrap();
    let foreign_id = good.replacen(&parse(&good).unwrap().signing[0].kid, &other.kid, 1);
    let short = good.replace(
        &STANDARD.encode(&parse(&good).unwrap().sealing[0].key[..]),
        "c2hvcnQ=",
    );
    let later = good.replace("\"version\": 1", "\"version\": 2");
    let cut = &good[..good.len() / 2];
    let empty = r#"{"version":1,"signing":[],"sealing":[]}"#;
    for (stored, reason) in [
        ("", "line 1"),
        (cut, "line "),
        (r#"{"version":"hunter2"}"#, "line 1"),
        (&foreign_id, "another id than its thumbprint"),
        (&short, "has not 32 bytes"),
        (&later, "version 2 is not known"),
        (empty, "it needs a signing key"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        file.write_all(stored.as_bytes()).unwrap();
        let error = Keyring::load_or_create(dir.path(), 0)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(reason) && !error.contains("hunter2"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), stored);
    }
}

#[test]
fn the_key_id_is_the_thumbprint_of_the_standard() {
    // RFC 8037, appendix A.3.
    let x = URL_SAFE_NO_PAD
        .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        .unwrap();
    let kid = thumbprint(x.as_slice().try_into().unwrap());
    assert_eq!(kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn debug_shows_ids_only() {
    let keyring = Keyring::generate(0).unwrap();
    let shown = format!("{keyring:?}");
    assert!(
        shown.contains(&keyring.signing[0].kid) && !shown.contains("pkcs8"),
        "{shown}"
    );
    assert!(
        !shown.contains(&format!("{:?}", &keyring.sealing[0].key[..4])),
        "{shown}"
    );
}

#[test]
fn operators_who_add_roots_at_once_lose_none_and_the_last_root_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let first = Keyring::load_or_create(path, 0).unwrap().sealing.remove(0);
    let mut added: Vec<String> = thread::scope(|scope| {
        let started: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Keyring::root_add(path, 1).unwrap()))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let keyring = Keyring::load(path).unwrap();
    let mut roots: Vec<String> = keyring.sealing.iter().map(|key| key.id.clone()).collect();
    // What seals without a key in the database is still what every instance has.
    assert_eq!(roots.pop(), Some(first.id.clone()));
    roots.sort();
    added.sort();
    assert_eq!(roots, added);
    assert_eq!(mode(&path.join(FILE_NAME)), 0o600);
    // The keys and the lock, and nothing temporary.
    assert_eq!(fs::read_dir(path).unwrap().count(), 2);

    for id in &added {
        Keyring::root_remove(path, id, 2).unwrap();
    }
    let only = Keyring::root_remove(path, &first.id, 2);
    assert!(matches!(only, Err(RootError::Only(_))), "{only:?}");
    let gone = Keyring::root_remove(path, &added[0], 2);
    assert!(matches!(gone, Err(RootError::Unknown(_))), "{gone:?}");
    assert_eq!(Keyring::load(path).unwrap().sealing[0].key, first.key);
}
