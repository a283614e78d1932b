//! Makes an RFC 5322 message of a rendered mail.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use uuid::Uuid;

use crate::app::clock::Timestamp;

/// The parts of a mail that are the same however often it is sent.
pub struct Draft<'a> {
    pub id: Uuid,
    pub created_at: Timestamp,
    pub from: &'a Mailbox,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
}

/// Does not quote the address, which is personal data and may be anything.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the mail address is not one that can be sent to")]
    Address,
    #[error("the mail cannot be put together: {0}")]
    Build(#[from] lettre::error::Error),
}

/// Gives the same bytes for the same draft, so that a repeated delivery is recognised as one.
pub fn compose(draft: Draft<'_>) -> Result<lettre::Message, Error> {
    let to = Mailbox::new(None, address(draft.to)?);
    let from = Mailbox::new(draft.from.name.clone(), ascii(&draft.from.email)?);
    let message_id = format!("<{}@{}>", draft.id, from.email.domain());
    let since_epoch = u64::try_from(draft.created_at.ms()).unwrap_or_default();
    // The id is random, and no template knows it, so no content can contain the boundary.
    let body = MultiPart::alternative()
        .boundary(format!("part-{}", draft.id))
        .singlepart(part(ContentType::TEXT_PLAIN, draft.text))
        .singlepart(part(ContentType::TEXT_HTML, draft.html));
    let message = lettre::Message::builder()
        .from(from)
        .to(to)
        .subject(draft.subject)
        .date(UNIX_EPOCH + Duration::from_millis(since_epoch))
        .message_id(Some(message_id))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .multipart(body)?;
    Ok(message)
}

/// The mail library would encode every line over 76 characters, and break links in the raw text.
/// RFC 5322 allows 998 of ASCII, so that is what needs no encoding here.
fn part(kind: ContentType, content: &str) -> SinglePart {
    let plain = |line: &str| line.len() <= 998 && !line.contains(['\0', '\r']);
    let body = if content.is_ascii() && content.lines().all(plain) {
        let lines: String = content.lines().flat_map(|line| [line, "\r\n"]).collect();
        Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit)
    } else {
        Body::new(content.to_owned())
    };
    SinglePart::builder().content_type(kind).body(body)
}

/// Reads the configured sender, `name@host` or `Name <name@host>`.
pub fn sender(text: &str) -> Result<Mailbox, Error> {
    if text.chars().any(char::is_control) {
        return Err(Error::Address);
    }
    let mailbox: Mailbox = text.parse().map_err(|_| Error::Address)?;
    Ok(Mailbox::new(mailbox.name, ascii(&mailbox.email)?))
}

/// A header is a line, so nothing that could end the line gets as far as the mail library.
fn address(text: &str) -> Result<Address, Error> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::Address);
    }
    ascii(&text.parse().map_err(|_| Error::Address)?)
}

/// Mail servers without SMTPUTF8 know an international domain only by its A-labels.
fn ascii(address: &Address) -> Result<Address, Error> {
    if !address.user().is_ascii() {
        return Err(Error::Address);
    }
    if address.domain().is_ascii() {
        return Ok(address.clone());
    }
    let domain = idna::domain_to_ascii(address.domain()).map_err(|_| Error::Address)?;
    Address::new(address.user(), domain).map_err(|_| Error::Address)
}
