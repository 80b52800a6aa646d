// Three projects: unit (fast, in memory), e2e (the real control plane, one file at a time on two cores) and long (the same
// with big bursts and many rounds).
import { defineConfig } from 'vitest/config';

const onControlPlane = { globalSetup: ['e2e/setup/global.ts'], fileParallelism: false, hookTimeout: 300_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['operator/**/*.test.ts', 'hack/**/*.test.ts'] } },
      {
        test: {
          ...onControlPlane,
          name: 'e2e',
          include: ['e2e/**/*.e2e.test.ts'],
          exclude: ['e2e/long/**'],
          testTimeout: 120_000,
        },
      },
      { test: { ...onControlPlane, name: 'long', include: ['e2e/long/**/*.e2e.test.ts'], testTimeout: 3_600_000 } },
    ],
  },
});
