//! A disk that cannot be written any more: posts are refused for a while, everything else goes on, and it is said why.

use std::fs::{Permissions, read_dir, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::client::{Client, history};
use crate::programs::folder::Folder;
use crate::programs::{Server, heimdallr, limited, until};
use crate::server::{refusal_to_start, serve, serve_with};

/// What may be done with a folder and its files, by their owner.
const EVERYTHING: (u32, u32) = (0o700, 0o600);
const READING: (u32, u32) = (0o500, 0o400);

fn allow(folder: &Path, (of_folder, of_files): (u32, u32)) {
    for file in read_dir(folder).expect("it is there") {
        let path = file.expect("it can be read").path();
        set_permissions(path, Permissions::from_mode(of_files)).expect("it is ours");
    }
    set_permissions(folder, Permissions::from_mode(of_folder)).expect("it is ours");
}

/// The same without the right of root to write whatever nobody may write.
fn without_privileges(command: Command) -> Command {
    if !rustix::process::geteuid().is_root() {
        return command;
    }
    let mut obedient = Command::new("setpriv");
    obedient.args(["--bounding-set", "-all", "--inh-caps", "-all"]);
    obedient.arg(command.get_program()).args(command.get_args());
    obedient
}

fn set_largest_file(server: &Server, largest: &str) {
    let (id, limit) = (server.id().to_string(), format!("--fsize={largest}:unlimited"));
    let set = Command::new("prlimit").args(["--pid", &id, &limit]).status();
    assert!(set.expect("prlimit is part of util-linux").success());
}

#[test]
fn a_disk_that_can_only_be_read_refuses_posts_until_it_can_be_written_again() {
    let folder = Folder::new();
    let data = folder.path("data");
    let server = serve_with(without_privileges(limited("trap '' XFSZ")), &data, &[]);
    let (mut client, _) = Client::join(server.address, "ann", "lobby", None);
    assert_eq!(client.ask_to_post("lobby", "1")["is"], "accepted");
    // As a file system does that was mounted anew to be read: what is open is written no more, and nothing can be opened for writing.
    allow(&data, READING);
    set_largest_file(&server, "1");
    client.post("lobby", "2").expect("it reads");
    until("nothing can be written", || server.says("/health/ready", 503));
    set_largest_file(&server, "unlimited");
    until("it is said why", || {
        server.ask("/health/ready").expect("it answers").1.contains("readonly database")
    });
    let refused = client.ask_to_post("lobby", "3");
    assert_eq!((&refused["is"], &refused["code"]), (&"refused".into(), &"unavailable".into()), "{refused}");
    assert_eq!(refused["retry"], true, "{refused}");

    // Everything else goes on, reading too.
    let (mut other, joined) = Client::join(server.address, "bob", "lobby", None);
    assert_eq!(joined["is"], "joined");
    other.say(&serde_json::json!({ "do": "signal", "room": "lobby", "signal": "typing" })).expect("it reads");
    client.hear("signal").expect("it is heard");
    assert!(server.says("/health/live", 200));
    assert_eq!(server.count("heimdallr_store_up"), 0);

    allow(&data, EVERYTHING);
    until("it can be written again", || server.says("/health/ready", 200));
    assert_eq!(client.ask_to_post("lobby", "3")["is"], "accepted");
    let tags: Vec<String> = history(server.address, "lobby").into_iter().map(|(_, tag)| tag).collect();
    assert_eq!(tags, ["1", "2", "3"], "what was shown is kept, and each once");
}

#[test]
fn a_folder_that_can_only_be_read_is_not_started_with_and_it_is_said_what_to_do() {
    let folder = Folder::new();
    let data = folder.path("data");
    assert_eq!(serve(&data).stop(), Some(0));
    allow(&data, READING);
    let ended = refusal_to_start(without_privileges(heimdallr()), &data);
    allow(&data, EVERYTHING);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot be written to: Permission denied"), "{said}");
}
