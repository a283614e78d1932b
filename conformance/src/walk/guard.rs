//! The one property that matters most, watched without the model: as long as somebody has a second
//! factor, nothing that was given for less opens `GET /me`.
//!
//! The guard believes answers only. Every token has a descent: the login that it came from. A login
//! is firm when a second factor was asked for and passed, when a device was shown whose trust came
//! out of such a login, or when the factor was enrolled in it.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::kit::Raw;

#[derive(Debug, Default)]
pub struct Guard {
    /// Whose, and from which login.
    tokens: BTreeMap<String, usize>,
    logins: Vec<Login>,
    /// Secrets of devices, and who may show them.
    trusted: HashMap<String, usize>,
    /// Who has a verified method.
    protected: HashMap<usize, bool>,
}

#[derive(Debug, Clone, Copy)]
struct Login {
    who: usize,
    firm: bool,
}

/// What was asked, as far as the guard cares.
pub struct Asked<'a> {
    pub path: &'a str,
    pub who: usize,
    pub bearer: Option<&'a str>,
    pub device: Option<&'a str>,
    /// `mfa_token` or `refresh_token`.
    pub token: Option<&'a str>,
    /// The method or the device that was deleted.
    pub tail: Option<&'a str>,
}

impl Guard {
    /// Learns from an answer; gives the tokens that must not be accepted now and were not watched
    /// before.
    pub fn see(&mut self, asked: &Asked<'_>, answer: &Raw) -> Vec<String> {
        if !(200..300).contains(&answer.status) {
            return Vec::new();
        }
        let json = answer.json();
        match asked.path {
            "/api/auth/token" => {
                let device = asked.device.filter(|_| json["access_token"].is_string());
                let firm = device.is_some_and(|secret| {
                    // It was good for this once.
                    self.trusted.get(secret) == Some(&asked.who)
                        && self.trusted.remove(secret).is_some()
                });
                self.grant(asked.who, firm, &json, answer)
            }
            "/api/auth/mfa/challenge" => self.grant(asked.who, true, &json, answer),
            "/api/auth/refresh" => {
                let login = asked
                    .token
                    .and_then(|token| self.tokens.get(token))
                    .copied();
                match login {
                    Some(login) => self.keep(login, &json),
                    None => self.grant(asked.who, false, &json, answer),
                }
            }
            "/api/auth/mfa/totp/verify" => {
                let login = asked.bearer.and_then(|token| self.tokens.get(token));
                if let Some(login) = login {
                    self.logins[*login].firm = true;
                }
                self.protected.insert(asked.who, true);
                self.distrust(asked.who);
                self.loose_of(asked.who)
            }
            "/api/auth/mfa/" if asked.tail == Some("totp") => {
                self.unprotect(asked.who);
                Vec::new()
            }
            "/api/auth/mfa/trusted-devices/" => {
                let id = asked.tail.unwrap_or_default();
                let belongs = |secret: &str| secret.split_once('.').is_some_and(|two| two.0 == id);
                self.trusted.retain(|secret, _| !belongs(secret));
                Vec::new()
            }
            "/api/auth/mfa/reset/confirm" => {
                self.unprotect(asked.who);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// An operator has taken the factors away.
    pub fn unprotect(&mut self, who: usize) {
        self.protected.insert(who, false);
        self.distrust(who);
    }

    /// No device of the person is trusted any more.
    pub fn distrust(&mut self, who: usize) {
        self.trusted.retain(|_, owner| *owner != who);
    }

    /// Everything that must not be accepted now.
    pub fn loose(&self) -> Vec<String> {
        let people = self.protected.keys();
        people.flat_map(|who| self.loose_of(*who)).collect()
    }

    fn loose_of(&self, who: usize) -> Vec<String> {
        if self.protected.get(&who) != Some(&true) {
            return Vec::new();
        }
        let tokens = self.tokens.iter().filter(|(_, login)| {
            let login = self.logins[**login];
            login.who == who && !login.firm
        });
        tokens.map(|(token, _)| token.clone()).collect()
    }

    fn grant(&mut self, who: usize, firm: bool, json: &Value, answer: &Raw) -> Vec<String> {
        let login = self.logins.len();
        self.logins.push(Login { who, firm });
        if let (true, Some(secret)) = (firm, device_secret(answer)) {
            self.trusted.insert(secret, who);
        }
        self.keep(login, json)
    }

    fn keep(&mut self, login: usize, json: &Value) -> Vec<String> {
        let Login { who, firm } = self.logins[login];
        let names = ["access_token", "refresh_token", "mfa_token"];
        let found = names.iter().filter_map(|name| json[name].as_str());
        let tokens: Vec<String> = found.map(str::to_owned).collect();
        for token in &tokens {
            self.tokens.insert(token.clone(), login);
        }
        if firm || self.protected.get(&who) != Some(&true) {
            return Vec::new();
        }
        tokens
    }
}

/// The value of the cookie that makes a device a trusted one.
pub fn device_secret(answer: &Raw) -> Option<String> {
    let cookie = answer.set_cookie("bp_trusted_device")?;
    let (_, value) = cookie.split_once('=')?;
    let value = value.split(';').next().unwrap_or_default();
    Some(value.to_owned())
}
