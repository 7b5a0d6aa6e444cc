// The responses of the servers, which show how a server interpreted a path.
export const ADMIN = 'the-admin-place';
export const PUBLIC = 'the-public-place';
