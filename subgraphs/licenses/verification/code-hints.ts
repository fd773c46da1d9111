import { z } from 'zod';
import { parseForeignJson } from '../../kernel/foreign/json.ts';

const headerForm = z.object({ kid: z.string().regex(/^[0-9a-f]{16}$/) });
const claimsForm = z.object({ i: z.string().max(120) });

/** Reads key id and identifier from a code without verifying them, to know which evidence to gather. */
export function readCodeHints(text: string): { kid: string | null; identifier: string | null } {
  const [headerPart = '', payloadPart = ''] = text
    .trim()
    .slice(text.trim().indexOf('#') + 1)
    .split('.');
  return {
    kid: headerForm.safeParse(parseJsonPart(headerPart)).data?.kid ?? null,
    identifier: claimsForm.safeParse(parseJsonPart(payloadPart)).data?.i ?? null,
  };
}

function parseJsonPart(part: string): unknown {
  try {
    return parseForeignJson(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
