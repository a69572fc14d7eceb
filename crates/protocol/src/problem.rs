//! Why a request was refused (RFC 9457).
