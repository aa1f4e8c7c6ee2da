//! Ends what was started even when the tests themselves are killed.
//!
//! A shell reads the ids of process groups from a pipe that only this process holds. When the pipe ends,
//! however that came, it kills the groups that are still on its list.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

const SCRIPT: &str = r#"
while read -r word group; do
    if [ "$word" = add ]; then list="$list $group "; else list=${list/" $group "/}; fi
done
for group in $list; do kill -KILL -- "-$group"; done 2>/dev/null
"#;

/// Puts a process group on the list.
pub(crate) fn add(group: u32) {
    tell("add", group);
}

/// Takes a process group off the list: it has ended, and its id may become somebody else's.
pub(crate) fn remove(group: u32) {
    tell("remove", group);
}

fn tell(word: &str, group: u32) {
    let mut pipe = pipe().lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(pipe, "{word} {group}").expect("the keeper lives as long as the tests");
}

#[expect(clippy::zombie_processes, reason = "it ends after this process, and because of that")]
fn pipe() -> &'static Mutex<ChildStdin> {
    static PIPE: OnceLock<Mutex<ChildStdin>> = OnceLock::new();
    PIPE.get_or_init(|| {
        let mut shell = Command::new("bash")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: what ends the tests must not end it.
            .process_group(0)
            .spawn()
            .expect("bash starts");
        Mutex::new(shell.stdin.take().unwrap())
    })
}
