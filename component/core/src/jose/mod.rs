//! JOSE: JWS, JWK, thumbprints (RFC 7515, 7517, 7518, 7638, 8037, 9864).
