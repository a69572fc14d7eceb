// Markdown as nodes, never as HTML: what a model writes cannot become an element of its own choice.
// Pictures are shown as links, since loading one would tell its server what was said.
import { lexer, type MarkedToken, type Token, type Tokens } from "marked";
import type { ComponentChild, VNode } from "preact";
import { useMemo } from "preact/hooks";
import { CopyButton } from "./copyButton";
import "./markdown.css";

/** Addresses that a link may have. */
const SAFE_ADDRESS = /^(https?|mailto):/i;

/** A text of a model. */
export function Markdown({ text }: { text: string }) {
  return (
    <div class="prose">
      {blocksOf(text).map((token, at) => (
        <Block key={at} token={token} />
      ))}
    </div>
  );
}

function blocksOf(text: string): Token[] {
  try {
    return lexer(text, { gfm: true, breaks: true });
  } catch {
    // Nested too deeply to be read.
    return [{ type: "text", raw: text, text }];
  }
}

/** Drawn once for the same text: while an answer grows, only its last block changes. */
function Block({ token }: { token: Token }): VNode | null {
  return useMemo(() => <>{node(token, 0)}</>, [token.raw]);
}

/** Deeper ones are shown as they were written. */
const DEPTH_LIMIT = 24;

function node(generic: Token, depth: number): ComponentChild {
  const token = generic as MarkedToken;
  if (depth > DEPTH_LIMIT) return token.raw;
  const inner = (tokens: readonly Token[]): ComponentChild[] =>
    tokens.map((each) => node(each, depth + 1));
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "hr":
      return <hr class="rule" />;
    case "br":
      return <br />;
    case "heading":
      return <h3 class="prose-heading">{inner(token.tokens)}</h3>;
    case "paragraph":
      return <p>{inner(token.tokens)}</p>;
    case "blockquote":
      return <blockquote>{inner(token.tokens)}</blockquote>;
    case "list":
      return list(token, inner(token.items));
    case "list_item":
      return <li>{inner(token.tokens)}</li>;
    case "checkbox":
      return token.checked ? "☑ " : "☐ ";
    case "table":
      return <Table head={token.header} rows={token.rows} inner={inner} />;
    case "code":
      return <Code language={token.lang ?? ""} text={token.text} />;
    case "codespan":
      return <code>{token.text}</code>;
    case "strong":
      return <strong>{inner(token.tokens)}</strong>;
    case "em":
      return <em>{inner(token.tokens)}</em>;
    case "del":
      return <del>{inner(token.tokens)}</del>;
    case "link":
      return <Address href={token.href}>{inner(token.tokens)}</Address>;
    case "image":
      return <Address href={token.href}>{token.text || token.href}</Address>;
    case "escape":
      return token.text;
    case "html":
      return token.raw;
    case "text":
      return "tokens" in token && token.tokens ? inner(token.tokens) : decoded(token.text);
    default:
      return generic.raw;
  }
}

const ENTITIES: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": "\u00a0",
};

/** The character references that models write. */
function decoded(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|nbsp|#39);/g, (entity) => ENTITIES[entity] ?? entity);
}

function list({ ordered, start }: Tokens.List, items: ComponentChild[]): VNode {
  return ordered ? <ol start={start === "" ? 1 : start}>{items}</ol> : <ul>{items}</ul>;
}

interface TableProps {
  head: Tokens.TableCell[];
  rows: Tokens.TableCell[][];
  inner: (tokens: readonly Token[]) => ComponentChild[];
}

function Table({ head, rows, inner }: TableProps) {
  const cells = (row: Tokens.TableCell[], Tag: "th" | "td"): ComponentChild[] =>
    row.map(({ tokens, align }, at) => (
      <Tag key={at} data-align={align ?? undefined}>
        {inner(tokens)}
      </Tag>
    ));
  return (
    <div class="prose-table">
      <table>
        <thead>
          <tr>{cells(head, "th")}</tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>{cells(row, "td")}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Code({ language, text }: { language: string; text: string }) {
  return (
    <figure class="prose-code" data-testid="code-block">
      <figcaption>
        <span class="clip">{language || "text"}</span>
        <CopyButton text={text} label="Copy the code" testid="copy-code" />
      </figcaption>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}

function Address({ href, children }: { href: string; children: ComponentChild }) {
  if (!SAFE_ADDRESS.test(href)) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}
