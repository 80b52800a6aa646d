import { describe, expect, it } from 'vitest';
import { ConfigurationError, type Configuration, help, readConfiguration, settings } from './config.ts';

function read(args: readonly string[] = [], environment: Record<string, string> = {}): Configuration {
  const request = readConfiguration(args, environment);
  if (request.kind !== 'Run') throw new Error('expected a configuration');
  return request.configuration;
}

function refusal(args: readonly string[], environment: Record<string, string> = {}): string {
  try {
    read(args, environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('readConfiguration', () => {
  it('has the defaults people know from controller-runtime', () => {
    expect(read()).toMatchObject({
      leaderElect: true,
      leaseDurationMilliseconds: 15_000,
      renewDeadlineMilliseconds: 10_000,
      retryPeriodMilliseconds: 2_000,
      metricsBindAddress: { host: undefined, port: 8080 },
      probeBindAddress: { host: undefined, port: 8081 },
      watchNamespace: '',
      logLevel: 'info',
    });
  });

  it('is frozen', () => {
    expect(Object.isFrozen(read())).toBe(true);
  });

  it.each([
    { name: '--flag=value', args: ['--leader-elect-lease-duration=1m30s'] },
    { name: '--flag value', args: ['--leader-elect-lease-duration', '1m30s'] },
    { name: '-flag=value, as Go programs take it', args: ['-leader-elect-lease-duration=1m30s'] },
  ])('reads $name', ({ args }) => {
    expect(read(args).leaseDurationMilliseconds).toBe(90_000);
  });

  it('takes a switch alone for true, and does not eat what follows it', () => {
    expect(read(['--leader-elect', '--log-level=debug'])).toMatchObject({ leaderElect: true, logLevel: 'debug' });
    expect(read(['--leader-elect=false']).leaderElect).toBe(false);
  });

  it('prefers a flag to its variable, and a variable to the default; an empty variable is none', () => {
    expect(read([], { WATCH_NAMESPACE: 'ml' }).watchNamespace).toBe('ml');
    expect(read(['--watch-namespace=research'], { WATCH_NAMESPACE: 'ml' }).watchNamespace).toBe('research');
    expect(read([], { ORQUANTA_LOG_LEVEL: '' }).logLevel).toBe('info');
  });

  it.each([
    { text: ':0', want: { host: undefined, port: 0 } },
    { text: '127.0.0.1:9090', want: { host: '127.0.0.1', port: 9090 } },
    { text: '[::1]:9090', want: { host: '::1', port: 9090 } },
    { text: '0', want: undefined },
  ])('reads the address $text', ({ text, want }) => {
    expect(read([`--metrics-bind-address=${text}`]).metricsBindAddress).toEqual(want);
  });

  it.each([
    {
      args: ['--metrics-bind-address=8080'],
      want: '--metrics-bind-address: "8080" can\'t be used: write :8080, 127.0.0.1:8080, or 0 to listen nowhere',
    },
    {
      args: ['--metrics-bind-address=:99999'],
      want: '--metrics-bind-address: ":99999" can\'t be used: write :8080, 127.0.0.1:8080, or 0 to listen nowhere',
    },
    { args: ['--log-level=loud'], want: '--log-level: "loud" can\'t be used: write debug, info, warn or error' },
    {
      args: ['--bind-timeout=10'],
      want: '--bind-timeout: "10" can\'t be used: write a duration such as 15s, 500ms or 1m30s',
    },
    {
      args: ['--watch-namespace=a,b'],
      want: '--watch-namespace: "a,b" can\'t be used: write the name of one namespace, or leave it empty for all',
    },
    {
      args: ['--metrics-bind-adress=:1'],
      want: '--metrics-bind-adress=:1: there is no such flag; did you mean --metrics-bind-address? --help lists them',
    },
    {
      args: ['--leader-election=true'],
      want: '--leader-election=true: there is no such flag; did you mean --leader-election-id? --help lists them',
    },
    { args: ['serve'], want: 'serve: there is no such flag; --help lists them' },
  ])('refuses $args in one line that says what to write', ({ args, want }) => {
    expect(refusal(args)).toBe(want);
  });

  it('names the variable where the value came from there', () => {
    expect(refusal([], { ORQUANTA_LOG_FORMAT: 'xml' })).toBe(
      'ORQUANTA_LOG_FORMAT: "xml" can\'t be used: write json or text',
    );
  });

  it('refuses lease times with which two could lead at once', () => {
    expect(refusal(['--leader-elect-renew-deadline=15s'])).toContain(
      'must be longer than --leader-elect-renew-deadline (15000ms)',
    );
    expect(refusal(['--leader-elect-retry-period=9s'])).toContain('1.2 times --leader-elect-retry-period (9000ms)');
    expect(read(['--leader-elect=false', '--leader-elect-retry-period=9s']).leaderElect).toBe(false);
  });

  it('answers --help with every flag and its variable', () => {
    expect(readConfiguration(['--help'], {})).toEqual({ kind: 'Help' });
    for (const { flag, variable } of Object.values(settings)) {
      expect(help('')).toContain(`--${flag}`);
      expect(help('')).toContain(`[${variable}]`);
    }
  });
});
