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

/// From the documentation of Spring Security and of firebase/scrypt.
#[test]
fn published_hashes_match_their_password_and_no_other() {
    let (memory, today) = (HashMemory::default(), Params::new(8, 1, 1, None).unwrap());
    for (text, password, kind) in [
        (
            "{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG",
            "password",
            "bcrypt 10 plain",
        ),
        (
            "{pbkdf2}5d923b44a6d129f3ddf3e3c8d29412723dcbde72445e8ef6bf3b508fbf17fa4ed4d6b99ca763d8dc",
            "password",
            "pbkdf2 sha1 185000 32",
        ),
        (
            "{scrypt}$e0801$8bWJaSu2IKSn9Z9kM+TPXfOc/9bdYSrN1oD9qfVThWEwdRTnO7re7Ei+fUZRJ68k9lTyuTeUp4of\
             4g24hHnazw==$OAOec05+bXxvuu/1qZ6NUR+xQYvYv7BeL1QxwRpY5Pc=",
            "password",
            "scrypt 14 8 1 32",
        ),
        (
            "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqA\
             jTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjL\
             NmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
            "user1password",
            "firescrypt 14 8 1 64",
        ),
    ] {
        let hash = StoredHash::imported(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let verify = |password: &str| hash.verify(&memory, &today, password.as_bytes()).unwrap();
        assert!(verify(password), "{text}");
        assert!(!verify("Password") && !verify(""), "{text}");
        assert_eq!(hash.kind().as_deref(), Some(kind));
        // What stands in for it does the same work.
        let stand_in = StoredHash::stand_in(kind).unwrap();
        assert_eq!(stand_in.kind().as_deref(), Some(kind));
        assert!(
            !stand_in
                .verify(&memory, &today, password.as_bytes())
                .unwrap()
        );
        assert!(hash.price().unwrap() > std::time::Duration::ZERO);
    }
}

/// Java's and Firebase's encoders pad; JavaScript's write the alphabet of addresses.
#[test]
fn padding_and_alphabet_of_base64_do_not_matter() {
    let (memory, today) = (HashMemory::default(), Params::new(8, 1, 1, None).unwrap());
    for line in KNOWN.lines() {
        let (name, text) = line.split_once(' ').unwrap();
        if name.starts_with("bcrypt") || name.ends_with("passlib") {
            continue;
        }
        let pad = |part: &str| match part.len() % 4 {
            0 => part.to_owned(),
            over => format!("{part}{}", "=".repeat(4 - over)),
        };
        let mut parts: Vec<String> = text.split('$').map(str::to_owned).collect();
        let last = parts.len() - 1;
        parts[last] = pad(&parts[last]);
        if !name.ends_with("django") {
            parts[last - 1] = pad(&parts[last - 1]);
        }
        if !name.starts_with("argon2") {
            parts[last] = parts[last].replace('+', "-").replace('/', "_");
        }
        let hash = StoredHash::imported(&parts.join("$"));
        let hash = hash.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert!(
            hash.verify(&memory, &today, PASSWORD.as_bytes()).unwrap(),
            "{name}"
        );
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
        "{noop}password",
        "{sha256}97cde38028ad898ebc02e690819fa220e88c62e0699403e94fff291cfffaf8410849f27605abcbc0",
        "{}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG",
    ] {
        assert_eq!(fault(text), HashFault::Unknown, "{text}");
    }
    for text in [
        "$2b$10$tooshort",
        "{bcrypt}",
        "{bcrypt}password",
        "{bcrypt}{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG",
        "{scrypt}$xyz$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA==",
        "{pbkdf2}5d923b44a6d129f3",
        "$firescrypt$ln=14,r=8,p=1$MDEyMw==$AAAAAAAAAAAAAAAAAAAAAA==$Bw==",
        "$firescrypt$ln=14,r=8,p=1$MDEyMw==$AAAAAAAAAAAAAAAAAAAAAA==$Bw==$AAAA",
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
        format!("$firescrypt$ln=18,r=8,p=1${salt}${hash}$Bw==${hash}"),
        format!("{{scrypt}}$120801${salt}${hash}"),
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
