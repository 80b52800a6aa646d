// The house rules that a linter can hold: strict types, small functions, imports that point inward.
import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const pure = [
  'operator/placement/**',
  'operator/gpujob/decide/**',
  'operator/gpujob/evidence/**',
  'operator/policy/mutate.ts',
];

export default tseslint.config(
  { ignores: ['node_modules', 'dist', 'bin', '.tools', 'coverage', 'eslint.config.js'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    rules: {
      complexity: ['error', 15],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            {
              target: 'operator/runtime',
              from: 'operator',
              except: ['./runtime'],
              message: 'runtime holds no domain word.',
            },
            {
              target: 'operator/resources',
              from: 'operator',
              except: ['./resources'],
              message: 'resources is the innermost room.',
            },
            {
              target: 'operator/placement',
              from: 'operator',
              except: ['./placement', './resources/quantity.ts', './resources/weights.ts'],
              message: 'placement is pure and knows cards only.',
            },
            { target: 'operator', from: ['hack', 'e2e'], message: 'The operator imports nothing of its surroundings.' },
          ],
        },
      ],
    },
  },
  {
    files: ['operator/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'kubernetes-fluent-client', message: 'It serves e2e, hack and code generation only.' }] },
      ],
    },
  },
  {
    // Rule 1 of shared/design.md: pure and total. No clock, no randomness, no I/O, no logger.
    files: pure,
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        'process',
        'setTimeout',
        'setInterval',
        'setImmediate',
        'fetch',
        'performance',
        'console',
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time is passed in.' },
        { object: 'Math', property: 'random', message: 'Randomness is passed in.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['node:*', '!node:util', 'undici', 'pino', 'prom-client'], message: 'This room is pure.' },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.test.ts', 'e2e/**'],
    rules: { 'max-lines': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
