import type { AdmissionPlugin } from '../plugin.ts';

/**
 * The API server's own plug-ins that the engine has a copy of, besides the two that call webhooks. Their order here means
 * nothing: `orderPlugins()` puts them in the API server's.
 */
export const simulatedPlugins: readonly AdmissionPlugin[] = [];
