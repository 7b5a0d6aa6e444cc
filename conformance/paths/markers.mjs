// What a server answers, so that it shows which place it took a path for.
export const ADMIN = 'the-admin-place';
export const PUBLIC = 'the-public-place';
