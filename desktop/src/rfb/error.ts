/** A viewer broke the RFB protocol: its connection ends, with this error in the log. */
export class RfbError extends Error {}
