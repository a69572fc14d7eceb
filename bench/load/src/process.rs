//! What a process has used so far (proc_pid_stat(5), proc_pid_status(5)).

use std::fs;
use std::time::Duration;

/// USER_HZ, which Linux shows to programs on every architecture that we run on.
const TICKS_PER_SECOND: u64 = 100;

/// A running process.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

/// Processor time of all threads of a process, ended ones included.
#[derive(Debug, Clone, Copy)]
pub struct Cpu {
    /// In user space and in the kernel.
    pub total: Duration,
}

impl Process {
    /// Its processor time since it began.
    pub fn cpu(self) -> Cpu {
        let stat = self.read("stat");
        // The second field is the program's name in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(") ").expect("stat has a name");
        let fields: Vec<_> = fields.split(' ').collect();
        let ticks = |field: &str| field.parse::<u64>().expect("ticks are a number");
        // utime and stime are fields 14 and 15 of the whole line, 1-based.
        let used = ticks(fields[11]) + ticks(fields[12]);
        Cpu {
            total: Duration::from_millis(used * 1000 / TICKS_PER_SECOND),
        }
    }

    /// Its resident memory in KiB.
    pub fn rss_kib(self) -> u64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        let kib = kib.and_then(|kib| kib.parse().ok());
        kib.expect("a living process has VmRSS")
    }

    fn read(self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

impl Cpu {
    /// Processor time since an earlier look, in milliseconds.
    pub fn since_ms(self, earlier: Cpu) -> u64 {
        let used = self.total.saturating_sub(earlier.total).as_millis();
        u64::try_from(used).unwrap_or(u64::MAX)
    }
}
