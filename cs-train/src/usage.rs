//! [`Sampler`]: what a run takes of the machine.

use std::time::{Duration, Instant};

/// What the process takes, and what the GPUs do; `None` where the system does not say: the
/// process's figures are Linux's, the GPUs' need the feature `nvml` and NVIDIA's driver.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Resident memory in bytes.
    pub memory: Option<u64>,
    /// The most resident memory so far, in bytes.
    pub peak_memory: Option<u64>,
    /// Threads of the process.
    pub threads: Option<u64>,
    /// Cores kept busy since the sample before, or since the sampler was made: 1.5 is one and a
    /// half.
    pub cores: Option<f64>,
    /// All NVIDIA GPUs of the machine, whoever uses them.
    pub gpus: Vec<GpuUsage>,
}

/// What a GPU does; `None` where it does not tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GpuUsage {
    /// NVML's number, by place on the bus; libtorch may count otherwise.
    pub index: u32,
    /// Share of the last second or less in which it computed, in 0..=1.
    pub utilisation: Option<f64>,
    /// Memory taken by all processes, in bytes.
    pub memory: Option<u64>,
    /// Temperature in °C.
    pub temperature: Option<f64>,
    /// Power in watts.
    pub power: Option<f64>,
}

/// Samples [`Usage`] now and then, on the thread that asks: about 0.1 ms, with GPUs some
/// milliseconds.
///
/// ```
/// use std::time::Duration;
/// let mut sampler = cs_train::usage::Sampler::new(Duration::from_secs(3600));
/// assert!(sampler.sample().is_some());
/// assert!(sampler.sample().is_none(), "an hour has not passed");
/// ```
#[derive(Debug)]
pub struct Sampler {
    every: Duration,
    sampled: Option<Instant>,
    /// When the processor time was read, and what it was.
    processor: (Instant, Option<Duration>),
    #[cfg(feature = "nvml")]
    gpus: nvml::Gpus,
}

impl Sampler {
    /// A sampler that looks at most once in `every`.
    #[must_use]
    pub fn new(every: Duration) -> Self {
        Self {
            every,
            sampled: None,
            processor: (Instant::now(), process::processor_time()),
            #[cfg(feature = "nvml")]
            gpus: nvml::Gpus::new(),
        }
    }

    /// What is used now; `None` if it is not time yet.
    pub fn sample(&mut self) -> Option<Usage> {
        if self.sampled.is_some_and(|at| at.elapsed() < self.every) {
            return None;
        }
        self.sampled = Some(Instant::now());
        Some(Usage {
            cores: self.cores(),
            #[cfg(feature = "nvml")]
            gpus: self.gpus.usage(),
            ..process::memory()
        })
    }

    fn cores(&mut self) -> Option<f64> {
        let now = (Instant::now(), process::processor_time());
        let (began, before) = std::mem::replace(&mut self.processor, now);
        let seconds = now.0.duration_since(began).as_secs_f64();
        let busy = now.1?.saturating_sub(before?).as_secs_f64();
        (seconds > 0.0).then_some(busy / seconds)
    }
}

#[cfg(target_os = "linux")]
mod process {
    use std::time::Duration;

    use super::Usage;

    /// From /proc/self/status, see proc_pid_status(5).
    pub(super) fn memory() -> Usage {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let bytes = |name: &str| field(name).map(|kib| kib * 1024);
        Usage {
            memory: bytes("VmRSS:"),
            peak_memory: bytes("VmHWM:"),
            threads: field("Threads:"),
            ..Usage::default()
        }
    }

    /// The time of all threads, in user and in system mode: fields 14 and 15 of /proc/self/stat,
    /// see proc_pid_stat(5).
    pub(super) fn processor_time() -> Option<Duration> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The program's name, in parentheses, may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        let ticks = ticks()? + ticks()?;
        let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod process {
    use std::time::Duration;

    use super::Usage;

    pub(super) fn memory() -> Usage {
        Usage::default()
    }

    pub(super) fn processor_time() -> Option<Duration> {
        None
    }
}

#[cfg(feature = "nvml")]
mod nvml {
    use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
    use nvml_wrapper::{Device, Nvml};

    use super::GpuUsage;

    /// The driver's library, if this machine has one.
    #[derive(Debug)]
    pub(super) struct Gpus(Option<Nvml>);

    impl Gpus {
        pub(super) fn new() -> Self {
            let nvml = Nvml::init();
            if let Err(error) = &nvml {
                tracing::debug!(%error, "no NVML, so no GPU is watched");
            }
            Self(nvml.ok())
        }

        pub(super) fn usage(&self) -> Vec<GpuUsage> {
            let Some(nvml) = &self.0 else {
                return Vec::new();
            };
            (0..nvml.device_count().unwrap_or(0))
                .filter_map(|index| Some(usage(index, &nvml.device_by_index(index).ok()?)))
                .collect()
        }
    }

    fn usage(index: u32, device: &Device<'_>) -> GpuUsage {
        let percent = |rates: nvml_wrapper::struct_wrappers::device::Utilization| rates.gpu;
        GpuUsage {
            index,
            utilisation: device
                .utilization_rates()
                .ok()
                .map(|rates| f64::from(percent(rates)) / 100.0),
            memory: device.memory_info().ok().map(|memory| memory.used),
            temperature: device
                .temperature(TemperatureSensor::Gpu)
                .ok()
                .map(f64::from),
            power: device
                .power_usage()
                .ok()
                .map(|milliwatts| f64::from(milliwatts) / 1000.0),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen() {
        let mut sampler = Sampler::new(Duration::ZERO);
        let began = process::processor_time().expect("Linux says");
        let mut sum = 0_u64;
        while process::processor_time().expect("Linux says") < began + Duration::from_millis(30) {
            sum = std::hint::black_box(sum + 1);
        }
        let usage = sampler.sample().expect("always time");
        assert!(usage.cores.is_some_and(|cores| cores > 0.0), "{usage:?}");
        assert!(usage.memory > Some(1 << 20), "{usage:?}");
        assert!(usage.peak_memory >= usage.memory, "{usage:?}");
        assert!(usage.threads >= Some(1), "{usage:?}");
    }
}
