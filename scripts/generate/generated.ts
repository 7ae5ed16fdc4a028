/** Path from the root → content. */
export type Generated = Map<string, string>;
