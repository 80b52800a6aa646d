// What the runtime relies on an API server to do, and what runtime and server must do together: one suite, run on the
// in-memory server and on a real one, so that a test that passes in memory means something.
import { describe } from 'vitest';
import { followingContract } from './contract/following.ts';
import { leadingContract } from './contract/leading.ts';
import { readingContract } from './contract/reading.ts';
import { World } from './contract/world.ts';
import type { ContractServer } from './contract/world.ts';
import { writingContract } from './contract/writing.ts';

export type { ContractServer } from './contract/world.ts';

export function apiServerContract(name: string, startServer: () => Promise<ContractServer>): void {
  describe(`${name} as an API server`, () => {
    const world = new World(startServer, 'JSON');
    writingContract(world);
    readingContract(world);
    followingContract(world);
    leadingContract(world);
  });
}

/** What is read, and followed, is the same where it comes as protobuf. */
export function protobufContract(name: string, startServer: () => Promise<ContractServer>): void {
  describe(`${name} as an API server that sends protobuf`, () => {
    const world = new World(startServer, 'protobuf');
    readingContract(world);
    followingContract(world);
  });
}
