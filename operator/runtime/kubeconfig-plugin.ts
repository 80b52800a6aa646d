// Tokens from a kubeconfig's exec or auth provider plugin, by way of client-node. The only file that runs its code; load it
// dynamically, and never inside a cluster.
import { KubeConfig } from '@kubernetes/client-node';
import type { TokenSource } from './access.ts';

export function pluginTokens(path: string): TokenSource {
  let config: KubeConfig | undefined;
  return {
    async token() {
      // Client-node runs the plugin again when its token is about to expire.
      config ??= fromFile(path);
      const options: { headers?: Record<string, string> } = {};
      await config.applyToHTTPSOptions(options);
      return options.headers?.['Authorization']?.replace(/^Bearer /, '') ?? '';
    },
    refused() {
      config = undefined;
    },
  };
}

function fromFile(path: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(path);
  return config;
}
