//! Networks: addresses that have their first bits in common (RFC 4632 §3.1, RFC 4291 §2.3).

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// An address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// What is said of a text that is no network.
pub const NOT_A_NETWORK: &str = "an address such as 10.0.0.1, or a network such as 10.0.0.0/8 or fd00::/8";

impl Network {
    /// Whether an address belongs to it. One of IPv4 that is written in IPv6 (RFC 4291 §2.5.5.2) is one of IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                shares(network.to_bits().into(), address.to_bits().into(), 32 - u32::from(self.prefix))
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                shares(network.to_bits(), address.to_bits(), 128 - u32::from(self.prefix))
            }
            _ => false,
        }
    }
}

/// Whether two numbers are alike but for so many last bits.
fn shares(one: u128, other: u128, free_bits: u32) -> bool {
    (one ^ other).checked_shr(free_bits).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = &'static str;

    /// `ADDRESS` or `ADDRESS/BITS`. The bits that do not count have to be zero: a slip of the pen would else trust more than was meant.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NOT_A_NETWORK)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| NOT_A_NETWORK))?;
        let value = match address {
            IpAddr::V4(address) => address.to_bits().into(),
            IpAddr::V6(address) => address.to_bits(),
        };
        let is_plain = |free_bits: u32| value.trailing_zeros() >= free_bits;
        let fits = prefix <= most && is_plain(u32::from(most - prefix));
        (fits).then_some(Self { address, prefix }).ok_or(NOT_A_NETWORK)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}
