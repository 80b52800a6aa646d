// One Markdown page as what can be checked of it: headings as GitHub makes anchors of them, links, code in a line, code in blocks.
// It knows Markdown and no meaning.
import GithubSlugger from 'github-slugger';
import { marked, type Token, type Tokens } from 'marked';

export interface CodeBlock {
  /** The first word behind the fence. */
  readonly language: string;
  readonly text: string;
  /** The HTML comment right above it; empty: none. */
  readonly remark: string;
}

export interface Page {
  /** From the repository's root. */
  readonly path: string;
  readonly anchors: ReadonlySet<string>;
  /** As written, `#anchor` included. */
  readonly links: readonly string[];
  readonly codeSpans: readonly string[];
  readonly blocks: readonly CodeBlock[];
  /** The first cell of each table row. */
  readonly firstCells: readonly string[];
}

export function readPage(path: string, markdown: string): Page {
  const tokens = marked.lexer(markdown);
  const slugger = new GithubSlugger();
  const anchors = new Set<string>();
  const links: string[] = [];
  const codeSpans: string[] = [];
  const firstCells: string[] = [];
  void marked.walkTokens(tokens, (token) => {
    if (token.type === 'heading') anchors.add(slugger.slug(plainText(token.tokens ?? [])));
    if (token.type === 'link' || token.type === 'image') links.push((token as Tokens.Link).href);
    if (token.type === 'codespan') codeSpans.push((token as Tokens.Codespan).text);
    if (token.type === 'table') firstCells.push(...(token as Tokens.Table).rows.map(([cell]) => textOf(cell)));
  });
  return { path, anchors, links, codeSpans, blocks: [...blocksOf(tokens)], firstCells };
}

function textOf(cell: Tokens.TableCell | undefined): string {
  return plainText(cell?.tokens ?? []);
}

function plainText(tokens: readonly Token[]): string {
  return tokens
    .map((token) => {
      const { tokens: inner } = token as { tokens?: readonly Token[] };
      return inner === undefined ? textIn(token) : plainText(inner);
    })
    .join('');
}

function textIn(token: Token): string {
  return 'text' in token ? String(token.text) : token.raw;
}

/** In the order of the page, those in lists too. */
function* blocksOf(tokens: readonly Token[]): Generator<CodeBlock> {
  let remark = '';
  for (const token of tokens) {
    if (token.type === 'code') {
      const { lang = '', text } = token as Tokens.Code;
      yield { language: lang.split(' ')[0] ?? '', text, remark };
    }
    if (token.type === 'list') {
      for (const item of (token as Tokens.List).items) yield* blocksOf(item.tokens);
    }
    if (token.type !== 'space') remark = token.type === 'html' ? remarkIn(token.raw) : '';
  }
}

function remarkIn(html: string): string {
  return /<!--\s*(.*?)\s*-->/s.exec(html)?.[1] ?? '';
}
