// The module that the entries `tollgate/issuer` of all hosts share. It contains the issuer's glue.
export { ConfigError, IssuerError, TokenRefused, TokenUnavailable } from './issuer/errors.js';
export { makeIssuer } from './issuer/issuer.js';
