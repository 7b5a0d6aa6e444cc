//! Prints one line per step: its result, its time and a note.

use std::{
    cell::{Cell, RefCell},
    fmt,
    fs::{self, File},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    child::{Guarded, line},
    failure::{Ending, Failure},
    log::{tail, telling},
};

/// No single command of a build or a test takes longer, even on a slow machine.
const COMMAND_LIMIT: Duration = Duration::from_secs(40 * 60);
/// The interval of progress messages without a terminal.
const HEARTBEAT: Duration = Duration::from_secs(30);
const SPINNER: [char; 4] = ['|', '/', '-', '\\'];

/// Where steps report.
pub(crate) struct Progress {
    terminal: bool,
    colour: bool,
    root: PathBuf,
    logs: PathBuf,
    done: RefCell<Vec<Done>>,
}

/// A step that has ended.
#[derive(Clone)]
pub(crate) struct Done {
    /// Its name.
    pub name: &'static str,
    /// Its result.
    pub result: Outcome,
    /// How long it took.
    pub took: Duration,
    /// A note.
    pub note: String,
    /// Checks inside it, where it counts them.
    pub counts: Option<Counts>,
    /// Why it did not run, and what to do, where this machine lacks something.
    pub not_run: Option<String>,
}

/// The result of a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It did not run, because a step before it failed.
    Skipped,
    /// It could not run on this machine.
    NotRun,
}

/// Tests that passed, failed and did not run.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Left out by the program that was to run them.
    pub skipped: u64,
}

impl Counts {
    /// Both together.
    pub(crate) fn plus(self, more: Self) -> Self {
        Self {
            passed: self.passed + more.passed,
            failed: self.failed + more.failed,
            skipped: self.skipped + more.skipped,
        }
    }
}

/// `3 passed, 0 failed`, and `, 1 skipped` where there are any. Other programs read this.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// A running step.
pub(crate) struct Step<'a> {
    progress: &'a Progress,
    name: &'static str,
    started: Instant,
    log_path: PathBuf,
    log: RefCell<Option<File>>,
    note: RefCell<String>,
    counts: Cell<Option<Counts>>,
}

impl Progress {
    /// Logs go to `target/xtask/logs` below `root`.
    pub(crate) fn new(root: &Path) -> Self {
        let terminal = io::stdout().is_terminal();
        let colour = terminal && std::env::var_os("NO_COLOR").is_none();
        let logs = root.join("target/xtask/logs");
        Self {
            terminal,
            colour,
            root: root.to_owned(),
            logs,
            done: RefCell::default(),
        }
    }

    /// Whether to use colours.
    pub(crate) fn colour(&self) -> bool {
        self.colour
    }

    /// The steps so far.
    pub(crate) fn done(&self) -> Vec<Done> {
        self.done.borrow().clone()
    }

    /// Runs one step and prints its line.
    ///
    /// # Errors
    /// Those of `work`.
    pub(crate) fn step<T>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Step<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let step = Step {
            progress: self,
            name,
            started: Instant::now(),
            log_path: self.logs.join(format!("{name}.log")),
            log: RefCell::default(),
            note: RefCell::default(),
            counts: Cell::default(),
        };
        // A log of an earlier run would mislead.
        let _ = fs::remove_file(&step.log_path);
        let _ = fs::remove_file(step.counts_path());
        let outcome = work(&step);
        let result = match &outcome {
            Ok(_) => Outcome::Passed,
            Err(Failure::Skipped { .. }) => Outcome::Skipped,
            Err(Failure::NotRun { .. }) => Outcome::NotRun,
            Err(_) => Outcome::Failed,
        };
        let done = Done {
            name,
            result,
            took: step.started.elapsed(),
            note: step.note.borrow().clone(),
            counts: step.counts.get(),
            not_run: match &outcome {
                Err(Failure::NotRun { reason, next }) => Some(format!("{reason} {next}")),
                _ => None,
            },
        };
        self.clear_line();
        println!("{}", self.row(&done));
        if let (Err(failure), Outcome::Failed) = (&outcome, result) {
            self.explain(&step, failure);
        }
        self.done.borrow_mut().push(done);
        outcome
    }

    /// A step's line, as it is printed when it ends and in the table at the end.
    pub(crate) fn row(&self, done: &Done) -> String {
        let (mark, code) = match done.result {
            Outcome::Passed => ("ok     ", "32"),
            Outcome::Failed => ("FAILED ", "31"),
            Outcome::Skipped => ("skipped", "33"),
            Outcome::NotRun => ("NOT RUN", "33"),
        };
        let mark = self.paint(code, mark);
        let mut row = format!("{mark}  {:<22} {:>12}", done.name, spell(done.took));
        let counted = done.counts.map(|counts| counts.to_string());
        let note = Some(&done.note).filter(|note| !note.is_empty());
        for text in counted.iter().chain(note).chain(&done.not_run) {
            row.push_str("  ");
            row.push_str(&self.paint("2", text));
        }
        row
    }

    /// `text` in an ANSI style, where colours are wanted.
    pub(crate) fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Reports an error before any step has begun.
    pub(crate) fn complain(&self, failure: &Failure) {
        for line in failure.to_string().lines() {
            println!("{}", self.paint("31", line));
        }
    }

    fn explain(&self, step: &Step<'_>, failure: &Failure) {
        if let Some(tail) = tail(&step.log_path) {
            for line in telling(&step.log_path) {
                println!("      > {line}");
            }
            println!("{}", self.paint("2", "      the end of its output:"));
            for line in tail.lines() {
                println!("      | {line}");
            }
            let shown = step
                .log_path
                .strip_prefix(&self.root)
                .unwrap_or(&step.log_path);
            println!("      the whole of it: {}", shown.display());
        }
        for line in failure.to_string().lines() {
            println!("      {}", self.paint("31", line));
        }
        if let Failure::Command { .. } = failure {
            println!("      next: fix it, then run this command again; completed work is kept");
        }
    }

    fn clear_line(&self) {
        if self.terminal {
            print!("\r\x1b[2K");
        }
    }
}

impl Step<'_> {
    /// Where the step's output goes.
    pub(crate) fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// Where the step's programs write how many tests passed.
    pub(crate) fn counts_path(&self) -> PathBuf {
        self.log_path.with_extension("counts")
    }

    /// Sets the note on the step's line.
    pub(crate) fn note(&self, text: impl Into<String>) {
        *self.note.borrow_mut() = text.into();
    }

    /// Prints at once what is about to happen, so that the user can stop it.
    pub(crate) fn announce(&self, text: &str) {
        self.progress.clear_line();
        println!("{:<9}{:<22} {text}", "...", self.name);
    }

    /// Adds tests to those of this step.
    pub(crate) fn count(&self, more: Counts) {
        let so_far = self.counts.get().unwrap_or_default();
        self.counts.set(Some(so_far.plus(more)));
    }

    /// Runs a command to its end, its output going to the log.
    ///
    /// # Errors
    /// When it cannot start, fails, or takes longer than any command should.
    pub(crate) fn run(&self, command: &Command) -> Result<(), Failure> {
        self.run_within(command, COMMAND_LIMIT)
    }

    /// The same with a time limit.
    ///
    /// # Errors
    /// As [`Step::run`].
    pub(crate) fn run_within(&self, command: &Command, limit: Duration) -> Result<(), Failure> {
        let mut child = self.start(command)?;
        let mut turn = 0;
        let mut beat = Instant::now();
        let ended = child.wait(limit, || {
            if self.progress.terminal {
                turn += 1;
                self.spin(turn);
            } else if beat.elapsed() > HEARTBEAT {
                beat = Instant::now();
                self.announce(&format!("{:>12}", spell(self.started.elapsed())));
            }
        });
        let ending = match ended.map_err(Failure::io(format!("wait for {}", line(command))))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => Ending::Status(status),
            None => Ending::TimedOut(limit),
        };
        Err(Failure::Command {
            line: line(command),
            ending,
        })
    }

    /// Starts a command that goes on while the step does other things.
    ///
    /// # Errors
    /// When it cannot start.
    pub(crate) fn start(&self, command: &Command) -> Result<Guarded, Failure> {
        let mut log = self.open_log()?;
        // For people only; the command's own output follows.
        let _ = writeln!(log, "$ {}", line(command));
        Guarded::start(command, &log).map_err(Failure::io(format!("start {}", line(command))))
    }

    fn open_log(&self) -> Result<File, Failure> {
        if let Some(log) = &*self.log.borrow() {
            return log.try_clone().map_err(Failure::io("share a log"));
        }
        fs::create_dir_all(&self.progress.logs).map_err(Failure::io("create target/xtask/logs"))?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log_path)
            .map_err(Failure::io(format!("open {}", self.log_path.display())))?;
        let shared = log.try_clone().map_err(Failure::io("share a log"))?;
        *self.log.borrow_mut() = Some(log);
        Ok(shared)
    }

    fn spin(&self, turn: usize) {
        let last = tail(&self.log_path).and_then(|tail| tail.lines().last().map(str::to_owned));
        let last: String = last
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .take(60)
            .collect();
        let text = format!(
            "{}        {:<22} {:>12}  {}",
            SPINNER[turn % SPINNER.len()],
            self.name,
            spell(self.started.elapsed()),
            self.progress.paint("2", last.trim()),
        );
        self.progress.clear_line();
        print!("{text}");
        let _ = io::stdout().flush();
    }
}

/// Formats a duration for people.
pub(crate) fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_cannot_run_says_why() {
        let progress = Progress::new(Path::new(env!("CARGO_MANIFEST_DIR")));
        let result = progress.step("step", |_| -> Result<(), Failure> {
            Err(Failure::NotRun {
                reason: "No fuzzer.".to_owned(),
                next: "Install one.".to_owned(),
            })
        });
        assert!(result.is_err());
        let done = &progress.done()[0];
        assert!(done.result == Outcome::NotRun);
        assert_eq!(done.not_run.as_deref(), Some("No fuzzer. Install one."));
        assert!(progress.row(done).starts_with("NOT RUN  step "));
    }

    #[test]
    fn durations_are_spelled() {
        assert_eq!(spell(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(spell(Duration::from_secs(61)), "1 min 01 s");
    }
}
