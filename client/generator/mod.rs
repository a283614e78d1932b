//! Writes the generated half of the client from the API document.
//!
//! Included by the command that rewrites `src/generated.rs` and by the test that compares it, so
//! that both mean the same text. It is no part of the library: whoever uses the client does not
//! build a code generator.

mod open_enums;

use std::path::{Path, PathBuf};

use openapiv3::OpenAPI;
use progenitor::{GenerationSettings, Generator, InterfaceStyle, TypeImpl};
use schemars::schema::{InstanceType, SchemaObject, SingleOrVec};
use serde_json::Value;

/// The command that rewrites the generated code, as shown by the test that finds it stale.
pub const COMMAND: &str = "cargo client-code";

/// Generates the text of `src/generated.rs` from the text of an OpenAPI document.
pub fn generate(document: &str) -> Result<String, String> {
    let document = parsed(document)?;
    let tokens = Generator::new(&settings())
        .generate_tokens(&document)
        .map_err(|e| format!("the document cannot be turned into a client: {e}"))?;
    let mut file = parsed_code(syn::parse2(tokens))?;
    open_enums::open_enums(&mut file)?;
    let code = decode_without_quoting(&prettyplease::unparse(&file))?;
    Ok(with_head(&prepare_with_typed_errors(&code)?))
}

/// Generates the text of `src/testing/mock.rs`: each operation for `httpmock`.
pub fn generate_mocks(document: &str) -> Result<String, String> {
    let document = parsed(document)?;
    let tokens = Generator::new(&settings())
        .httpmock(&document, "crate")
        .map_err(|e| format!("the document cannot be turned into mocks: {e}"))?;
    let file = parsed_code(syn::parse2(tokens))?;
    Ok(with_head(&prettyplease::unparse(&file)))
}

/// Where the API document is.
pub fn document_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi-snapshot.json")
}

/// Where the generated code is.
pub fn generated_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated.rs")
}

/// Where the generated mocks are.
pub fn mocks_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/mock.rs")
}

fn parsed(document: &str) -> Result<OpenAPI, String> {
    let said = |e| format!("the document does not parse: {e}");
    let mut tree: Value = serde_json::from_str(document).map_err(said)?;
    mark_secrets(&mut tree);
    serde_json::from_value(tree).map_err(said)
}

/// The document marks what a machine made by an extension, which the generator does not look at, and
/// what a person types by its format. Here both are the same redacting type.
fn mark_secrets(tree: &mut Value) {
    match tree {
        Value::Object(members) => {
            if members.remove("x-secret").is_some() {
                members.insert("format".to_owned(), "password".into());
            }
            members.values_mut().for_each(mark_secrets);
        }
        Value::Array(items) => items.iter_mut().for_each(mark_secrets),
        _ => {}
    }
}

fn parsed_code(file: syn::Result<syn::File>) -> Result<syn::File, String> {
    file.map_err(|e| format!("the generated code does not parse: {e}"))
}

fn with_head(code: &str) -> String {
    format!("// Generated from openapi-snapshot.json by `{COMMAND}`: do not edit.\n\n{code}")
}

fn settings() -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_map_type("::std::collections::BTreeMap")
        // What a client presents with its calls: nothing, one credential or a session.
        .with_inner_type("crate::Transport".parse().expect("the name of a type"))
        // A code from a newer server decodes as unknown; the generated enum would refuse the body.
        .with_replacement(
            "ErrorCode",
            "crate::ErrorCode",
            [TypeImpl::FromStr, TypeImpl::Display].into_iter(),
        )
        .with_conversion(password(), "crate::Secret", [TypeImpl::FromStr].into_iter());
    settings
}

/// The schema of every secret.
fn password() -> SchemaObject {
    SchemaObject {
        instance_type: Some(SingleOrVec::Single(Box::new(InstanceType::String))),
        format: Some("password".to_owned()),
        ..SchemaObject::default()
    }
}

/// Decodes answers by our own function: the library's puts a body that it cannot decode into the
/// error, and with it the tokens that the body holds into every log that prints the error.
fn decode_without_quoting(code: &str) -> Result<String, String> {
    const THEIRS: &str = "ResponseValue::from_response(";
    if !code.contains(THEIRS) {
        return Err(format!("the generated code no longer calls `{THEIRS}..)`"));
    }
    Ok(code.replace(THEIRS, "crate::response::decode("))
}

/// Prepares requests by our own function: the library's hook can only say text, and a refresh that
/// was refused has a code.
fn prepare_with_typed_errors(code: &str) -> Result<String, String> {
    const THEIRS: &str = "client.pre(&mut request, &info).await?";
    if !code.contains(THEIRS) {
        return Err(format!("the generated code no longer calls `{THEIRS}`"));
    }
    Ok(code.replace(
        THEIRS,
        "crate::transport::prepare(client, &mut request, &info).await?",
    ))
}
