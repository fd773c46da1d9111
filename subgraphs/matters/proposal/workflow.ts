import { type Database, type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { sha256 } from '../../kernel/events/events.ts';
import type { Parse } from '../../kernel/foreign/pool.ts';
import type { LicenseType } from '../../kernel/license-type/type.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import {
  type ProposalDecision,
  recordDecision,
  recordProposal,
  recordWithdrawal,
} from '../../kernel/proposal/workflow.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { Format } from '../guide/file.ts';
import type { Guide } from '../guide/guide.ts';
import type { Overlay } from '../guide/overlay.ts';
import type { PublicationResult } from '../guide/version.ts';
import { publishGuide, publishOverlay, requireRead } from '../guide/workflow.ts';
import type { ParsedList } from '../import/csv.ts';
import type { ImportEntry } from '../import/store.ts';
import { type ImportOutcome, importList, requireBasis } from '../import/workflow.ts';
import type { TypePublication } from '../license-type/version.ts';
import { publishType, requireReadType } from '../license-type/workflow.ts';
import { findDelegation } from '../matter.ts';
import type { ParsedOrgans } from '../organ/list.ts';
import { importOrgans, type OrganImport } from '../organ/workflow.ts';
import type { PARSERS } from '../parsers.ts';
import { MATTERS_POLICY } from '../policy.ts';
import { findMatters, findOrgans } from '../store.ts';
import { IMPORT_PROPOSAL_POLICY } from './policy.ts';
import {
  computeEffectDigest,
  describeGuide,
  describeList,
  describeType,
  IMPORTS,
  type ImportContent,
  type ImportEffect,
  type ImportKind,
} from './proposal.ts';
import { findFiles, importStore, insertFile } from './store.ts';

/** Imports of files by two persons: an administrator proposes, another person approves exactly that file. */

export interface ImportDependencies {
  db: Database;
  now: Clock;
  /** Reads the files in workers. */
  parse: Parse<typeof PARSERS>;
}

/** A file as it was sent. */
export interface ImportFile {
  text: string;
  /** DELEGATIONS and ORGANS: the document that orders the change (依据), or null. */
  basis: string | null;
  /** GUIDE and GUIDE_OVERLAY, else null. */
  format: Format | null;
}

interface Contents {
  DELEGATIONS: ParsedList;
  GUIDE: Guide;
  GUIDE_OVERLAY: Overlay;
  LICENSE_TYPE: LicenseType;
  ORGANS: ParsedOrgans;
}
interface Results {
  DELEGATIONS: ImportOutcome;
  GUIDE: PublicationResult;
  GUIDE_OVERLAY: PublicationResult;
  LICENSE_TYPE: TypePublication;
  ORGANS: OrganImport;
}
/** Who is recorded, and when. */
interface Importer {
  id: string;
  name: string;
  at: Date;
}

/** How the files of one kind are read and carried out. */
interface ImportRule<Kind extends ImportKind> {
  read: (parse: ImportDependencies['parse'], file: ImportFile) => Promise<Contents[Kind]>;
  carryOut: (tx: Transaction, content: Contents[Kind], file: ImportFile, importer: Importer) => Promise<Results[Kind]>;
  describe: (result: Results[Kind]) => ImportEffect;
  /** Whether there is anything to approve. */
  changes: (result: Results[Kind]) => boolean;
  /** The organ that it acts for, whose approver decides. Null: another administrator decides. */
  findOrgan: (tx: Transaction, content: Contents[Kind], at: Date) => Promise<string | null>;
}

const isChanged = ({ changed }: PublicationResult) => changed;
const requireFormat = ({ format }: ImportFile): Format => {
  if (format === null) throw new Error('a guide without a format');
  return format;
};

const RULES: { readonly [Kind in ImportKind]: ImportRule<Kind> } = {
  DELEGATIONS: {
    read: (parse, { text }) => parse('parseList', text),
    carryOut: (tx, list, { text, basis }, importer) => importList(tx, list, { csv: text, basis }, importer),
    describe: ({ changes, unchanged }) => describeList(changes, unchanged),
    changes: ({ changes }) => changes.length > 0,
    findOrgan: async () => null,
  },
  GUIDE: {
    read: async (parse, file) =>
      requireRead(await parse('readGuideFile', { format: requireFormat(file), text: file.text })),
    carryOut: (tx, guide, _, { id, at }) => publishGuide(tx, guide, { publishedBy: id, publishedAt: at }),
    describe: describeGuide,
    changes: isChanged,
    findOrgan: async (tx, { matterId }, at) => (await findOrganPair(tx, matterId, at)).cityOrgan,
  },
  GUIDE_OVERLAY: {
    read: async (parse, file) =>
      requireRead(await parse('readOverlayFile', { format: requireFormat(file), text: file.text })),
    carryOut: (tx, overlay, _, { id, at }) => publishOverlay(tx, overlay, { publishedBy: id, publishedAt: at }),
    describe: describeGuide,
    changes: isChanged,
    async findOrgan(tx, { matterId, divisionCode }, at) {
      const { countyOrgan } = await findOrganPair(tx, matterId, at);
      const [organ] = await findOrgans(tx, [countyOrgan]);
      return organ?.divisionCode === divisionCode ? countyOrgan : null;
    },
  },
  LICENSE_TYPE: {
    read: async (parse, { text }) => requireReadType(await parse('readLicenseTypeFile', { text })),
    carryOut: (tx, type, _, { id, at }) => publishType(tx, type, { publishedBy: id, publishedAt: at }),
    describe: describeType,
    changes: ({ changed }) => changed,
    findOrgan: async () => null,
  },
  ORGANS: {
    read: (parse, { text }) => parse('parseOrgans', text),
    carryOut: importOrgans,
    describe: ({ differences, changed, unchanged }) => ({ differences, changed, unchanged }),
    changes: ({ changed }) => changed > 0,
    findOrgan: async () => null,
  },
};

/** Returns the organs of a matter today. Refuses MATTER_UNKNOWN. */
async function findOrganPair(tx: Transaction, matterId: string, at: Date) {
  const [matter] = await findMatters(tx, [matterId]);
  if (!matter) throw new Refusal('MATTER_UNKNOWN', 'text', matterId);
  return findDelegation(matter, dayOf(at)) ?? matter.row;
}

/** A proposed import, with what it changes or changed. */
export interface ImportResult<Kind extends ImportKind> {
  /** Null for a dry run, if nothing would change, and if the file has problems. */
  proposal: StoredProposal<ImportKind> | null;
  result: Results[Kind];
}

/**
 * Proposes to import a file. It is carried out once and rolled back, so it is refused here as it would be refused when
 * it is approved. Refuses ROLE_NOT_ALLOWED, PROPOSALS_TOO_MANY, and what reading and carrying out refuse.
 */
export async function proposeImport<Kind extends ImportKind>(
  { db, now, parse }: ImportDependencies,
  actor: Actor,
  { kind, dryRun, ...file }: ImportFile & { kind: Kind; dryRun: boolean },
): Promise<ImportResult<Kind>> {
  const proposer = requireAllowed(MATTERS_POLICY[IMPORTS[kind].mutation], null, actor);
  requireBasis(file.basis);
  const rule: ImportRule<Kind> = RULES[kind];
  const parsed = await rule.read(parse, file);
  return transact(db, dryRun, async (tx) => {
    const at = now();
    const result = await transact(tx, true, (inner) => rule.carryOut(inner, parsed, file, { ...proposer, at }));
    if (dryRun || !rule.changes(result)) return { proposal: null, result };
    const effect = rule.describe(result);
    const { differences, changed, unchanged } = effect;
    const content: ImportContent = {
      ...{ digest: sha256(file.text), basis: file.basis, format: file.format },
      ...{ effectDigest: computeEffectDigest(effect), changed, unchanged },
    };
    const organ = await rule.findOrgan(tx, parsed, at);
    const proposal = await recordProposal(tx, importStore, proposer, { kind, organ, content }, at);
    await insertFile(tx, { proposalId: proposal.id, file: file.text, differences: [...differences] });
    return { proposal, result };
  });
}

/** A decided import. What does not concern its kind is null. */
export interface ImportDecision {
  proposal: StoredProposal<ImportKind>;
  entry: ImportEntry | null;
  publication: PublicationResult | null;
  typePublication: TypePublication | null;
}

/**
 * Approves a proposed import, which carries out exactly its file, or rejects it with a reason. Refuses
 * PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, SECOND_PERSON_NEEDED, REASON_MISSING, what carrying out refuses, and
 * PROPOSAL_OUTDATED if it would no longer change what the proposal says, or acts for another organ now.
 */
export async function decideImport(
  { db, now, parse }: ImportDependencies,
  actor: Actor,
  { dryRun, ...decision }: ProposalDecision & { dryRun: boolean },
): Promise<ImportDecision> {
  const rule = IMPORT_PROPOSAL_POLICY.decideImport;
  const snapshot = await importStore.find(db, decision.proposal);
  if (!snapshot) throw new Refusal('PROPOSAL_UNKNOWN', 'proposal');
  requireAllowed(rule, snapshot, actor);
  const carryOut = decision.approve ? await prepareImport({ db, now, parse }, snapshot) : null;
  return transact(db, dryRun, async (tx) => {
    const at = now();
    const proposal = await recordDecision(tx, importStore, { rule, actor, at }, decision);
    const result = carryOut && (await carryOut(tx, at));
    const entry = result && 'entry' in result ? result.entry : null;
    return {
      ...{ proposal, entry: dryRun ? null : entry },
      publication: result && 'guide' in result ? result : null,
      typePublication: result && 'licenseType' in result ? result : null,
    };
  });
}

/** Reads the file of a proposal. Returns the function that carries it out, and refuses PROPOSAL_OUTDATED. */
async function prepareImport<Kind extends ImportKind>(
  { db, parse }: ImportDependencies,
  { id, kind, organ, content, proposedById, proposedBy }: StoredProposal<Kind>,
): Promise<(tx: Transaction, at: Date) => Promise<Results[Kind]>> {
  const rule: ImportRule<Kind> = RULES[kind];
  const { digest, basis, format, effectDigest } = JSON.parse(content) as ImportContent;
  const [stored] = await findFiles(db, [id]);
  if (!stored || sha256(stored.file) !== digest) throw new Error(`the file of proposal ${id} is not the proposed one`);
  const file = { text: stored.file, basis, format };
  const parsed = await rule.read(parse, file);
  return async (tx, at) => {
    // A matter may have moved to another organ. That organ's approver decides then, on a new proposal.
    if ((await rule.findOrgan(tx, parsed, at)) !== organ) throw new Refusal('PROPOSAL_OUTDATED', 'proposal');
    const result = await rule.carryOut(tx, parsed, file, { id: proposedById, name: proposedBy, at });
    if (computeEffectDigest(rule.describe(result)) !== effectDigest) throw new Refusal('PROPOSAL_OUTDATED', 'proposal');
    return result;
  };
}

/** Withdraws a waiting import. Only its author may. Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, NOT_YOUR_RECORD. */
export function withdrawImport(
  { db, now }: ImportDependencies,
  actor: Actor,
  { proposal: id, dryRun }: { proposal: string; dryRun: boolean },
): Promise<ImportDecision> {
  return transact(db, dryRun, async (tx) => {
    const author = { rule: IMPORT_PROPOSAL_POLICY.withdrawImport, actor, at: now() };
    const proposal = await recordWithdrawal(tx, importStore, author, id);
    return { proposal, entry: null, publication: null, typePublication: null };
  });
}
