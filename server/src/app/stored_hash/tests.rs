use super::*;

/// Made by Python's hashlib, passlib, argon2-cffi and Django.
const KNOWN: &str = include_str!("../../../tests/it/known_hashes.txt");
const PASSWORD: &str = "Tulpe-Kanu-9 grün";

fn fault(text: &str) -> HashFault {
    match StoredHash::imported(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(fault) => fault,
    }
}

#[test]
fn hashes_of_other_systems_match_their_password_and_no_other() {
    let (memory, today) = (HashMemory::default(), Params::new(8, 1, 1, None).unwrap());
    for line in KNOWN.lines() {
        let (name, text) = line.split_once(' ').unwrap();
        let hash = StoredHash::imported(text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let verify = |password: &str| hash.verify(&memory, &today, password.as_bytes()).unwrap();
        assert!(verify(PASSWORD), "{name}");
        assert!(!verify("Tulpe-Kanu-9 grun"), "{name}");
        assert!(!verify(""), "{name}");
        assert!(!hash.is_current(&today), "{name}");
    }
}

#[test]
fn no_password_matches_what_is_unusable() {
    let (memory, today) = (HashMemory::default(), Params::new(8, 1, 1, None).unwrap());
    for text in ["!", "!0kDjangoWritesSomethingHere"] {
        let hash = StoredHash::imported(text).unwrap();
        for password in ["", "!", text] {
            assert!(!hash.verify(&memory, &today, password.as_bytes()).unwrap());
        }
    }
}

#[test]
fn unknown_and_broken_forms_are_named() {
    for text in [
        "",
        "hunter2",
        "$1$abc$def",
        "$2x$10$abc",
        "md5$a$b",
        "sha1$a$b",
    ] {
        assert_eq!(fault(text), HashFault::Unknown, "{text}");
    }
    for text in [
        "$2b$10$tooshort",
        "$2b$3$3Til5J6PRDpHSiEfHLIIC.ReHQLW2EPgPhKvuJEguOierVvtoGWTq",
        "$2b$99$3Til5J6PRDpHSiEfHLIIC.ReHQLW2EPgPhKvuJEguOierVvtoGWTq",
        "$2b$04$3Til5J6PRDpHSiEfHLIIC!ReHQLW2EPgPhKvuJEguOierVvtoGWTq",
        "$argon2id$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg",
        "$argon2id$v=19$m=64,t=2,p=1$***$FlZcr4SJW/dd2SnIau2IYBLmg52Q29MhuD0mbnXYq5Y",
        "$argon2id$v=19$m=0,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$FlZcr4SJW/dd2SnIau2IYBLmg52Q29Mh",
        "$scrypt$ln=7,r=8$MDEyMzQ1Njc4OWFiY2RlZg$Z+2gayogTH9rjVaQYSPu7utQQ2/xA/gifuWXDhanqk8",
        "$scrypt$ln=99,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Z+2gayogTH9rjVaQYSPu7utQQ2/xA/gifuWXDh",
        "scrypt$100$salt$8$1$AAAAAAAAAAAAAAAAAAAAAA==",
        "pbkdf2_sha256$0$salt$AAAAAAAAAAAAAAAAAAAAAA==",
        "pbkdf2_sha256$+1$salt$AAAAAAAAAAAAAAAAAAAAAA==",
        "pbkdf2_sha256$1000$salt$AAAA",
        "pbkdf2_sha256$1000$$AAAAAAAAAAAAAAAAAAAAAA==",
        "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
    ] {
        assert!(matches!(fault(text), HashFault::Broken(_)), "{text}");
    }
    assert!(matches!(fault(&"$2b$".repeat(200)), HashFault::Broken(_)));
}

#[test]
fn what_would_cost_too_much_is_refused_before_it_is_ever_computed() {
    let (salt, hash) = ("MDEyMzQ1Njc4OWFiY2RlZg", "A".repeat(43));
    let bcrypt = "3Til5J6PRDpHSiEfHLIIC.ReHQLW2EPgPhKvuJEguOierVvtoGWTq";
    for text in [
        format!("$argon2id$v=19$m=131073,t=1,p=1${salt}${hash}"),
        format!("$argon2id$v=19$m=4194304,t=1,p=1${salt}${hash}"),
        format!("$argon2id$v=19$m=65536,t=9,p=1${salt}${hash}"),
        format!("$argon2id$v=19$m=8192,t=1,p=65${salt}${hash}"),
        format!("$2b$15${bcrypt}"),
        format!("bcrypt_sha256$$2b$31${bcrypt}"),
        format!("$scrypt$ln=18,r=8,p=1${salt}${hash}"),
        format!("$scrypt$ln=14,r=8,p=33${salt}${hash}"),
        format!("$pbkdf2-sha256$i=2000001${salt}${hash}"),
        format!("$pbkdf2-sha256$i=4294967295${salt}${hash}"),
        format!("$pbkdf2$1000001${salt}${hash}"),
    ] {
        assert!(matches!(fault(&text), HashFault::TooCostly(_)), "{text}");
    }
    // What libraries choose by themselves is taken.
    for text in [
        format!("$argon2id$v=19$m=102400,t=2,p=8${salt}${hash}"),
        format!("$argon2id$v=19$m=65536,t=4,p=1${salt}${hash}"),
        format!("$2y$12${bcrypt}"),
        format!("$scrypt$ln=17,r=8,p=1${salt}${hash}"),
        format!("pbkdf2_sha256$1200000$salt${}=", hash),
    ] {
        assert!(StoredHash::imported(&text).is_ok(), "{text}");
    }
}
