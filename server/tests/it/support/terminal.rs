//! An example at a terminal: what is typed, what is shown, and whether typing shows.

use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitStatus;
use std::time::Duration;

use pty_process::{OwnedWritePty, Size};
use rustix::termios::{LocalModes, tcgetattr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::timeout;

use super::examples::{PATIENCE, program};

/// Black on white by the numbers of the 256 colours, which no theme changes.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m";

pub struct Terminal {
    child: Child,
    keyboard: OwnedWritePty,
    shown: watch::Receiver<Vec<u8>>,
    /// How much of it the test has read.
    read: usize,
    settings: OwnedFd,
}

impl Terminal {
    /// A terminal as users have it: 80 columns, and typing shows.
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        let (pty, pts) = pty_process::open().expect("a terminal");
        pty.resize(Size::new(24, 80)).expect("a size");
        let settings = pty.as_fd().try_clone_to_owned().expect("a handle");
        let command = pty_process::Command::new(program(name)).args(arguments);
        let child = command.kill_on_drop(true).spawn(pts).expect("a process");
        let (mut screen, keyboard) = pty.into_split();
        let (sender, shown) = watch::channel(Vec::new());
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            // Linux ends it with an error when the last process has closed the terminal.
            while let Ok(length @ 1..) = screen.read(&mut buffer).await {
                sender.send_modify(|shown| shown.extend_from_slice(&buffer[..length]));
            }
        });
        let terminal = Self {
            child,
            keyboard,
            shown,
            read: 0,
            settings,
        };
        assert!(terminal.echoes(), "the test would prove nothing");
        terminal
    }

    /// Waits until these words are shown after all that was read, and gives what came before them.
    pub async fn read_to(&mut self, words: &str) -> String {
        let from = self.read;
        let position = |shown: &Vec<u8>| {
            let news = shown[from..].windows(words.len());
            news.into_iter()
                .position(|part| part == words.as_bytes())
                .map(|at| from + at)
        };
        let found = self.shown.wait_for(|shown| position(shown).is_some());
        let found = match timeout(PATIENCE, found).await {
            Ok(Ok(shown)) => position(&shown),
            _ => None,
        };
        let at = found.unwrap_or_else(|| panic!("no {words:?} on the screen:\n{}", self.screen()));
        self.read = at + words.len();
        String::from_utf8_lossy(&self.shown.borrow()[from..at]).into_owned()
    }

    /// Types a line that is shown.
    pub async fn answer(&mut self, prompt: &str, line: &str) {
        self.read_to(prompt).await;
        assert!(self.echoes(), "{prompt:?} hides what is typed");
        self.type_line(line).await;
    }

    /// Types a line once typing does not show, which must come true.
    pub async fn answer_hidden(&mut self, prompt: &str, secret: &str) {
        self.read_to(prompt).await;
        let hidden = async {
            // A terminal tells nobody when its settings change.
            while self.echoes() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let hidden = timeout(PATIENCE, hidden).await;
        hidden.unwrap_or_else(|_| panic!("{prompt:?} shows what is typed"));
        self.type_line(secret).await;
    }

    async fn type_line(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.keyboard
            .write_all(line.as_bytes())
            .await
            .expect("keys");
    }

    fn echoes(&self) -> bool {
        let settings = tcgetattr(&self.settings).expect("settings");
        settings.local_modes.contains(LocalModes::ECHO)
    }

    /// All that was shown so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.shown.borrow()).into_owned()
    }

    /// Waits until the program ends, and gives all that was shown.
    pub async fn ended(mut self) -> (ExitStatus, String) {
        let end = timeout(PATIENCE, self.child.wait()).await;
        let status = end.unwrap_or_else(|_| panic!("it goes on:\n{}", self.screen()));
        let status = status.expect("an end");
        // The reader ends when it has shown the last of it.
        let all = timeout(PATIENCE, self.shown.wait_for(|_| false)).await;
        assert!(all.expect("an end in time").is_err());
        (status, self.screen())
    }
}

/// What a phone reads off the screen.
pub fn qr_code(screen: &str) -> String {
    const SCALE: usize = 4;
    let lines = screen.lines().filter(|line| line.contains(['▀', '▄', '█']));
    let rows: Vec<Vec<char>> = lines
        .map(|line| {
            let cells = line.strip_prefix(BLACK_ON_WHITE);
            let cells = cells.and_then(|line| line.strip_suffix(RESET));
            cells
                .expect("colours that no theme changes")
                .chars()
                .collect()
        })
        .collect();
    let width = rows.first().expect("a code").len();
    assert!(rows.iter().all(|row| row.len() == width));
    assert!(width <= 80, "{width} columns");
    let dark = |x: usize, y: usize| match (rows[y / 2][x], y % 2) {
        ('█', _) | ('▀', 0) | ('▄', 1) => true,
        (' ' | '▀' | '▄', _) => false,
        (other, _) => panic!("{other:?} in a code"),
    };
    let (columns, lines) = (width * SCALE, rows.len() * 2 * SCALE);
    let grey = |x: usize, y: usize| if dark(x / SCALE, y / SCALE) { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(columns, lines, grey);
    let found = image.detect_grids();
    assert_eq!(found.len(), 1, "codes on the screen");
    found[0].decode().expect("a readable code").1
}
