//! What the system says of a process: processor time of all its threads, and memory. Looking costs the process nothing
//! and needs no help from it.

use std::io;
use std::iter::Sum;
use std::path::PathBuf;
use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// Processor time used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuTime {
    /// In its own code.
    pub user_s: f64,
    /// In the kernel on its behalf.
    pub system_s: f64,
    /// Both together, to the nanosecond, where the parts come in steps of 10 ms.
    pub total_s: f64,
}

impl CpuTime {
    /// What was used since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            user_s: self.user_s - earlier.user_s,
            system_s: self.system_s - earlier.system_s,
            total_s: self.total_s - earlier.total_s,
        }
    }
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Resident, shared pages included.
    pub rss: u64,
    /// Resident, shared pages divided by their sharers.
    pub pss: u64,
    /// Resident and nobody else's: what the process itself costs.
    pub private: u64,
}

/// A process on this machine that can be looked at.
#[derive(Clone, Debug)]
pub struct Process {
    folder: PathBuf,
    clock: ClockId,
}

impl Process {
    /// The process with that id, if it is alive.
    pub fn find(pid: u32) -> io::Result<Self> {
        let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed()))?;
        let process = Self { folder: format!("/proc/{pid}").into(), clock };
        process.cpu_time()?;
        Ok(process)
    }

    /// Its processor time.
    pub fn cpu_time(&self) -> io::Result<CpuTime> {
        let stat = std::fs::read_to_string(self.folder.join("stat"))?;
        let parts = parts_of(&stat, rustix::param::clock_ticks_per_second());
        let (user_s, system_s) = parts.ok_or_else(|| unreadable("stat"))?;
        let total_s = Duration::from(self.clock.now()?).as_secs_f64();
        Ok(CpuTime { user_s, system_s, total_s })
    }

    /// Its resident memory; cheap enough to be asked often.
    pub fn rss(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(self.folder.join("status"))?;
        Ok(kibibytes(&status, "VmRSS:").ok_or_else(|| unreadable("status"))? * 1024)
    }

    /// Its memory in full; the kernel walks its page tables for that.
    pub fn memory(&self) -> io::Result<Memory> {
        let rollup = std::fs::read_to_string(self.folder.join("smaps_rollup"))?;
        memory_of(&rollup).ok_or_else(|| unreadable("smaps_rollup"))
    }
}

/// The processes of a server, looked at as one.
#[derive(Clone, Debug)]
pub struct Processes(Vec<Process>);

impl Processes {
    /// The processes with those ids, if all are alive.
    pub fn find(pids: &[u32]) -> io::Result<Self> {
        pids.iter().copied().map(Process::find).collect::<io::Result<_>>().map(Self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The processor time of all.
    pub fn cpu_time(&self) -> io::Result<CpuTime> {
        self.0.iter().map(Process::cpu_time).sum()
    }

    /// The resident memory of all.
    pub fn rss(&self) -> io::Result<u64> {
        self.0.iter().map(Process::rss).sum()
    }

    /// The memory of all in full.
    pub fn memory(&self) -> io::Result<Memory> {
        self.0.iter().map(Process::memory).sum()
    }
}

impl Sum for CpuTime {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, next| Self {
            user_s: sum.user_s + next.user_s,
            system_s: sum.system_s + next.system_s,
            total_s: sum.total_s + next.total_s,
        })
    }
}

impl Sum for Memory {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, next| Self {
            rss: sum.rss + next.rss,
            pss: sum.pss + next.pss,
            private: sum.private + next.private,
        })
    }
}

fn unreadable(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("/proc/PID/{file} is not as expected"))
}

/// proc_pid_stat(5): fields 14 and 15; the second field may contain anything, up to the last parenthesis.
fn parts_of(stat: &str, ticks_per_second: u64) -> Option<(f64, f64)> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(|field| field.parse::<u64>().ok());
    let mut seconds = || Some(times.next()?? as f64 / ticks_per_second as f64);
    Some((seconds()?, seconds()?))
}

/// Private is what has no file. Pages of a program are read in when they are first run, and are nobody else's either as long as nobody else
/// runs it, clean or, soon after it was built, dirty: they are not what a connection costs.
fn memory_of(rollup: &str) -> Option<Memory> {
    let bytes = |name| Some(kibibytes(rollup, name)? * 1024);
    Some(Memory { rss: bytes("Rss:")?, pss: bytes("Pss:")?, private: bytes("Anonymous:")? })
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_whatever_the_process_calls_itself() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 125 9 9 20 0 1 0 100 1 1";
        assert_eq!(parts_of(stat, 100), Some((2.5, 1.25)));
        assert_eq!(parts_of("7 (x", 100), None);
    }

    #[test]
    fn private_memory_has_no_file() {
        let rollup = "0-1 ---p 0 0:0 0 [rollup]\nRss:  900 kB\nPss:  800 kB\nPss_Dirty: 1 kB\nPrivate_Clean: 300 kB\nPrivate_Dirty: 500 kB\nAnonymous: 400 kB\n";
        let expected = Memory { rss: 900 * 1024, pss: 800 * 1024, private: 400 * 1024 };
        assert_eq!(memory_of(rollup), Some(expected));
        assert_eq!(memory_of("Rss: 1 kB"), None);
    }

    #[test]
    fn the_processes_of_a_server_are_looked_at_as_one() {
        let pid = std::process::id();
        let [one, two] = [&[pid][..], &[pid, pid]].map(|pids| Processes::find(pids).expect("it is running"));
        let [one, two] =
            [one, two].map(|processes| processes.memory().expect("it may look at itself").private);
        assert!(two > one + one / 2, "{one} and {two}");
        assert!(Processes::find(&[]).is_ok_and(|none| none.is_empty()));
    }

    #[test]
    fn this_very_process_can_be_looked_at() {
        let this = Process::find(std::process::id()).expect("it is running");
        let (memory, rss) = (this.memory().expect("it may look at itself"), this.rss().expect("as above"));
        let cpu = this.cpu_time().expect("as above");
        assert!(cpu.total_s > 0.0 && (cpu.total_s - cpu.user_s - cpu.system_s).abs() < 0.1, "{cpu:?}");
        assert!(memory.private > 0 && memory.rss >= memory.private && rss > 0);
    }
}
