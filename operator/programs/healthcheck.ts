// The image's HEALTHCHECK: asks /healthz of the operator beside it, and ends with 0 where that answers well. It takes the operator's
// own flags and variables, and needs no tool but Node.
import { get } from 'node:http';
import { ConfigurationError, readConfiguration } from '../config.ts';

const timeoutMilliseconds = 3_000;

/** Rejects where nobody answers in time. */
function statusOf(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host, port, path: '/healthz', signal: AbortSignal.timeout(timeoutMilliseconds) }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', reject);
  });
}

async function check(): Promise<string | undefined> {
  const request = readConfiguration(process.argv.slice(2), process.env);
  if (request.kind === 'Help')
    return 'it takes the flags of the operator, and of those --health-probe-bind-address counts';
  const { probeBindAddress: address } = request.configuration;
  if (address === undefined) return undefined; // told to listen nowhere: there is nothing to ask
  const status = await statusOf(address.host ?? '127.0.0.1', address.port);
  return status === 200 ? undefined : `/healthz on port ${address.port} answered ${status}`;
}

function words(error: unknown): string {
  if (error instanceof ConfigurationError) return error.message;
  return `/healthz can't be reached: ${error instanceof Error ? error.message : String(error)}`;
}

const failure = await check().catch(words);
if (failure !== undefined) process.stderr.write(`healthcheck: ${failure}\n`);
process.exitCode = failure === undefined ? 0 : 1;
