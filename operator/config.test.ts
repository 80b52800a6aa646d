import { describe, expect, it } from 'vitest';
import { shippedHeatDefaults } from './resources/heatobserver.ts';
import {
  ConfigurationError,
  type Configuration,
  help,
  operatorHeatDefaults,
  readConfiguration,
  settings,
} from './config.ts';

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
      metricsSecure: false,
      metricsCertName: 'tls.crt',
      metricsCertKey: 'tls.key',
      probeBindAddress: { host: undefined, port: 8081 },
      watchNamespaces: [],
      logLevel: 'info',
    });
  });

  it('reads several namespaces, each once', () => {
    expect(read(['--watch-namespace=research, ml,ml']).watchNamespaces).toEqual(['ml', 'research']);
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
    expect(read([], { WATCH_NAMESPACE: 'ml' }).watchNamespaces).toEqual(['ml']);
    expect(read(['--watch-namespace=research'], { WATCH_NAMESPACE: 'ml' }).watchNamespaces).toEqual(['research']);
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
      args: ['--watch-namespace=a b'],
      want: '--watch-namespace: "a b" can\'t be used: write names of namespaces such as ml,research, or leave it empty for all',
    },
    {
      args: ['--watch-namespace=a,'],
      want: '--watch-namespace: "a," can\'t be used: write names of namespaces such as ml,research, or leave it empty for all',
    },
    {
      args: ['--leader-election-namespace=a,b'],
      want: '--leader-election-namespace: "a,b" can\'t be used: write the name of one namespace',
    },
    {
      args: ['--metrics-bind-adress=:1'],
      want: '--metrics-bind-adress=:1: there is no such flag; did you mean --metrics-bind-address? --help lists them',
    },
    {
      args: ['--leader-election=true'],
      want: '--leader-election=true: there is no such flag; did you mean --leader-election-id? --help lists them',
    },
    {
      args: ['--metrics-secure'],
      want: '--metrics-secure needs a certificate, and none is made by itself: write with --metrics-cert-path the folder that holds tls.crt and tls.key, such as a mounted Secret of type kubernetes.io/tls; or --metrics-secure=false',
    },
    {
      args: ['--metrics-cert-path=/tls'],
      want: '--metrics-cert-path is for --metrics-secure, without which /metrics is served in plain text: write --metrics-secure too, or leave the path out',
    },
    {
      args: ['--metrics-cert-key=tls/tls.key'],
      want: '--metrics-cert-key: "tls/tls.key" can\'t be used: write the name of a file, such as tls.crt, without a folder',
    },
    { args: ['serve'], want: 'serve: there is no such flag; --help lists them' },
  ])('refuses $args in one line that says what to write', ({ args, want }) => {
    expect(refusal(args)).toBe(want);
  });

  it('needs no certificate where no metrics are served', () => {
    expect(read(['--metrics-secure', '--metrics-bind-address=0']).metricsSecure).toBe(true);
    expect(read(['--metrics-secure', '--metrics-cert-path=/tls']).metricsCertPath).toBe('/tls');
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

describe('the settings for HeatObservers', () => {
  it('H1, H3, H7: are by default what the requirements say', () => {
    expect(read()).toMatchObject({
      heatLookupPrefix: '',
      heatLateEnabled: true,
      heatLatePollMilliseconds: 100,
      heatLateMaxWaitMilliseconds: 2000,
      heatLateMaxWorkers: 4,
      heatLateMaxInFlight: 200,
      heatPlansStream: 'quantum:stream:apply.plan',
      heatAllowedHosts: [],
      heatAllowLocal: false,
    });
    expect(operatorHeatDefaults(read())).toEqual(shippedHeatDefaults);
  });

  it('H1, H3, H8: are read from the variables that the requirements name', () => {
    const configuration = read([], {
      P28_HEAT_LOOKUP_PREFIX: 'quantum:harvest:heat:by_plan:',
      P28_LATE_OBS_ENABLED: 'false',
      P28_LATE_OBS_POLL_MS: '10',
      P28_LATE_OBS_MAX_WAIT_MS: '0',
      P28_LATE_OBS_MAX_WORKERS: '64',
      P28_LATE_OBS_MAX_INFLIGHT: '200000',
      HEAT_STREAM_IN: 'plans',
    });
    expect(configuration.heatLookupPrefix).toBe('quantum:harvest:heat:by_plan:');
    expect(operatorHeatDefaults(configuration)).toEqual({
      plansStream: 'plans',
      late: { enabled: false, pollMilliseconds: 10, maxWaitMilliseconds: 0, maxWorkers: 64, maxInFlight: 200_000 },
    });
  });

  it('are flags too, and those win', () => {
    const environment = { P28_LATE_OBS_POLL_MS: '10', HEAT_STREAM_IN: 'plans' };
    const configuration = read(['--heat-late-poll-milliseconds=20', '--heat-stream-in', 'others'], environment);
    expect(configuration).toMatchObject({ heatLatePollMilliseconds: 20, heatPlansStream: 'others' });
    expect(read(['--heat-allow-local', '--log-level=debug']).heatAllowLocal).toBe(true);
  });

  it('take hosts as a list of names, addresses and wildcards', () => {
    const hosts = ['redis.ml.svc', '*.*.svc', '10.0.0.7', 'fd00::1', 'cache.example.com'];
    const text = 'redis.ml.svc, *.*.svc,10.0.0.7,fd00::1,Cache.Example.com';
    const { heatAllowedHosts } = read([], { ORQUANTA_HEAT_ALLOWED_HOSTS: text });
    expect(heatAllowedHosts).toEqual(hosts);
    expect(Object.isFrozen(heatAllowedHosts)).toBe(true);
  });

  const prefix = 'write a prefix without spaces, of at most 256 characters, or leave it empty for any';
  const stream = 'write the name of a stream without spaces, of at most 256 characters';
  const hosts =
    'write host names and addresses with commas between them, * for any one part: redis.ml.svc,*.cache.example.com';
  it.each([
    { variable: 'P28_HEAT_LOOKUP_PREFIX', value: 'heat by plan:', want: prefix },
    { variable: 'P28_HEAT_LOOKUP_PREFIX', value: 'heat:\n', want: prefix },
    { variable: 'P28_HEAT_LOOKUP_PREFIX', value: 'p'.repeat(257), want: prefix },
    { variable: 'P28_LATE_OBS_ENABLED', value: 'yes', want: 'write true or false' },
    { variable: 'P28_LATE_OBS_POLL_MS', value: '9', want: 'write a number from 10 to 10000' },
    { variable: 'P28_LATE_OBS_POLL_MS', value: '10001', want: 'write a number from 10 to 10000' },
    { variable: 'P28_LATE_OBS_POLL_MS', value: '100ms', want: 'write a number from 10 to 10000' },
    { variable: 'P28_LATE_OBS_MAX_WAIT_MS', value: '-1', want: 'write a number from 0 to 60000' },
    { variable: 'P28_LATE_OBS_MAX_WAIT_MS', value: '60001', want: 'write a number from 0 to 60000' },
    { variable: 'P28_LATE_OBS_MAX_WAIT_MS', value: '1e3', want: 'write a number from 0 to 60000' },
    { variable: 'P28_LATE_OBS_MAX_WORKERS', value: '0', want: 'write a number from 1 to 64' },
    { variable: 'P28_LATE_OBS_MAX_WORKERS', value: '65', want: 'write a number from 1 to 64' },
    { variable: 'P28_LATE_OBS_MAX_INFLIGHT', value: '0', want: 'write a number from 1 to 200000' },
    { variable: 'P28_LATE_OBS_MAX_INFLIGHT', value: '200001', want: 'write a number from 1 to 200000' },
    { variable: 'P28_LATE_OBS_MAX_INFLIGHT', value: ' ', want: 'write a number from 1 to 200000' },
    { variable: 'HEAT_STREAM_IN', value: 'apply plan', want: stream },
    { variable: 'HEAT_STREAM_IN', value: 's'.repeat(257), want: stream },
    { variable: 'ORQUANTA_HEAT_ALLOWED_HOSTS', value: 'redis://redis', want: hosts },
    { variable: 'ORQUANTA_HEAT_ALLOWED_HOSTS', value: 'redis:6379', want: hosts },
    { variable: 'ORQUANTA_HEAT_ALLOWED_HOSTS', value: 'redis*', want: hosts },
    { variable: 'ORQUANTA_HEAT_ALLOWED_HOSTS', value: 'redis,', want: hosts },
    { variable: 'ORQUANTA_HEAT_ALLOWED_HOSTS', value: '10.0.0.0/8', want: hosts },
    { variable: 'ORQUANTA_HEAT_ALLOW_LOCAL', value: '1', want: 'write true or false' },
  ])('refuse $variable=$value in one line that says what to write', ({ variable, value, want }) => {
    expect(refusal([], { [variable]: value })).toBe(`${variable}: ${JSON.stringify(value)} can't be used: ${want}`);
  });

  it('refuse an empty flag where a number must stand', () => {
    expect(refusal(['--heat-late-max-wait-milliseconds='])).toBe(
      '--heat-late-max-wait-milliseconds: "" can\'t be used: write a number from 0 to 60000',
    );
  });

  it('refuse a wait that would end before the second look', () => {
    const environment = { P28_LATE_OBS_POLL_MS: '500', P28_LATE_OBS_MAX_WAIT_MS: '499' };
    expect(refusal([], environment)).toBe(
      '--heat-late-max-wait-milliseconds [P28_LATE_OBS_MAX_WAIT_MS] (499) must not be below --heat-late-poll-milliseconds [P28_LATE_OBS_POLL_MS] (500): write e.g. 2000 and 100, or 0 for one look without a wait',
    );
    expect(read([], { ...environment, P28_LATE_OBS_MAX_WAIT_MS: '500' }).heatLateMaxWaitMilliseconds).toBe(500);
  });

  it.each(['quantum:stream:apply.heat.observed', 'quantum:stream:harvest.heat.decision'])(
    'refuse to read plans from %s',
    (value) => {
      expect(refusal([], { HEAT_STREAM_IN: value })).toBe(
        `--heat-stream-in [HEAT_STREAM_IN]: "${value}" can't be used: HeatObservers write to or look into that stream; write e.g. quantum:stream:apply.plan`,
      );
    },
  );
});
