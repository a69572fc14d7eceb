//! The name of a key: its JWK thumbprint (RFC 7638, for Ed25519 RFC 8037 appendix A.3).

use protocol::base64url::Base64Url;
use protocol::id::DeviceId;

use crate::secret::sha256;

/// The thumbprint of an Ed25519 public key: a device's id, and a server key's `kid`.
pub fn thumbprint(key: &Base64Url<32>) -> DeviceId {
    // RFC 7638 §3.3: the required members alone, in lexical order, without white space.
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{key}"}}"#);
    DeviceId::from_bytes(&sha256(&[jwk.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_of_rfc_8037_appendix_a_3() {
        let key = Base64Url::parse("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(thumbprint(&key).as_str(), expected);
    }
}
