//! Sessions without a stream of their own: how many there may be, and what they cost.

use shard::Settings;
use sim::scenario::settings;

use crate::scene::Scene;
use crate::stock::{ask, get, open_polls, post, sessions};

#[test]
fn so_many_may_be_in_over_polls_and_one_more_when_one_has_gone() {
    let mut stage = Scene::new(&Settings { lingering_max: 2, ..settings() }, 1, Vec::new()).0;
    let first = stage.node.connect(0);
    let target = open_polls(&mut stage, first, 4);
    open_polls(&mut stage, first, 3);
    let turned_away = stage.node.connect(0);
    let answer = ask(&mut stage, turned_away, get("/socket.io/?EIO=4&transport=polling").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("overloaded\n"), "{answer}");
    ask(&mut stage, first, post(&target, "1").as_bytes());
    assert_eq!(sessions(&stage), 1);
    open_polls(&mut stage, first, 4);
    assert_eq!(sessions(&stage), 2);
}

#[test]
fn what_is_kept_for_polls_is_counted() {
    let mut stage = Scene::new(&settings(), 1, Vec::new()).0;
    let pipe = stage.node.connect(0);
    let target = open_polls(&mut stage, pipe, 4);
    assert_eq!(stage.node.queued_bytes(), 0);
    ask(&mut stage, pipe, post(&target, "40").as_bytes());
    assert!(stage.node.queued_bytes() > "40".len());
    assert!(ask(&mut stage, pipe, get(&target).as_bytes()).contains("40{"));
    assert_eq!(stage.node.queued_bytes(), 0);
    ask(&mut stage, pipe, post(&target, "40").as_bytes());
    stage.wait(46_000);
    assert_eq!((stage.node.queued_bytes(), sessions(&stage)), (0, 0));
}
