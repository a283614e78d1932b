//! Where the texts of templates come from: the binary, and a directory of the operator's.

use std::collections::BTreeMap;
use std::path::Path;

use super::Error;
use crate::app::message::{Message, SmsPurpose};

/// `locale/file` and its text, the locale in lower case.
pub struct Sources(BTreeMap<String, String>);

impl Sources {
    pub fn built_in() -> Self {
        let texts = |locale: &str, files: [&str; FILES.len()]| -> Vec<(String, String)> {
            let name = |file: &&str| format!("{locale}/{file}");
            let texts = files.into_iter().map(str::to_owned);
            FILES.iter().map(name).zip(texts).collect()
        };
        Self(
            [texts("en", ENGLISH), texts("de", GERMAN)]
                .concat()
                .into_iter()
                .collect(),
        )
    }

    /// Takes in what a directory has: directories named by language, and files as in [`FILES`].
    pub fn read(&mut self, directory: &Path) -> Result<(), Error> {
        for locale in entries(directory)? {
            let path = directory.join(&locale);
            if !is_language(&locale) {
                return Err(refused(
                    &path,
                    "expected a language tag such as fr or pt-br",
                ));
            }
            for file in entries(&path)? {
                let path = path.join(&file);
                if !FILES.contains(&file.as_str()) {
                    return Err(refused(&path, "there is no template of this name"));
                }
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| refused(&path, &error.to_string()))?;
                self.put(&locale, &file, text);
            }
            // A mail in two languages at once would be worse than one in the wrong one.
            let missing = FILES
                .iter()
                .find(|file| !self.0.contains_key(&format!("{locale}/{file}")));
            if let Some(file) = missing {
                return Err(refused(&path, &format!("{file} is missing")));
            }
        }
        Ok(())
    }

    pub fn put(&mut self, locale: &str, file: &str, text: String) {
        self.0.insert(format!("{locale}/{file}"), text);
    }

    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    pub fn locales(&self) -> Vec<String> {
        let locale = |name: &String| Some(name.split_once('/')?.0.to_owned());
        let mut locales: Vec<String> = self.0.keys().filter_map(locale).collect();
        locales.dedup();
        locales
    }
}

/// The names in a directory, without those that begin with a dot.
fn entries(directory: &Path) -> Result<Vec<String>, Error> {
    let unreadable = |error: std::io::Error| refused(directory, &error.to_string());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// In lower case, as directories are compared.
fn is_language(name: &str) -> bool {
    let part = |part: &str| {
        (1..=8).contains(&part.len())
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    name.len() >= 2 && name.split('-').all(part)
}

fn refused(path: &Path, reason: &str) -> Error {
    Error::Directory {
        path: path.display().to_string(),
        reason: reason.to_owned(),
    }
}

/// One message of each kind.
pub fn samples() -> Vec<Message> {
    let at = 1_795_372_800_000;
    let expires_at = at + 30 * 60 * 1000;
    let ip = || "192.0.2.7".to_owned();
    let token = || "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln".to_owned();
    let method = || "totp".to_owned();
    let code = |purpose| Message::SmsCode {
        code: "493027".to_owned(),
        purpose,
        expires_minutes: 10,
    };
    vec![
        Message::Welcome,
        Message::RegisterAttempt,
        Message::RefreshReuse { at, ip: ip() },
        Message::ApiKeyRotated { at, ip: ip() },
        Message::MfaEnabled {
            method: method(),
            at,
            ip: ip(),
        },
        Message::MfaDisabled {
            method: method(),
            at,
            ip: ip(),
        },
        Message::BackupCodesRegenerated { at, ip: ip() },
        Message::MfaResetLink {
            token: token(),
            expires_at,
        },
        Message::MfaReset { at, ip: ip() },
        Message::ReactivationLink {
            token: token(),
            expires_at,
        },
        Message::Reactivated { at, ip: ip() },
        Message::PasswordCommon,
        Message::ConfirmAddress {
            token: token(),
            expires_at,
            at,
            ip: Some(ip()),
        },
        code(SmsPurpose::VerifyPhone),
        code(SmsPurpose::MfaSetup),
        code(SmsPurpose::Login),
    ]
}

macro_rules! files {
    ($($file:literal),* $(,)?) => {
        /// Every template of a language.
        pub const FILES: &[&str] = &[$($file),*];
        const ENGLISH: [&str; FILES.len()] = [$(include_str!(concat!("en/", $file))),*];
        const GERMAN: [&str; FILES.len()] = [$(include_str!(concat!("de/", $file))),*];
    };
}

files![
    "words.txt",
    "layout.txt",
    "layout.html",
    "security.txt",
    "security.html",
    "link.txt",
    "link.html",
    "welcome.txt",
    "welcome.html",
    "register_attempt.txt",
    "register_attempt.html",
    "refresh_reuse.txt",
    "refresh_reuse.html",
    "api_key_rotated.txt",
    "api_key_rotated.html",
    "mfa_enabled.txt",
    "mfa_enabled.html",
    "mfa_disabled.txt",
    "mfa_disabled.html",
    "backup_codes_regenerated.txt",
    "backup_codes_regenerated.html",
    "mfa_reset_link.txt",
    "mfa_reset_link.html",
    "mfa_reset.txt",
    "mfa_reset.html",
    "reactivation_link.txt",
    "reactivation_link.html",
    "reactivated.txt",
    "reactivated.html",
    "password_common.txt",
    "password_common.html",
    "confirm_address.txt",
    "confirm_address.html",
    "sms_code.txt",
];
