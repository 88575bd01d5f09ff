//! The operations: the one place where they are declared. The routes, the OpenAPI document and the reference are made from these lines.

use std::pin::Pin;

use super::answer::Outcome;
use super::asked::Asked;
use super::keys::Scope;
use super::{messages, moderation, node, recent, rooms, sessions, traces, users};

/// How the path of every operation begins.
pub(super) const PREFIX: &str = "/api/v1";

/// Something that can be asked for.
pub(super) struct Operation {
    pub(super) method: &'static str,
    /// Behind [`PREFIX`]; `{name}` stands for one segment.
    pub(super) path: &'static str,
    /// What generated clients call it, and the audit.
    pub(super) name: &'static str,
    /// What a key must be good for; `None`: any key will do.
    pub(super) scope: Option<Scope>,
    pub(super) about: &'static str,
    /// Parameters of the query, by the names of [`super::schema::PARAMETERS`].
    pub(super) parameters: &'static [&'static str],
    /// The schema of the body, if there is one.
    pub(super) body: Option<&'static str>,
    /// The status of an answer, and its schema, if it has a body.
    pub(super) answer: (u16, Option<&'static str>),
    pub(super) run: fn(Asked) -> Running,
}

impl Operation {
    /// Whether it answers with what people have said.
    pub(super) fn shows_messages(&self) -> bool {
        self.answer.1 == Some("MessageList")
    }
}

/// An operation under way.
pub(super) type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

macro_rules! operations {
    ($($method:ident $path:literal $name:ident $scope:expr, ($($parameter:ident),*), $body:expr => $status:literal $answer:expr, $run:path, $about:literal;)+) => {
        /// Every operation, in the order of the reference.
        pub(super) const OPERATIONS: &[Operation] = &[$(Operation {
            method: stringify!($method),
            path: $path,
            name: stringify!($name),
            scope: $scope,
            about: $about,
            parameters: &[$(stringify!($parameter)),*],
            body: $body,
            answer: ($status, $answer),
            run: |asked| Box::pin($run(asked)),
        }),+];
    };
}

const READ: Option<Scope> = Some(Scope::Read);
const POST: Option<Scope> = Some(Scope::Post);
const MODERATE: Option<Scope> = Some(Scope::Moderate);
const OPERATE: Option<Scope> = Some(Scope::Operate);

operations! {
    GET "/me" get_me None, (), None => 200 Some("Me"), node::me, "Who asks, and what the key is good for.";
    GET "/node" get_node READ, (), None => 200 Some("Node"), node::describe, "How this node is.";
    GET "/recent" get_recent READ, (since), None => 200 Some("Recent"), recent::recent, "The last five minutes of this node, a row a second: the time, and a value for each column. `null` where nothing is known; a row that is shorter has 0 in the columns that came after it. And how each node of the cluster is, and what each shard of this one holds now: of memory, what waits (`queued_bytes`) and what is remembered (`history_bytes`); the rest is known of the process alone.";
    GET "/rooms" list_rooms READ, (prefix, sort, limit, cursor), None => 200 Some("RoomList"), rooms::list, "Rooms with somebody in them on this node. Their counts are of the whole cluster, as was told last; `rate` is of messages in a second since somebody looked before, `null` where nobody had for a minute.";
    GET "/rooms/{room}" get_room READ, (), None => 200 Some("Room"), rooms::describe, "How a room stands.";
    GET "/rooms/{room}/members" list_members READ, (limit, cursor), None => 200 Some("MemberList"), rooms::members, "Users in a room, on every node, in the order of their names. Nodes with many tell only how many: then `complete` is false.";
    GET "/rooms/{room}/messages" list_messages READ, (before, limit), None => 200 Some("MessageList"), messages::history, "What was said in a room, in ascending order: the newest, or what stands before a position. `next` is the `before` of older ones.";
    POST "/rooms/{room}/messages" post_to_room POST, (), Some("Posting") => 200 Some("Accepted"), messages::post_to_room, "Says something in a room. With an id, or an Idempotency-Key, a retry is the same message, also on another node.";
    POST "/users/{user}/messages" post_to_user POST, (), Some("Posting") => 200 Some("Accepted"), messages::post_to_user, "Says something to all devices of a user.";
    POST "/messages" post_to_all POST, (), Some("Posting") => 200 Some("Accepted"), messages::post_to_all, "Says something to everybody whose protocol knows of that.";
    GET "/users/{user}" get_user READ, (), None => 200 Some("User"), users::describe, "Whether a user takes direct messages now, and on how many devices, on every node.";
    GET "/sessions" list_sessions READ, (user, room, address, limit, cursor), None => 200 Some("SessionList"), sessions::list, "Sessions on this node.";
    GET "/sessions/{session}" get_session READ, (), None => 200 Some("Session"), sessions::describe, "A session on this node.";
    DELETE "/sessions/{session}" disconnect_session MODERATE, (), None => 204 None, sessions::disconnect_one, "Closes the connection of a session on this node, with a code that says not to come back.";
    POST "/disconnect" disconnect MODERATE, (), Some("Meant") => 200 Some("Done"), sessions::disconnect, "Closes connections on every node: of a session, a user, an address, or all who are in a room.";
    PUT "/rooms/{room}" configure_room MODERATE, (), Some("RoomTerms") => 200 Some("Room"), moderation::configure, "Says how a room is, on every node: `closed` (everybody leaves, nobody joins or posts), `slow_mode_ms` (a member who has said something may say more only after so long). What is left out is as in any room. There need be nobody in it.";
    DELETE "/rooms/{room}" close_room MODERATE, (), None => 204 None, moderation::close, "Closes a room; `PUT` opens it again. What was said stays.";
    POST "/rooms/{room}/kick" kick MODERATE, (), Some("Kicked") => 200 Some("Done"), moderation::kick, "Has a session, a user or an address leave a room, on every node. They may come back.";
    GET "/bans" list_bans READ, (limit, cursor), None => 200 Some("SanctionList"), moderation::list_bans, "Bans that hold.";
    POST "/bans" ban MODERATE, (), Some("Penalty") => 201 Some("Sanction"), moderation::ban, "Bans a user or an address from a room, or, without `room`, from everything, on every node: who is there goes, nobody comes. For `seconds`, or for good. One about the same takes the place of the one before.";
    DELETE "/bans/{id}" lift_ban MODERATE, (), None => 204 None, moderation::lift_ban, "Lifts a ban.";
    GET "/mutes" list_mutes READ, (limit, cursor), None => 200 Some("SanctionList"), moderation::list_mutes, "Mutes that hold.";
    POST "/mutes" mute MODERATE, (), Some("Penalty") => 201 Some("Sanction"), moderation::mute, "Lets a user or an address join and read, and say nothing: as with bans.";
    DELETE "/mutes/{id}" lift_mute MODERATE, (), None => 204 None, moderation::lift_mute, "Lifts a mute.";
    POST "/drain" start_drain OPERATE, (), None => 202 Some("Leave"), node::drain, "Has this node take leave of its clients and stop, as SIGTERM does.";
    GET "/drain" get_drain READ, (), None => 200 Some("Leave"), node::progress, "How far it has come with that.";
    POST "/traces" trace_message OPERATE, (), Some("Followed") => 200 Some("Trace"), traces::trace, "Follows the next message of a room, a user or a session through the shards of this node, and answers when all its members here were sent it; without steps, when nothing is said for `wait_seconds` (30). The log has it too.";
    GET "/audit" list_audit OPERATE, (limit, cursor), None => 200 Some("AuditList"), node::audit, "What was done over this API on this node, the newest first: the last thousand. The log has all.";
}
