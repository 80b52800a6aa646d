// The operator's log: pino, JSON with ISO timestamps for machines, or lines for a person's terminal.
import pino, { type Logger } from 'pino';
import type { Configuration } from './config.ts';

export async function createLogger({
  logLevel,
  logFormat,
}: Pick<Configuration, 'logLevel' | 'logFormat'>): Promise<Logger> {
  const options: pino.LoggerOptions = {
    level: logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.errWithCause },
  };
  if (logFormat === 'json') return pino(options);
  const { default: pretty } = await import('pino-pretty');
  return pino(options, pretty({ sync: true }));
}
