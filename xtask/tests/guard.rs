//! No child outlives this program: the guard ends it when the pipe to its parent closes.

use std::{
    error::Error,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

fn guarded(script: &str) -> std::io::Result<Child> {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["--guard", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
}

#[test]
fn the_status_is_the_childs() -> Result<(), Box<dyn Error>> {
    for (script, code) in [("exit 7", 7), ("exit 0", 0)] {
        let mut guard = guarded(script)?;
        // Waiting would close it first.
        let _held = guard.stdin.take();
        assert_eq!(guard.wait()?.code(), Some(code));
    }
    Ok(())
}

#[test]
fn a_child_and_its_children_end_when_the_parent_is_gone() -> Result<(), Box<dyn Error>> {
    let mut guard = guarded("sleep 600 & echo started; wait")?;
    let mut output = BufReader::new(guard.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    assert_eq!(line, "started\n");
    // What happens to the pipe when the parent is killed.
    drop(guard.stdin.take());
    // Ends only when nobody has the other end any more: guard, shell and sleep are gone.
    output.read_to_string(&mut line)?;
    assert!(!guard.wait()?.success());
    Ok(())
}

#[test]
fn orphans_of_a_child_end_with_it() -> Result<(), Box<dyn Error>> {
    let mut guard = guarded("sleep 600 & exit 0")?;
    let _held = guard.stdin.take();
    let mut output = guard.stdout.take().ok_or("no output")?;
    output.read_to_string(&mut String::new())?;
    assert!(guard.wait()?.success());
    Ok(())
}
