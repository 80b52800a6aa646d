// Names of images, taken apart.
import { describe, expect, it } from 'vitest';
import { InvalidImage, readImage } from './image.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('readImage', () => {
  it.each([
    ['a name alone', 'orquanta', { name: 'orquanta' }],
    ['a name with a tag', 'team/orquanta:v1.2.3-rc.1', { name: 'team/orquanta', tag: 'v1.2.3-rc.1' }],
    ['a registry with a port', 'registry.example:5000/orquanta', { name: 'registry.example:5000/orquanta' }],
    ['that with a tag', 'localhost:5000/a/orquanta:1', { name: 'localhost:5000/a/orquanta', tag: '1' }],
    ['a digest', `team/orquanta@${digest}`, { name: 'team/orquanta', digest }],
    ['a tag and a digest', `team/orquanta:1@${digest}`, { name: 'team/orquanta', tag: '1', digest }],
  ])('reads %s', (_what, text, wanted) => {
    expect(readImage(text)).toEqual(wanted);
  });

  it.each([
    ['nothing', ''],
    ['a blank', 'team/orquanta :1'],
    ['capital letters in the name', 'Team/orquanta'],
    ['an empty tag', 'orquanta:'],
    ['a short digest', 'orquanta@sha256:abc'],
    ['an address', 'https://registry.example/orquanta'],
    ['a second line', 'orquanta:1\nname: x'],
  ])('refuses %s, and says how an image is written', (_what, text) => {
    expect(() => readImage(text)).toThrow(InvalidImage);
    expect(() => readImage(text)).toThrow('write registry/name:tag or registry/name@sha256:');
  });
});
