//! A shard that does not keep up keeps nobody else from being answered.

use std::sync::Arc;
use std::time::Duration;

use chat::{Body, Epoch, Position, RoomId, RoomName, Time};
use tokio::sync::mpsc::{Sender, UnboundedReceiver, channel, unbounded_channel};

use super::end::{self, End};
use super::lines::{Batch, Event};
use super::{Broker, EVENTS_MAX, Outlet, Service};
use crate::redis::broker::{Line, Reply, Request};
use crate::redis::machine::Machine;
use crate::{Arrival, Ask, Backplane as _, Order, Settings};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A service of two shards without a broker: the test is that.
struct Alone {
    events: Sender<(usize, Event)>,
    requests: UnboundedReceiver<Batch>,
    ends: [End; 2],
    wakes: tokio::sync::mpsc::Receiver<()>,
}

fn alone() -> (Alone, Service, tokio::sync::mpsc::Receiver<(u16, Ask)>) {
    let (events, happened) = channel(EVENTS_MAX);
    let (_, heard) = channel(1);
    let (commands, requests) = unbounded_channel();
    let (listener, _) = unbounded_channel();
    let (asks, asked) = channel(16);
    let (woken, wakes) = channel(1);
    let wake: crate::Wake = Arc::new(move || {
        let _ = woken.try_send(());
    });
    let (first, to_first) = end::connect(0, asks.clone(), wake.clone());
    let (second, to_second) = end::connect(1, asks, wake);
    let broker = Broker {
        url: "nowhere".to_owned(),
        machine: Machine::new(&Settings::default(), 0),
        commands: Outlet::new(commands),
        listener: Outlet::new(listener),
        down: None,
        partial: None,
    };
    let service = Service::new(vec![broker], happened, heard, vec![to_first, to_second], Arc::default());
    (Alone { events, requests, ends: [first, second], wakes }, service, asked)
}

impl Alone {
    async fn tell(&self, event: Event) {
        self.events.send((0, event)).await.expect("the service is there");
    }

    /// The number of the next post that the broker is asked for.
    async fn next_post(&mut self) -> u64 {
        loop {
            let batch = self.requests.recv().await.expect("the service is there");
            let mut posts =
                batch.requests.into_iter().filter(|(_, request)| matches!(request, Request::Post(_)));
            if let Some((id, _)) = posts.next() {
                return id;
            }
        }
    }

    async fn first_arrival(&mut self) -> Arrival {
        loop {
            let mut arrivals = Vec::new();
            self.ends[0].collect(&mut arrivals);
            if let Some(arrival) = arrivals.pop() {
                return arrival;
            }
            self.wakes.recv().await.expect("the service is there");
        }
    }
}

#[tokio::test]
async fn answers_come_while_another_shard_is_congested() {
    let (mut alone, mut service, asked) = alone();
    while !service.deliveries[1].is_congested() {
        service.deliveries[1].put(Arrival::Placed { at: Position { epoch: Epoch(1), offset: 1 }, ticket: 1 });
        service.deliveries[1].send();
    }
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let test = async {
        alone.tell(Event::Up { line: Line::Commands, run: "1".to_owned(), generation: 1 }).await;
        // It asks for its lease as soon as it has heard of the line: what comes later meets no outage.
        alone.requests.recv().await.expect("the service is there");
        let room = RoomId::public(RoomName::new("lobby").expect("a valid name"));
        let order = Order { room, author: None, body: Body::text("hi"), tag: None, time: Time(1), ticket: 7 };
        alone.ends[0].ask(Ask::Order(order), &mut Vec::new());
        let id = alone.next_post().await;
        let at = Position { epoch: Epoch(1), offset: 1 };
        alone.tell(Event::Replies(vec![(id, Reply::Placed { at, repeated: false })])).await;
        assert!(matches!(alone.first_arrival().await, Arrival::Placed { ticket: 7, .. }));
        alone.tell(Event::Cut { line: Line::Commands, reason: String::new() }).await;
        drop(stop);
    };
    let both = async { tokio::join!(service.work(asked, stopped), test) };
    tokio::time::timeout(PATIENCE, both).await.expect("it is answered");
}
