import { HTTP_PORT } from '../objects/api-env.ts';

/** What the profile `tls` of the Compose file serves. */
export const caddyfile = (): string => `# Written by \`npm run update\`; the variables are those of compose.yaml.
{
	admin off
	# its own authority is for whoever fetches its certificate from the volume, not for this container
	skip_install_trust
}

{$STREAMSPACE_SITE} {
	tls {$STREAMSPACE_TLS}
	reverse_proxy hub:${HTTP_PORT}
}
`;
