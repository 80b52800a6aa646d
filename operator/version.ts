// The one place that knows the version: package.json.
import manifest from '../package.json' with { type: 'json' };

export const version: string = manifest.version;
