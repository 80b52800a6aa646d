// What a process has used so far, as the kernel counts it (proc(5)); Linux only.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** User and system, over all threads, since its start. */
  readonly cpuSeconds: number;
  readonly residentMebibytes: number;
  /** The most it ever had. */
  readonly peakResidentMebibytes: number;
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

function mebibytes(status: string, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return Number(kibibytes) / 1024;
}

export function processUsage(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name in parentheses come state (field 3) and, as fields 14 and 15, utime and stime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    residentMebibytes: mebibytes(status, 'VmRSS'),
    peakResidentMebibytes: mebibytes(status, 'VmHWM'),
  };
}
