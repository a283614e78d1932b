//! The directory that our `file` transport writes: one file a message.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result};
use mailparse::MailHeaderMap;

use super::{Channel, Message};

/// When a file was written, and what it says if it is a message.
type Read = (SystemTime, Option<Message>);

/// Reads each file once, however often it is asked.
pub struct Outbox {
    directory: PathBuf,
    read: Mutex<HashMap<OsString, Read>>,
}

impl Outbox {
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            read: Mutex::default(),
        }
    }

    /// Everything sent to an address so far, oldest first.
    pub fn to(&self, address: &str) -> Result<Vec<Message>> {
        let found = self.matching(|message| message.to == address)?;
        Ok(found.into_iter().map(|(_, message)| message).collect())
    }

    /// Everything sent so far by the names of the files, oldest first.
    pub fn all(&self) -> Result<Vec<(OsString, Message)>> {
        self.matching(|_| true)
    }

    fn matching(&self, wanted: impl Fn(&Message) -> bool) -> Result<Vec<(OsString, Message)>> {
        let entries = match std::fs::read_dir(&self.directory) {
            // A server that has sent nothing yet need not have made its directory.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.context("cannot read the outbox")?,
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // A message is written under another name first, and may be gone from there by now.
            if !name.ends_with(".eml") && !name.ends_with(".sms.txt") {
                continue;
            }
            if let Entry::Vacant(unread) = read.entry(entry.file_name()) {
                let text = std::fs::read(entry.path())?;
                let written = entry.metadata()?.modified()?;
                unread.insert((written, parse(&name, &text)?));
            }
        }
        let mut found: Vec<_> = read
            .iter()
            .filter_map(|(name, (written, message))| Some((written, name, message.as_ref()?)))
            .filter(|(_, _, message)| wanted(message))
            .collect();
        // Not by name: the server's clock may stand still, the file system's does not.
        found.sort_by_key(|(written, _, _)| *written);
        Ok(found
            .into_iter()
            .map(|(_, name, message)| (name.clone(), message.clone()))
            .collect())
    }
}

/// A file by the kind its name tells; files of other kinds are not messages (yet).
fn parse(name: &str, source: &[u8]) -> Result<Option<Message>> {
    if name.ends_with(".sms.txt") {
        let text = String::from_utf8_lossy(source).into_owned();
        let (head, text) = text.split_once("\n\n").context("an SMS without a head")?;
        let to = head.strip_prefix("To: ").context("an SMS to nobody")?;
        return Ok(Some(Message {
            channel: Channel::Sms,
            to: to.to_owned(),
            subject: String::new(),
            text: text.to_owned(),
        }));
    }
    if !name.ends_with(".eml") {
        return Ok(None);
    }
    let mail = mailparse::parse_mail(source)?;
    let to = mail.headers.get_first_value("To").context("no To")?;
    let address = mailparse::addrparse(&to)?;
    let address = address.extract_single_info().context("no one address")?;
    let mut text = String::new();
    for part in mail.parts() {
        if part.subparts.is_empty() && part.ctype.mimetype.starts_with("text/") {
            text.push_str(&part.get_body()?);
            text.push('\n');
        }
    }
    Ok(Some(Message {
        channel: Channel::Email,
        to: address.addr,
        subject: mail.headers.get_first_value("Subject").unwrap_or_default(),
        text,
    }))
}
