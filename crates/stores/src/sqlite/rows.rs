//! Messages and what stands around them as the tables have them.

use std::sync::Arc;

use chat::{
    Body, Epoch, Lineage, Message, Payload, PayloadKind, Position, RoomId, RoomKind, Tag, Text, Time, UserId,
};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// The columns that [`read_message`] reads.
pub(super) const MESSAGE: &str = "offset, time, form, author, tag, payload, text, sum";

/// Former epochs that are remembered.
const FORMER_MAX: usize = 8;

/// How payload and text are to be read: the kind of the payload, and four times that of the text.
pub(super) fn form_of(body: &Body) -> i64 {
    let kind = match body.payload.kind {
        PayloadKind::None => 0,
        PayloadKind::Text => 1,
        PayloadKind::Binary => 2,
        PayloadKind::Json => 3,
    };
    let text = match body.text {
        Text::None => 0,
        Text::Payload => 1,
        Text::Own(_) => 2,
    };
    kind + 4 * text
}

/// A message of a room.
pub(super) fn read_message(room: &RoomId, epoch: Epoch, row: &SqliteRow) -> sqlx::Result<Arc<Message>> {
    let form: i64 = row.try_get(2)?;
    let author: Option<&str> = row.try_get(3)?;
    let tag: Option<&str> = row.try_get(4)?;
    let payload: &[u8] = row.try_get(5)?;
    let text: Option<&str> = row.try_get(6)?;
    Ok(Arc::new(Message {
        room: room.clone(),
        at: Position { epoch, offset: row.try_get::<i64, _>(0)? as u64 },
        author: author.and_then(|author| UserId::new(author).ok()),
        time: Time(row.try_get::<i64, _>(1)? as u64),
        tag: tag.and_then(Tag::new),
        body: Body {
            payload: Payload { kind: kind_of(form), bytes: payload.to_vec().into() },
            text: match form / 4 {
                1 => Text::Payload,
                2 => Text::Own(text.unwrap_or_default().into()),
                _ => Text::None,
            },
        },
    }))
}

fn kind_of(form: i64) -> PayloadKind {
    match form % 4 {
        1 => PayloadKind::Text,
        2 => PayloadKind::Binary,
        3 => PayloadKind::Json,
        _ => PayloadKind::None,
    }
}

/// The kind of a room as a number.
pub(super) fn kind_of_room(room: &RoomId) -> i64 {
    match room.kind() {
        RoomKind::Public => 0,
        RoomKind::Inbox => 1,
        RoomKind::Everybody => 2,
    }
}

pub(super) fn write_lineage(lineage: &Lineage) -> String {
    let former = lineage.former.iter().map(|(Epoch(epoch), last)| format!("{epoch}:{last}"));
    former.collect::<Vec<_>>().join(",")
}

pub(super) fn read_lineage(text: &str) -> Lineage {
    let former = text.split(',').filter_map(|one| {
        let (epoch, last) = one.split_once(':')?;
        Some((Epoch(epoch.parse().ok()?), last.parse().ok()?))
    });
    Lineage { former: former.collect() }
}

/// The lineage of a room that goes on in another epoch from where it stands.
pub(super) fn continued(lineage: &Lineage, from: Position) -> Lineage {
    let former = std::iter::once((from.epoch, from.offset)).chain(lineage.former.iter().copied());
    Lineage { former: former.take(FORMER_MAX).collect() }
}
