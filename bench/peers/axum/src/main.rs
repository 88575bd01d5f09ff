//! Rooms as the usual axum tutorial builds them: a broadcast channel for each room, two tasks for each member. The
//! room is the path. Started with `peer-axum --listen ADDRESS:PORT`.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::broadcast::{self, Sender};

const CHANNEL_CAPACITY: usize = 1024;

type Rooms = Arc<Mutex<HashMap<String, Sender<Message>>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address =
        std::env::args().skip_while(|word| word != "--listen").nth(1).ok_or("--listen is needed")?;
    let app = Router::new().route("/{room}", get(upgrade)).with_state(Rooms::default());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("listening on {address}");
    axum::serve(listener, app).await?;
    Ok(())
}

async fn upgrade(call: WebSocketUpgrade, Path(name): Path<String>, State(rooms): State<Rooms>) -> Response {
    let mut rooms = rooms.lock().expect("nobody panics while holding it");
    let room = rooms.entry(name).or_insert_with(|| broadcast::channel(CHANNEL_CAPACITY).0).clone();
    call.on_upgrade(|socket| attend(socket, room))
}

async fn attend(socket: WebSocket, room: Sender<Message>) {
    let (mut sink, mut stream) = socket.split();
    let mut posts = room.subscribe();
    let mut to_member = tokio::spawn(async move {
        while let Ok(post) = posts.recv().await {
            if sink.send(post).await.is_err() {
                break;
            }
        }
    });
    let mut from_member = tokio::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            if matches!(message, Message::Text(_) | Message::Binary(_)) {
                room.send(message).ok();
            }
        }
    });
    tokio::select! {
        _ = &mut to_member => from_member.abort(),
        _ = &mut from_member => to_member.abort(),
    }
}
