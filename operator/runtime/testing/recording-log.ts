// A log that keeps what it is told, for tests of what an operator says.
import type { Log } from '../log.ts';

export interface LogLine extends Record<string, unknown> {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
}

export function recordingLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  return { log: logTo(lines, {}), lines };
}

function logTo(lines: LogLine[], common: object): Log {
  const at = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ ...common, ...fields, level, message });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => logTo(lines, { ...common, ...fields }),
  };
}
