// The one line of evidence that goes into status: short, printable, well-formed, with what looks like a secret masked.
// A log's tail may hold anything (shared/design.md, failure rules), so it masks rather too much than too little.

export const maxExcerptLength = 256;
/** How much of a long line is kept before the place that matched. */
const leadLength = 48;
const mask = '***';

// Every repetition is bounded, so masking is linear. Order matters: a whole header before its single words.
const secrets: readonly (readonly [RegExp, string])[] = [
  [/(\bbearer\s{1,4}|\bbasic\s{1,4})[\w.~+/=-]{6,4000}/gi, `$1${mask}`],
  [/(:\/\/[^\s:/@]{0,100}:)[^\s@/]{1,200}@/g, `$1${mask}@`],
  [/\beyJ[\w-]{6,4000}(?:\.[\w-]{0,4000}){0,2}/g, mask],
  [/\b(?:hf_|gh[opsru]_|github_pat_|glpat-|sk-|xox[abeoprs]-|nvapi-|AKIA|ASIA|AIza|ya29\.)[\w-]{6,400}/g, mask],
  [
    /((?:api[_-]?key|access[_-]?key(?:[_-]?id)?|_key|-key|secret|token|passw(?:or)?d|pwd|credentials?|authorization|signature)["']{0,2}\s{0,3}[=:]\s{0,3}["']?)[^\s"',;&)]{4,4000}/gi,
    `$1${mask}`,
  ],
  // Hashes, keys and base64 without a name. Paths have slashes and are left alone.
  [/(?<![\w+-])(?=[\w+-]{0,60}\d)[A-Za-z0-9_+-]{40,4000}={0,2}/g, mask],
];

/** At most 256 characters of a line around `matchedAt`. */
export function excerpt(line: string, matchedAt = 0): string {
  const masked = secrets.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
  const clean = masked
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim();
  if (clean.length <= maxExcerptLength) return clean;
  // Masking may have moved the match: it only ever makes the text before it shorter or a little longer, so look again.
  const anchor = clean.indexOf(line.slice(matchedAt, matchedAt + 16));
  const start = wholeCharacterAt(clean, Math.max(0, (anchor === -1 ? matchedAt : anchor) - leadLength));
  return clean.slice(start, wholeCharacterAt(clean, start + maxExcerptLength)).trim();
}

/** The index itself, or one less where it would cut a surrogate pair in two. */
function wholeCharacterAt(text: string, index: number): number {
  const isLowSurrogate = (text.charCodeAt(index) & 0xfc00) === 0xdc00;
  return isLowSurrogate && index > 0 ? index - 1 : index;
}
