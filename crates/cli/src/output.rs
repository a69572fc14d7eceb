//! What commands print: tables for people, JSON for programs, failures with their next step.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use crate::arguments::OutputArguments;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration is wrong; exit code 2.
    Configuration(String),
    /// Failed; of the server's commands also refused. Exit code 1.
    Failed(String),
    /// Wrong usage that only the device's state shows; exit code 2.
    Usage(String),
    /// The server or the other device refused; exit code 3.
    Refused(String),
    /// It did not answer; exit code 4.
    Unreachable(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(faults) => write!(out, "the configuration is wrong:\n{faults}"),
            Self::Failed(reason)
            | Self::Usage(reason)
            | Self::Refused(reason)
            | Self::Unreachable(reason) => out.write_str(reason),
        }
    }
}

impl Failure {
    /// A failure with the reason as people should read it.
    pub(crate) fn because(reason: impl fmt::Display) -> Self {
        Self::Failed(reason.to_string())
    }

    /// Writes the reason to standard error.
    pub(crate) fn report(&self) -> ExitCode {
        let code = match self {
            Self::Failed(_) => 1,
            Self::Configuration(_) | Self::Usage(_) => 2,
            Self::Refused(_) => 3,
            Self::Unreachable(_) => 4,
        };
        error_line(self);
        ExitCode::from(code)
    }
}

/// Prints a line to standard output; a reader that went away is no failure of ours.
pub(crate) fn line(text: impl fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes a warning to standard error.
pub(crate) fn error_line(text: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "helio: {text}");
}

/// Prints JSON as programs like it: one document, indented.
pub(crate) fn json(value: &Value) {
    line(serde_json::to_string_pretty(value).expect("a JSON value is serialisable"));
}

/// Prints one fact of something that goes on, as one line of JSON.
pub(crate) fn json_line(value: &Value) {
    line(value);
}

/// Says a fact: to programs as it is, to people as a sentence.
pub(crate) fn fact(output: OutputArguments, fact: &Value, sentence: &str) {
    if output.json {
        json_line(fact);
    } else {
        line(sentence);
    }
}

/// A text of another device's that cannot move the cursor.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Prints a piece of a text of another device's as it comes; it may break lines and nothing else.
pub(crate) fn piece(text: &str) {
    let is_shown = |c: &char| !c.is_control() || *c == '\n' || *c == '\t';
    let shown: String = text.chars().filter(is_shown).collect();
    let mut out = std::io::stdout();
    // A reader that went away is no failure of ours.
    let _ = out.write_all(shown.as_bytes()).and_then(|()| out.flush());
}

/// A size in bytes as people read it.
pub(crate) fn kilobytes(bytes: usize) -> String {
    format!("{:.1} kB", bytes as f64 / 1000.0)
}

/// Prints rows under their headings, each column as wide as its widest cell.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) {
    for row in aligned(headings, rows) {
        line(row);
    }
}

/// The lines of a table.
pub(crate) fn aligned(headings: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count());
            cells
                .chain([headings[column].chars().count()])
                .max()
                .unwrap_or_default()
        })
        .collect();
    let headings: Vec<String> = headings
        .iter()
        .map(|heading| (*heading).to_owned())
        .collect();
    let align = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let cells: Vec<_> = cells.collect();
        cells.join("  ").trim_end().to_owned()
    };
    std::iter::once(&headings).chain(rows).map(align).collect()
}

/// A field of a reply as the text of a cell; names cannot move the cursor.
pub(crate) fn cell(row: &Value, field: &str) -> String {
    match &row[field] {
        Value::String(text) => plain(text),
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}
