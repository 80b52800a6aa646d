// Three projects: unit (fast, in memory), e2e (the real control plane, two of them side by side) and long (the same with big
// bursts and many rounds, one file at a time).
import { defineConfig } from 'vitest/config';
import { lanes } from './e2e/setup/lanes.ts';

const onControlPlane = { globalSetup: ['e2e/setup/global.ts'], hookTimeout: 300_000 };

export default defineConfig({
  test: {
    projects: [
      // A property's runs take as long as the machine lets them.
      { test: { name: 'unit', include: ['operator/**/*.test.ts', 'hack/**/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          ...onControlPlane,
          name: 'e2e',
          maxWorkers: lanes(process.env),
          include: ['e2e/**/*.e2e.test.ts'],
          exclude: ['e2e/long/**'],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          ...onControlPlane,
          name: 'long',
          maxWorkers: 1,
          include: ['e2e/long/**/*.e2e.test.ts'],
          testTimeout: 3_600_000,
        },
      },
    ],
  },
});
