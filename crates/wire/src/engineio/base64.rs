//! Binary data inside text, as the clients of the world write it.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::fault::Fault;

/// With padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What `text` stands for. The Java client breaks its lines after 76 characters; the line ends say nothing.
pub(super) fn read(text: &str) -> Result<Vec<u8>, Fault> {
    let decoded = if text.contains(['\r', '\n']) {
        LENIENT.decode(text.replace(['\r', '\n'], ""))
    } else {
        LENIENT.decode(text)
    };
    decoded.map_err(|_| Fault::Base64)
}

/// How many characters `bytes` bytes take.
pub(super) fn length(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}
