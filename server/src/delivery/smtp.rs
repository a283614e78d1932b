//! The `smtp` transport: a mail server takes the mails.
//!
//! Connections are kept between mails, but not by the library's own pool: that one takes back a
//! connection whose answer nobody has waited for, after a time-out for example, and the next mail
//! would take the old answer for its own. Here only a connection that has answered to the last
//! command is kept; every other is closed.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::gate::{Try, Turn};
use super::{Content, Envelope, SendError, Transport};
use crate::config::{Smtp, SmtpTls};

/// Servers hang up on whoever says nothing; most after some minutes.
const IDLE: Duration = Duration::from_secs(30);
/// Whether a kept connection is still good must not cost the time of the mail itself.
const STILL_THERE: Duration = Duration::from_secs(2);

pub struct SmtpTransport {
    host: String,
    port: u16,
    /// What the server has to prove, and whether from the first byte on.
    tls: Option<(TlsParameters, SmtpTls)>,
    credentials: Option<Credentials>,
    hello: ClientId,
    permits: Semaphore,
    kept: Mutex<Vec<(Instant, AsyncSmtpConnection)>>,
}

impl SmtpTransport {
    /// `domain` is that of the sender, by which this client introduces itself.
    pub fn new(settings: &Smtp, domain: &str) -> Result<Self, String> {
        let tls = match settings.tls {
            SmtpTls::None => None,
            encrypted => Some((tls_parameters(settings)?, encrypted)),
        };
        let credentials = (!settings.username.is_empty()).then(|| {
            let password = settings.password.expose().to_owned();
            Credentials::new(settings.username.clone(), password)
        });
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port,
            tls,
            credentials,
            hello: ClientId::Domain(domain.to_owned()),
            permits: Semaphore::new(settings.connections.into()),
            kept: Mutex::default(),
        })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let server = (self.host.as_str(), self.port);
        let implicit = match &self.tls {
            Some((parameters, SmtpTls::Implicit)) => Some(parameters.clone()),
            _ => None,
        };
        // How long it may take is the caller's to say.
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, None, &self.hello, implicit, None).await?;
        if let Some((parameters, SmtpTls::Starttls)) = &self.tls {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, SendError> {
        if let Some(connection) = self.kept().await {
            return Ok(connection);
        }
        // Whatever goes wrong before there is a mail is nothing that the mail can help.
        let connected = self.connect().await;
        connected.map_err(|error| SendError::Temporary(told(&error)))
    }

    async fn kept(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let newest = self.lock().pop();
            let (since, mut connection) = newest?;
            if since.elapsed() > IDLE {
                // The others are older still.
                self.lock().clear();
                return None;
            }
            if let Ok(true) = timeout(STILL_THERE, connection.test_connected()).await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        self.lock().push((Instant::now(), connection));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, AsyncSmtpConnection)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for SmtpTransport {
    async fn send<'g>(
        &self,
        envelope: &Envelope,
        attempt: &Try<'g>,
    ) -> Result<Turn<'g>, SendError> {
        let Content::Mail(mail) = &envelope.content else {
            return Err(SendError::Permanent(
                "this transport sends mails".to_owned(),
            ));
        };
        let closed = |_| SendError::Temporary("the transport is closed".to_owned());
        let _permit = attempt
            .wait(self.permits.acquire())
            .await?
            .map_err(closed)?;
        let mut connection = attempt.within(self.connection()).await?;
        let addresses = announce(&mut connection, mail.envelope());
        attempt.within(addresses).await?;
        let content = mail.formatted();
        let taken = async {
            let answer = connection.message(&content).await;
            answer.map(|_| ()).map_err(|error| refused(&error))
        };
        let turn = attempt.alone(taken).await?;
        self.keep(connection);
        Ok(turn)
    }
}

/// Everything up to the point where the server waits for the mail itself. Its text is ASCII.
async fn announce(
    connection: &mut AsyncSmtpConnection,
    envelope: &lettre::address::Envelope,
) -> Result<(), SendError> {
    let said = async {
        let sender = envelope.from().cloned();
        connection.command(Mail::new(sender, Vec::new())).await?;
        for recipient in envelope.to() {
            let recipient = Rcpt::new(recipient.clone(), Vec::new());
            connection.command(recipient).await?;
        }
        connection.command(Data).await
    };
    said.await.map(|_| ()).map_err(|error| refused(&error))
}

fn refused(error: &Error) -> SendError {
    match is_about_the_mail(error) {
        true => SendError::Permanent(told(error)),
        false => SendError::Temporary(told(error)),
    }
}

fn tls_parameters(settings: &Smtp) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(file) = &settings.ca_file {
        let unusable = |error: String| format!("smtp.ca_file {file}: {error}");
        let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|error| unusable(error.to_string()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder
        .build()
        .map_err(|error| format!("TLS for {}: {error}", settings.host))
}

/// A refusal for good, unless it is about this client: a wrong password is the operator's to mend, and
/// no message should be lost to it meanwhile.
fn is_about_the_mail(error: &Error) -> bool {
    let code = error.status().map(u16::from);
    error.is_permanent() && !matches!(code, Some(530 | 534 | 535 | 538))
}

/// The words of a mail server often repeat the address, so only its codes are kept.
fn told(error: &Error) -> String {
    if let Some(code) = error.status() {
        let words = error.source().map(ToString::to_string);
        let enhanced = words.as_deref().and_then(enhanced_status);
        return match enhanced {
            Some(enhanced) => format!("the mail server answers {code} {enhanced}"),
            None => format!("the mail server answers {code}"),
        };
    }
    match error.source() {
        Some(source) if !error.is_response() => match source.downcast_ref().map(io::Error::kind) {
            Some(ErrorKind::ConnectionRefused) => "the mail server cannot be reached".to_owned(),
            Some(
                ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe,
            ) => "the mail server breaks off".to_owned(),
            _ => format!("the mail server: {source}"),
        },
        _ => "the mail server's answer is not understood".to_owned(),
    }
}

/// Such as `5.1.1`, RFC 3463.
fn enhanced_status(words: &str) -> Option<&str> {
    let first = words.split_whitespace().next()?;
    let parts: Vec<&str> = first.split('.').collect();
    let digits = |part: &&str| (1..=3).contains(&part.len()) && is_number(part);
    (parts.len() == 3 && parts.iter().all(digits)).then_some(first)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::enhanced_status;

    #[test]
    fn an_enhanced_status_is_told_and_nothing_else_of_the_words() {
        for (words, status) in [
            ("5.1.1 <ada@example.com>: unknown", Some("5.1.1")),
            ("4.7.0", Some("4.7.0")),
            ("<ada@example.com>: unknown", None),
            ("1.2.3.4 is blocked", None),
            ("5.1.1000 no", None),
            ("ada.lovelace.org no", None),
            ("", None),
        ] {
            assert_eq!(enhanced_status(words), status, "{words}");
        }
    }
}
