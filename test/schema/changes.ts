import { CriticalityLevel, diff } from '@graphql-inspector/core';
import type { GraphQLSchema } from 'graphql';

/** A change of the graph that breaks somebody who uses the last release. */
export interface BreakingChange {
  /** Coordinate, such as `License.number` or `MatterFilter`. */
  path: string;
  message: string;
}

/** What the list of breaking changes in the change log and the graph say differently. */
export interface ChangeReport {
  /** Breaking changes that no line of the list names. */
  unlisted: readonly BreakingChange[];
  /** Patterns of the list that name no breaking change. */
  stale: readonly string[];
}

const HEADING = '### Breaking changes of the graph';

/**
 * Returns the coordinates that the change log lists as broken since the last release: what stands in backticks at the
 * beginning of each bullet below the heading, before the colon. A `*` stands for any name.
 */
export function readListedChanges(changelog: string): string[] {
  const unreleased = changelog.split(/^## /m).find((section) => section.startsWith('Unreleased')) ?? '';
  const list = unreleased.split(HEADING)[1]?.split(/^###? /m)[0] ?? '';
  const heads = [...list.matchAll(/^- ((?:`[^`]+`(?:,\s+)?)+):/gm)].map(([, head = '']) => head);
  return heads.flatMap((head) => [...head.matchAll(/`([^`]+)`/g)].map(([, pattern = '']) => pattern));
}

/** Returns every change between two schemas that breaks a caller of the old one. */
async function listBreakingChanges(old: GraphQLSchema, current: GraphQLSchema): Promise<BreakingChange[]> {
  const changes = await diff(old, current);
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ path, message }) => ({ path: path ?? '', message }));
}

/** Whether a pattern names a coordinate, or something inside what it names: `License` names `License.number` too. */
function names(pattern: string, path: string): boolean {
  const parts = pattern.split('.');
  const places = path.split('.');
  return parts.length <= places.length && parts.every((part, i) => part === '*' || part === places[i]);
}

/** Compares what broke between two schemas with what the change log lists. */
export async function compareChanges(
  old: GraphQLSchema,
  current: GraphQLSchema,
  changelog: string,
): Promise<ChangeReport> {
  const breaking = await listBreakingChanges(old, current);
  const listed = readListedChanges(changelog);
  return {
    unlisted: breaking.filter(({ path }) => !listed.some((pattern) => names(pattern, path))),
    stale: listed.filter((pattern) => !breaking.some(({ path }) => names(pattern, path))),
  };
}
