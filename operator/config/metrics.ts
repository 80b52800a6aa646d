// The settings of /metrics: where it listens, and who may read it. The names of the flags are those of kubebuilder's scaffold.
import { z } from 'zod';
import { ConfigurationError, setting } from './setting.ts';
import { bindAddress, boolean } from './values.ts';

/** Of a file in a folder, as a key of a Secret is one. */
const fileName = z.string().regex(/^[-._a-zA-Z0-9]+$/, 'write the name of a file, such as tls.crt, without a folder');

export const metricsSettings = {
  metricsBindAddress: setting('metrics-bind-address', ':8080', bindAddress, 'Where /metrics listens; 0 turns it off.'),
  metricsSecure: setting(
    'metrics-secure',
    'false',
    boolean,
    'Serve /metrics over HTTPS, and only to whoever brings a bearer token that may `get` it. Needs --metrics-cert-path.',
  ),
  metricsCertPath: setting(
    'metrics-cert-path',
    '',
    z.string(),
    'The folder with the certificate and its key for /metrics, e.g. a mounted Secret. A new certificate is served without a restart.',
  ),
  metricsCertName: setting('metrics-cert-name', 'tls.crt', fileName, 'Name of the certificate in that folder.'),
  metricsCertKey: setting('metrics-cert-key', 'tls.key', fileName, 'Name of its key in that folder.'),
} as const;

type MetricsSettings = typeof metricsSettings;
export type MetricsConfiguration = Readonly<{ [K in keyof MetricsSettings]: z.output<MetricsSettings[K]['schema']> }>;

/** What no single setting can tell. */
export function checkMetrics({ metricsBindAddress, metricsSecure, metricsCertPath }: MetricsConfiguration): void {
  if (metricsSecure && metricsBindAddress !== undefined && metricsCertPath === '') {
    throw new ConfigurationError(
      '--metrics-secure needs a certificate, and none is made by itself: write with --metrics-cert-path the folder that holds tls.crt and tls.key, such as a mounted Secret of type kubernetes.io/tls; or --metrics-secure=false',
    );
  }
  if (!metricsSecure && metricsCertPath !== '') {
    throw new ConfigurationError(
      '--metrics-cert-path is for --metrics-secure, without which /metrics is served in plain text: write --metrics-secure too, or leave the path out',
    );
  }
}
