//! Expectations, said where the answer is.

use anyhow::{Result, anyhow, ensure};
use bp_auth_client::{Error, ErrorCode, ResponseValue, error_code, types};
use http::HeaderMap;
use serde_json::Value;

/// A refusal that was expected.
#[derive(Debug)]
pub struct Refused {
    pub headers: HeaderMap,
    pub body: types::Error,
}

impl Refused {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Seconds to wait. The witness has seen to it that they are there.
    pub fn retry_after(&self) -> u64 {
        self.header("retry-after")
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }

    /// The fields that a 422 names, as `body.email`.
    pub fn fields(&self) -> Vec<String> {
        let errors = self.body.errors.iter().flatten();
        errors.map(|error| error.loc.join(".")).collect()
    }
}

/// What a case expects of a call of the generated client.
pub trait Granted<T> {
    /// The success, or an objection.
    fn granted(self) -> Result<T>;
    /// The success with its headers.
    fn granted_with_headers(self) -> Result<(T, HeaderMap)>;
    /// This refusal, or an objection.
    fn refused(self, status: u16, code: ErrorCode) -> Result<Refused>;
}

impl<T> Granted<T> for Result<ResponseValue<T>, Error<types::Error>> {
    #[track_caller]
    fn granted(self) -> Result<T> {
        Ok(self.granted_with_headers()?.0)
    }

    #[track_caller]
    fn granted_with_headers(self) -> Result<(T, HeaderMap)> {
        let at = std::panic::Location::caller();
        match self {
            Ok(answer) => {
                let headers = answer.headers().clone();
                Ok((answer.into_inner(), headers))
            }
            Err(error) => Err(anyhow!("refused: {} ({at})", describe(&error))),
        }
    }

    #[track_caller]
    fn refused(self, status: u16, code: ErrorCode) -> Result<Refused> {
        let at = std::panic::Location::caller();
        match self {
            Ok(answer) => Err(anyhow!(
                "granted with {}, not refused with {status} {code} ({at})",
                answer.status().as_u16()
            )),
            Err(Error::ErrorResponse(answer)) => {
                let seen = (answer.status().as_u16(), answer.error_code.clone());
                ensure!(
                    seen == (status, code.clone()),
                    "refused with {} {}, not with {status} {code} ({at})",
                    seen.0,
                    seen.1
                );
                Ok(Refused {
                    headers: answer.headers().clone(),
                    body: answer.into_inner(),
                })
            }
            Err(other) => Err(anyhow!("no answer: {other} ({at})")),
        }
    }
}

fn describe(error: &Error<types::Error>) -> String {
    match (error.status(), error_code(error)) {
        (Some(status), Some(code)) => format!("{} {code}", status.as_u16()),
        _ => error.to_string(),
    }
}

/// An answer to plain HTTP.
#[derive(Debug)]
pub struct Raw {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Raw {
    pub async fn of(request: reqwest::RequestBuilder) -> Result<Self> {
        let answer = request.send().await?;
        Ok(Self {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            text: answer.text().await?,
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Set-Cookie` of that cookie.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        set_cookie(&self.headers, name)
    }

    #[track_caller]
    pub fn is(&self, status: u16, code: &str) -> Result<&Self> {
        let at = std::panic::Location::caller();
        let json = self.json();
        let seen = json["error_code"].as_str().unwrap_or_default();
        ensure!(
            self.status == status && seen == code,
            "answered {} {seen}, not {status} {code} ({at})",
            self.status
        );
        Ok(self)
    }
}

/// The whole `Set-Cookie` of that cookie.
pub fn set_cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all("set-cookie").iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .find(|value| value.split('=').next() == Some(name))
}
