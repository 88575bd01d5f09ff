//! The load generator: connects members to a server over one of its protocols, posts by an open-loop schedule, and
//! measures what comes of it: latency from the intended time, loss, repetition, order, and the server's processor
//! time and memory. A conductor leads worker processes, each one thread, because the generator must not be the
//! bottleneck. It knows the protocols from their outside only, as a stranger's client would.

pub mod clock;
pub mod conductor;
pub mod exchange;
pub mod frames;
pub mod latency;
pub mod layout;
pub mod ledger;
mod line;
pub mod machine;
pub mod offender;
pub mod options;
pub mod process;
pub mod protocols;
pub mod report;
pub mod schedule;
mod socket;
pub mod stamp;
pub mod steadfast;
pub mod terminal;
mod token;
pub mod worker;
