//! Logs in at a terminal, with a second factor where there is one, and stays logged in for the next
//! start.
//!
//!     cargo run --example login_cli -- http://127.0.0.1:8080
//!     cargo run --example login_cli -- http://127.0.0.1:8080 enrol
//!     cargo run --example login_cli -- http://127.0.0.1:8080 logout

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use bp_auth_client::session::FileStore;
use bp_auth_client::types::MfaMethod;
use bp_auth_client::{
    AuthClient, ErrorCode, LoginOutcome, MfaChallenge, Secret, Session, SessionError,
};
use clap::{Parser, ValueEnum};
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};

#[derive(Parser)]
struct Options {
    /// Where bp-auth is, such as https://auth.example.org.
    url: String,
    #[arg(value_enum, default_value = "login")]
    action: Action,
    /// Where the session is kept.
    #[arg(long, default_value = "session.json")]
    store: PathBuf,
}

#[derive(Clone, ValueEnum)]
enum Action {
    /// Logs in, unless somebody is, and says who it is.
    Login,
    /// Makes an authenticator app the second factor.
    Enrol,
    /// Ends the session.
    Logout,
}

/// What the user is told when it does not go on.
struct Message(String);

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Message(text)) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Message> {
    let store = FileStore::new(options.store);
    let auth = AuthClient::builder(&options.url).store(store).build()?;
    match options.action {
        Action::Login => session(&auth).await.map(|_| ()),
        Action::Enrol => enrol(&auth).await,
        Action::Logout => log_out(&auth).await,
    }
}

/// The session of the last start if it still goes on, or a new one.
async fn session(auth: &AuthClient) -> Result<Session, Message> {
    let mut session = match auth.resume().await? {
        Some(session) => session,
        None => log_in(auth, &ask("E-mail: ")?).await?,
    };
    loop {
        match session.me().send().await.map_err(SessionError::from) {
            Ok(me) => {
                println!("You are {}, of {}.", me.email, me.tenant.name);
                return Ok(session);
            }
            Err(e) if e.needs_login() => {
                println!("The session is over.");
                session = log_in(auth, &ask("E-mail: ")?).await?;
            }
            Err(e) => return Err(e.into()),
        }
    }
}

async fn log_in(auth: &AuthClient, email: &str) -> Result<Session, Message> {
    for _ in 0..3 {
        match auth.login(email, ask_secret("Password: ")?).await {
            Ok(LoginOutcome::Authenticated(session)) => {
                println!("Logged in.");
                return Ok(session);
            }
            Ok(LoginOutcome::MfaRequired(challenge)) => return second_factor(challenge).await,
            // The server does not say which of the two it is.
            Err(SessionError::WrongCredentials(_)) => {
                println!("The e-mail address or the password is wrong.");
            }
            Err(e) => return Err(e.into()),
        }
    }
    Err(Message("Please start again.".to_owned()))
}

async fn second_factor(mut challenge: MfaChallenge) -> Result<Session, Message> {
    println!("A second factor is needed.");
    let name = ask("To skip it here from now on, give this device a name (or nothing): ")?;
    if !name.is_empty() {
        challenge = challenge.trust_device(name);
    }
    let mut code_sent = challenge.code_sent();
    loop {
        let method = choose(&challenge)?;
        let outcome = if method == MfaMethod::Sms {
            if !code_sent {
                send_sms(&challenge).await?;
            }
            // Whoever chooses it once more wants another message.
            code_sent = false;
            challenge.sms(ask_secret("Code of the message: ")?).await
        } else if method == MfaMethod::BackupCodes {
            challenge.backup_code(ask_secret("Backup code: ")?).await
        } else {
            let code = ask_secret("Code of the authenticator app: ")?;
            challenge.totp(code).await
        };
        match outcome {
            Ok(session) => {
                println!("Logged in.");
                return Ok(session);
            }
            Err(SessionError::WrongCredentials(_)) => println!("That code is wrong or used up."),
            Err(e) => return Err(e.into()),
        }
    }
}

fn choose(challenge: &MfaChallenge) -> Result<MfaMethod, Message> {
    let mut methods = challenge.methods();
    // A newer server may have methods that this program cannot ask for.
    methods.retain(|method| words(method).is_some());
    if methods.is_empty() {
        let text = "This program knows none of the account's second factors.";
        return Err(Message(text.to_owned()));
    }
    for (number, method) in methods.iter().enumerate() {
        println!("  {}: {}", number + 1, words(method).unwrap_or_default());
    }
    loop {
        let answer = ask("Which one? [1] ")?;
        let number = if answer.is_empty() {
            Ok(1)
        } else {
            answer.parse()
        };
        let index = number.unwrap_or(0_usize).checked_sub(1);
        if let Some(index) = index.filter(|index| *index < methods.len()) {
            return Ok(methods.swap_remove(index));
        }
    }
}

fn words(method: &MfaMethod) -> Option<&'static str> {
    let known = [
        (MfaMethod::Totp, "a code of the authenticator app"),
        (MfaMethod::Sms, "a code by SMS"),
        (MfaMethod::BackupCodes, "a backup code"),
    ];
    let mut known = known.into_iter();
    known.find_map(|(known, words)| (known == *method).then_some(words))
}

async fn send_sms(challenge: &MfaChallenge) -> Result<(), Message> {
    let number = challenge.phone_hint().unwrap_or("your phone");
    let pending = challenge.send_sms().await?;
    match pending.retry_after {
        Some(seconds) if !pending.code_sent => {
            println!("Another code can be sent in {seconds} seconds.");
        }
        _ => println!("A code is on its way to {number}."),
    }
    Ok(())
}

async fn enrol(auth: &AuthClient) -> Result<(), Message> {
    let mut session = session(auth).await?;
    let setup = loop {
        match session
            .totp_setup()
            .send()
            .await
            .map_err(SessionError::from)
        {
            Ok(setup) => break setup.into_inner(),
            Err(e) if e.needs_step_up() => {
                println!("Please confirm that it is you.");
                let me = session.me().send().await.map_err(SessionError::from)?;
                session = log_in(auth, &me.email).await?;
            }
            Err(e) => return Err(e.into()),
        }
    };
    println!("Scan this with an authenticator app:");
    show_qr_code(&setup.provisioning_uri)?;
    let enrolled = loop {
        let code = ask_secret("Code that the app shows: ")?;
        let request = session.totp_verify().body_map(|body| body.code(code));
        match request.send().await.map_err(SessionError::from) {
            Ok(enrolled) => break enrolled.into_inner(),
            Err(e) if e.code() == Some(&ErrorCode::CodeInvalid) => println!("That code is wrong."),
            Err(e) => return Err(e.into()),
        }
    };
    println!("From now on a login asks for a code.");
    if let Some(codes) = enrolled.backup_codes {
        println!("Keep these backup codes. Each works once, and they are not shown again:");
        for code in codes {
            println!("  {}", code.expose());
        }
    }
    Ok(())
}

/// Two modules of the code are one character, its upper and its lower half.
fn show_qr_code(uri: &Secret) -> Result<(), Message> {
    let code = QrCode::with_error_correction_level(uri.expose(), EcLevel::L)
        .map_err(|e| Message(format!("no QR code can be made: {e}")))?;
    for line in code.render::<Dense1x2>().build().lines() {
        // Black on white, whatever the colours of the terminal: not every phone reads a negative.
        println!("\x1b[38;5;16;48;5;231m{line}\x1b[0m");
    }
    Ok(())
}

async fn log_out(auth: &AuthClient) -> Result<(), Message> {
    let Some(session) = auth.resume().await? else {
        println!("Nobody is logged in.");
        return Ok(());
    };
    match session.logout().await {
        Ok(()) => println!("Logged out."),
        Err(e) => println!("Logged out here, but the server could not be told: {e}"),
    }
    Ok(())
}

fn ask(prompt: &str) -> Result<String, Message> {
    print!("{prompt}");
    io::stdout().flush()?;
    let mut line = String::new();
    match io::stdin().read_line(&mut line)? {
        0 => Err(Message("Nothing more to read.".to_owned())),
        _ => Ok(line.trim().to_owned()),
    }
}

/// What is typed is not shown.
fn ask_secret(prompt: &str) -> Result<Secret, Message> {
    Ok(rpassword::prompt_password(prompt)?.into())
}

impl From<SessionError> for Message {
    fn from(e: SessionError) -> Self {
        let fields = e.field_errors().iter();
        let fields: Vec<_> = fields
            .map(|f| format!("{}: {}", f.loc.join("."), f.msg))
            .collect();
        Self(if !fields.is_empty() {
            fields.join("\n")
        } else if let Some(wait) = e.retry_after() {
            format!("Please try again in {} seconds: {e}", wait.as_secs())
        } else if e.needs_login() {
            format!("Please start again: {e}")
        } else if e.is_retryable() {
            format!("Please try again later: {e}")
        } else {
            e.to_string()
        })
    }
}

impl From<io::Error> for Message {
    fn from(e: io::Error) -> Self {
        Self(format!("the terminal: {e}"))
    }
}
