//! Operations about users.

use chat::RoomId;
use serde::Serialize;
use shard::{Instruction, Report};

use super::answer::{Answer, Outcome};
use super::asked::Asked;

/// Whether a user is connected, on whichever node.
#[derive(Serialize)]
struct User {
    user: String,
    online: bool,
    devices: u32,
}

pub(super) async fn describe(asked: Asked) -> Outcome {
    let user = asked.user()?;
    let inbox = RoomId::inbox(user.clone());
    let devices = match asked.api.ask_home(&inbox, Instruction::DescribeRoom(inbox.clone())).await? {
        Report::Room(room) => room.sessions,
        _ => 0,
    };
    Answer::ok(&User { user: user.as_str().to_owned(), online: devices > 0, devices })
}
