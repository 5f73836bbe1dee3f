//! Keeping the processors awake.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use sim::console::Failure;

/// Where Linux takes requests for how soon a sleeping processor must go on (PM QoS, `power/pm_qos_interface`).
const DEVICE: &str = "/dev/cpu_dma_latency";

/// Which driver decides how an idle processor sleeps; `none` where there is none.
const IDLE_DRIVER: &str = "/sys/devices/system/cpu/cpuidle/current_driver";

/// A request that no processor sleeps, for as long as this value lives: an idle one polls.
///
/// A job wakes threads of driver, API, broker and consumer one after another. On a virtual machine the hypervisor takes
/// a sleeping processor away, and how soon it gives it back is a good part of the overheads and most of what they move
/// by. Tools that measure latencies make the same request. Where Linux has no driver for idle processors,
/// as on some virtual machines, nothing heeds it: [`Awake::warning`].
#[derive(Debug)]
pub struct Awake {
    /// The request ends when this is closed.
    _request: File,
}

impl Awake {
    /// Makes the request.
    ///
    /// # Errors
    /// [`Failure::BadInput`] where the system has no such device, or keeps it for others.
    pub fn request() -> Result<Self, Failure> {
        Self::at(Path::new(DEVICE))
    }

    /// What should be known of the request: that the system makes nothing of it.
    pub fn warning() -> Option<&'static str> {
        Self::unheeded(Path::new(IDLE_DRIVER))
            .then_some("--awake: Linux has no driver for idle processors here, so they sleep nevertheless")
    }

    fn unheeded(driver: &Path) -> bool {
        std::fs::read_to_string(driver).map_or(true, |name| name.trim() == "none")
    }

    fn at(device: &Path) -> Result<Self, Failure> {
        let asked = OpenOptions::new().write(true).open(device).and_then(|mut request| {
            // Microseconds, as the four bytes of an integer.
            request.write_all(&0_i32.to_ne_bytes())?;
            Ok(request)
        });
        asked.map(|request| Awake { _request: request }).map_err(|error| {
            Failure::BadInput(format!(
                "--awake: {}: {error}\n  rule: Linux keeps processors awake for whoever may write to this device\n  \
                 remedy: run as root, or leave --awake out",
                device.display()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_no_microsecond() {
        let device = tempfile::NamedTempFile::new().unwrap();
        let _awake = Awake::at(device.path()).unwrap();
        assert_eq!(std::fs::read(device.path()).unwrap(), [0; 4]);
    }

    #[test]
    fn a_system_that_makes_nothing_of_the_request_is_told_from_one_that_does() {
        let driver = tempfile::NamedTempFile::new().unwrap();
        for (name, unheeded) in [("none\n", true), ("haltpoll\n", false), ("intel_idle\n", false)] {
            std::fs::write(driver.path(), name).unwrap();
            assert_eq!(Awake::unheeded(driver.path()), unheeded, "{name}");
        }
        assert!(Awake::unheeded(Path::new("/nonexistent/current_driver")));
    }

    #[test]
    fn where_there_is_no_such_device_the_remedy_is_named() {
        let error = Awake::at(Path::new("/nonexistent/cpu_dma_latency")).unwrap_err().to_string();
        assert!(error.contains("--awake") && error.contains("remedy: run as root"), "{error}");
    }
}
