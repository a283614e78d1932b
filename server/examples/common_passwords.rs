//! Writes `server/src/app/common_password/list.bin` from its sources, or compares it with them:
//!
//!     cargo run --example common_passwords -- [--check] DIRECTORY
//!
//! The directory holds the lists as their packages have them:
//!
//!     pip download --no-deps django==5.2.19       # unpack django/contrib/auth/common-passwords.txt.gz, gunzip it
//!     npm pack @zxcvbn-ts/language-common@4.1.3   # package/src/passwords.json
//!     npm pack @zxcvbn-ts/language-en@4.1.1       # package/src/{commonWords,firstnames,lastnames}.json

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

use bp_auth_server::app::common_password::{FINGERPRINT, LONGEST, fingerprint, folded};

const LIST: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/app/common_password/list.bin"
);
/// Rarer surnames are hardly passwords, and would double the list.
const LASTNAMES: usize = 10_000;
const SHORTEST: usize = 3;

/// What the lists lack of the words that people put beside a year: seasons, months and weekdays of the
/// languages that mails are written in, and of others nearby; placeholders; makers whose defaults are known.
const OURS: &str = "
    frühling frühjahr sommer herbst winter januar februar märz april mai juni juli august september oktober
    november dezember montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag
    printemps été automne hiver janvier février mars avril juin juillet août septembre octobre novembre décembre
    lundi mardi mercredi jeudi vendredi samedi dimanche
    primavera verano otoño invierno enero febrero marzo abril mayo junio julio agosto septiembre octubre
    noviembre diciembre lunes martes miércoles jueves viernes sábado domingo
    estate autunno inverno gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
    lunedì martedì mercoledì giovedì venerdì sabato domenica
    lente zomer herfst januari februari maart mei augustus maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
    verão outono janeiro fevereiro março maio junho julho setembro outubro novembro dezembro
    spring summer autumn fall january february march may june july october december
    monday tuesday wednesday thursday friday saturday sunday
    mustermann musterfrau passwort kennwort geheim motdepasse contraseña wachtwoord senha
    vmware cisco oracle fortinet juniper mikrotik ubiquiti postgres mysql jenkins grafana kubernetes docker
";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = arguments.first().is_some_and(|first| first == "--check");
    arguments.drain(..usize::from(check));
    let [directory] = arguments.as_slice() else {
        return Err("usage: common_passwords [--check] DIRECTORY".into());
    };
    let made = list(Path::new(directory))?;
    if !check {
        std::fs::write(LIST, &made)?;
    } else if std::fs::read(LIST)? != made {
        return Err(format!("{LIST} is not what its sources make").into());
    }
    println!("{} bytes", made.len());
    Ok(())
}

fn list(directory: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let django = std::fs::read_to_string(directory.join("common-passwords.txt"))?;
    let mut texts: Vec<String> = django.lines().map(str::to_owned).collect();
    for (name, most) in [
        ("passwords.json", usize::MAX),
        ("commonWords.json", usize::MAX),
        ("firstnames.json", usize::MAX),
        ("lastnames.json", LASTNAMES),
    ] {
        let json = std::fs::read(directory.join(name))?;
        let words: Vec<String> = serde_json::from_slice(&json)?;
        texts.extend(words.into_iter().take(most));
    }
    texts.extend(OURS.split_whitespace().map(str::to_owned));
    let fingerprints: BTreeSet<[u8; FINGERPRINT]> = texts
        .iter()
        .map(|text| folded(text))
        .filter(|text| (SHORTEST..=LONGEST).contains(&text.chars().count()))
        .map(|text| fingerprint(&text))
        .collect();
    let head = format!(
        "Common passwords, words and names: {} fingerprints of {FINGERPRINT} bytes, sorted, after the empty line.\n\
         A fingerprint is the start of the SHA-256 of an entry in lower case without accents. Sources:\n\
         Django 5.2.19, common-passwords.txt (BSD-3-Clause, (c) Django Software Foundation and individual contributors; \
         list by Royce Williams)\n\
         @zxcvbn-ts/language-common 4.1.3, passwords (MIT, (c) 2012-2016 Dan Wheeler and Dropbox, Inc., (c) 2021 zxcvbn-ts)\n\
         @zxcvbn-ts/language-en 4.1.1, firstnames, and the {LASTNAMES} most frequent lastnames (MIT, as above)\n\
         @zxcvbn-ts/language-en 4.1.1, commonWords (derived from OpenSubtitles 2024 via OPUS, Helsinki-NLP, \
         https://opus.nlpl.eu/, ODC-BY)\n\
         A few seasons, months, weekdays and names of products, chosen by this project\n\n",
        fingerprints.len()
    );
    let mut made = head.into_bytes();
    made.extend(fingerprints.into_iter().flatten());
    Ok(made)
}
