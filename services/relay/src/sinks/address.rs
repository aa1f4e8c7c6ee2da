//! Which addresses are nobody's business outside: what a sink must not reach unless it is allowed to.
//!
//! Names are resolved once for each connection, and what is connected to is one of the addresses that were
//! looked at here. So a name that is public when it is looked at and private a moment later gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Every address of a name is private, and the sink may not reach such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is private, and allow_private is not set")]
pub(crate) struct PrivateAddress;

/// Resolves names and gives out only addresses that may be connected to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is replaced by that of the URL.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted = public_ones(found)?;
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// Keeps the public addresses.
///
/// # Errors
/// When there were some and all are private.
fn public_ones(found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, PrivateAddress> {
    let (private, public): (Vec<_>, Vec<_>) = found.partition(|address| is_private(address.ip()));
    if public.is_empty() && !private.is_empty() { Err(PrivateAddress) } else { Ok(public) }
}

/// Whether an address is not one of the public internet: private, loopback, link-local, shared, reserved,
/// multicast, or an IPv6 address that stands for such an IPv4 one.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => embedded_v4(ip).map_or_else(|| is_private_v6(ip), is_private_v4),
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        // This network; loopback; private; multicast and reserved.
        (0 | 10 | 127 | 224..=255, _, _)
        // Shared by carriers; link-local, where clouds keep credentials; private.
        | (100, 64..=127, _)
        | (169, 254, _)
        | (172, 16..=31, _)
        | (192, 168, _)
        // Protocol assignments; documentation; relays of 6to4; benchmarks.
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113) => true,
        _ => false,
    }
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // Global unicast is 2000::/3; all else is local, multicast or nobody's.
    first & 0xe000 != 0x2000
        // Protocol assignments and Teredo; documentation.
        || (first == 0x2001 && second < 0x0200)
        || (first == 0x2001 && second == 0x0db8)
        || (first == 0x3fff && second < 0x1000)
}

/// Returns the IPv4 address that an IPv6 one leads to: mapped, compatible, NAT64, 6to4.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let joined = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(joined(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(joined(high, low)),
        [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_private() {
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn addresses_beside_private_ranges_are_public() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.1.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.167.1.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2600:1f00::1",
            "2a00:1450:4001::1",
        ] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn of_a_mixed_name_only_the_public_addresses_are_used() {
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let mixed = [at("10.0.0.1"), at("8.8.8.8"), at("::1")];

        assert_eq!(public_ones(mixed.into_iter()), Ok(vec![at("8.8.8.8")]));
        assert_eq!(public_ones([at("10.0.0.1")].into_iter()), Err(PrivateAddress));
        assert_eq!(public_ones([].into_iter()), Ok(Vec::new()));
    }
}
