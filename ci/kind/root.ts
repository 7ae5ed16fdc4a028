import { fileURLToPath } from 'node:url';

/** This checkout, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url));
