//! What the system says of the machine as a whole: processor time, memory that is left, and what the kernel keeps for sockets.

use std::io;

use serde::{Deserialize, Serialize};

const PAGE_BYTES: u64 = 4096;

/// Memory in bytes, and the sockets that some of it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineMemory {
    /// What programs may still take without anything being swapped. What the kernel has in its slabs counts as gone: it calls much of it
    /// reclaimable that is not while sockets are open.
    pub available: u64,
    /// What is neither free nor a copy of what is on a disk.
    pub used: u64,
    /// What the kernel keeps in its slabs: sockets, files, what is watched of them.
    pub slab: u64,
    /// Buffers of TCP sockets.
    pub socket_buffers: u64,
    /// TCP sockets in use.
    pub sockets: u64,
}

impl MachineMemory {
    /// How it is now.
    pub fn now() -> io::Result<Self> {
        let (meminfo, sockstat) =
            (std::fs::read_to_string("/proc/meminfo")?, std::fs::read_to_string("/proc/net/sockstat")?);
        memory_of(&meminfo, &sockstat).ok_or_else(|| unreadable("meminfo"))
    }
}

/// The processor time that everything on the machine has used so far, time stolen by other machines included.
pub fn machine_cpu_s() -> io::Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    busy_s_of(&stat, rustix::param::clock_ticks_per_second()).ok_or_else(|| unreadable("stat"))
}

/// proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
fn busy_s_of(stat: &str, ticks_per_second: u64) -> Option<f64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
    let busy: u64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|place| ticks.get(*place)).sum();
    Some(busy as f64 / ticks_per_second as f64)
}

/// proc_meminfo(5), and the kernel's own account of sockets, whose memory is in pages.
fn memory_of(meminfo: &str, sockstat: &str) -> Option<MachineMemory> {
    let bytes = |name| Some(number_after(meminfo.lines().find(|line| line.starts_with(name))?, name)? * 1024);
    let (free, copies) = (bytes("MemFree:")?, bytes("Buffers:")? + bytes("Cached:")?);
    // What programs share in memory is called cached too, and is on no disk.
    let copies = copies.saturating_sub(bytes("Shmem:")?);
    let tcp = sockstat.lines().find(|line| line.starts_with("TCP:"))?;
    Some(MachineMemory {
        available: bytes("MemAvailable:")?.min(free + copies),
        used: bytes("MemTotal:")?.saturating_sub(free + copies),
        slab: bytes("Slab:")?,
        socket_buffers: number_after(tcp, "mem")? * PAGE_BYTES,
        sockets: number_after(tcp, "inuse")?,
    })
}

fn number_after(line: &str, name: &str) -> Option<u64> {
    line.split_whitespace().skip_while(|word| *word != name).nth(1)?.parse().ok()
}

fn unreadable(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("/proc/{file} is not as expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_machine_is_neither_idle_nor_waiting() {
        let stat = "cpu  100 20 300 99999 88888 4 50 6 70 80\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_s_of(stat, 100), Some(4.8));
        assert_eq!(busy_s_of("intr 1", 100), None);
    }

    #[test]
    fn memory_is_told_in_kibibytes_and_that_of_sockets_in_pages() {
        let meminfo = "MemTotal: 9000 kB\nMemFree: 500 kB\nMemAvailable:   800 kB\nBuffers: 10 kB\nCached: 260 kB\n\
                       Shmem: 70 kB\nSlab:   30 kB\n";
        let sockstat = "sockets: used 21\nTCP: inuse 5 orphan 0 tw 18 alloc 7 mem 2\nUDP: inuse 1 mem 9\n";
        let expected = MachineMemory {
            available: 700 << 10,
            used: 8300 << 10,
            slab: 30 << 10,
            socket_buffers: 8192,
            sockets: 5,
        };
        assert_eq!(memory_of(meminfo, sockstat), Some(expected));
        let roomy = meminfo.replace("MemFree: 500", "MemFree: 900");
        assert_eq!(memory_of(&roomy, sockstat).map(|memory| memory.available), Some(800 << 10));
        assert_eq!(memory_of("MemTotal: 9 kB\n", sockstat), None);
    }

    #[test]
    fn this_very_machine_can_be_looked_at() {
        let memory = MachineMemory::now().expect("it is Linux");
        assert!(memory.available > 0 && memory.slab > 0, "{memory:?}");
        assert!(machine_cpu_s().is_ok_and(|busy_s| busy_s > 0.0));
    }
}
