//! Rooms as socketioxide's own examples build them: `joinRoom {room}` joins and is acknowledged, `message {room,userId,message}`
//! goes as `message {userId,message}` to everybody in the room, the sender included. Started with `peer-socketioxide --listen ADDRESS:PORT`.

use std::convert::Infallible;
use std::error::Error;

use serde::{Deserialize, Serialize};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::handler::ConnectHandler;

#[derive(Deserialize)]
struct Join {
    room: String,
}

#[derive(Deserialize)]
struct Post {
    room: String,
    #[serde(rename = "userId")]
    user_id: String,
    message: String,
}

#[derive(Serialize)]
struct Message {
    #[serde(rename = "userId")]
    user_id: String,
    message: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address =
        std::env::args().skip_while(|word| word != "--listen").nth(1).ok_or("--listen is needed")?;
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", on_connect.with(name_handlers));
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("listening on {address}");
    axum::serve(listener, axum::Router::new().layer(layer)).await?;
    Ok(())
}

async fn on_connect() {}

/// Before the connection is confirmed: what a client sends before its handler has a name is dropped.
async fn name_handlers(socket: SocketRef) -> Result<(), Infallible> {
    socket.on("joinRoom", join);
    socket.on("message", post);
    Ok(())
}

async fn join(socket: SocketRef, Data(Join { room }): Data<Join>, joined: AckSender) {
    socket.join(room);
    joined.send(&()).ok();
}

async fn post(io: SocketIo, Data(Post { room, user_id, message }): Data<Post>) {
    io.to(room).emit("message", &Message { user_id, message }).await.ok();
}
