//! Rooms that go on in another epoch, with all that was said or without the end of it.

use shard::{SlowPolicy, SlowRule};

use crate::broker::FORMER_MAX;
use crate::client::{frame, speak, text, upgrade};
use crate::cluster::{Cluster, PipeId};
use crate::recovery::Returning;

/// So many fail-overs, and a broker does not know any more of the epoch before the first.
const FORGOTTEN: usize = FORMER_MAX + 1;

/// A member of the lobby by the rich protocol, and what it was told when it joined.
fn enter(cluster: &mut Cluster, node: u32, since: &str) -> (PipeId, String) {
    let socket = cluster.connect(node);
    let request = upgrade("/v1").replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: heimdallr.v1.json\r\n\r\n");
    cluster.say(socket, request);
    cluster.hear(socket);
    let since = if since.is_empty() { String::new() } else { format!(",\"since\":\"{since}\"") };
    cluster.say(socket, frame(1, &format!("{{\"do\":\"join\",\"room\":\"lobby\"{since}}}")));
    let told = text(cluster.hear(socket));
    assert!(told.contains("\"is\":\"joined\""), "{told}");
    (socket, told)
}

fn say(cluster: &mut Cluster, words: &[&str]) {
    words.iter().for_each(|words| speak(cluster, 2, "lobby", words));
}

fn lost(since: &str, at: &str) -> String {
    format!("\"is\":\"lost\",\"room\":\"lobby\",\"since\":\"{since}\",\"at\":\"{at}\"")
}

#[test]
fn who_is_told_of_a_loss_is_told_since_the_last_position_that_it_knows() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let (first, _) = enter(&mut cluster, 1, "");
    say(&mut cluster, &["a", "b", "c"]);
    assert!(text(cluster.hear(first)).contains("\"at\":\"1:3\""));
    cluster.fail_over(3);
    let (second, told) = enter(&mut cluster, 1, "");
    assert!(told.contains("\"at\":\"1:3\""), "it knows the room as the others do: {told}");
    let (third, told) = enter(&mut cluster, 1, "1:1");
    assert!(told.contains("\"at\":\"1:2\"") && told.contains("\"at\":\"1:3\""), "{told}");
    cluster.hear(first);
    cluster.fail_over(2);
    for socket in [first, second, third] {
        let told = text(cluster.hear(socket));
        assert!(told.contains(&lost("1:3", "3:2")), "{told}");
    }
    say(&mut cluster, &["d"]);
    cluster.fail_over(1);
    for socket in [first, second, third] {
        let told = text(cluster.hear(socket));
        assert!(told.contains("\"at\":\"3:3\"") && told.contains(&lost("3:3", "4:1")), "{told}");
    }
}

#[test]
fn who_comes_back_by_an_epoch_that_only_its_node_remembers_has_lost_nothing() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let (first, _) = enter(&mut cluster, 1, "");
    say(&mut cluster, &["<a>", "<b>"]);
    cluster.hear(first);
    (0..FORGOTTEN).for_each(|_| cluster.fail_over(2));
    let (_, told) = enter(&mut cluster, 1, "1:2");
    assert!(told.contains("\"resumed\":true") && told.contains("\"at\":\"1:2\""), "{told}");
    say(&mut cluster, &["<c>"]);
    let (_, told) = enter(&mut cluster, 1, "1:2");
    assert!(told.contains("\"resumed\":true") && told.contains("<c>") && !told.contains("<b>"), "{told}");
}

#[test]
fn who_comes_back_with_a_position_that_is_void_is_not_shown_again_what_lived_on() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    let (first, _) = enter(&mut cluster, 1, "");
    say(&mut cluster, &["<a>", "<b>", "<c>"]);
    cluster.fail_over(2);
    let (_, told) = enter(&mut cluster, 1, "1:3");
    assert!(told.contains("\"resumed\":false") && told.contains(&lost("1:3", "2:2")), "{told}");
    assert!(!told.contains("<a>") && !told.contains("<b>"), "{told}");
    say(&mut cluster, &["<d>"]);
    let (_, told) = enter(&mut cluster, 1, "1:3");
    assert!(told.contains(&lost("1:3", "2:2")) && told.contains("<d>"), "{told}");
    assert!(!told.contains("<a>") && !told.contains("<b>"), "{told}");
    assert!(text(cluster.hear(first)).contains("<d>"));
}

#[test]
fn who_comes_back_with_a_position_that_is_void_is_not_sent_back_in_its_epoch() {
    let mut cluster = Cluster::new(2, 1, |_| {});
    say(&mut cluster, &["<a>", "<b>"]);
    let (first, told) = enter(&mut cluster, 1, "");
    assert!(told.contains("\"at\":\"1:2\""), "{told}");
    cluster.fail_over(2);
    let (_, told) = enter(&mut cluster, 1, "1:4");
    assert!(told.contains("\"resumed\":false") && told.contains(&lost("1:4", "2:2")), "{told}");
    say(&mut cluster, &["<c>"]);
    assert!(text(cluster.hear(first)).contains("\"at\":\"2:3\""));
}

#[test]
fn who_comes_back_for_more_than_is_kept_is_told_what_it_asked_for() {
    let mut cluster = Cluster::new(2, 1, |settings| settings.store.messages_max = 2);
    enter(&mut cluster, 1, "");
    say(&mut cluster, &["<a>", "<b>", "<c>"]);
    cluster.fail_over(3);
    say(&mut cluster, &["<d>"]);
    let (_, told) = enter(&mut cluster, 1, "1:1");
    assert!(told.contains(&lost("1:1", "2:2")) && told.contains("<c>") && told.contains("<d>"), "{told}");
}

#[test]
fn who_is_too_slow_is_told_since_the_last_position_that_it_was_sent() {
    let rule = SlowRule { rooms: "lobby".into(), policy: SlowPolicy::DropOldest };
    let mut cluster = Cluster::new(2, 1, |settings| {
        settings.slow_rules = vec![rule.clone()];
        settings.session_queue_bytes = 5000;
    });
    let (slow, _) = enter(&mut cluster, 1, "");
    say(&mut cluster, &["a"]);
    cluster.make_room(slow, 0);
    say(&mut cluster, &["b"]);
    cluster.fail_over(2);
    let long = "x".repeat(1000);
    (0..10).for_each(|_| say(&mut cluster, &[&long]));
    cluster.make_room(slow, 1 << 20);
    let told = text(cluster.hear(slow));
    let torn = told.matches("\"at\":\"1:2\"").count();
    let since = if torn > 0 { "1:2" } else { "1:1" };
    assert!(told.contains(&format!("\"since\":\"{since}\",\"at\":\"2:")), "{told}");
}

#[test]
fn a_client_is_recovered_by_what_it_has_seen_before_and_after_a_room_went_on_in_another_epoch() {
    for (seen, missed) in [("1:1", &["<b>", "<c>", "<d>"][..]), ("2:3", &["<d>"]), ("1:2", &["<c>", "<d>"])] {
        let mut cluster = Cluster::new(2, 2, |settings| {
            settings.recovery_ms = 120_000;
            settings.gateways.socketio.recovery = true;
        });
        let (client, _) = Returning::connect(&mut cluster, 1, "");
        client.join(&mut cluster, "lobby");
        say(&mut cluster, &["<a>", "<b>"]);
        cluster.fail_over(2);
        say(&mut cluster, &["<c>"]);
        cluster.hang_up(client.socket);
        say(&mut cluster, &["<d>"]);
        let (again, heard) = client.come_back(&mut cluster, 2, Some(seen));
        assert_eq!(again.sid, client.sid, "{heard}");
        for word in ["<a>", "<b>", "<c>", "<d>"] {
            assert_eq!(heard.contains(word), missed.contains(&word), "{word} after {seen}: {heard}");
        }
    }
}
