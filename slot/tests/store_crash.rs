//! Killed in the middle of its work, the store has every record that it acknowledged.
//!
//! The test starts itself again as a child that commits numbered records and prints the number of
//! each that was acknowledged; the parent kills it (SIGKILL), opens the folder and looks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use placeos_slot::host::storage::{Change, CommitError, Storage};
use placeos_slot::host::store::{OpenError, Store};

/// Tells a child where to write.
const FOLDER: &str = "STORE_CRASH_FOLDER";
const ACKNOWLEDGED: &str = "acknowledged ";
/// Commits that the child has in flight.
const IN_FLIGHT: usize = 64;
/// Records of one commit: large enough together that a commit spans several pages of the file.
const PARTS: usize = 3;

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        commit_until_killed(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for round in 0..12 {
        let mut child = start_child(folder.path());
        let mut output = BufReader::new(child.stdout.take().unwrap());
        // Each round at another point of the child's work, from its very first commit on.
        let mut last = None;
        for _ in 0..=round * round * 7 {
            last = next_acknowledged(&mut output);
        }
        let refused = Store::open(folder.path());
        assert!(matches!(refused, Err(OpenError::InUse(_))), "{refused:?}");
        child.kill().unwrap();
        let end = child.wait().unwrap();
        assert_eq!(end.signal(), Some(9), "the child ended by itself: {end}");
        while let Some(number) = next_acknowledged(&mut output) {
            last = Some(number);
        }
        let last = last.expect("the child acknowledged nothing");
        let store = Store::open(folder.path()).unwrap();
        let saved = saved_commits(&store).await;
        assert!(
            saved > last,
            "round {round}: {last} was acknowledged, and {saved} commits are saved"
        );
        assert!(saved > count, "round {round}: earlier commits are lost");
        count = saved;
    }
}

/// The child's part. It never returns: the test ends here with the process.
async fn commit_until_killed(folder: &Path) -> ! {
    let store = Store::open(folder).unwrap();
    let mut number = saved_commits(&store).await;
    let mut in_flight = VecDeque::new();
    loop {
        while in_flight.len() < IN_FLIGHT {
            in_flight.push_back((
                number,
                store.commit(commit(number)),
                store.commit(refused(number)),
            ));
            number += 1;
        }
        let Some((number, made, refused)) = in_flight.pop_front() else {
            continue;
        };
        assert_eq!(made.await, Ok(()));
        assert_eq!(refused.await, Err(CommitError::Exists(key(number, 0))));
        let mut output = std::io::stdout().lock();
        writeln!(output, "{ACKNOWLEDGED}{number}").unwrap();
        output.flush().unwrap();
    }
}

/// How many commits there are: numbered from 0 without a gap, for they are made in the order in
/// which they were issued, and each whole.
async fn saved_commits(store: &Store) -> usize {
    let mut records = BTreeMap::new();
    loop {
        let last = records.last_key_value().map(|(key, _)| String::clone(key));
        let page = store.scan(String::new(), last, 1000).await.unwrap();
        if page.is_empty() {
            break;
        }
        records.extend(page);
    }
    let count = records.len() / PARTS;
    assert_eq!(records.len(), count * PARTS, "half a commit");
    for number in 0..count {
        for part in 0..PARTS {
            let value = records.get(&key(number, part));
            assert_eq!(
                value,
                Some(&value_of(number, part)),
                "commit {number}, part {part}"
            );
        }
    }
    count
}

fn commit(number: usize) -> Vec<Change> {
    (0..PARTS)
        .map(|part| Change::PutIfAbsent {
            key: key(number, part),
            value: value_of(number, part),
        })
        .collect()
}

/// Follows its commit, so that its condition never holds; its other record must never be seen.
fn refused(number: usize) -> Vec<Change> {
    let stray = Change::Put {
        key: format!("stray/{number}"),
        value: Vec::new(),
    };
    let condition = Change::PutIfAbsent {
        key: key(number, 0),
        value: Vec::new(),
    };
    vec![stray, condition]
}

/// The parts of one commit lie far from each other in the file.
fn key(number: usize, part: usize) -> String {
    format!("part-{part}/{number:08}")
}

fn value_of(number: usize, part: usize) -> Vec<u8> {
    format!("{number}-{part} ")
        .repeat(1 + number % 200)
        .into_bytes()
}

fn start_child(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "what_was_acknowledged_survives_a_kill",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The next number that the child printed, whole; none after its end.
fn next_acknowledged(output: &mut BufReader<ChildStdout>) -> Option<usize> {
    loop {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        if let Some(number) = line
            .strip_prefix(ACKNOWLEDGED)
            .and_then(|rest| rest.strip_suffix('\n'))
        {
            return Some(number.parse().unwrap());
        }
        if !line.ends_with('\n') {
            return None;
        }
    }
}
