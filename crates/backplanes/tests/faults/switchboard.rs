//! A way to Redis that can be made to lead elsewhere, or nowhere.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Connections through here lead to one port of this machine, the same for all.
pub(crate) struct Switchboard {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    target: u16,
    calls: Vec<Call>,
}

/// One connection, both sides of it.
struct Call {
    sides: [TcpStream; 2],
    /// Whether anything is carried.
    is_silent: Arc<Mutex<bool>>,
}

impl Switchboard {
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let state = Arc::new(Mutex::new(State { target, calls: Vec::new() }));
        let calls = state.clone();
        thread::spawn(move || {
            for caller in listener.incoming() {
                let Ok(caller) = caller else { return };
                calls.lock().expect("nobody panics").connect(caller);
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends all connections; new ones lead elsewhere.
    pub(crate) fn switch_to(&self, target: u16) {
        let mut state = self.state.lock().expect("nobody panics");
        state.target = target;
        for call in state.calls.drain(..) {
            for side in call.sides {
                let _ = side.shutdown(Shutdown::Both);
            }
        }
    }

    /// Carries nothing more on the connections there are, and does not end them.
    pub(crate) fn silence(&self) {
        for call in &self.state.lock().expect("nobody panics").calls {
            *call.is_silent.lock().expect("nobody panics") = true;
        }
    }
}

impl State {
    fn connect(&mut self, caller: TcpStream) {
        let Ok(called) = TcpStream::connect(("127.0.0.1", self.target)) else { return };
        let is_silent = Arc::new(Mutex::new(false));
        for (from, to) in [(&caller, &called), (&called, &caller)] {
            let (from, to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
            let is_silent = is_silent.clone();
            thread::spawn(move || carry(from, to, &is_silent));
        }
        self.calls.push(Call { sides: [caller, called], is_silent });
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, is_silent: &Mutex<bool>) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !*is_silent.lock().expect("nobody panics") && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
