/** A viewer that does not speak RFB as it should: its connection ends, with this in the log. */
export class RfbError extends Error {}
