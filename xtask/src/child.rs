//! Child processes that never outlive this program.
//!
//! Every child runs under a guard: this same program, started again in a process group of its
//! own, holding the read end of a pipe. When this program ends, however it ends, the pipe closes
//! and the guard ends the child with everything that the child started. What a child leaves
//! behind when it exits by itself (a forgotten `workerd`) is ended as well.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, Read},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitCode, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// The first argument that turns this program into a guard.
pub(crate) const GUARD: &str = "--guard";

/// How long a process group may take to end after `SIGTERM`.
const GRACE: Duration = Duration::from_secs(3);

/// A child and its guard.
pub(crate) struct Guarded {
    guard: Child,
    // Closing it ends the child.
    leash: Option<ChildStdin>,
}

impl Guarded {
    /// Starts `command` with both of its outputs going to `log`.
    pub(crate) fn start(command: &Command, log: &File) -> io::Result<Self> {
        let mut guard = Command::new(own_program()?);
        guard
            .arg(GUARD)
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => guard.env(name, value),
                None => guard.env_remove(name),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            guard.current_dir(dir);
        }
        let mut guard = guard
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .process_group(0)
            .spawn()?;
        let leash = guard.stdin.take();
        Ok(Self { guard, leash })
    }

    /// How the child ended, if it has.
    pub(crate) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.guard.try_wait()
    }

    /// Waits for the child. `tick` is called several times a second while it runs.
    pub(crate) fn wait(
        &mut self,
        limit: Duration,
        mut tick: impl FnMut(),
    ) -> io::Result<Option<ExitStatus>> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(Some(status));
            }
            if started.elapsed() > limit {
                self.stop();
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(120));
            tick();
        }
    }

    /// Ends the child and all that it started, and waits until they are gone.
    pub(crate) fn stop(&mut self) {
        self.leash = None;
        // The guard exits when the group has ended. An error while waiting cannot be reported.
        let _ = self.guard.wait();
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The program's file. `/proc` still finds it after a build has replaced it.
fn own_program() -> io::Result<PathBuf> {
    let proc = Path::new("/proc/self/exe");
    if proc.exists() {
        Ok(proc.to_owned())
    } else {
        env::current_exe()
    }
}

/// What the guard does: runs `arguments` as a command and watches standard input.
pub(crate) fn guard(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(program) = arguments.next() else {
        return ExitCode::from(2);
    };
    let started = Command::new(&program)
        .args(arguments)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            eprintln!("cannot start {}: {error}", program.display());
            return ExitCode::from(127);
        }
    };
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let watched = thread::spawn(move || {
        // Nothing is written here: the read ends when the parent ends.
        let _ = io::stdin().read(&mut [0]);
        end_group(group);
    });
    let status = child.wait();
    // The leader has ended, but its children may not have.
    end_group(group);
    drop(watched);
    match status.ok().and_then(|status| status.code()) {
        Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        None => ExitCode::from(130),
    }
}

fn end_group(group: Option<Pid>) {
    let Some(group) = group else { return };
    let started = Instant::now();
    while kill_process_group(group, Signal::TERM).is_ok() {
        if started.elapsed() > GRACE {
            // The process may have ended in the meantime.
            let _ = kill_process_group(group, Signal::KILL);
            return;
        }
        thread::sleep(Duration::from_millis(30));
    }
}

/// A command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        line.push(' ');
        if argument.contains([' ', '"', '$']) {
            line.push_str(&format!("'{argument}'"));
        } else {
            line.push_str(&argument);
        }
    }
    line
}
