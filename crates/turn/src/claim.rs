//! What an Allocate asks for, read from its attributes (RFC 8656 section 7.2, steps 3 to 9).

use stun_types::attribute::AttributeStaticType;
use turn_types::AddressFamily;
use turn_types::attribute::{
    AdditionalAddressFamily, EvenPort, RequestedAddressFamily, RequestedTransport, ReservationToken,
};

use crate::allocation::Wanted;
use crate::reply::Refusal;
use crate::requests::Request;

/// What an Allocate is after.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Claim {
    Open(Wanted),
    Reserved(u64),
}

impl Claim {
    pub(crate) fn of(request: &Request<'_>) -> Result<Self, Refusal> {
        let transport = request.required::<RequestedTransport>()?;
        if transport.protocol() != RequestedTransport::UDP {
            return Err(Refusal::TransportUnsupported);
        }
        let token = request.optional::<ReservationToken>()?;
        let even = request.optional::<EvenPort>()?;
        let has_family = request.message.has_attribute(RequestedAddressFamily::TYPE);
        let additional = request
            .message
            .raw_attribute(AdditionalAddressFamily::TYPE)
            .map(|raw| raw.value.first().copied());
        if let Some(token) = token {
            if even.is_some() || has_family || additional.is_some() {
                return Err(Refusal::BadRequest);
            }
            return Ok(Self::Reserved(token.token()));
        }
        let reserves_next = even.as_ref().is_some_and(EvenPort::requested);
        if let Some(family) = additional {
            if has_family || reserves_next || family != Some(IPV6) {
                return Err(Refusal::BadRequest);
            }
            return Ok(Self::Open(Wanted {
                families: &[AddressFamily::IPV4, AddressFamily::IPV6],
                is_even: even.is_some(),
                keeps_next: false,
            }));
        }
        let families: &[AddressFamily] = match has_family && request_family(request)? {
            true => &[AddressFamily::IPV6],
            false => &[AddressFamily::IPV4],
        };
        Ok(Self::Open(Wanted {
            families,
            is_even: even.is_some(),
            keeps_next: reserves_next,
        }))
    }
}

const IPV4: u8 = 1;
const IPV6: u8 = 2;

/// Whether REQUESTED-ADDRESS-FAMILY asks for IPv6; a family of neither kind is 440.
pub(crate) fn request_family(request: &Request<'_>) -> Result<bool, Refusal> {
    let raw = request.message.raw_attribute(RequestedAddressFamily::TYPE);
    match raw.as_ref().map(|raw| &*raw.value) {
        Some([IPV4, _, _, _]) => Ok(false),
        Some([IPV6, _, _, _]) => Ok(true),
        Some([_, _, _, _]) => Err(Refusal::FamilyUnsupported),
        _ => Err(Refusal::BadRequest),
    }
}
