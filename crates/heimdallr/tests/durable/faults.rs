//! Disks that are full, cannot be written or are damaged: posts are refused for a while, everything else goes on, and it is said why.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::Command;

use sqlx::{ConnectOptions as _, Connection as _};

use crate::client::{Client, history};
use crate::programs::folder::Folder;
use crate::programs::{heimdallr, limited, until};
use crate::server::{refusal_to_start, serve, serve_with};

/// Posts until something is refused, and says how many were accepted.
fn post_until_refused(client: &mut Client) -> u32 {
    for number in 1..100_000 {
        let answer = client.ask_to_post("lobby", &number.to_string());
        if answer["is"] == "refused" {
            assert_eq!(
                (&answer["code"], &answer["retry"]),
                (&"unavailable".into(), &true.into()),
                "{answer}"
            );
            return number - 1;
        }
    }
    panic!("the disk never gets full");
}

#[test]
fn a_full_disk_refuses_posts_until_there_is_room_again() {
    let folder = Folder::new();
    // Files of more than so many blocks of 512 bytes cannot be written, which a full disk is like.
    let server = serve_with(limited("trap '' XFSZ; ulimit -S -f 512"), &folder.path("data"), &[]);
    let (mut client, _) = Client::join(server.address, "ann", "lobby", None);
    let accepted = post_until_refused(&mut client);
    assert!(accepted > 0, "there was some room");

    // Everything else goes on: who is there hears what is said where nothing is promised, and who comes is let in.
    until("it is said why", || server.says("/health/ready", 503));
    let (_, why) = server.ask("/health/ready").expect("it answers");
    assert!(why.contains("what is said is not kept: "), "{why}");
    assert!(server.says("/health/live", 200));
    assert!(server.count("heimdallr_store_faults_total") > 0);
    let (mut other, _) = Client::join(server.address, "bob", "lobby", None);
    other.say(&serde_json::json!({ "do": "signal", "room": "lobby", "signal": "typing" })).expect("it reads");
    client.hear("signal").expect("it is heard");

    let id = server.id().to_string();
    let room = Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited"]).status();
    assert!(room.expect("prlimit is part of util-linux").success());
    until("there is room again", || server.says("/health/ready", 200));
    let again = client.ask_to_post("lobby", &(accepted + 1).to_string());
    assert_eq!(again["is"], "accepted", "{again}");
    let tags: Vec<String> = history(server.address, "lobby").into_iter().map(|(_, tag)| tag).collect();
    assert_eq!(tags, (1..=accepted + 1).map(|tag| tag.to_string()).collect::<Vec<_>>(), "each once");
}

/// Holds the file so that nobody can write to it, until it falls.
struct Hold {
    runtime: tokio::runtime::Runtime,
    connection: Option<sqlx::SqliteConnection>,
}

impl Hold {
    fn on(file: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let connection = runtime.block_on(async {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
            let mut connection = options.connect().await?;
            sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        });
        Self { runtime, connection: Some(connection.expect("nobody else holds it")) }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // What was begun and not committed is undone.
            let _ = self.runtime.block_on(connection.close());
        }
    }
}

#[test]
fn who_listens_does_not_wait_for_a_disk_that_stalls() {
    let folder = Folder::new();
    let server = serve(&folder.path("data"));
    let (mut ann, _) = Client::join(server.address, "ann", "lobby", None);
    let (mut bob, _) = Client::join(server.address, "bob", "lobby", None);
    assert_eq!(ann.ask_to_post("lobby", "1")["is"], "accepted");
    let hold = Hold::on(&folder.path("data/heimdallr.sqlite"));
    ann.post("lobby", "2").expect("it reads");
    while bob.hear("posted").expect("it comes")["id"] != "2" {}
    while ann.hear("posted").expect("it comes")["id"] != "2" {}
    assert!(ann.next().expect("it is there").is_none(), "not accepted before it is kept");
    drop(hold);
    assert_eq!(ann.answer_to("2")["is"], "accepted");
}

#[test]
fn a_damaged_file_is_not_started_with_and_it_is_said_what_to_do() {
    let folder = Folder::new();
    let server = serve(&folder.path("data"));
    let (mut client, _) = Client::join(server.address, "ann", "lobby", None);
    assert_eq!(client.ask_to_post("lobby", "1")["is"], "accepted");
    assert_eq!(server.stop(), Some(0));
    let path = folder.path("data/heimdallr.sqlite");
    let mut file = fs::OpenOptions::new().write(true).open(&path).expect("it is there");
    // The first page says what the file is, the second is the first table's.
    file.seek(SeekFrom::Start(4096)).and_then(|_| file.write_all(&[0xA5; 8192])).expect("it can be written");
    let ended = refusal_to_start(heimdallr(), &folder.path("data"));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(
        said.contains("heimdallr.sqlite cannot be opened") && said.contains("restore a backup"),
        "{said}"
    );

    fs::write(&path, b"this is no database at all, whatever its name says").expect("it can be written");
    let said =
        String::from_utf8_lossy(&refusal_to_start(heimdallr(), &folder.path("data")).stderr).into_owned();
    assert!(said.contains("restore a backup"), "{said}");
}

#[test]
fn two_servers_do_not_share_a_folder() {
    let folder = Folder::new();
    let _server = serve(&folder.path("data"));
    let ended = refusal_to_start(heimdallr(), &folder.path("data"));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("is used by another process"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let folder = Folder::new();
    fs::write(folder.path("file"), b"no folder").expect("it can be written");
    let ended = refusal_to_start(heimdallr(), &folder.path("file/data"));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot be made"), "{said}");
}
