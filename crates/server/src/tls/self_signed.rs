//! A local CA that a person can trust once, and the leaf it signs for this machine's names.
//!
//! The CA is name-constrained (RFC 5280 §4.2.1.10) to this host, private addresses and the
//! addresses seen when it was made: whoever steals its key cannot speak for other sites.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{TlsError, TlsIdentity, read_chain};
use crate::files::{read_optional, write_private};
use crate::names::{MachineNames, url_host};

/// Networks that a CA may always sign for: private, link-local, CGNAT, loopback.
const PRIVATE_NETWORKS: [(&str, u8); 8] = [
    ("127.0.0.0", 8),
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("169.254.0.0", 16),
    ("100.64.0.0", 10),
    ("::1", 128),
    ("fc00::", 7),
];

/// A leaf is renewed when less than this is left of it.
const RENEW_BEFORE: Duration = Duration::days(30);
/// The longest life of a leaf that phones accept.
const LEAF_LIFE: Duration = Duration::days(397);

/// Reads CA and leaf; makes the CA at the first start, the leaf whenever its names change.
///
/// The leaf is kept because a browser's exception for it is bound to its bytes.
pub(super) fn load(dir: &Path, names: &MachineNames) -> Result<TlsIdentity, TlsError> {
    let authority = Authority::load(&dir.join("ca.pem"), &dir.join("ca.key"), names)?;
    let names = authority.constraints()?.keep_permitted(names);
    let now = OffsetDateTime::now_utc();
    let leaf = match Leaf::read(dir, &names, now)? {
        Some(leaf) => leaf,
        None => Leaf::make(dir, &authority, &names, now)?,
    };
    let key =
        PrivateKeyDer::from_pem_slice(leaf.key_pem.as_bytes()).map_err(|error| TlsError::Pem {
            path: dir.join(LEAF_KEY),
            error,
        })?;
    let hosts = names
        .addresses
        .iter()
        .copied()
        .map(url_host)
        .chain(names.dns_names())
        .collect();
    let chain = vec![leaf.certificate, authority.certificate];
    Ok(TlsIdentity {
        chain,
        key,
        hosts,
        ca_pem: Some(authority.pem),
    })
}

const LEAF_CERT: &str = "leaf.pem";
const LEAF_KEY: &str = "leaf.key";
/// Expiry and names of the leaf, a line each: what decides whether it still serves.
const LEAF_FOR: &str = "leaf.for";

struct Leaf {
    certificate: CertificateDer<'static>,
    key_pem: String,
}

impl Leaf {
    fn read(
        dir: &Path,
        names: &MachineNames,
        now: OffsetDateTime,
    ) -> Result<Option<Self>, TlsError> {
        let text = |name: &str| read_optional(&dir.join(name)).map_err(file_error(&dir.join(name)));
        let (Some(made_for), Some(key_pem)) = (text(LEAF_FOR)?, text(LEAF_KEY)?) else {
            return Ok(None);
        };
        let (expiry, made_for) = made_for.split_once('\n').unwrap_or_default();
        let is_fresh = expiry
            .parse()
            .is_ok_and(|at: i64| at > (now + RENEW_BEFORE).unix_timestamp());
        if !is_fresh || made_for != name_list(names) {
            return Ok(None);
        }
        let certificate = read_chain(&dir.join(LEAF_CERT))?.into_iter().next();
        Ok(certificate.map(|certificate| Self {
            certificate,
            key_pem,
        }))
    }

    fn make(
        dir: &Path,
        authority: &Authority,
        names: &MachineNames,
        now: OffsetDateTime,
    ) -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = leaf_params(&names.addresses, &names.dns_names())?;
        params.not_before = now - Duration::DAY;
        params.not_after = params.not_before + LEAF_LIFE;
        let expiry = params.not_after.unix_timestamp();
        let made = params.signed_by(&key, &authority.issuer)?;
        let key_pem = key.serialize_pem();
        // `leaf.for` is last: without it a half-written leaf is made again.
        let made_for = format!("{expiry}\n{}", name_list(names));
        for (name, text) in [
            (LEAF_CERT, made.pem()),
            (LEAF_KEY, key_pem.clone()),
            (LEAF_FOR, made_for),
        ] {
            let path = dir.join(name);
            write_private(&path, text.as_bytes()).map_err(file_error(&path))?;
        }
        Ok(Self {
            certificate: made.der().clone(),
            key_pem,
        })
    }
}

fn name_list(names: &MachineNames) -> String {
    let addresses = names.addresses.iter().map(ToString::to_string);
    addresses
        .chain(names.dns_names())
        .collect::<Vec<_>>()
        .join("\n")
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> TlsError + use<> {
    let path = path.to_owned();
    move |error| TlsError::File { path, error }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    fn load(cert: &Path, key: &Path, names: &MachineNames) -> Result<Self, TlsError> {
        if read_optional(key).map_err(file_error(key))?.is_none() {
            let pair = KeyPair::generate()?;
            let made = authority_params(names)?.self_signed(&pair)?;
            write_private(cert, made.pem().as_bytes()).map_err(file_error(cert))?;
            // The key is last: a start that was killed between the two makes both again.
            write_private(key, pair.serialize_pem().as_bytes()).map_err(file_error(key))?;
        }
        let pem = std::fs::read_to_string(cert).map_err(file_error(cert))?;
        let pair = KeyPair::from_pem(&std::fs::read_to_string(key).map_err(file_error(key))?)?;
        let certificate = read_chain(cert)?.into_iter().next();
        let certificate = certificate.ok_or_else(|| TlsError::Certificate(PathBuf::from(cert)))?;
        Ok(Self {
            issuer: Issuer::from_ca_cert_pem(&pem, pair)?,
            certificate,
            pem,
        })
    }

    fn constraints(&self) -> Result<Constraints, TlsError> {
        Constraints::read(&self.certificate).ok_or_else(|| TlsError::Certificate("ca.pem".into()))
    }
}

fn authority_params(names: &MachineNames) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(Vec::new())?;
    let host = names.host_name.as_deref().unwrap_or("this machine");
    params
        .distinguished_name
        .push(DnType::CommonName, format!("Heliograph CA of {host}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted(names),
        excluded_subtrees: Vec::new(),
    });
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2046, 1, 1);
    Ok(params)
}

fn permitted(names: &MachineNames) -> Vec<GeneralSubtree> {
    let networks = PRIVATE_NETWORKS.iter().map(|(network, prefix)| {
        let network = network
            .parse::<IpAddr>()
            .expect("the table holds addresses");
        CidrSubnet::from_addr_prefix(network, *prefix)
    });
    let own = names
        .addresses
        .iter()
        .map(|ip| CidrSubnet::from_addr_prefix(*ip, if ip.is_ipv4() { 32 } else { 128 }));
    let dns = std::iter::once("localhost".to_owned()).chain(names.dns_names());
    networks
        .chain(own)
        .map(GeneralSubtree::IpAddress)
        .chain(dns.map(GeneralSubtree::DnsName))
        .collect()
}

fn leaf_params(addresses: &[IpAddr], dns_names: &[String]) -> Result<CertificateParams, TlsError> {
    let dns = std::iter::once("localhost".to_owned()).chain(dns_names.iter().cloned());
    let mut params = CertificateParams::new(dns.collect::<Vec<_>>())?;
    let loopback = [
        IpAddr::from([127, 0, 0, 1]),
        IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
    ];
    let ips = loopback
        .iter()
        .chain(addresses)
        .map(|ip| SanType::IpAddress(*ip));
    params.subject_alt_names.extend(ips);
    params
        .distinguished_name
        .push(DnType::CommonName, "Heliograph");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// What the CA may sign for, read from its certificate.
///
/// One name outside of it would make the whole leaf invalid, so such names are left out.
struct Constraints {
    networks: Vec<ipnet::IpNet>,
    dns_names: Vec<String>,
}

impl Constraints {
    fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let constraints = parsed.name_constraints().ok()??;
        let subtrees = constraints
            .value
            .permitted_subtrees
            .as_deref()
            .unwrap_or_default();
        let mut read = Self {
            networks: Vec::new(),
            dns_names: Vec::new(),
        };
        for subtree in subtrees {
            match &subtree.base {
                GeneralName::DNSName(name) => read.dns_names.push((*name).to_owned()),
                GeneralName::IPAddress(bytes) => read.networks.extend(network(bytes)),
                _ => {}
            }
        }
        Some(read)
    }

    fn keep_permitted(&self, names: &MachineNames) -> MachineNames {
        let is_permitted = |ip: &IpAddr| self.networks.iter().any(|network| network.contains(ip));
        let (addresses, left_out): (Vec<_>, Vec<_>) =
            names.addresses.iter().partition(|ip| is_permitted(ip));
        if !left_out.is_empty() {
            tracing::warn!(
                addresses = left_out.len(),
                "the certificate leaves out addresses that its CA may not sign for; \
                 delete data_dir/tls to make a CA that may"
            );
        }
        let host_name = names
            .host_name
            .clone()
            .filter(|name| self.dns_names.contains(name));
        MachineNames {
            addresses,
            host_name,
        }
    }
}

/// Address and mask, as RFC 5280 §4.2.1.10 writes them.
fn network(bytes: &[u8]) -> Option<ipnet::IpNet> {
    let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
    let ip = |bytes: &[u8]| -> Option<IpAddr> {
        match bytes.len() {
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
            16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
            _ => None,
        }
    };
    ipnet::IpNet::with_netmask(ip(address)?, ip(mask)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("helio-tls-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        dir
    }

    fn machine(addresses: &[&str]) -> MachineNames {
        let addresses = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        MachineNames {
            addresses,
            host_name: Some("box".to_owned()),
        }
    }

    #[test]
    fn leaf_is_kept_while_its_names_stay() {
        let dir = scratch("kept");
        let names = machine(&["192.168.1.5"]);
        let first = load(&dir, &names).unwrap();
        assert_eq!(load(&dir, &names).unwrap().chain, first.chain);
        let moved = load(&dir, &machine(&["192.168.7.7"])).unwrap();
        assert_ne!(moved.chain[0], first.chain[0]);
        assert_eq!(
            moved.chain[1], first.chain[1],
            "the CA that people trusted stays"
        );
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn an_address_the_ca_may_not_sign_for_is_left_out() {
        let dir = scratch("constraint");
        load(&dir, &machine(&["192.168.1.5"])).unwrap();
        let identity = load(&dir, &machine(&["192.168.1.5", "203.0.113.9"])).unwrap();
        assert_eq!(identity.hosts, ["192.168.1.5", "box", "box.local"]);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
