/** Properties by name: `string`, `EnvVarSource`, `[]EnvVar`, `{}string`; with `!` at the end a required one. */
export type KubeTypes = Readonly<Record<string, Readonly<Record<string, string>>>>;
