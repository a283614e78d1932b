//! A file of accounts, read one record at a time. What a record says is judged elsewhere.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use crate::app::Fault;
use crate::app::import::ImportForm;
use crate::cli::args::ImportFormat;

const FIELDS: [&str; 10] = [
    "email",
    "password_hash",
    "full_name",
    "phone",
    "phone_verified",
    "locale",
    "active",
    "deactivated",
    "created_at",
    "plan",
];
/// Far more than an account needs.
const MAX_LINE: u64 = 64 << 10;

pub struct Source {
    size: u64,
    reader: Reader,
}

enum Reader {
    Csv {
        reader: csv::Reader<Bounded>,
        columns: Vec<String>,
        record: csv::ByteRecord,
    },
    Jsonl {
        reader: BufReader<File>,
        line: u64,
        end: u64,
    },
}

/// A quote that is never closed would make one row of the rest of the file.
struct Bounded {
    file: File,
    /// Since the last row ended.
    read: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read += u64::try_from(read).unwrap_or_default();
        match self.read > MAX_LINE {
            true => Err(io::Error::other(
                "a row is longer than 64 KiB; is a quote not closed?",
            )),
            false => Ok(read),
        }
    }
}

/// What one line or row holds.
pub struct Record {
    pub line: u64,
    pub form: ImportForm,
    /// What could not be read. Nothing of the form counts then.
    pub complaints: Vec<Complaint>,
    /// How far into the file it goes.
    pub end: u64,
}

/// What is wrong with a field, in words that do not repeat its value.
pub struct Complaint {
    pub field: String,
    pub kind: &'static str,
    pub msg: String,
}

impl Source {
    /// A header that cannot be followed is an error of the whole file.
    pub fn open(path: &Path, format: ImportFormat) -> Result<Self, Box<dyn std::error::Error>> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let reader = match format {
            ImportFormat::Csv => {
                let bounded = Bounded { file, read: 0 };
                let mut reader = csv::ReaderBuilder::new()
                    .flexible(true)
                    .from_reader(bounded);
                let columns: Vec<String> = reader
                    .headers()?
                    .iter()
                    .map(|name| name.trim().to_owned())
                    .collect();
                header(&columns)?;
                Reader::Csv {
                    reader,
                    columns,
                    record: csv::ByteRecord::new(),
                }
            }
            ImportFormat::Jsonl => Reader::Jsonl {
                reader: BufReader::new(file),
                line: 0,
                end: 0,
            },
        };
        Ok(Self { size, reader })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn next(&mut self) -> io::Result<Option<Record>> {
        match &mut self.reader {
            Reader::Csv {
                reader,
                columns,
                record,
            } => {
                reader.get_mut().read = 0;
                let begin = reader.position().line();
                let more = reader.read_byte_record(record);
                if !more.map_err(|error| io::Error::other(format!("line {begin}: {error}")))? {
                    return Ok(None);
                }
                let line = record.position().map_or(0, csv::Position::line);
                let mut row = Record::at(line, reader.position().byte());
                if record.len() != columns.len() {
                    let msg = format!("{} of {} columns", record.len(), columns.len());
                    row.complain("line", "columns", msg);
                    return Ok(Some(row));
                }
                for (name, text) in columns.iter().zip(record.iter()) {
                    match std::str::from_utf8(text) {
                        Ok(text) => row.set(name, Value::String(text.to_owned())),
                        Err(_) => row.complain(name, "encoding", "not UTF-8"),
                    }
                }
                Ok(Some(row))
            }
            Reader::Jsonl { reader, line, end } => loop {
                let mut text = Vec::new();
                let read = reader
                    .by_ref()
                    .take(MAX_LINE)
                    .read_until(b'\n', &mut text)?;
                if read == 0 {
                    return Ok(None);
                }
                *line += 1;
                *end += u64::try_from(read).unwrap_or_default();
                let cut = !text.ends_with(b"\n") && !reader.fill_buf()?.is_empty();
                if cut {
                    *end += skip_line(reader)?;
                }
                let mut row = Record::at(*line, *end);
                if cut {
                    row.complain("line", "too_long", "longer than 64 KiB");
                    return Ok(Some(row));
                }
                let text = match *line {
                    1 => text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text),
                    _ => &text,
                };
                if text.trim_ascii().is_empty() {
                    continue;
                }
                match serde_json::from_slice::<Members>(text) {
                    Ok(Members(members)) => row.fill(members),
                    Err(error) => {
                        // Its own words may repeat what the line holds.
                        let msg = format!("no JSON object, from column {}", error.column());
                        row.complain("line", "json_invalid", msg);
                    }
                }
                return Ok(Some(row));
            },
        }
    }
}

impl Record {
    fn at(line: u64, end: u64) -> Self {
        Self {
            line,
            form: ImportForm::default(),
            complaints: Vec::new(),
            end,
        }
    }

    fn complain(&mut self, field: &str, kind: &'static str, msg: impl Into<String>) {
        self.complaints.push(Complaint {
            field: field.replace(is_control, "?"),
            kind,
            msg: msg.into(),
        });
    }

    fn fill(&mut self, members: Vec<(String, Value)>) {
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &members {
            if seen.contains(&name.as_str()) {
                self.complain(name, "duplicate_key", "the key appears twice");
            } else {
                self.set(name, value.clone());
            }
            seen.push(name);
        }
    }

    fn set(&mut self, name: &str, value: Value) {
        if !FIELDS.contains(&name) {
            return self.complain(name, "unknown_field", "there is no such field");
        }
        let text = match value {
            Value::Null => return,
            Value::String(text) if text.is_empty() => return,
            Value::String(text) => text,
            Value::Bool(truth) => truth.to_string(),
            // Since 1970, as many systems have it.
            Value::Number(number) if name == "created_at" => number.to_string(),
            Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                return self.complain(name, "type", "not a text");
            }
        };
        if text.chars().any(is_control) {
            return self.complain(name, "control_character", "control characters are refused");
        }
        let form = &mut self.form;
        match name {
            "email" => form.email = Some(text),
            "password_hash" => form.password_hash = Some(text),
            "full_name" => form.full_name = Some(text),
            "phone" => form.phone = Some(text),
            "locale" => form.locale = Some(text),
            "created_at" => form.created_at = Some(text),
            "plan" => form.plan = Some(text),
            name => {
                let Some(truth) = truth(&text) else {
                    return self.complain(name, "type", "neither true nor false");
                };
                match name {
                    "phone_verified" => form.phone_verified = Some(truth),
                    "active" => form.active = Some(truth),
                    _ => form.deactivated = Some(truth),
                }
            }
        }
    }
}

impl From<Fault> for Complaint {
    fn from(fault: Fault) -> Self {
        Self {
            field: fault.field.to_owned(),
            kind: fault.kind,
            msg: fault.msg,
        }
    }
}

/// All members of an object, as often as they appear.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

fn header(columns: &[String]) -> Result<(), String> {
    let unknown: Vec<&str> = columns
        .iter()
        .map(String::as_str)
        .filter(|name| !FIELDS.contains(name))
        .collect();
    if !unknown.is_empty() {
        return Err(format!(
            "line 1: unknown columns: {}; there is {}",
            unknown.join(", ").replace(is_control, "?"),
            FIELDS.join(", ")
        ));
    }
    for name in FIELDS {
        if columns.iter().filter(|column| *column == name).count() > 1 {
            return Err(format!("line 1: the column {name} appears twice"));
        }
    }
    match columns.iter().any(|name| name == "email") {
        true => Ok(()),
        false => Err("line 1: there is no column email".to_owned()),
    }
}

/// What the interface refuses in any text, as `api::json` has it: this file is not of the interface.
fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// As databases and languages write it.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" => Some(true),
        "false" | "f" | "0" | "no" => Some(false),
        _ => None,
    }
}

/// Passes over the rest of a line without keeping it.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let found = buffer.iter().position(|byte| *byte == b'\n');
        let used = found.map_or(buffer.len(), |at| at + 1);
        let over = found.is_some() || buffer.is_empty();
        reader.consume(used);
        skipped += u64::try_from(used).unwrap_or_default();
        if over {
            return Ok(skipped);
        }
    }
}
