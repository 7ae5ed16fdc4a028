/** Versions of the charts and of the images that they name. */
export const VERSION = '0.1.0';
